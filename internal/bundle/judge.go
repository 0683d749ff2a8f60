package bundle

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"
)

// Go is the Go that a controller is built with, as far as it decides which roots are
// trusted.
type Go struct {
	// Minor version of the toolchain: 23 for Go 1.23.
	Minor int
	// Language is the minor version in the go line of go.mod, which chooses the defaults
	// of GODEBUG.
	Language int
	// NegativeSerials is set where GODEBUG lets it read negative serial numbers.
	NegativeSerials bool
	// Of names the controller, for messages: "source-controller 1.4.1".
	Of string
}

// takesNegativeSerials: https://go.dev/doc/go1.23.
func (g Go) takesNegativeSerials() bool {
	const refused = 23
	return g.NegativeSerials || g.Minor > 0 && (g.Minor < refused || g.Language < refused)
}

// ParseGo returns the Go of a version ("1.23") and a language version.
func ParseGo(version, language, of string) (Go, error) {
	minor, err := minorOf(version)
	if err != nil {
		return Go{}, err
	}
	lang, err := minorOf(language)
	return Go{Minor: minor, Language: lang, Of: of}, err
}

func minorOf(version string) (int, error) {
	n, err := strconv.Atoi(strings.TrimPrefix(version, "1."))
	if err != nil {
		return 0, fmt.Errorf("the version of Go %q: %w", version, err)
	}
	return n, nil
}

// refusal is why Go trusts no server whose certificate a root has signed. A zero
// value means that it does, as far as the root decides.
type refusal struct {
	code    Code
	message string
	// since is the minor version of Go from which on it is so, until the one before
	// which it is so; 0 where that does not matter. With asLanguage the defaults of an
	// older language version turn it off.
	since, until int
	asLanguage   bool
	// ours is set where Go trusts, and we advise against it.
	ours bool
}

// applies reports whether a Go refuses for this reason. No Go in particular is the
// newest.
func (r refusal) applies(g Go) bool {
	switch {
	case r.code == NegativeSerial:
		return !g.takesNegativeSerials()
	case r.since > 0:
		return g.Minor == 0 || g.Minor >= r.since && (!r.asLanguage || g.Language >= r.since)
	case r.until > 0:
		return g.Minor > 0 && g.Minor < r.until
	default:
		return true
	}
}

// refusals returns what is wrong with a certificate as a root, whatever the time is and
// whoever reads it.
func refusals(c *x509.Certificate) []refusal {
	var found []refusal
	if r := purpose(c); r.code != "" {
		found = append(found, r)
	}
	const policies, mapped, distrusting = 24, 27, 27
	if oid := policyExtension(c); oid != "" {
		found = append(found, refusal{code: GoVersion, until: policies, message: fmt.Sprintf("has a critical extension (%s) that Go knows since 1.%d alone", oid, policies)})
	}
	if hasMappedAddress(c) {
		found = append(found, refusal{code: GoVersion, since: mapped, message: fmt.Sprintf("names an IPv4 address in the form of IPv6 (::ffff:…), and Go since 1.%d cannot read it; ask your CA for one without", mapped)})
	}
	if slices.Contains(distrusted(), fmt.Sprintf("%x", sha256.Sum256(c.RawSubjectPublicKeyInfo))) {
		found = append(found, refusal{code: GoVersion, since: distrusting, message: fmt.Sprintf("has a key that Go since 1.%d distrusts by name; ask for the CA that has taken its place", distrusting)})
	}
	if c.SerialNumber.Sign() < 0 {
		found = append(found, refusal{code: NegativeSerial, message: "has a negative serial number, which Go since 1.23 cannot read; ask your CA to issue it anew; until then, spec.extras.acceptNegativeSerials: true lets the controllers read it"})
	}
	return append(found, ofKey(c)...)
}

// purpose returns why a certificate is not one of a CA for servers.
func purpose(c *x509.Certificate) refusal {
	switch {
	case c.Version < 3: // Go applies the rules below to version 3 alone
		return refusal{}
	case len(c.UnhandledCriticalExtensions) > 0:
		return refusal{code: Unusable, message: fmt.Sprintf("has a critical extension that Go does not know (%s), so Go trusts nothing that it has signed", c.UnhandledCriticalExtensions[0])}
	case !forServers(c):
		return refusal{code: Unusable, message: "is not meant for servers (its extended key usage), so Go trusts no server that it has signed"}
	case !c.IsCA && bytes.Equal(c.RawSubject, c.RawIssuer):
		return refusal{code: NotCA, message: "is the self-signed certificate of a server, not of a CA; put in the certificate of a CA (basicConstraints CA:TRUE)"}
	case !c.IsCA:
		return refusal{code: NotCA, message: "is not a CA (no basicConstraints CA:TRUE); put in the certificate of its issuer, " + quote(c.Issuer)}
	case c.KeyUsage != 0 && c.KeyUsage&x509.KeyUsageCertSign == 0:
		return refusal{code: NoCertSign, message: "may not sign certificates (its key usage lacks keyCertSign); ask your CA for the right one"}
	default:
		return refusal{}
	}
}

// forServers reports whether the extended key usage lets a CA sign servers.
func forServers(c *x509.Certificate) bool {
	if len(c.ExtKeyUsage)+len(c.UnknownExtKeyUsage) == 0 {
		return true
	}
	return slices.Contains(c.ExtKeyUsage, x509.ExtKeyUsageServerAuth) || slices.Contains(c.ExtKeyUsage, x509.ExtKeyUsageAny)
}

// policyExtension returns the name of the first critical extension about policies that
// crypto/x509 of Go 1.23 does not know: RFC 5280, sections 4.2.1.5, 4.2.1.11 and
// 4.2.1.14; https://go.dev/doc/go1.24.
func policyExtension(c *x509.Certificate) string {
	for _, e := range c.Extensions {
		for _, known := range []struct {
			oid  asn1.ObjectIdentifier
			name string
		}{
			{asn1.ObjectIdentifier{2, 5, 29, 33}, "policyMappings"},
			{asn1.ObjectIdentifier{2, 5, 29, 36}, "policyConstraints"},
			{asn1.ObjectIdentifier{2, 5, 29, 54}, "inhibitAnyPolicy"},
		} {
			if e.Critical && e.Id.Equal(known.oid) {
				return known.name
			}
		}
	}
	return ""
}

// hasMappedAddress reports whether a certificate has an IPv4 address in 16 bytes, which
// Go 1.27 refuses (crypto/x509/parser.go).
func hasMappedAddress(c *x509.Certificate) bool {
	const prefix, size = "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff", 16
	mapped := false
	for _, ip := range c.IPAddresses {
		mapped = mapped || len(ip) == size && strings.HasPrefix(string(ip), prefix)
	}
	for _, n := range slices.Concat(c.PermittedIPRanges, c.ExcludedIPRanges) {
		mapped = mapped || len(n.IP) == size && strings.HasPrefix(string(n.IP), prefix)
	}
	return mapped
}

// ofKey returns why Go verifies nothing with a key, or why nobody should.
func ofKey(c *x509.Certificate) []refusal {
	const mldsa = 27
	switch key := c.PublicKey.(type) {
	case *rsa.PublicKey:
		return ofRSA(key)
	case *ecdsa.PublicKey, ed25519.PublicKey:
		return nil
	default:
		if isMLDSA(c) {
			return []refusal{{code: GoVersion, until: mldsa, message: fmt.Sprintf("has an ML-DSA key, which Go knows since 1.%d alone", mldsa)}}
		}
		return []refusal{{code: WeakKey, message: fmt.Sprintf("has a %s, with which Go verifies nothing", keyKind(c))}}
	}
}

// ofRSA returns what is wrong with an RSA key. Go looks at keys since 1.24
// (https://go.dev/doc/go1.24); before, it verifies with what it can read.
func ofRSA(key *rsa.PublicKey) []refusal {
	var found []refusal
	const looks, smallest = 24, 1024
	bits := key.N.BitLen()
	// Go itself says what it thinks of the rest when it is to verify something with a key
	// that is long enough.
	long := &rsa.PublicKey{N: new(big.Int).SetBit(key.N, minRSA-1, 1), E: key.E}
	if err := rsa.VerifyPKCS1v15(long, crypto.SHA256, make([]byte, sha256.Size), make([]byte, long.Size())); !errors.Is(err, rsa.ErrVerification) {
		found = append(found, refusal{code: WeakKey, since: looks, message: fmt.Sprintf("has an RSA key that Go since 1.%d refuses (%s), so it verifies nothing with it; ask your CA for a key with the exponent 65537", looks, strings.TrimPrefix(err.Error(), "crypto/rsa: "))})
	}
	if bits < smallest {
		found = append(found, refusal{code: WeakKey, since: looks, asLanguage: true, message: fmt.Sprintf("has an RSA key of %d bits, and Go since 1.%d verifies nothing with less than %d; ask your CA for a longer one", bits, looks, smallest)})
	}
	if bits < minRSA {
		found = append(found, refusal{code: WeakKey, message: fmt.Sprintf("has an RSA key of %d bits; at least %d are needed: ask your CA for a longer one", bits, minRSA), ours: true})
	}
	return found
}

// isMLDSA reports whether a key is one of RFC 9881, as Go 1.27 reads it: of one of the
// kinds 2.16.840.1.101.3.4.3.17 to 19, without parameters, and of the right size.
func isMLDSA(c *x509.Certificate) bool {
	var info struct {
		Algorithm pkix.AlgorithmIdentifier
		Key       asn1.BitString
	}
	if _, err := asn1.Unmarshal(c.RawSubjectPublicKeyInfo, &info); err != nil || len(info.Algorithm.Parameters.FullBytes) > 0 {
		return false
	}
	const first = 17
	for i, size := range []int{1312, 1952, 2592} {
		if info.Algorithm.Algorithm.Equal(asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 3, first + i}) {
			return len(info.Key.Bytes) == size && info.Key.BitLength == 8*size
		}
	}
	return false
}

func keyKind(c *x509.Certificate) string {
	if c.PublicKeyAlgorithm == x509.UnknownPublicKeyAlgorithm {
		return "key of a kind that is not known"
	}
	return c.PublicKeyAlgorithm.String() + " key"
}

// distrusted returns the SHA-256 of the public keys in whose chains Go 1.27 trusts no
// longer (crypto/x509/verify.go).
func distrusted() []string {
	return []string{
		"ebed6475c2c2d80fcb199f3fe8dd6e6b3ce60b77eb15d4e42c3dec0c6f5b5105",
		"49dd353dc2b919a3770645117d0e60c16115e7d1bc259eefe734b00ea434fe5f",
		"e0254c7fcdc265e2f0f8a428dabb75ab4ae039b4872d62f5ee57f0877d5a8a41",
		"5c0660a2b164910d8ff589c18e14552e9e0ec237dcefe2cb736d41a4811f81a0",
		"43bffa19d6ef651451f6841e019931e96f6f2eaeff28ab4b6f1ce4576de2717b",
		"63ecefee431d49523bc1136c4e72d0206a477086caf606cd5cf025686c109cf8",
		"ec4ffa1ad0ac88081314b7aaffef6a91f97cd57291bb5ba686c5415f5eb4f6b6",
		"92c063d67e8f14db71d288e11266ffdaf69cbf115f7bab14f3bc2f68d25e0e30",
	}
}
