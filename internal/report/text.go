package report

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"fluxtrust.dev/flux-trust/internal/hardening"
	"fluxtrust.dev/flux-trust/internal/krm"
	"fluxtrust.dev/flux-trust/internal/quote"
	"fluxtrust.dev/flux-trust/internal/trust"
)

func (r *Report) json() (string, error) {
	c := *r
	c.Roots, c.Verdicts, c.Exceptions, c.Findings = orEmpty(r.Roots), orEmpty(r.Verdicts), orEmpty(r.Exceptions), orEmpty(r.Findings)
	text, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return "", fmt.Errorf("writing the report: %w", err)
	}
	return string(text) + "\n", nil
}

// orEmpty keeps null out of the JSON.
func orEmpty[S ~[]E, E any](list S) S {
	if list == nil {
		return S{}
	}
	return list
}

func (r *Report) text() string {
	var out strings.Builder
	fmt.Fprintf(&out, "%s %s, %s\n", r.Tool, r.Version, r.Time.Format(time.RFC3339))
	fmt.Fprintf(&out, "config %s (FluxTrust %s, %s)\n", r.Config, r.ConfigName, r.ConfigDigest)
	section := func(title string, count int) {
		if count > 0 {
			fmt.Fprintf(&out, "\n%s\n", title)
		}
	}
	section("Folders", len(r.Folders))
	r.textFolders(&out)
	r.textRoots("Roots", r.Roots, section, &out)
	if c := r.Changes; c != nil {
		r.textRoots("Roots added since "+c.Since, c.Added, section, &out)
		r.textRoots("Roots removed since "+c.Since, c.Removed, section, &out)
		section("Not known", len(c.Unknown))
		for _, text := range c.Unknown {
			fmt.Fprintf(&out, "  %s\n", text)
		}
	}
	section("Pod Security", len(r.Verdicts))
	for _, v := range r.Verdicts {
		fmt.Fprintf(&out, "  %s, %s: %s\n", strings.TrimPrefix(v.Namespace+"/"+v.Name, "/"), v.Policy, saying(v))
	}
	section("Exceptions in force", len(r.Exceptions))
	for _, e := range r.Exceptions {
		fmt.Fprintf(&out, "  %s\n", e)
	}
	section("Findings", len(r.Findings))
	for _, g := range r.groups() {
		if len(g.all) == 1 {
			fmt.Fprintf(&out, "  %s: %s [%s]\n", g.Severity, g.Finding, g.Code)
			continue
		}
		fmt.Fprintf(&out, "  %s: %s [%s]\n", g.Severity, g.sentence(), g.Code)
		for _, o := range g.objects() {
			fmt.Fprintf(&out, "    %s\n", o)
		}
	}
	fmt.Fprintf(&out, "\n%s\n", r.lastLine())
	return quote.Log(out.String())
}

// textRoots writes roots under a title.
func (r *Report) textRoots(title string, roots []trust.Root, section func(string, int), out *strings.Builder) {
	section(title, len(roots))
	for _, root := range roots {
		fmt.Fprintf(out, "  %s\n    until %s, %s\n    from %s\n", root.Subject, root.NotAfter.Format(time.DateOnly), root.Fingerprint, root.Source)
		if lacking := r.lacking(root); len(lacking) > 0 {
			fmt.Fprintf(out, "    not in %s\n", strings.Join(lacking, ", "))
		}
	}
}

// lastLine sums up the report.
func (r *Report) lastLine() string {
	switch errors := r.count(krm.Error); {
	case len(r.Folders) > 0:
		return r.verdict() + "."
	case r.Valid:
		return fmt.Sprintf("Valid: %s as configured.", krm.Count(r.Controllers, "controller"))
	case errors > 0:
		return fmt.Sprintf("Not valid: %s.", krm.Count(errors, "error"))
	default:
		return fmt.Sprintf("Not valid: %s, and --fail-on warning.", krm.Count(r.count(krm.Warning), "warning"))
	}
}

// saying says what the Pod Security admission does.
func saying(v hardening.Verdict) string {
	verdict := "admitted"
	if len(v.Violations) > 0 {
		verdict = "refused: " + strings.Join(v.Violations, "; ")
	}
	if len(v.Excepted) > 0 {
		verdict += " (excepted: " + strings.Join(v.Excepted, ", ") + ")"
	}
	return verdict
}
