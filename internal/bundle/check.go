package bundle

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// soon is how long before its end a root is worth a warning.
const soon = 30 * 24 * time.Hour

// minRSA is the smallest RSA key in bits that counts as safe (NIST SP 800-131A).
const minRSA = 2048

// Check returns what is wrong with certificates that can be read, at a time.
// Duplicates are found among the certificates given.
func Check(certificates []Certificate, now time.Time) []Finding {
	p := &parser{}
	seen := map[string]int{}
	for _, c := range certificates {
		p.checkAuthority(c)
		p.checkStrength(c)
		p.checkTime(c, now)
		fingerprint := Fingerprint(c.Certificate)
		if first, ok := seen[fingerprint]; ok {
			p.add(Duplicate, c.Line, "%s stands in line %d already; remove one", c.Name(), first)
		} else {
			seen[fingerprint] = c.Line
		}
	}
	return p.findings
}

// Valid tells whether at least one certificate is valid at a time.
func Valid(certificates []Certificate, now time.Time) bool {
	return slices.ContainsFunc(certificates, func(c Certificate) bool { return !now.Before(c.NotBefore) && !now.After(c.NotAfter) })
}

// checkAuthority finds certificates that cannot be the anchor of a chain: Go
// trusts nothing that they have signed, without a word.
func (p *parser) checkAuthority(c Certificate) {
	selfSigned := isSelfSigned(c.Certificate)
	switch {
	case c.Version < 3: // Go applies the rules below to version 3 alone
		p.add(Version1, c.Line, "%s is an X.509 version %d certificate, which does not say whether it is a CA; Go trusts it", c.Name(), c.Version)
		return
	case len(c.UnhandledCriticalExtensions) > 0:
		p.add(Unusable, c.Line, "%s has a critical extension that Go does not know (%s), so Go trusts nothing that it has signed", c.Name(), c.UnhandledCriticalExtensions[0])
		return
	case !forServers(c.Certificate):
		p.add(Unusable, c.Line, "%s is not meant for servers (its extended key usage), so Go trusts no server that it has signed", c.Name())
		return
	case !c.IsCA && selfSigned:
		p.add(NotCA, c.Line, "%s is the self-signed certificate of a server, not of a CA; put in the certificate of a CA (basicConstraints CA:TRUE)", c.Name())
		return
	case !c.IsCA:
		p.add(NotCA, c.Line, "%s is not a CA (no basicConstraints CA:TRUE); put in the certificate of its issuer, %s", c.Name(), issuer(c))
		return
	case c.KeyUsage != 0 && c.KeyUsage&x509.KeyUsageCertSign == 0:
		p.add(NoCertSign, c.Line, "%s may not sign certificates (its key usage lacks keyCertSign); ask your CA for the right one", c.Name())
	}
	if !selfSigned {
		p.add(NotSelfSigned, c.Line, "%s is an intermediate: it was issued by %s; Go trusts it as it is, but it will be replaced sooner than its root", c.Name(), issuer(c))
	}
}

// forServers tells whether the extended key usage lets a CA sign servers.
func forServers(c *x509.Certificate) bool {
	if len(c.ExtKeyUsage)+len(c.UnknownExtKeyUsage) == 0 || !c.IsCA {
		return true
	}
	return slices.Contains(c.ExtKeyUsage, x509.ExtKeyUsageServerAuth) || slices.Contains(c.ExtKeyUsage, x509.ExtKeyUsageAny)
}

func (p *parser) checkStrength(c Certificate) {
	switch key := c.PublicKey.(type) {
	case *rsa.PublicKey:
		if bits := key.N.BitLen(); bits < minRSA {
			p.add(WeakKey, c.Line, "%s has an RSA key of %d bits; at least %d are needed", c.Name(), bits, minRSA)
		}
	case *ecdsa.PublicKey, ed25519.PublicKey:
	default:
		p.add(WeakKey, c.Line, "%s has a %s key, with which Go verifies nothing", c.Name(), c.PublicKeyAlgorithm)
	}
	switch c.SignatureAlgorithm {
	case x509.SHA1WithRSA, x509.ECDSAWithSHA1, x509.DSAWithSHA1, x509.MD5WithRSA, x509.MD2WithRSA:
		p.add(WeakSignature, c.Line, "%s is signed with %s; that does not matter for a root, but its successor should be better", c.Name(), c.SignatureAlgorithm)
	default:
	}
}

func (p *parser) checkTime(c Certificate, now time.Time) {
	switch {
	case now.After(c.NotAfter):
		p.add(Expired, c.Line, "%s has expired on %s; remove it", c.Name(), day(c.NotAfter))
	case now.Before(c.NotBefore):
		p.add(NotYetValid, c.Line, "%s is not valid before %s", c.Name(), day(c.NotBefore))
	case now.Add(soon).After(c.NotAfter):
		p.add(ExpiresSoon, c.Line, "%s expires on %s; add its successor beside it now", c.Name(), day(c.NotAfter))
	}
}

func isSelfSigned(c *x509.Certificate) bool {
	if !bytes.Equal(c.RawSubject, c.RawIssuer) {
		return false
	}
	err := c.CheckSignature(c.SignatureAlgorithm, c.RawTBSCertificate, c.Signature)
	// Algorithms that Go refuses, such as SHA-1, cannot be checked; the names
	// must do.
	insecure := x509.InsecureAlgorithmError(0)
	return err == nil || errors.As(err, &insecure) || errors.Is(err, x509.ErrUnsupportedAlgorithm)
}

// Name returns the subject of a certificate for a message, in quotes.
func (c Certificate) Name() string { return quote(c.Subject) }

func issuer(c Certificate) string { return quote(c.Issuer) }

// quote returns a name for a message. It is chosen by whoever made the
// certificate, so line breaks and excess length go.
func quote(n pkix.Name) string {
	const longest = 100
	text := strings.Join(strings.Fields(n.String()), " ")
	if len(text) > longest {
		text = strings.ToValidUTF8(text[:longest], "") + "…"
	}
	return fmt.Sprintf("%q", text)
}

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }

// Fingerprint returns the SHA-256 of a certificate: sha256:<hex>.
func Fingerprint(c *x509.Certificate) string {
	sum := sha256.Sum256(c.Raw)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// Digest returns one fingerprint for a set of certificates: the SHA-256 of
// their sorted fingerprints. It changes with every certificate, and not with
// their order, comments or duplicates.
func Digest(certificates []Certificate) string {
	fingerprints := make([]string, len(certificates))
	for i, c := range certificates {
		fingerprints[i] = Fingerprint(c.Certificate)
	}
	slices.Sort(fingerprints)
	sum := sha256.Sum256([]byte(strings.Join(slices.Compact(fingerprints), "\n")))
	return "sha256:" + hex.EncodeToString(sum[:])
}
