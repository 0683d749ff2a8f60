package setup

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/aymanbagabas/go-udiff"

	"fluxtrust.dev/flux-trust/internal/pattern"
	"fluxtrust.dev/flux-trust/internal/quote"
)

// Extensions returns those of files with certificates.
func Extensions() []string { return []string{"crt", "cer", "pem", "der", "p7b", "p7c"} }

// Similar names the files of a folder that look like certificates, in brackets, or is "".
func Similar(dir string) string {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return ""
	}
	var found []string
	for _, e := range entries {
		if ext := strings.TrimPrefix(strings.ToLower(filepath.Ext(e.Name())), "."); !e.IsDir() && slices.Contains(Extensions(), ext) {
			found = append(found, filepath.Join(dir, e.Name()))
		}
	}
	if len(found) == 0 {
		return ""
	}
	return " (there is " + strings.Join(found, ", ") + ")"
}

// Summary says what is going to be trusted.
func (p *Plan) Summary() string {
	var out strings.Builder
	fmt.Fprintf(&out, "%s is %s. The controllers are to trust:\n", quote.Line(p.Dir), p.Kind.says())
	for _, r := range p.Roots {
		from := "already there"
		if r.From != "" {
			from = "from " + quote.Line(r.From)
		}
		fmt.Fprintf(&out, "  %s\n    %s\n    until %s, %s\n", r.Name(), r.Fingerprint(), r.Until(), from)
	}
	for _, r := range p.Dropped {
		fmt.Fprintf(&out, "No longer:\n  %s\n    %s\n", r.Name(), r.Fingerprint())
	}
	return out.String()
}

// body matches a line of the text of a certificate in a difference.
var body = pattern.Pattern{Text: `^[-+ ] *[A-Za-z0-9+/=]{1,76}\r?\n$`}

// Diff returns what is going to change, and nothing else of a file. The text of
// certificates tells nobody anything, so it is left out.
func (p *Plan) Diff() string {
	var out strings.Builder
	for _, f := range p.Files {
		from, to := quote.Line(f.Path), quote.Line(f.Path)
		if f.Before == nil {
			from = "/dev/null"
		}
		if f.After == nil {
			to = "/dev/null"
		}
		before := string(f.Before)
		if slices.Contains(p.opaque, f.Path) {
			before = "" // what it is nobody knows, and it may be a key
			from += " (replaced)"
		}
		edits := udiff.Lines(before, string(f.After))
		// No lines around those that change: they are the user's, and may be secret.
		unified, err := udiff.ToUnified(from, to, before, edits, 0)
		if err != nil { // edits of a text are right for it
			unified = fmt.Sprintf("--- %s\n+++ %s\n", from, to)
		}
		out.WriteString(short(unified))
	}
	return out.String()
}

// short writes a "…" in place of the text of each certificate.
func short(diff string) string {
	const longest = 40 // of a word that is no such text
	var out strings.Builder
	inside, left := false, ""
	for line := range strings.Lines(diff) {
		text := strings.TrimLeft(line[1:], " ")
		if isBody := body.Get().MatchString(line) && (inside || left != "" || len(text) > longest); isBody {
			if left != line[:1] {
				out.WriteString(line[:1] + "…\n")
			}
			left = line[:1]
			continue
		}
		inside, left = strings.HasPrefix(text, "-----BEGIN CERTIFICATE-----"), ""
		out.WriteString(line)
	}
	return out.String()
}
