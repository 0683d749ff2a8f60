package setup

import (
	"bytes"
	"encoding/pem"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"fluxtrust.dev/flux-trust/internal/bundle"
	"fluxtrust.dev/flux-trust/internal/filter"
	"fluxtrust.dev/flux-trust/internal/quote"
)

// Root is a certificate that is to be trusted.
type Root struct {
	bundle.Certificate
	// From is the file that it was given in, or "" where it was trusted before.
	From string
}

// Fingerprint returns the SHA-256 of the certificate: sha256:<hex>.
func (r Root) Fingerprint() string { return bundle.Fingerprint(r.Certificate.Certificate) }

// Until returns the day of its end.
func (r Root) Until() string { return r.NotAfter.UTC().Format(time.DateOnly) }

// Name returns its subject for a message.
func (r Root) Name() string { return quote.Subject(r.Subject.String()) }

// pem returns the certificate as PEM, with a comment that says which it is.
func (r Root) pem() string {
	return fmt.Sprintf("# %s\n# %s, until %s\n%s", r.Name(), r.Fingerprint(), r.Until(),
		pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: r.Raw}))
}

// readRoots returns the certificates in files, each once. All that is wrong with any
// of them comes at once.
func readRoots(files []filter.File, now time.Time) ([]Root, error) {
	var roots []Root
	var problems []error
	for _, f := range files {
		if key := bundle.KeyAlone(f.Text); key != "" {
			problems = append(problems, fmt.Errorf("%s: is a %s, and no certificate; name the file with the certificate of the CA instead, and leave the key where it is", f.Path, key))
			continue
		}
		certificates, found := bundle.Read(f.Text)
		for _, c := range certificates {
			if r := (Root{c, f.Path}); !has(roots, r.Fingerprint()) {
				roots = append(roots, r)
				found = append(found, bundle.Check([]bundle.Certificate{c}, now)...)
			}
		}
		for _, problem := range found {
			if isInTheWay(problem) {
				problems = append(problems, fmt.Errorf("%s: %s", f.Path, forFile(problem, f, certificates, now)))
			}
		}
	}
	return roots, errors.Join(problems...)
}

// isInTheWay reports whether a finding refuses a file. Whether a root that not every Go takes
// is of use depends on the controllers.
func isInTheWay(f bundle.Finding) bool {
	return f.Fatal() && f.Code != bundle.NegativeSerial && f.Code != bundle.GoVersion
}

// forFile returns what is wrong with a file, with a command for that file. Where it holds
// others that are right, as the chain of a server does, the certificate is to be taken out.
func forFile(problem bundle.Finding, f filter.File, certificates []bundle.Certificate, now time.Time) string {
	isRight := func(c bundle.Certificate) bool {
		return !slices.ContainsFunc(bundle.Check([]bundle.Certificate{c}, now), isInTheWay)
	}
	at := slices.IndexFunc(certificates, func(c bundle.Certificate) bool { return c.Line == problem.Line })
	if at >= 0 && !problem.Unreadable() && slices.ContainsFunc(certificates, isRight) {
		if to := blockEnd(f.Text, certificates[at]); to > 0 {
			what, _, _ := strings.Cut(problem.String(), "; ")
			return fmt.Sprintf("%s; take its block out, and name what is left: sed %d,%dd %s > ca.pem", what, problem.Line, to, quote.Path(f.Path))
		}
	}
	text := problem.String()
	if f.Path == "-" || filepath.Base(f.Path) == "ca.crt" { // which the commands write
		return text
	}
	for _, name := range []string{"ca.b64", "ca.der", "ca.gz", "ca.jks", "ca.p12", "ca.p7b", "ca.pem", "ca.txt"} {
		text = strings.ReplaceAll(text, " "+name+" ", " "+quote.Path(f.Path)+" ")
	}
	return text
}

// blockEnd returns the line in which the block of a certificate ends, or 0 where the text does
// not hold it as it was read.
func blockEnd(text []byte, c bundle.Certificate) int {
	lines := strings.SplitAfter(string(text), "\n")
	if c.Line < 1 || c.Line > len(lines) {
		return 0
	}
	rest := strings.Join(lines[c.Line-1:], "")
	block, behind := pem.Decode([]byte(rest))
	if block == nil || !bytes.Equal(block.Bytes, c.Raw) {
		return 0
	}
	return c.Line - 1 + strings.Count(strings.TrimRight(rest[:len(rest)-len(behind)], "\r\n"), "\n") + 1
}

// IsCertificate reports whether a file holds certificates, and nothing that is wrong.
func IsCertificate(data []byte) bool {
	certificates, found := bundle.Read(data)
	return len(certificates) > 0 && !slices.ContainsFunc(found, bundle.Finding.Fatal)
}

// has reports whether a certificate is among others.
func has(roots []Root, fingerprint string) bool {
	return slices.ContainsFunc(roots, func(r Root) bool { return r.Fingerprint() == fingerprint })
}

// lacking returns the certificates that are not among others.
func lacking(roots, others []Root) []Root {
	return slices.DeleteFunc(slices.Clone(roots), func(r Root) bool { return has(others, r.Fingerprint()) })
}

// names returns the subjects of certificates.
func names(roots []Root) string {
	list := make([]string, len(roots))
	for i, r := range roots {
		list[i] = r.Name()
	}
	return strings.Join(list, " and ")
}

// pemOf returns certificates as a text.
func pemOf(roots []Root) string {
	var text strings.Builder
	for _, r := range roots {
		text.WriteString(r.pem())
	}
	return text.String()
}

// trusted are the certificates that a folder has, and is to have.
type trusted struct {
	// text is the PEM as it is to be, roots what is in it.
	text  string
	roots []Root
	// dropped were in it and are not, added were not and are.
	dropped, added []Root
	// opaque says that what was there is no certificate, and is replaced.
	opaque bool
}

// combine returns the certificates of a text, which may be nil, and those that are given.
// Bytes that are right stay as they are. What is in the text goes when it is to be
// replaced.
func combine(path string, before []byte, given []Root, replace bool) (trusted, error) {
	fresh := trusted{text: pemOf(given), roots: given}
	if before == nil {
		return fresh, nil
	}
	certificates, found := bundle.Parse(before)
	var present []Root
	for _, c := range certificates {
		if r := (Root{c, ""}); !has(present, r.Fingerprint()) {
			present = append(present, r)
		}
	}
	t := trusted{text: string(before), roots: present, added: lacking(given, present)}
	if replace {
		if t.dropped = lacking(present, given); len(t.added)+len(t.dropped) == 0 && !slices.ContainsFunc(found, bundle.Finding.Fatal) {
			return t.from(given), nil
		}
		fresh.added, fresh.dropped = t.added, t.dropped
		fresh.opaque = slices.ContainsFunc(found, bundle.Finding.Unreadable)
		return fresh, nil
	}
	for _, problem := range found {
		if problem.Unreadable() {
			return t, fmt.Errorf("%s: %s; or --force replaces it by what you give", path, problem)
		}
	}
	if len(t.added) > 0 {
		if !strings.HasSuffix(t.text, "\n") {
			t.text += "\n"
		}
		t.text += pemOf(t.added)
		t.roots = slices.Concat(present, t.added)
	}
	return t.from(given), nil
}

// from names the files that certificates were given in.
func (t trusted) from(given []Root) trusted {
	t.roots = slices.Clone(t.roots)
	for i, r := range t.roots {
		for _, g := range given {
			if g.Fingerprint() == r.Fingerprint() {
				t.roots[i].From = g.From
			}
		}
	}
	return t
}
