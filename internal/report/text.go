package report

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"fluxtrust.dev/flux-trust/internal/hardening"
	"fluxtrust.dev/flux-trust/internal/krm"
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
	section("Roots", len(r.Roots))
	root := func(root trust.Root) {
		fmt.Fprintf(&out, "  %s\n    until %s, %s\n    from %s\n", root.Subject, root.NotAfter.Format(time.DateOnly), root.Fingerprint, root.Source)
	}
	for _, one := range r.Roots {
		root(one)
	}
	if c := r.Changes; c != nil {
		section("Roots added since "+c.Since, len(c.Added))
		for _, one := range c.Added {
			root(one)
		}
		section("Roots removed since "+c.Since, len(c.Removed))
		for _, one := range c.Removed {
			root(one)
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
	switch errors := r.count(krm.Error); {
	case r.Valid:
		fmt.Fprintf(&out, "\nValid: %s as configured.\n", krm.Count(r.Controllers, "controller"))
	case errors > 0:
		fmt.Fprintf(&out, "\nNot valid: %s.\n", krm.Count(errors, "error"))
	default:
		fmt.Fprintf(&out, "\nNot valid: %s, and --fail-on warning.\n", krm.Count(r.count(krm.Warning), "warning"))
	}
	return out.String()
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
