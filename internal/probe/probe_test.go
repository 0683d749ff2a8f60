package probe

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"
)

func ok(w http.ResponseWriter, _ *http.Request) {
	_, _ = io.WriteString(w, "apiVersion: v1\nentries: {}\n")
}

// TestTrustedBy connects to a server with a private CA, with every set of roots.
func TestTrustedBy(t *testing.T) {
	corp, other := newAuthority(t, "Corp root"), newAuthority(t, "Other root")
	server := serve(t, withCert(corp.issue(t, nil, "127.0.0.1")), http.HandlerFunc(ok))
	bundle := []*x509.Certificate{corp.cert}
	for name, tc := range map[string]struct {
		options Options
		change  func(*Target)
		want    string
	}{
		"the bundle":                      {Options{Bundle: bundle, System: pool(other.cert)}, nil, "bundle"},
		"the system roots":                {Options{Bundle: []*x509.Certificate{other.cert}, System: pool(corp.cert)}, nil, "system roots"},
		"both":                            {Options{Bundle: bundle, System: pool(corp.cert)}, nil, "system roots, bundle"},
		"the object's own":                {Options{System: pool()}, func(t *Target) { t.Secrets.Cert = secretWith(bundle, nil) }, "certSecretRef"},
		"the object's own, beside others": {Options{Bundle: bundle, System: pool()}, func(t *Target) { t.Secrets.Cert = secretWith([]*x509.Certificate{other.cert}, nil) }, "bundle"},
		"the object's own alone":          {Options{Bundle: bundle, System: pool(corp.cert)}, func(t *Target) { t.Kind, t.Secrets.Cert = Provider, secretWith([]*x509.Certificate{other.cert}, nil) }, "RootsReplaced"},
		"no root":                         {Options{System: pool()}, nil, "UnknownAuthority"},
		"another root":                    {Options{Bundle: []*x509.Certificate{other.cert}, System: pool()}, nil, "UnknownAuthority"},
		"a controller without the bundle": {Options{Bundle: bundle, System: pool()}, func(t *Target) { t.Controller.Bundle = false }, "BundleNotMounted"},
		"the bundle instead":              {Options{Bundle: []*x509.Certificate{other.cert}, System: pool(corp.cert), ReplaceSystem: true}, nil, "RootsReplaced"},
	} {
		t.Run(name, func(t *testing.T) {
			source := target(t, Host, server.URL)
			if tc.change != nil {
				tc.change(&source)
			}
			got := Run(t.Context(), []Target{source}, tc.options)
			if len(got) != 1 {
				t.Fatalf("%d reports, want 1", len(got))
			}
			r := got[0]
			outcome := strings.Join(r.TrustedBy, ", ")
			if r.Result == Failed {
				outcome = string(r.Failure.Code)
			}
			if outcome != tc.want {
				t.Errorf("got %q, want %q: %+v", outcome, tc.want, r)
			}
			// Whatever carries it: what was presented is shown.
			if len(r.Chain) != 2 || r.Chain[0].Subject != "CN=127.0.0.1" || r.Chain[0].Issuer != "CN=Corp root" || !strings.HasPrefix(r.Chain[1].Fingerprint, "sha256:") {
				t.Errorf("chain %+v", r.Chain)
			}
		})
	}
}

// TestFailures runs into every failure that a server on 127.0.0.1 can show, and
// none of them may be taken for another.
func TestFailures(t *testing.T) {
	corp := newAuthority(t, "Corp root")
	good := corp.issue(t, nil, "127.0.0.1")
	https := func(config *tls.Config, handler http.HandlerFunc) string { return serve(t, config, handler).URL }
	expired := corp.issue(t, func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }, "127.0.0.1")
	future := corp.issue(t, func(c *x509.Certificate) { c.NotBefore = time.Now().Add(time.Hour) }, "127.0.0.1")
	client := corp.issue(t, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} }, "127.0.0.1")
	for name, tc := range map[string]struct {
		address string
		want    Code
		text    string
	}{
		"expired":            {https(withCert(expired), ok), Expired, "x509: certificate has expired or is not yet valid: current time"},
		"not yet valid":      {https(withCert(future), ok), NotYetValid, "is before"},
		"wrong name":         {https(withCert(corp.issue(t, nil, "charts.example.com")), ok), NoIPAddress, "x509: cannot validate certificate for 127.0.0.1 because it doesn't contain any IP SANs"},
		"not for servers":    {https(withCert(client), ok), KeyUsage, "incompatible key usage"},
		"TLS 1.1 only":       {https(&tls.Config{Certificates: []tls.Certificate{good}, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}, ok), OldTLS, "tls: protocol version not supported"},
		"client certificate": {https(&tls.Config{Certificates: []tls.Certificate{good}, ClientAuth: tls.RequireAnyClientCert}, ok), ClientCertificate, "tls: certificate required"},
		"client, TLS 1.2":    {https(&tls.Config{Certificates: []tls.Certificate{good}, ClientAuth: tls.RequireAnyClientCert, MaxVersion: tls.VersionTLS12}, ok), HandshakeRefused, "tls: handshake failure"},
		"no common cipher":   {https(&tls.Config{Certificates: []tls.Certificate{good}, MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_RSA_WITH_RC4_128_SHA}}, ok), HandshakeRefused, "tls: handshake failure"},
		"plain HTTP":         {strings.Replace(listen(t, func(c net.Conn) { _, _ = io.WriteString(c, "HTTP/1.1 400 Bad Request\r\n\r\n") }), "tcp:", "https:", 1), NotTLS, ""},
		"another protocol":   {strings.Replace(listen(t, func(c net.Conn) { _, _ = io.WriteString(c, "220 smtp.example.com ESMTP\r\n") }), "tcp:", "https:", 1), NotTLS, "first record does not look like a TLS handshake"},
		"closes":             {strings.Replace(listen(t, func(net.Conn) {}), "tcp:", "https:", 1), Closed, ""},
		"hangs":              {strings.Replace(listen(t, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }), "tcp:", "https:", 1), Timeout, ""},
		"nothing listens":    {"https://" + freeAddress(t), Refused, "connection refused"},
		"no index":           {https(withCert(good), http.NotFound), HTTPStatus, "HTTP 404 Not Found for index.yaml"},
		"hangs in the answer": {https(withCert(good), func(w http.ResponseWriter, r *http.Request) {
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		}), Timeout, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			timeout := time.Minute
			if tc.want == Timeout {
				timeout = 2 * time.Second // these servers never answer, so only the timeout ends the test
			}
			got := Run(t.Context(), []Target{target(t, HelmRepository, tc.address)}, Options{Bundle: []*x509.Certificate{corp.cert}, Timeout: timeout})
			if len(got) != 1 || got[0].Failure == nil {
				t.Fatalf("got %+v", got)
			}
			if f := got[0].Failure; f.Code != tc.want || !strings.Contains(f.Error, tc.text) || f.Cure == "" {
				t.Errorf("got %+v, want %s: %s", f, tc.want, tc.text)
			}
		})
	}
}

// listen serves connections without any protocol.
func listen(t *testing.T, handle func(net.Conn)) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close() //nolint:errcheck // a test
				handle(c)
			}()
		}
	}()
	return "tcp://" + listener.Addr().String()
}

func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close() //nolint:errcheck // a test
	return listener.Addr().String()
}

// TestHostsOfCharts has the index on one host and the charts on three others: one
// with a root of its own, one that redirects further, one without TLS.
func TestHostsOfCharts(t *testing.T) {
	corp, other := newAuthority(t, "Corp root"), newAuthority(t, "Other root")
	net := newNetwork(t)
	net.add("index.example.com", serve(t, withCert(corp.issue(t, nil, "index.example.com")), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/stable/index.yaml" {
			http.NotFound(w, r)
			return
		}
		_, _ = io.WriteString(w, "apiVersion: v1\nentries:\n  a:\n  - urls:\n    - https://charts.example.net/a.tgz\n    - https://index.example.com/a.tgz\n    version: 1.0.0\n"+
			"  b:\n  - name: b\n    urls:\n    - https://releases.example.org/b.tgz\n  c:\n  - urls:\n    - http://plain.example.org/c.tgz\n")
	})))
	net.add("charts.example.net", serve(t, withCert(other.issue(t, nil, "charts.example.net")), http.HandlerFunc(ok)))
	net.add("releases.example.org", serve(t, withCert(corp.issue(t, nil, "releases.example.org")), http.RedirectHandler("https://objects.example.org/b.tgz?secret", http.StatusFound)))
	net.add("objects.example.org", serve(t, withCert(other.issue(t, nil, "objects.example.org")), http.HandlerFunc(ok)))

	source := target(t, HelmRepository, "https://index.example.com/stable/")
	got := outcomes(Run(t.Context(), []Target{source}, Options{Bundle: []*x509.Certificate{corp.cert}, Proxy: net.proxy}))
	want := []string{
		"index index.example.com OK bundle", "charts plain.example.org Unchecked ChartNotRead", "charts charts.example.net Failed UnknownAuthority",
		"charts releases.example.org OK bundle", "charts objects.example.org Failed UnknownAuthority",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}

	// The same repository with a certSecretRef, and a source-controller that expects
	// the name of the repository everywhere.
	source.Secrets.Cert, source.Controller.Version = secretWith([]*x509.Certificate{other.cert}, nil), "1.6.2"
	reports := Run(t.Context(), []Target{source}, Options{Bundle: []*x509.Certificate{corp.cert}, Proxy: net.proxy})
	for _, r := range reports {
		if r.Host == "charts.example.net" {
			if r.Failure == nil || r.Failure.Code != PinnedName || !strings.Contains(r.Failure.Error, "x509: certificate is valid for charts.example.net, not index.example.com") {
				t.Errorf("got %+v", r.Failure)
			}
		}
		if r.Host == "releases.example.org" && (r.Failure == nil || r.Failure.Code != PinnedName || !strings.Contains(r.Failure.Cure, "by itself (bundle)")) {
			t.Errorf("got %+v", r.Failure)
		}
	}
	source.Controller.Bundle, source.Controller.Without, source.Secrets.Cert = false, WithoutMount, secretWith([]*x509.Certificate{other.cert, corp.cert}, nil)
	for _, r := range Run(t.Context(), []Target{source}, Options{Bundle: []*x509.Certificate{corp.cert}, Proxy: net.proxy}) {
		if r.Host == "releases.example.org" && (r.Failure == nil || r.Failure.Code != PinnedName || !strings.HasPrefix(r.Failure.Cure, "spec.mount.method is None") || strings.Contains(r.Failure.Cure, "trusts the roots")) {
			t.Errorf("without a mount: %+v", r.Failure)
		}
	}
	source.Controller.Bundle, source.Secrets.Cert = true, secretWith([]*x509.Certificate{other.cert}, nil)
	source.Controller.Version = "1.7.0"
	for _, r := range Run(t.Context(), []Target{source}, Options{Bundle: []*x509.Certificate{corp.cert}, Proxy: net.proxy}) {
		if r.Result == Failed && r.Host != "plain.example.org" {
			t.Errorf("with the second root: %+v", r)
		}
	}
}

// outcomes returns a line per report.
func outcomes(reports []Report) []string {
	var lines []string
	for _, r := range reports {
		outcome := strings.Join(r.TrustedBy, ", ")
		if r.Failure != nil {
			outcome = string(r.Failure.Code)
		}
		lines = append(lines, fmt.Sprint(r.Role, " ", r.Host, " ", r.Result, " ", outcome))
	}
	return lines
}

// TestInspectingProxy has a proxy that signs hosts anew, with two roots of which
// the bundle has one.
func TestInspectingProxy(t *testing.T) {
	known, unknown := newAuthority(t, "Zscaler Root CA"), newAuthority(t, "Internal Gateway 2")
	net := newNetwork(t)
	certs := map[string]*tls.Certificate{}
	for host, by := range map[string]*authority{"a.example.com": known, "b.example.com": unknown, "c.example.org": unknown} {
		net.hosts[host+":443"] = "intercepted"
		cert := by.issue(t, nil, host)
		certs[host] = &cert
	}
	net.intercept = func(host string) *tls.Certificate { return certs[host] }
	targets := []Target{target(t, Host, "https://a.example.com"), target(t, Host, "https://b.example.com"), target(t, Host, "https://c.example.org")}
	got := Run(t.Context(), targets, Options{Bundle: []*x509.Certificate{known.cert}, Proxy: net.proxy})
	if lines := outcomes(got); !reflect.DeepEqual(lines, []string{
		"source a.example.com OK bundle", "source b.example.com Failed UnknownAuthority", "source c.example.org Failed UnknownAuthority",
	}) {
		t.Errorf("got %v", lines)
	}
	for _, r := range got[1:] {
		if r.Inspector == nil || r.Inspector.Subject != "CN=Internal Gateway 2" || r.Inspector.Fingerprint != certificates([]*x509.Certificate{unknown.cert})[0].Fingerprint ||
			r.Inspector.Why != "it signs the hosts of 2 domains" {
			t.Errorf("got %+v", r.Inspector)
		}
	}
	// One host is enough when the name gives it away.
	got = Run(t.Context(), targets[:1], Options{Proxy: net.proxy})
	if got[0].Inspector == nil || got[0].Inspector.Why != `its name holds "zscaler"` {
		t.Errorf("got %+v", got[0].Inspector)
	}
	// A company laptop trusts the proxy already, and the cluster does not.
	got = Run(t.Context(), targets[:1], Options{System: pool(known.cert), Proxy: net.proxy})
	if got[0].Result != Unchecked || got[0].Failure.Code != RootOfThisMachine || got[0].Inspector == nil || !strings.Contains(got[0].Inspector.Why, "the system roots of this machine have it") {
		t.Errorf("got %+v", got[0])
	}
	got = Run(t.Context(), targets[:1], Options{System: pool(known.cert), Bundle: []*x509.Certificate{known.cert}, Proxy: net.proxy})
	if got[0].Inspector != nil {
		t.Errorf("the bundle has it: %+v", got[0].Inspector)
	}
}

// TestProxies goes through proxies that want a password, refuse, or are not there.
func TestProxies(t *testing.T) {
	corp := newAuthority(t, "Corp root")
	options := Options{Bundle: []*x509.Certificate{corp.cert}}
	net := newNetwork(t)
	net.login = "user:s3cret"
	net.add("only-by-proxy.example.com", serve(t, withCert(corp.issue(t, nil, "only-by-proxy.example.com")), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" {
			t.Error("the user of the URL is sent")
		}
		_, _ = io.WriteString(w, "001e# service=git-upload-pack\n0000")
	})))
	address, err := url.Parse(net.URL)
	if err != nil {
		t.Fatal(err)
	}
	proxied := func(user *url.Userinfo, host string) []Report {
		source := target(t, HelmRepository, "https://someone:s3cret@"+host)
		source.Kind = GitRepository
		source.Secrets.Proxy = secretWith(nil, map[string]string{"address": address.String()})
		if password, ok := user.Password(); ok {
			source.Secrets.Proxy.Data["username"], source.Secrets.Proxy.Data["password"] = []byte(user.Username()), []byte(password)
		}
		return Run(t.Context(), []Target{source}, options)
	}
	var all []Report
	for _, tc := range []struct {
		reports []Report
		want    string
	}{
		{proxied(url.UserPassword("user", "s3cret"), "only-by-proxy.example.com"), "source only-by-proxy.example.com OK bundle"},
		{proxied(url.UserPassword("user", "wr0ng"), "only-by-proxy.example.com"), "source only-by-proxy.example.com Failed ProxyCredentials"},
		{proxied(nil, "only-by-proxy.example.com"), "source only-by-proxy.example.com Failed ProxyCredentials"},
		{proxied(url.UserPassword("user", "s3cret"), "unknown.example.com"), "source unknown.example.com Failed ProxyRefused"},
	} {
		all = append(all, tc.reports...)
		if got := outcomes(tc.reports); len(got) != 1 || got[0] != tc.want || tc.reports[0].Proxy != address.Host {
			t.Errorf("got %v, want %s", got, tc.want)
		}
	}
	gone := target(t, GitRepository, "https://only-by-proxy.example.com")
	gone.Secrets.Proxy = secretWith(nil, map[string]string{"address": "http://user:s3cret@" + freeAddress(t)})
	reports := Run(t.Context(), []Target{gone}, options)
	if all = append(all, reports...); reports[0].Failure == nil || reports[0].Failure.Code != ProxyUnreachable {
		t.Errorf("got %+v", reports[0])
	}
	text, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"s3cret", "wr0ng", "someone"} {
		if strings.Contains(string(text), secret) {
			t.Errorf("%s is printed: %s", secret, text)
		}
	}
}

// TestRegistry follows the token and blob hosts of a registry.
func TestRegistry(t *testing.T) {
	corp, other := newAuthority(t, "Corp root"), newAuthority(t, "Other root")
	net := newNetwork(t)
	const blob = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	net.add("registry.example.com", serve(t, withCert(corp.issue(t, nil, "registry.example.com")), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer anonymous" {
			w.Header().Set("WWW-Authenticate", `Bearer realm="https://auth.example.com/token",service="registry.example.com"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		switch r.URL.Path {
		case "/v2/team/app/tags/list":
			_, _ = io.WriteString(w, `{"tags":["v2","v1"]}`)
		case "/v2/team/app/manifests/v1":
			_, _ = io.WriteString(w, `{"manifests":[{"digest":"`+strings.Replace(blob, "e3", "aa", 1)+`"}]}`)
		case "/v2/team/app/manifests/" + strings.Replace(blob, "e3", "aa", 1):
			_, _ = io.WriteString(w, `{"config":{"digest":"`+blob+`"}}`)
		case "/v2/team/app/blobs/" + blob:
			http.Redirect(w, r, "https://blobs.example.net/x?signature=s3cret", http.StatusTemporaryRedirect)
		default:
			http.NotFound(w, r)
		}
	})))
	net.add("auth.example.com", serve(t, withCert(corp.issue(t, nil, "auth.example.com")), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("scope") != "repository:team/app:pull" || r.URL.Query().Get("service") != "registry.example.com" {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		_, _ = io.WriteString(w, `{"access_token":"anonymous"}`)
	})))
	sent := make(chan string, 1)
	net.add("blobs.example.net", serve(t, withCert(other.issue(t, nil, "blobs.example.net")), http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		sent <- r.Header.Get("Authorization")
	})))
	source := target(t, OCIRepository, "https://registry.example.com/team/app")
	source.Content.Reference = AnyVersion
	got := Run(t.Context(), []Target{source}, Options{Bundle: []*x509.Certificate{corp.cert}, Proxy: net.proxy})
	if lines := outcomes(got); !reflect.DeepEqual(lines, []string{"registry registry.example.com OK bundle", "token auth.example.com OK bundle", "blobs blobs.example.net Failed UnknownAuthority"}) {
		t.Errorf("got %v", lines)
	}
	source.Content.Reference = "v1"
	got = Run(t.Context(), []Target{source}, Options{Bundle: []*x509.Certificate{corp.cert, other.cert}, Proxy: net.proxy})
	if lines := outcomes(got); len(lines) != 3 || lines[2] != "blobs blobs.example.net OK bundle" {
		t.Errorf("got %v", lines)
	}
	if token := <-sent; token != "" {
		t.Errorf("the token went to another host: %q", token)
	}
	private := serve(t, withCert(corp.issue(t, nil, "127.0.0.1")), http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("WWW-Authenticate", `Basic realm="x"`)
		w.WriteHeader(http.StatusUnauthorized)
	}))
	closed := target(t, OCIRepository, private.URL+"/x")
	got = Run(t.Context(), []Target{closed}, Options{Bundle: []*x509.Certificate{corp.cert}})
	if len(got) != 1 || got[0].Result != Failed || got[0].Failure.Code != Unauthorized {
		t.Errorf("without a login: %+v", got)
	}
	closed.Secrets.Auth = secretWith(nil, map[string]string{"username": "u", "password": "s3cret"})
	got = Run(t.Context(), []Target{closed}, Options{Bundle: []*x509.Certificate{corp.cert}})
	if len(got) != 1 || got[0].Result != Failed || got[0].Failure.Code != Unauthorized || !strings.Contains(got[0].Failure.Cure, "kubernetes.io/dockerconfigjson, and "+closed.URL.Host+" under auths") {
		t.Errorf("with a login that is not read: %+v", got[0].Failure)
	}
	closed.Secrets.Auth = secretWith(nil, map[string]string{".dockerconfigjson": `{"auths":{"` + closed.URL.Host + `":{"username":"u","password":"s3cret"}}}`})
	closed.Secrets.Auth.Type = "kubernetes.io/dockerconfigjson"
	got = Run(t.Context(), []Target{closed}, Options{Bundle: []*x509.Certificate{corp.cert}})
	if len(got) != 2 || got[0].Result != OK || got[1].Result != Unchecked || got[1].Failure.Code != CredentialsNotSent {
		t.Errorf("with a login: %+v", got)
	}
}

// TestPerhaps does not call a source failed for a host that it may do without.
func TestPerhaps(t *testing.T) {
	for perhaps, want := range map[bool]Result{true: Unchecked, false: Failed} {
		token := target(t, Host, "https://"+freeAddress(t))
		token.Role, token.Expected, token.Perhaps = "token", "spec.provider: gcp", perhaps
		got := Run(t.Context(), []Target{token}, Options{})
		if len(got) != 1 || got[0].Result != want || got[0].Failure.Code != Refused || got[0].Expected != token.Expected || (len(got[0].Notes) == 1) != perhaps {
			t.Errorf("got %+v", got)
		}
	}
}

// TestSkippedAndBroken reports what needs no connection.
func TestSkippedAndBroken(t *testing.T) {
	broken := target(t, HelmRepository, "https://charts.example.com")
	broken.Remarks.Problem, broken.Source = "Secret x: ca.crt is empty", "HelmRepository a/b"
	skipped := Target{Source: "Provider a/b", Remarks: Remarks{Skip: "no address"}}
	got := Run(t.Context(), []Target{skipped, broken}, Options{})
	if len(got) != 2 || got[0].Failure == nil || got[0].Failure.Code != BadSource || got[0].Failure.Error != broken.Remarks.Problem ||
		got[1].Result != Skipped || !reflect.DeepEqual(got[1].Notes, []string{"no address"}) {
		t.Errorf("got %+v", got)
	}
}
