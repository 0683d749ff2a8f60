package probe

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"strings"
	"testing"
)

// TestLook shows what a host presents: also where a controller would see nothing of it.
func TestLook(t *testing.T) {
	corp, proxy := newAuthority(t, "Corp root"), newAuthority(t, "Corp Inspection CA")
	issuing := corp.below(t, "Corp issuing", nil)
	usual := func(a *authority) tls.Certificate { return a.issue(t, nil, "127.0.0.1") }
	own, key := sign(t, &x509.Certificate{DNSNames: []string{"x"}}, nil)
	for name, tc := range map[string]struct {
		config  *tls.Config
		system  []*x509.Certificate
		code    Code // of the failure
		chain   int
		by      string
		root    string
		proxied bool // looks like an inspecting proxy
	}{
		"a private root":              {config: withCert(usual(corp)), code: UnknownAuthority, chain: 2, root: "Corp root"},
		"a root that is not shown":    {config: withCert(chained(usual(issuing), issuing)), code: UnknownAuthority, chain: 2},
		"a public root":               {config: withCert(chained(usual(issuing), issuing)), system: []*x509.Certificate{corp.cert}, chain: 2, by: fromSystem, root: "Corp root"},
		"a proxy":                     {config: withCert(usual(proxy)), code: UnknownAuthority, chain: 2, root: "Corp Inspection CA", proxied: true},
		"a proxy that we trust":       {config: withCert(chained(usual(proxy))), system: []*x509.Certificate{proxy.cert}, chain: 1, by: fromSystem, root: "Corp Inspection CA", proxied: true},
		"its own root":                {config: withCert(tls.Certificate{Certificate: [][]byte{own.Raw}, PrivateKey: key, Leaf: own}), code: NoIPAddress, chain: 1, root: own.Subject.CommonName},
		"a negative serial":           {config: &tls.Config{Certificates: []tls.Certificate{usual(corp)}, GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return withCert(corp.negative(t, usual(corp))), nil }}, code: NegativeSerial, chain: 1},
		"a client certificate":        {config: &tls.Config{Certificates: []tls.Certificate{usual(corp)}, ClientAuth: tls.RequireAnyClientCert, MaxVersion: tls.VersionTLS12}, system: []*x509.Certificate{corp.cert}, code: HandshakeRefused, chain: 2, root: "Corp root"},
		"no protocol that Flux takes": {config: &tls.Config{Certificates: []tls.Certificate{usual(corp)}, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}, code: OldTLS},
	} {
		t.Run(name, func(t *testing.T) {
			server := serve(t, tc.config, http.NotFoundHandler())
			got, err := Look(t.Context(), server.Listener.Addr().String(), Options{System: pool(tc.system...)})
			if err != nil {
				t.Fatal(err)
			}
			code, root := Code(""), ""
			if got.Failure != nil {
				code = got.Failure.Code
			}
			if got.Root != nil {
				root = strings.TrimPrefix(got.Root.Subject, "CN=")
			}
			if code != tc.code || len(got.Chain) != tc.chain || strings.Join(got.TrustedBy, "") != tc.by || root != tc.root || (got.Inspector != nil) != tc.proxied {
				t.Errorf("got %+v, %+v, inspector %+v", got, got.Failure, got.Inspector)
			}
			if (got.Certificate != nil) != (got.Root != nil) || got.Host != server.Listener.Addr().String() {
				t.Errorf("got %+v", got)
			}
		})
	}
}

// TestLookThroughProxy shows the chain of the host, and not that of a proxy that speaks
// TLS.
func TestLookThroughProxy(t *testing.T) {
	corp := newAuthority(t, "Corp root")
	net := newNetwork(t)
	net.add("charts.example.com", serve(t, withCert(corp.issue(t, nil, "charts.example.com")), http.HandlerFunc(ok)))
	got, err := Look(t.Context(), "https://Charts.example.com/path", Options{Proxy: net.proxy})
	if err != nil || got.Host != "charts.example.com" || got.Proxy == "" || got.Root == nil || got.Root.Subject != "CN=Corp root" {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestHostURL(t *testing.T) {
	for address, want := range map[string]string{
		"charts.example.com": "charts.example.com:443", "charts.example.com:8443": "charts.example.com:8443", "https://charts.example.com/x?y": "charts.example.com:443",
		"10.0.0.1": "10.0.0.1:443", "[2001:db8::1]:8443": "[2001:db8::1]:8443", "2001:db8::1": "[2001:db8::1]:443", "[2001:db8::1]": "[2001:db8::1]:443",
		"": "", ":443": "", "charts.example.com:": "", "charts.example.com:https": "", "charts.example.com:0": "", "charts.example.com:65536": "", "user@charts.example.com": "", "a b": "", "http://x": "", "a\x7f": "", "%zz": "",
	} {
		u, err := hostURL(address)
		if (err != nil) != (want == "") || err == nil && u.Host != want {
			t.Errorf("%q: got %v, %v, want %q", address, u, err, want)
		}
	}
}
