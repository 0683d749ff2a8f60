package probe

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"net"
	"strings"
	"testing"
	"time"
)

// below makes a CA that another has signed.
func (a *authority) below(t *testing.T, name string, change func(*x509.Certificate)) *authority {
	t.Helper()
	template := &x509.Certificate{Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	if change != nil {
		change(template)
	}
	cert, key := sign(t, template, a)
	return &authority{cert, key}
}

// chained is a certificate with the chain above it, as far as given.
func chained(leaf tls.Certificate, above ...*authority) tls.Certificate {
	leaf.Certificate = leaf.Certificate[:1]
	for _, a := range above {
		leaf.Certificate = append(leaf.Certificate, a.cert.Raw)
	}
	return leaf
}

// negative gives a certificate a negative serial number and signs it anew, since
// x509.CreateCertificate makes none.
func (a *authority) negative(t *testing.T, cert tls.Certificate) tls.Certificate {
	t.Helper()
	var outer struct {
		TBS       asn1.RawValue
		Algorithm pkix.AlgorithmIdentifier
		Signature asn1.BitString
	}
	if _, err := asn1.Unmarshal(cert.Certificate[0], &outer); err != nil {
		t.Fatal(err)
	}
	// SEQUENCE { [0] { INTEGER 2 }, INTEGER serial, …
	at := strings.Index(string(outer.TBS.Bytes), "\xa0\x03\x02\x01\x02\x02") + 5
	outer.TBS.Bytes[at+2] |= 0x80
	outer.TBS.FullBytes = nil
	tbs, err := asn1.Marshal(outer.TBS)
	if err != nil {
		t.Fatal(err)
	}
	hash := sha256.Sum256(tbs)
	signature, err := ecdsa.SignASN1(rand.Reader, a.key, hash[:])
	if err != nil {
		t.Fatal(err)
	}
	outer.Signature = asn1.BitString{Bytes: signature, BitLength: len(signature) * 8}
	outer.TBS.FullBytes = tbs
	der, err := asn1.Marshal(outer)
	if err != nil {
		t.Fatal(err)
	}
	cert.Certificate = [][]byte{der}
	return cert
}

// TestCureFitsTheInputs has for each error of a certificate a server that shows it,
// and looks at the code and at what the cure names.
func TestCureFitsTheInputs(t *testing.T) {
	corp, other := newAuthority(t, "Corp root"), newAuthority(t, "Other root")
	again := newAuthority(t, "Corp root") // renewed, with another key
	issuing := corp.below(t, "Corp issuing", nil)
	constrained := corp.below(t, "Constrained", func(c *x509.Certificate) {
		c.PermittedDNSDomainsCritical, c.PermittedDNSDomains = true, []string{"corp.example.com"}
		c.PermittedIPRanges = []*net.IPNet{{IP: net.IPv4(10, 0, 0, 0), Mask: net.CIDRMask(8, 32)}}
	})
	short := corp.below(t, "Short", func(c *x509.Certificate) { c.MaxPathLenZero = true })
	deep := short.below(t, "Too deep", nil)
	noCA := corp.below(t, "No CA", func(c *x509.Certificate) { c.IsCA, c.KeyUsage = false, x509.KeyUsageDigitalSignature })
	usual := func(a *authority) tls.Certificate { return a.issue(t, nil, "127.0.0.1") }
	selfSigned, selfKey := sign(t, &x509.Certificate{Subject: pkix.Name{CommonName: "registry"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}, nil)
	named := func(common string, names ...string) tls.Certificate {
		return corp.issue(t, func(c *x509.Certificate) { c.Subject.CommonName, c.IPAddresses, c.DNSNames = common, nil, names }, "127.0.0.1")
	}
	bundle := []*x509.Certificate{corp.cert}
	for name, tc := range map[string]struct {
		cert   tls.Certificate
		host   string // that the source names, or 127.0.0.1
		change func(*Target, *Options)
		code   Code
		cure   string
	}{
		"another root, presented":      {chained(usual(other), other), "", nil, UnknownAuthority, `compare the root "CN=Other root" (sha256:`},
		"another root":                 {chained(usual(issuing.below(t, "x", nil)), issuing), "", func(_ *Target, o *Options) { o.Bundle = []*x509.Certificate{other.cert} }, UnknownAuthority, "the root"},
		"alone, below an intermediate": {chained(usual(issuing)), "", nil, UnknownAuthority, `add the root above "CN=Corp issuing" to spec.caBundle; the host presents its own certificate alone, so when "CN=Corp issuing" is an intermediate, let the host send it too`},
		"renewed root":                 {chained(usual(again)), "", nil, RenewedRoot, `there is another certificate with the name "CN=Corp root" among the roots (sha256:`},
		"renewed root, presented":      {chained(usual(again), again), "", nil, RenewedRoot, `"CN=Corp root"`},
		"its own root":                 {tls.Certificate{Certificate: [][]byte{selfSigned.Raw}, PrivateKey: selfKey}, "", nil, SelfSigned, "allow: [NotCA]"},
		"a root that is not mounted":   {usual(corp), "", func(x *Target, _ *Options) { x.Controller.Bundle = false }, BundleNotMounted, "spec.controllers"},
		"a root that the object replaces": {usual(corp), "", func(x *Target, _ *Options) {
			x.Kind, x.Secrets.Cert = Provider, secretWith([]*x509.Certificate{other.cert}, nil)
		}, RootsReplaced, "the Secret of certSecretRef as well"},
		"public roots that are replaced": {usual(other), "", func(_ *Target, o *Options) { o.System, o.ReplaceSystem = pool(other.cert), true }, RootsReplaced, "systemRoots: Append"},
		"a chain under no CA":            {chained(usual(noCA), noCA), "", nil, NotACA, "CA:TRUE"},
		"a name constraint":              {chained(usual(constrained), constrained), "", nil, NameConstraint, "allow the domain"},
		"a path that is too long":        {chained(usual(deep), deep, short), "", nil, PathLength, "pathlen"},
		"a negative serial":              {corp.negative(t, usual(corp)), "", nil, NegativeSerial, "GODEBUG=x509negativeserial=1"},
		"a common name alone":            {corp.issue(t, func(c *x509.Certificate) { c.IPAddresses = nil; c.Subject.CommonName = "charts.example.com" }, "127.0.0.1"), "charts.example.com", nil, CommonName, "subjectAltName"},
		"an address without a name":      {named("server", "charts.example.com"), "", nil, NoIPAddress, "write a name of the certificate"},
		"another name of the domain":     {named("server", "charts.example.com"), "helm.example.com", nil, WrongName, "let the owner of the host put this name into it"},
		"another domain":                 {named("server", "www.search.test"), "charts.example.com", nil, WrongName, "DNS, a search domain or a wildcard answers in its place"},
		"a short name":                   {named("server", "charts.example.com"), "charts", nil, WrongName, "write the whole name: charts.example.com"},
		"an ingress that does not know":  {named("Kubernetes Ingress Controller Fake Certificate", "ingress.local"), "charts.example.com", nil, DefaultCertificate, "ingress-nginx"},
		"an expired intermediate": {func() tls.Certificate {
			old := corp.below(t, "Old issuing", func(c *x509.Certificate) {
				c.NotBefore, c.NotAfter = time.Now().Add(-48*time.Hour), time.Now().Add(-time.Hour)
			})
			return chained(usual(old), old)
		}(), "", nil, Expired, ""},
	} {
		t.Run(name, func(t *testing.T) {
			net := newNetwork(t)
			server := serve(t, &tls.Config{
				Certificates:       []tls.Certificate{usual(corp)}, // the test server reads it
				GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return withCert(tc.cert), nil },
			}, nil)
			options := Options{Bundle: bundle}
			source := target(t, Host, server.URL)
			if tc.host != "" {
				net.add(tc.host, server)
				source, options.Proxy = target(t, Host, "https://"+tc.host), net.proxy
			}
			if tc.change != nil {
				tc.change(&source, &options)
			}
			got := Run(t.Context(), []Target{source}, options)
			if len(got) != 1 || got[0].Failure == nil {
				t.Fatalf("got %+v", got)
			}
			if f := got[0].Failure; f.Code != tc.code || !strings.Contains(f.Cure, tc.cure) {
				t.Errorf("got %s: %s\n%s\nwant %s, %s", f.Code, f.Error, f.Cure, tc.code, tc.cure)
			}
		})
	}
}
