package bundle

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"testing"
)

// TestJudgement says what each kind of root is called, how bad that is, and for which
// controllers.
func TestJudgement(t *testing.T) {
	f := newForger(t, rand.New(rand.NewPCG(1, 1))) //nolint:gosec // a test that repeats
	isCA := extension(true, "\x30\x03\x01\x01\xff", 2, 5, 29, 19)
	made := func(change func(c *forged)) *x509.Certificate {
		c := forged{version: 3, serial: big.NewInt(7), subject: "Forged", issuer: "Forged", key: f.key("P-256"), signer: f.key("P-256"), extensions: []pkix.Extension{isCA}}
		change(&c)
		parsed, err := x509.ParseCertificate(f.make(c))
		return try(t, parsed, err)
	}
	negative := made(func(c *forged) { c.serial = big.NewInt(-7) })
	policies := made(func(c *forged) {
		c.extensions = append(c.extensions, extension(true, "\x30\x03\x80\x01\x00", 2, 5, 29, 36))
	})
	_, mapped, _ := net.ParseCIDR("10.0.0.0/8") //nolint:errcheck // it is one
	old, middle, recent := Go{Minor: 22, Language: 22, Of: "a 1.0.0"}, Go{Minor: 23, Language: 22, Of: "b 1.0.0"}, Go{Minor: 23, Language: 23, Of: "c 1.0.0"}
	good := root(t)
	for name, tc := range map[string]struct {
		certificates []*x509.Certificate
		controllers  []Go
		code         Code
		fatal        bool
		want         string
	}{
		"negative serial":                   {[]*x509.Certificate{negative}, nil, NegativeSerial, true, "ask your CA to issue it anew; until then, spec.extras.acceptNegativeSerials: true lets the controllers read it"},
		"one negative serial of two":        {[]*x509.Certificate{negative, good}, nil, NegativeSerial, false, "a negative serial number"},
		"negative serial, Go 1.22":          {[]*x509.Certificate{negative}, []Go{old}, "", false, ""},
		"negative serial, defaults of 1.22": {[]*x509.Certificate{negative}, []Go{old, middle}, "", false, ""},
		"negative serial, Go 1.23":          {[]*x509.Certificate{negative}, []Go{old, recent}, NegativeSerial, true, "(c 1.0.0 is built with Go 1.23)"},
		"policies, newest Go":               {[]*x509.Certificate{policies}, nil, "", false, ""},
		"policies, Go 1.23":                 {[]*x509.Certificate{policies}, []Go{recent}, GoVersion, true, "has a critical extension (policyConstraints) that Go knows since 1.24 alone (c 1.0.0 is built with Go 1.23)"},
		"policies beside another, Go 1.23":  {[]*x509.Certificate{policies, good}, []Go{recent}, GoVersion, false, "policyConstraints"},
		"policies, Go 1.24":                 {[]*x509.Certificate{policies}, []Go{{Minor: 24, Language: 24}}, "", false, ""},
		"IPv4 as IPv6":                      {[]*x509.Certificate{root(t, func(c *x509.Certificate) { c.IPAddresses = []net.IP{net.IPv4(10, 0, 0, 1)} })}, nil, "", false, ""},
		"broken signature":                  {[]*x509.Certificate{made(func(c *forged) { c.broken = true })}, nil, BrokenSignature, false, "compare its fingerprint, sha256:"},
		"signed by an older key": {[]*x509.Certificate{made(func(c *forged) {
			c.signer = f.key("P-384")
			c.extensions = append(c.extensions, extension(false, "\x04\x04abcd", 2, 5, 29, 14), extension(false, "\x30\x06\x80\x04wxyz", 2, 5, 29, 35))
		})}, nil, NotSelfSigned, false, "another key of the same CA has signed it"},
		"RSA":                       {[]*x509.Certificate{made(func(c *forged) { c.key = f.key("RSA 2048 65537"); c.signer = c.key })}, nil, "", false, ""},
		"a large exponent":          {[]*x509.Certificate{made(func(c *forged) { c.key = f.key("RSA 2048 2147483659"); c.signer = c.key })}, nil, WeakKey, true, "has an RSA key that Go since 1.24 refuses (public exponent too large)"},
		"a large exponent, Go 1.23": {[]*x509.Certificate{made(func(c *forged) { c.key = f.key("RSA 2048 2147483659"); c.signer = c.key })}, []Go{recent}, "", false, ""},
		"RSA 1000":                  {[]*x509.Certificate{made(func(c *forged) { c.key = f.key("RSA 1000 65537"); c.signer = c.key })}, nil, WeakKey, true, "1000 bits, and Go since 1.24 verifies nothing with less than 1024"},
		"RSA 1000, Go 1.23":         {[]*x509.Certificate{made(func(c *forged) { c.key = f.key("RSA 1000 65537"); c.signer = c.key })}, []Go{recent}, WeakKey, true, "at least 2048 are needed"},
		"for some names":            {[]*x509.Certificate{root(t, func(c *x509.Certificate) { c.PermittedDNSDomains = []string{"corp.example", "b.example"} })}, nil, NameConstraints, false, `for names in "corp.example", "b.example", and refuses every other server`},
		"for some networks and without names": {[]*x509.Certificate{root(t, func(c *x509.Certificate) {
			c.PermittedIPRanges = []*net.IPNet{mapped}
			c.ExcludedDNSDomains = []string{"a.example"}
		})}, nil, NameConstraints, false, `for names in 10.0.0.0/8 and outside of "a.example"`},
		"for all but some": {[]*x509.Certificate{root(t, func(c *x509.Certificate) { c.ExcludedDNSDomains = strings.Split("a.b.c.d.e.f.g", ".") })}, nil, NameConstraints, false, `for names outside of "a", "b", "c", "d", "e" and 2 more`},
	} {
		t.Run(name, func(t *testing.T) {
			var certificates []Certificate
			for i, c := range tc.certificates {
				certificates = append(certificates, Certificate{Certificate: c, Line: 1 + 10*i})
			}
			findings := Check(certificates, now, tc.controllers...)
			if tc.code == "" {
				if len(findings) > 0 {
					t.Errorf("got %v", findings)
				}
				return
			}
			i := slices.IndexFunc(findings, func(f Finding) bool { return f.Code == tc.code })
			if i < 0 || findings[i].Fatal() != tc.fatal || !strings.Contains(findings[i].Message, tc.want) || strings.Contains(findings[i].Message, "\n") {
				t.Errorf("got %v, want %s (fatal: %t): %s", findings, tc.code, tc.fatal, tc.want)
			}
			if !slices.Contains(Codes(), tc.code) {
				t.Errorf("%s cannot be allowed", tc.code)
			}
		})
	}
}

func TestParseGo(t *testing.T) {
	if g, err := ParseGo("1.23", "1.22", "x"); err != nil || g != (Go{Minor: 23, Language: 22, Of: "x"}) {
		t.Errorf("got %+v, %v", g, err)
	}
	if _, err := ParseGo("tip", "1.22", ""); err == nil {
		t.Error("tip has no number")
	}
	if _, err := ParseGo("1.22", "", ""); err == nil {
		t.Error("nothing is no version")
	}
}
