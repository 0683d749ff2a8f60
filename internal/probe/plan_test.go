package probe

import (
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// pair returns a client certificate and its key as PEM.
func (a *authority) pair(t *testing.T) (cert, key string) {
	t.Helper()
	client, private := sign(t, &x509.Certificate{ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}, a)
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: client.Raw})), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

// TestPlan has what a controller does before it connects, by kind and release. The
// same rows stand in the tests against the real controllers, which take longer.
func TestPlan(t *testing.T) {
	corp := newAuthority(t, "Corp root")
	cert, key := corp.pair(t)
	_, other := corp.pair(t)
	ca := string(secretWith([]*x509.Certificate{corp.cert}, nil).Data["ca.crt"])
	type data = map[string]string
	const old, now = "1.6.2", "1.9.6"
	for name, tc := range map[string]struct {
		kind    Kind
		version string
		of      string // a kind of Provider
		cert    data
		auth    data
		typed   string // type of the Secrets
		code    Code   // of the refusal
		roots   int
		pair    bool
		pinned  bool
		alone   bool
	}{
		"a CA":                             {kind: HelmRepository, version: now, cert: data{"ca.crt": ca}, roots: 1},
		"a CA, pinned":                     {kind: HelmRepository, version: old, cert: data{"ca.crt": ca}, roots: 1, pinned: true},
		"a pair, pinned":                   {kind: HelmRepository, version: old, cert: data{"tls.crt": cert, "tls.key": key}, pair: true, pinned: true},
		"nothing":                          {kind: HelmRepository, version: now, cert: data{"x": "y"}, code: NoCA},
		"nothing, before 2.7":              {kind: HelmRepository, version: old, cert: data{"x": "y"}},
		"nothing, no version":              {kind: OCIRepository, cert: data{"x": "y"}, code: NoCA},
		"nothing in a Bucket, before 2.7":  {kind: Bucket, version: old, cert: data{"x": "y"}, code: NoCA},
		"a Bucket that reads none":         {kind: Bucket, version: "1.3.0", cert: data{"x": "y"}},
		"an empty CA":                      {kind: OCIRepository, version: now, cert: data{"ca.crt": ""}, code: NoCA},
		"an empty CA hides the old key":    {kind: OCIRepository, version: now, cert: data{"ca.crt": "", "caFile": ca}, code: NoCA},
		"half a pair":                      {kind: OCIRepository, version: now, cert: data{"tls.crt": cert, "ca.crt": ca}, code: HalfPair},
		"half a pair, before 2.7":          {kind: OCIRepository, version: old, cert: data{"tls.key": key, "ca.crt": ca}, code: HalfPair},
		"a pair that does not match":       {kind: ImageRepository, version: "1.2.4", cert: data{"tls.crt": cert, "tls.key": other}, code: BadPair},
		"no pair at all":                   {kind: ImageRepository, version: "0.35.2", cert: data{"tls.crt": "x", "tls.key": "y"}, code: BadPair},
		"a CA that cannot be read":         {kind: Bucket, version: now, cert: data{"ca.crt": "x"}, code: BadCA},
		"such a CA, before 2.7":            {kind: ImageRepository, version: "0.35.2", cert: data{"ca.crt": "x"}, code: BadCA},
		"a type":                           {kind: OCIRepository, version: now, cert: data{"ca.crt": ca}, typed: "kubernetes.io/basic-auth", roots: 1},
		"a type, before 2.7":               {kind: OCIRepository, version: old, cert: data{"ca.crt": ca}, typed: "kubernetes.io/basic-auth", code: SecretType},
		"the old keys":                     {kind: HelmRepository, version: now, cert: data{"caFile": ca, "certFile": cert, "keyFile": key}, roots: 1, pair: true},
		"the old keys, before 2.7":         {kind: OCIRepository, version: old, cert: data{"caFile": ca}, roots: 1},
		"the old keys of a HelmRepository": {kind: HelmRepository, version: old, cert: data{"caFile": ca}},
		"in secretRef":                     {kind: HelmRepository, version: now, auth: data{"ca.crt": ca, "username": "u", "password": "p"}, roots: 1},
		"in secretRef, before 2.7":         {kind: HelmRepository, version: old, auth: data{"caFile": ca}, roots: 1, pinned: true},
		"in secretRef, the other key":      {kind: HelmRepository, version: old, auth: data{"ca.crt": ca}},
		"in secretRef, any type":           {kind: HelmRepository, version: old, auth: data{"caFile": ca}, typed: "kubernetes.io/basic-auth", roots: 1, pinned: true},
		"in secretRef, half a pair":        {kind: HelmRepository, version: now, auth: data{"tls.crt": cert}},
		"in secretRef, a bad CA":           {kind: HelmRepository, version: now, auth: data{"ca.crt": "x"}, code: BadCA},
		"half a login":                     {kind: HelmRepository, version: now, auth: data{"username": "u"}, code: BadLogin},
		"half a login, before 2.7":         {kind: HelmRepository, version: old, auth: data{"password": "p"}, code: BadLogin},
		"certSecretRef counts more":        {kind: HelmRepository, version: now, cert: data{"tls.crt": cert, "tls.key": key}, auth: data{"ca.crt": ca}, pair: true},
		"a login in Flux 2.7":              {kind: HelmRegistry, version: "1.7.3", cert: data{"ca.crt": ca}, auth: data{"username": "u", "password": "p"}, roots: 1, alone: true},
		"a login in Flux 2.8":              {kind: HelmRegistry, version: "1.8.0", cert: data{"ca.crt": ca}, auth: data{"username": "u", "password": "p"}, roots: 1},
		"a login in Flux 2.6":              {kind: HelmRegistry, version: old, cert: data{"ca.crt": ca}, auth: data{"username": "u", "password": "p"}, roots: 1, pinned: true},
		"no login in Flux 2.7":             {kind: HelmRegistry, version: "1.7.3", cert: data{"ca.crt": ca}, roots: 1},
		"Git":                              {kind: GitRepository, version: now, auth: data{"ca.crt": ca, "tls.crt": cert, "tls.key": key}, roots: 1, pair: true},
		"Git before 2.6":                   {kind: GitRepository, version: "1.5.0", auth: data{"caFile": ca, "tls.crt": cert, "tls.key": key}, roots: 1},
		"Git with a bad CA":                {kind: GitRepository, version: now, auth: data{"ca.crt": "x"}},
		"Git with half a pair":             {kind: GitRepository, version: now, auth: data{"tls.crt": cert}},
		"Git with a pair that is none":     {kind: GitRepository, version: now, auth: data{"tls.crt": cert, "tls.key": other}, code: BadPair},
		"Git with a password alone":        {kind: GitRepository, version: now, auth: data{"password": "p"}, code: BadLogin},
		"a Bucket without a login":         {kind: Bucket, version: now, auth: data{"accesskey": "x"}, code: BadLogin},
		"a Provider":                       {kind: Provider, version: "1.9.0", of: "generic", cert: data{"ca.crt": ca}, roots: 1, alone: true},
		"a Provider with a pair":           {kind: Provider, version: "1.9.0", of: "generic", cert: data{"tls.crt": cert, "tls.key": key}, pair: true},
		"a Provider before 2.7":            {kind: Provider, version: "1.6.0", of: "generic", cert: data{"ca.crt": ca, "tls.crt": cert}, roots: 1, alone: true},
		"a Provider without a CA":          {kind: Provider, version: "1.6.0", of: "generic", cert: data{"tls.crt": cert, "tls.key": key}, code: NoCA},
		"a Provider with a bad CA":         {kind: Provider, version: "1.6.0", of: "generic", cert: data{"ca.crt": "x"}, code: BadCA},
		"a commit status":                  {kind: Provider, version: "1.9.0", of: "gitea", auth: data{"ca.crt": ca, "token": "t"}, roots: 1, alone: true},
		"a commit status before 2.7":       {kind: Provider, version: "1.6.0", of: "gitea", auth: data{"ca.crt": ca, "token": "t"}},
		"no commit status":                 {kind: Provider, version: "1.9.0", of: "slack", auth: data{"ca.crt": ca, "token": "t"}},
	} {
		t.Run(name, func(t *testing.T) {
			source := target(t, tc.kind, "https://host.example.com:8443/x")
			source.Controller.Version, source.Type = tc.version, tc.of
			for into, from := range map[**Secret]data{&source.Secrets.Cert: tc.cert, &source.Secrets.Auth: tc.auth} {
				if from != nil {
					*into = secretWith(nil, from)
					(*into).Type = tc.typed
				}
			}
			p, failed := source.plan()
			if tc.code != "" || failed != nil {
				if failed == nil || failed.Code != tc.code {
					t.Fatalf("got %+v, want %s", failed, tc.code)
				}
				return
			}
			if len(p.ca) != tc.roots || (p.pair != nil) != tc.pair || (p.pinned != "") != tc.pinned || p.alone != tc.alone {
				t.Errorf("%d roots, pair %v, pinned %q, alone %v", len(p.ca), p.pair != nil, p.pinned, p.alone)
			}
		})
	}
}

// TestProxyOf reads the Secret of a proxySecretRef; no text may show what is in it.
func TestProxyOf(t *testing.T) {
	type data = map[string]string
	for name, tc := range map[string]struct {
		kind    Kind
		version string
		secret  data
		want    string
		code    Code
	}{
		"http":                 {Bucket, "1.9.6", data{"address": "http://p:3128"}, "http://p:3128", ""},
		"with a login":         {Bucket, "1.9.6", data{"address": "https://p:3128", "username": "u", "password": "s3cret"}, "https://u:s3cret@p:3128", ""},
		"socks5":               {GitRepository, "1.9.6", data{"address": "socks5://p:1080"}, "socks5://p:1080", ""},
		"no address":           {GitRepository, "1.9.6", data{"username": "u"}, "", BadProxy},
		"an empty one":         {OCIRepository, "1.9.6", data{"address": ""}, "", BadProxy},
		"an empty one, in Git": {GitRepository, "1.6.2", data{"address": ""}, "", ""},
		"without a scheme":     {OCIRepository, "1.9.6", data{"address": "s3cret"}, "", BadProxy},
		"no URL":               {OCIRepository, "1.9.6", data{"address": "http://u:s3cret@p:x\x7f"}, "", BadProxy},
		"not read yet":         {OCIRepository, "1.3.0", data{"username": "u"}, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			source := target(t, tc.kind, "https://host.example.com")
			source.Controller.Version, source.Secrets.Proxy = tc.version, secretWith(nil, tc.secret)
			p, failed := source.plan()
			switch {
			case tc.code != "":
				if failed == nil || failed.Code != tc.code || strings.Contains(failed.Error, "s3cret") {
					t.Errorf("got %+v, want %s", failed, tc.code)
				}
			case failed != nil:
				t.Errorf("got %+v", failed)
			case tc.want == "" && p.proxy != nil, tc.want != "" && (p.proxy == nil || p.proxy.String() != tc.want):
				t.Errorf("got %v, want %s", p.proxy, tc.want)
			}
		})
	}
}

// TestWhichProxy goes through the proxy of the controller's environment, unless the
// controller does not look there.
func TestWhichProxy(t *testing.T) {
	corp := newAuthority(t, "Corp root")
	net := newNetwork(t)
	net.add("host.example.com", serve(t, withCert(corp.issue(t, nil, "host.example.com")), http.HandlerFunc(ok)))
	ca := secretWith([]*x509.Certificate{corp.cert}, nil)
	here := func(*url.URL) (*url.URL, error) { return nil, nil }
	for name, tc := range map[string]struct {
		change  func(*Target)
		through bool
	}{
		"HTTPS_PROXY of the controller":   {func(*Target) {}, true},
		"NO_PROXY":                        {func(t *Target) { t.Controller.NoProxy = ".example.com" }, false},
		"Gitea, which looks for none":     {func(t *Target) { t.Type = "gitea" }, false},
		"a CA of its own":                 {func(t *Target) { t.Secrets.Cert = ca }, true},
		"a CA of its own before 2.7":      {func(t *Target) { t.Secrets.Cert, t.Controller.Version = ca, "1.6.0" }, false},
		"GitLab with a CA of its own":     {func(t *Target) { t.Type, t.Secrets.Cert = "gitlab", ca }, false},
		"a proxy that GitLab passes over": {func(t *Target) { t.Type, t.Secrets.ProxyURL = "gitlab", "http://127.0.0.1:1" }, true},
	} {
		t.Run(name, func(t *testing.T) {
			source := target(t, Provider, "https://host.example.com")
			source.Type, source.Controller.HTTPSProxy = "generic", net.URL
			tc.change(&source)
			got := Run(t.Context(), []Target{source}, Options{Bundle: []*x509.Certificate{corp.cert}, Proxy: here})
			if len(got) != 1 || (got[0].Proxy != "") != tc.through || tc.through && got[0].Result != OK {
				t.Errorf("got %+v", got)
			}
		})
	}
}
