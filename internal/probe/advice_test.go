package probe

import (
	"cmp"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"slices"
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

// cureCase is a server with an error in its certificate.
type cureCase struct {
	cert   tls.Certificate
	host   string // that the source names, or 127.0.0.1
	change func(*Target, *Options)
	code   Code
	cure   string // what the cure names
	// cured does what the cure says, where that is not the business of others; it
	// returns another certificate of the server, or nothing.
	cured func(*Target, *Options) *tls.Certificate
}

func (c *cureCase) run(t *testing.T, cured bool) []Report {
	t.Helper()
	options := Options{}
	source := target(t, Host, "https://"+cmp.Or(c.host, "127.0.0.1"))
	c.change(&source, &options)
	cert := c.cert
	if cured {
		if other := c.cured(&source, &options); other != nil {
			cert = *other
		}
	}
	server := serve(t, &tls.Config{
		Certificates:       []tls.Certificate{cert}, // the test server reads it
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return withCert(cert), nil },
	}, nil)
	if source.URL.Host == "127.0.0.1" {
		source.URL.Host = server.Listener.Addr().String()
	} else {
		net := newNetwork(t)
		net.add(source.URL.Host, server)
		options.Proxy = net.proxy
	}
	return Run(t.Context(), []Target{source}, options)
}

// TestCureFitsTheInputs has for each error of a certificate a server that shows it. It
// looks at the code and at what the cure names, does what the cure says, and connects
// again.
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
	selfSigned := func(change func(*x509.Certificate)) tls.Certificate {
		template := &x509.Certificate{Subject: pkix.Name{CommonName: "registry"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, BasicConstraintsValid: true}
		if change != nil {
			change(template)
		}
		cert, key := sign(t, template, nil)
		return tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: key, Leaf: cert}
	}
	own, ownCA := selfSigned(nil), selfSigned(func(c *x509.Certificate) { c.IsCA, c.KeyUsage = true, x509.KeyUsageCertSign })
	ownClient := selfSigned(func(c *x509.Certificate) {
		c.UnknownExtKeyUsage = []asn1.ObjectIdentifier{{1, 2, 3}}
		c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	})
	named := func(common string, names ...string) tls.Certificate {
		return corp.issue(t, func(c *x509.Certificate) { c.Subject.CommonName, c.IPAddresses, c.DNSNames = common, nil, names }, "127.0.0.1")
	}
	aged, renewed := renewal(t, corp)
	negative := negativeRoot(t, "Inspecting root")
	oldIssuing := corp.below(t, "Old issuing", func(c *x509.Certificate) {
		c.NotBefore, c.NotAfter = time.Now().Add(-48*time.Hour), time.Now().Add(-time.Hour)
	})

	trusting := func(roots ...*x509.Certificate) func(*Target, *Options) {
		return func(_ *Target, o *Options) { o.Bundle = roots }
	}
	adding := func(root *x509.Certificate) func(*Target, *Options) *tls.Certificate {
		return func(_ *Target, o *Options) *tls.Certificate {
			o.Bundle = append(slices.Clone(o.Bundle), root)
			return nil
		}
	}
	issuedAnew := func(cert tls.Certificate) func(*Target, *Options) *tls.Certificate {
		return func(*Target, *Options) *tls.Certificate { return &cert }
	}
	bundle := trusting(corp.cert)
	for name, tc := range map[string]cureCase{
		"another root, presented":      {chained(usual(other), other), "", bundle, UnknownAuthority, `compare the root "CN=Other root" (sha256:`, adding(other.cert)},
		"another root":                 {chained(usual(issuing.below(t, "x", nil)), issuing), "", trusting(other.cert), UnknownAuthority, `add the root "CN=Corp root", which signed the chain`, nil},
		"alone, below an intermediate": {chained(usual(issuing)), "", bundle, UnknownAuthority, `the host presents its own certificate alone, so when "CN=Corp issuing" is an intermediate, let the host send it too`, issuedAnew(chained(usual(issuing), issuing))},
		"alone, below a root":          {chained(usual(other)), "", bundle, UnknownAuthority, `add the root above "CN=Other root" to spec.caBundle`, adding(other.cert)},
		"renewed root":                 {chained(usual(again)), "", bundle, RenewedRoot, `there is another certificate with the name "CN=Corp root" among the roots (sha256:`, adding(again.cert)},
		"renewed root, presented":      {chained(usual(again), again), "", bundle, RenewedRoot, "add the one that the host presents (sha256:", adding(again.cert)},
		"renewed with the same key":    {chained(usual(renewed), renewed), "", trusting(aged), RenewedRoot, "has been renewed with the same key", adding(renewed.cert)},
		"its own root":                 {own, "", bundle, SelfSigned, "add it to spec.caBundle with allow: [NotCA] beside it", adding(own.Leaf)},
		"its own root, and a CA":       {ownCA, "", bundle, SelfSigned, "add it to spec.caBundle; better", adding(ownCA.Leaf)},
		"its own root, of no use":      {ownClient, "", bundle, SelfSigned, "let the host use a certificate of your CA", issuedAnew(usual(corp))},
		"a root that is not mounted": {usual(corp), "", func(x *Target, o *Options) {
			x.Controller.Bundle, x.Controller.Without, o.Bundle = false, WithoutMount, []*x509.Certificate{corp.cert}
		}, BundleNotMounted, "spec.mount.method is None", func(x *Target, _ *Options) *tls.Certificate {
			x.Controller.Bundle = true
			return nil
		}},
		"a controller that is left out": {usual(corp), "", func(x *Target, o *Options) {
			x.Controller.Bundle, x.Controller.Without, o.Bundle = false, WithoutController, []*x509.Certificate{corp.cert}
		}, BundleNotMounted, "spec.controllers leaves it out", func(x *Target, _ *Options) *tls.Certificate {
			x.Secrets.Cert = secretWith([]*x509.Certificate{corp.cert}, nil)
			return nil
		}},
		"a root that the object replaces": {usual(corp), "", func(x *Target, o *Options) {
			x.Kind, x.Secrets.Cert, o.Bundle = Provider, secretWith([]*x509.Certificate{other.cert}, nil), []*x509.Certificate{corp.cert}
		}, RootsReplaced, "into the Secret of certSecretRef as well", func(x *Target, _ *Options) *tls.Certificate {
			x.Secrets.Cert = secretWith([]*x509.Certificate{other.cert, corp.cert}, nil)
			return nil
		}},
		"public roots that are replaced": {usual(other), "", func(_ *Target, o *Options) {
			o.Bundle, o.System, o.ReplaceSystem = []*x509.Certificate{corp.cert}, pool(other.cert), true
		}, RootsReplaced, "write systemRoots: Keep", func(_ *Target, o *Options) *tls.Certificate {
			o.ReplaceSystem = false
			return nil
		}},
		"a chain under no CA":       {chained(usual(noCA), noCA), "", bundle, NotACA, "CA:TRUE", issuedAnew(chained(usual(issuing), issuing))},
		"signed with SHA-1":         {corp.issue(t, func(c *x509.Certificate) { c.SignatureAlgorithm = x509.ECDSAWithSHA1 }, "127.0.0.1"), "", bundle, WeakSignature, "SHA-256", issuedAnew(usual(corp))},
		"a name constraint":         {chained(usual(constrained), constrained), "", bundle, NameConstraint, `let the owner of "CN=Constrained" allow the domain or the address`, issuedAnew(chained(usual(issuing), issuing))},
		"a path that is too long":   {chained(usual(deep), deep, short), "", bundle, PathLength, `let the owner of "CN=Short" issue it anew with a larger pathlen (it allows 0 CAs below it)`, issuedAnew(chained(usual(short), short))},
		"a negative serial":         {corp.negative(t, usual(corp)), "", bundle, NegativeSerial, "GODEBUG=x509negativeserial=1", acceptNegative},
		"and an unknown root":       {other.negative(t, usual(other)), "", bundle, NegativeSerial, "GODEBUG=x509negativeserial=1", nil},
		"a negative serial in root": {chained(usual(negative)), "", trusting(negative.cert), NegativeSerial, "the root of this host is there already (bundle) and has a negative serial number", acceptNegative},
		"a common name alone": {
			corp.issue(t, func(c *x509.Certificate) { c.IPAddresses = nil; c.Subject.CommonName = "charts.example.com" }, "127.0.0.1"), "charts.example.com", bundle, CommonName, "subjectAltName",
			issuedAnew(named("charts.example.com", "charts.example.com")),
		},
		"no name at all":                {named("server"), "charts.example.com", bundle, WrongName, "put this name into it", issuedAnew(named("server", "charts.example.com"))},
		"an address without a name":     {named("server", "charts.example.com"), "", bundle, NoIPAddress, "write a name of the certificate", callIt("charts.example.com")},
		"another address":               {corp.issue(t, nil, "127.0.0.2"), "", bundle, WrongName, "or let the owner of the host add this address", issuedAnew(usual(corp))},
		"another name of the domain":    {named("server", "charts.example.com"), "helm.example.com", bundle, WrongName, "let the owner of the host put this name into it", callIt("charts.example.com")},
		"another domain":                {named("server", "www.search.test"), "charts.example.com", bundle, WrongName, "DNS, a search domain or a wildcard answers in its place", issuedAnew(named("server", "charts.example.com"))},
		"a short name":                  {named("server", "charts.example.com"), "charts", bundle, WrongName, "write the whole name: charts.example.com", callIt("charts.example.com")},
		"an ingress that does not know": {named("Kubernetes Ingress Controller Fake Certificate", "ingress.local"), "charts.example.com", bundle, DefaultCertificate, "ingress-nginx", issuedAnew(named("x", "charts.example.com"))},
		"an expired intermediate":       {chained(usual(oldIssuing), oldIssuing), "", bundle, Expired, `the successor of the expired certificate "CN=Old issuing"`, issuedAnew(chained(usual(issuing), issuing))},
	} {
		t.Run(name, func(t *testing.T) {
			got := tc.run(t, false)
			if len(got) != 1 || got[0].Failure == nil {
				t.Fatalf("got %+v", got)
			}
			if f := got[0].Failure; f.Code != tc.code || !strings.Contains(f.Cure, tc.cure) {
				t.Errorf("got %s: %s\n%s\nwant %s, %s", f.Code, f.Error, f.Cure, tc.code, tc.cure)
			}
			hinted := slices.Contains([]Code{NotACA, WeakSignature, RenewedRoot}, tc.code) && name != "renewed with the same key"
			if strings.Contains(got[0].Failure.Error, "possibly because of") != hinted {
				t.Errorf("got %s", got[0].Failure.Error)
			}
			if tc.cured == nil {
				return
			}
			if got = tc.run(t, true); len(got) != 1 || got[0].Result != OK {
				t.Errorf("with the cure: %+v", got[0].Failure)
			}
		})
	}
}

// renewal returns a root that has expired, and its successor with the same name and
// key.
func renewal(t *testing.T, of *authority) (*x509.Certificate, *authority) {
	t.Helper()
	aged, key := sign(t, &x509.Certificate{
		Subject: pkix.Name{CommonName: "Renewed root"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
		NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: time.Now().Add(-time.Hour),
	}, nil)
	template := *of.cert
	template.Raw, template.RawSubject, template.Subject, template.SerialNumber = nil, nil, aged.Subject, big.NewInt(serial.Add(1))
	der, err := x509.CreateCertificate(rand.Reader, &template, aged, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	successor, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return aged, &authority{successor, key}
}

// negativeRoot makes a root with a negative serial number, as some inspecting proxies
// do, and reads it as the program does.
func negativeRoot(t *testing.T, name string) *authority {
	t.Helper()
	t.Setenv("GODEBUG", "x509negativeserial=1")
	a := newAuthority(t, name)
	made := a.negative(t, tls.Certificate{Certificate: [][]byte{a.cert.Raw}})
	cert, err := x509.ParseCertificate(made.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	return &authority{cert, a.key}
}

func acceptNegative(x *Target, _ *Options) *tls.Certificate {
	x.Controller.NegativeSerials = true
	return nil
}

// callIt writes another name into the source.
func callIt(name string) func(*Target, *Options) *tls.Certificate {
	return func(x *Target, _ *Options) *tls.Certificate {
		x.URL = &url.URL{Scheme: "https", Host: name}
		return nil
	}
}

// TestPinnedNameCure has a HelmRepository with a certSecretRef under source-controller
// 1.6, whose charts are on another host, and does what the cures say, each by itself.
func TestPinnedNameCure(t *testing.T) {
	corp, other := newAuthority(t, "Corp root"), newAuthority(t, "Other root")
	net := newNetwork(t)
	net.add("index.example.com", serve(t, withCert(corp.issue(t, nil, "index.example.com")), http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "apiVersion: v1\nentries: {a: [{urls: [\"https://charts.example.net/a.tgz\"]}]}\n")
	})))
	net.add("charts.example.net", serve(t, withCert(other.issue(t, nil, "charts.example.net")), http.HandlerFunc(ok)))
	both, one := []*x509.Certificate{corp.cert, other.cert}, []*x509.Certificate{corp.cert}
	remove := func(x *Target, _ *Options) { x.Secrets.Cert = nil }
	upgrade := func(x *Target, _ *Options) { x.Controller.Version = "1.7.0" }
	mount := func(x *Target, _ *Options) { x.Controller.Bundle = true }
	add := func(_ *Target, o *Options) { o.Bundle = both }
	intoSecret := func(x *Target, _ *Options) { x.Secrets.Cert = secretWith(both, nil) }
	type steps []func(*Target, *Options)
	for name, tc := range map[string]struct {
		secret, bundle, system []*x509.Certificate
		without                Without
		cure                   string
		cured                  []steps
	}{
		"the bundle has it":            {both, both, nil, "", "trusts the roots of this host by itself (bundle, certSecretRef); or upgrade to Flux 2.7", []steps{{remove}, {upgrade}}},
		"public roots have it":         {one, one, []*x509.Certificate{other.cert}, "", "by itself (system roots); or upgrade to Flux 2.7", []steps{{remove}, {upgrade}}},
		"the Secret has it":            {both, one, nil, "", "add the root of this host to spec.caBundle and remove spec.certSecretRef from the HelmRepository, or upgrade to Flux 2.7", []steps{{add, remove}, {upgrade}}},
		"nobody has it":                {one, one, nil, "", "or upgrade to Flux 2.7 and put the root of this host into the Secret", []steps{{add, remove}, {upgrade, intoSecret}}},
		"no mount, in the bundle":      {one, both, nil, WithoutMount, "spec.mount.method is None, so this controller does not get the bundle: write another method there, and remove", []steps{{mount, remove}, {upgrade, intoSecret}}},
		"no mount, in the Secret":      {both, one, nil, WithoutMount, "write another method there, add the root of this host to spec.caBundle and remove", []steps{{mount, add, remove}, {upgrade}}},
		"no mount, and nobody has it":  {one, one, nil, WithoutMount, "and put the root of this host into the Secret of spec.certSecretRef", []steps{{mount, add, remove}, {upgrade, intoSecret}}},
		"left out, and in the bundle":  {both, both, nil, WithoutController, "spec.controllers leaves it out, so this controller does not get the bundle: take it in there", []steps{{mount, remove}, {upgrade}}},
		"no mount, public roots do it": {one, nil, []*x509.Certificate{other.cert, corp.cert}, WithoutMount, "by itself (system roots)", []steps{{remove}, {upgrade}}},
	} {
		t.Run(name, func(t *testing.T) {
			run := func(change steps) Report {
				source := target(t, HelmRepository, "https://index.example.com")
				source.Controller = Controller{Version: "1.6.2", Bundle: tc.without == "", Without: tc.without}
				source.Secrets.Cert = secretWith(tc.secret, nil)
				options := Options{Bundle: tc.bundle, System: pool(tc.system...), Proxy: net.proxy}
				for _, step := range change {
					step(&source, &options)
				}
				got := Run(t.Context(), []Target{source}, options)
				return got[len(got)-1]
			}
			got := run(nil)
			if f := got.Failure; f == nil || f.Code != PinnedName || !strings.Contains(f.Cure, tc.cure) {
				t.Fatalf("got %+v, want %s", f, tc.cure)
			}
			for i, cure := range tc.cured {
				if got := run(cure); got.Host != "charts.example.net" || got.Result != OK {
					t.Errorf("with cure %d: %s %+v", i, got.Host, got.Failure)
				}
			}
		})
	}
}
