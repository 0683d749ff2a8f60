package bundle

import (
	"bytes"
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

// Check returns what is wrong with certificates that can be read, at a time, for the
// controllers that are to trust them: for the newest Go when none is given. Duplicates
// are found among the certificates given.
func Check(certificates []Certificate, now time.Time, controllers ...Go) []Finding {
	if len(controllers) == 0 {
		controllers = []Go{{}}
	}
	p := &parser{}
	seen := map[string]int{}
	usable := false
	for _, c := range certificates {
		usable = p.checkAuthority(c, controllers) || usable
		p.checkSignature(c)
		p.checkTime(c, now)
		fingerprint := Fingerprint(c.Certificate)
		if first, ok := seen[fingerprint]; ok {
			p.add(Duplicate, c.Line, "%s stands in line %d already; remove one", c.Name(), first)
		} else {
			seen[fingerprint] = c.Line
		}
	}
	for i, f := range p.findings {
		p.findings[i].alone = !usable && (f.Code == NegativeSerial || f.Code == GoVersion)
	}
	return p.findings
}

// Valid reports whether at least one certificate is valid at a time.
func Valid(certificates []Certificate, now time.Time) bool {
	return slices.ContainsFunc(certificates, func(c Certificate) bool { return !now.Before(c.NotBefore) && !now.After(c.NotAfter) })
}

// checkAuthority finds certificates that cannot be the anchor of a chain: a controller
// trusts nothing that they have signed, without a word. It reports whether every one of
// them does trust it.
func (p *parser) checkAuthority(c Certificate, controllers []Go) bool {
	usable := true
	for _, r := range refusals(c.Certificate) {
		concerned := slices.DeleteFunc(slices.Clone(controllers), func(g Go) bool { return !r.applies(g) })
		if len(concerned) == 0 {
			continue
		}
		usable = false
		message := r.message
		if of := concerned[0]; of.Of != "" && (r.since > 0 || r.until > 0 || r.code == NegativeSerial) {
			message += fmt.Sprintf(" (%s is built with Go 1.%d)", of.Of, of.Minor)
		}
		p.add(r.code, c.Line, "%s %s", c.Name(), message)
	}
	if c.Version < 3 {
		p.add(Version1, c.Line, "%s is an X.509 version %d certificate, which does not say whether it is a CA; Go trusts it", c.Name(), c.Version)
	}
	if left := constraints(c.Certificate); left != "" {
		p.add(NameConstraints, c.Line, "%s has name constraints: Go trusts what it has signed for %s, and refuses every other server", c.Name(), left)
	}
	return usable
}

// checkSignature looks at the signature of a root, which Go does not.
func (p *parser) checkSignature(c Certificate) {
	switch c.SignatureAlgorithm {
	case x509.SHA1WithRSA, x509.ECDSAWithSHA1, x509.DSAWithSHA1, x509.MD5WithRSA, x509.MD2WithRSA:
		p.add(WeakSignature, c.Line, "%s is signed with %s; that does not matter for a root, but its successor should be better", c.Name(), c.SignatureAlgorithm)
	default:
	}
	switch {
	case c.Version < 3 || !c.IsCA:
	case !bytes.Equal(c.RawSubject, c.RawIssuer):
		p.add(NotSelfSigned, c.Line, "%s is an intermediate: it was issued by %s; Go trusts it as it is, but it will be replaced sooner than its root", c.Name(), issuer(c))
	case !hasBrokenSignature(c.Certificate):
	case len(c.AuthorityKeyId) > 0 && len(c.SubjectKeyId) > 0 && !bytes.Equal(c.AuthorityKeyId, c.SubjectKeyId):
		p.add(NotSelfSigned, c.Line, "%s is an intermediate: another key of the same CA has signed it; Go trusts it as it is, but its root would last longer", c.Name())
	default:
		p.add(BrokenSignature, c.Line, "%s is its own issuer, and its signature is not right: the file is damaged, or not what your CA has made; Go trusts it all the same, so compare its fingerprint, %s", c.Name(), Fingerprint(c.Certificate))
	}
}

// hasBrokenSignature reports whether the own key of a certificate has not signed it.
// Where Go cannot check that, as with SHA-1, it is taken on trust.
func hasBrokenSignature(c *x509.Certificate) bool {
	err := c.CheckSignature(c.SignatureAlgorithm, c.RawTBSCertificate, c.Signature)
	insecure := x509.InsecureAlgorithmError(0)
	return err != nil && !errors.As(err, &insecure) && !errors.Is(err, x509.ErrUnsupportedAlgorithm) &&
		!slices.ContainsFunc(ofKey(c), func(r refusal) bool { return !r.ours })
}

// constraints says for which names a root may sign, or returns "".
func constraints(c *x509.Certificate) string {
	var permitted, excluded []string
	for _, d := range c.PermittedDNSDomains {
		permitted = append(permitted, quoted(d))
	}
	for _, n := range c.PermittedIPRanges {
		permitted = append(permitted, n.String())
	}
	for _, d := range c.ExcludedDNSDomains {
		excluded = append(excluded, quoted(d))
	}
	for _, n := range c.ExcludedIPRanges {
		excluded = append(excluded, n.String())
	}
	switch {
	case len(permitted)+len(excluded) == 0:
		return ""
	case len(excluded) == 0:
		return "names in " + some(permitted)
	case len(permitted) == 0:
		return "names outside of " + some(excluded)
	default:
		return "names in " + some(permitted) + " and outside of " + some(excluded)
	}
}

// some lists the first of some texts.
func some(texts []string) string {
	const most = 5
	if len(texts) > most {
		return strings.Join(texts[:most], ", ") + fmt.Sprintf(" and %d more", len(texts)-most)
	}
	return strings.Join(texts, ", ")
}

// quoted returns a text of a certificate for a message.
func quoted(text string) string {
	const longest = 100
	if len(text) > longest {
		text = strings.ToValidUTF8(text[:longest], "") + "…"
	}
	return fmt.Sprintf("%q", text)
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

// Name returns the subject of a certificate for a message, in quotes.
func (c Certificate) Name() string { return quote(c.Subject) }

func issuer(c Certificate) string { return quote(c.Issuer) }

// quote returns a name for a message. It is chosen by whoever made the
// certificate, so line breaks and excess length go.
func quote(n pkix.Name) string {
	return quoted(strings.Join(strings.Fields(n.String()), " "))
}

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }

// Fingerprint returns the SHA-256 of a certificate: sha256:<hex>.
func Fingerprint(c *x509.Certificate) string {
	sum := sha256.Sum256(c.Raw)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// ParseFingerprint returns a SHA-256 as Fingerprint does, of what openssl, a browser or a
// config shows: sha256:<hex>, SHA256 Fingerprint=12:34:…, or digits alone, with colons,
// spaces or neither. It is false for anything else.
func ParseFingerprint(text string) (string, bool) {
	if label, behind, found := strings.Cut(text, "="); found {
		if !strings.EqualFold(label, "sha256 fingerprint") {
			return "", false
		}
		text = behind
	}
	digits := strings.NewReplacer(":", "", " ", "").Replace(strings.TrimPrefix(strings.ToLower(text), "sha256:"))
	sum, err := hex.DecodeString(digits)
	return "sha256:" + digits, err == nil && len(sum) == sha256.Size
}

// Extends reports whether certificates are those of an earlier Digest and further ones.
// It is false where too much has changed to tell.
func Extends(certificates []Certificate, digest string) bool {
	_, ok := Added(fingerprintsOf(certificates), digest)
	return ok
}

// Added returns those of some fingerprints that are not of an earlier Digest; ok is false where
// that had others, too, or where too much has changed to tell.
func Added(fingerprints []string, digest string) (added []string, ok bool) {
	fingerprints = slices.Compact(slices.Sorted(slices.Values(fingerprints)))
	const few = 20 // of which any three are left out in 1,000 ways
	most := 1
	if len(fingerprints) <= few {
		most = 3
	}
	return extends(fingerprints, digest, 0, most)
}

// extends leaves out up to so many fingerprints, from one on, and returns them.
func extends(fingerprints []string, digest string, from, most int) (out []string, ok bool) {
	if digestOf(fingerprints) == digest {
		return nil, true
	}
	for i := from; i < len(fingerprints) && most > 0; i++ {
		if out, ok := extends(slices.Delete(slices.Clone(fingerprints), i, i+1), digest, i, most-1); ok {
			return append(out, fingerprints[i]), true
		}
	}
	return nil, false
}

// fingerprintsOf returns those of certificates, sorted, each once.
func fingerprintsOf(certificates []Certificate) []string {
	fingerprints := make([]string, len(certificates))
	for i, c := range certificates {
		fingerprints[i] = Fingerprint(c.Certificate)
	}
	slices.Sort(fingerprints)
	return slices.Compact(fingerprints)
}

// Digest returns one fingerprint for a set of certificates: the SHA-256 of
// their sorted fingerprints. It changes with every certificate, and not with
// their order, comments or duplicates.
func Digest(certificates []Certificate) string {
	return digestOf(fingerprintsOf(certificates))
}

func digestOf(fingerprints []string) string {
	sum := sha256.Sum256([]byte(strings.Join(fingerprints, "\n")))
	return "sha256:" + hex.EncodeToString(sum[:])
}
