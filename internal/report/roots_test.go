package report

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/internal/trust"
)

var now = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func root(name, fingerprint string, days int, allowed ...v1alpha1.Finding) trust.Root {
	return trust.Root{Source: "ConfigMap a/b, data.ca.crt", Subject: "CN=" + name, Fingerprint: fingerprint, NotAfter: now.AddDate(0, 0, days), Allowed: allowed}
}

func said(r *Report) string {
	var lines []string
	for i := range r.Findings {
		lines = append(lines, fmt.Sprintf("%s %s: %s", r.Findings[i].Severity, r.Findings[i].Code, &r.Findings[i]))
	}
	return strings.Join(lines, "\n")
}

func TestCheckExpiry(t *testing.T) {
	for name, tc := range map[string]struct {
		roots   []trust.Root
		unknown string
		want    []string // what findings start with and hold
	}{
		"later":              {roots: []trust.Root{root("a", "1", 91)}},
		"within":             {roots: []trust.Root{root("a", "1", 89)}, want: []string{"error ExpiresWithin: ConfigMap a/b, data.ca.crt: CN=a expires on 2026-03-31, within 90d; add its successor"}},
		"in two objects":     {roots: []trust.Root{root("a", "1", 89), root("a", "1", 89)}, want: []string{"error ExpiresWithin"}},
		"expired":            {roots: []trust.Root{root("a", "1", -1)}, want: []string{"error ExpiresWithin"}},
		"allowed":            {roots: []trust.Root{root("a", "1", 89, "ExpiresSoon")}},
		"expired, allowed":   {roots: []trust.Root{root("a", "1", -1, "Expired")}},
		"expired, soon only": {roots: []trust.Root{root("a", "1", -1, "ExpiresSoon")}, want: []string{"error ExpiresWithin"}},
		"with its successor": {roots: []trust.Root{root("a", "1", 10), root("a", "2", 400)}, want: []string{"warning ExpiresWithin: ConfigMap a/b, data.ca.crt: CN=a expires on 2026-01-11, within 90d; its successor is in the bundle"}},
		"beside another":     {roots: []trust.Root{root("a", "1", 10), root("b", "2", 400)}, want: []string{"error ExpiresWithin"}},
		"not known":          {roots: []trust.Root{root("a", "1", 400)}, unknown: "it is encrypted", want: []string{"error Unchecked: whether a root expires within 90d cannot be said, because not all are known (it is encrypted)"}},
		"none":               {want: []string{"error Unchecked: whether a root expires within 90d cannot be said, because there is none"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := &Report{Time: now, Roots: tc.roots, Unknown: tc.unknown}
			r.CheckExpiry(90*24*time.Hour, "90d")
			got := said(r)
			if len(r.Findings) != len(tc.want) {
				t.Errorf("got\n%s\nwant %q", got, tc.want)
			}
			for _, want := range tc.want {
				if !strings.Contains(got, want) {
					t.Errorf("got\n%s\nwant %s", got, want)
				}
			}
		})
	}
}

func TestCompare(t *testing.T) {
	a, b, c := root("a", "1", 400), root("b", "2", 400), root("c", "3", 400)
	names := func(roots []trust.Root) string {
		var all []string
		for _, r := range roots {
			all = append(all, r.Subject)
		}
		return strings.Join(all, " ")
	}
	for name, tc := range map[string]struct {
		before, now               []trust.Root
		unknownBefore, unknownNow string
		added, removed            string
		unchecked, notes          int
	}{
		"the same":         {before: []trust.Root{a, b}, now: []trust.Root{b, a, a}},
		"a rotation":       {before: []trust.Root{a, b}, now: []trust.Root{b, c, c}, added: "CN=c", removed: "CN=a"},
		"the first":        {now: []trust.Root{a}, added: "CN=a"},
		"before not known": {before: []trust.Root{a}, now: []trust.Root{c}, unknownBefore: "x", removed: "CN=a", notes: 1},
		"now not known":    {before: []trust.Root{a}, now: []trust.Root{c}, unknownNow: "x", added: "CN=c", unchecked: 1, notes: 1},
		"nothing known":    {before: []trust.Root{a}, unknownBefore: "x", unknownNow: "x", unchecked: 1, notes: 2},
	} {
		t.Run(name, func(t *testing.T) {
			r := &Report{Time: now, Roots: tc.now, Unknown: tc.unknownNow}
			r.Compare("old.json", tc.before, tc.unknownBefore)
			if names(r.Changes.Added) != tc.added || names(r.Changes.Removed) != tc.removed || strings.Count(said(r), "warning Unchecked: ") != tc.unchecked {
				t.Errorf("added %q, removed %q\n%s", names(r.Changes.Added), names(r.Changes.Removed), said(r))
			}
			markdown, text := printed(t, "markdown", r), printed(t, "text", r)
			for what, name := range map[string]string{"added": tc.added, "removed": tc.removed} {
				if row := "| **" + what + "** | <code>" + name + "</code> | 2027-02-05 |"; name != "" && !strings.Contains(markdown, row) {
					t.Errorf("%s is not in\n%s", row, markdown)
				}
				if has := strings.Contains(text, "Roots "+what+" since old.json\n  "+name+"\n"); has != (name != "") {
					t.Errorf("%s %s is in the text: %t\n%s", what, name, has, text)
				}
			}
			if strings.Count(markdown, "**Not known:** <code>which roots were ") != tc.notes || strings.Count(text, "\n  which roots were ") != tc.notes || len(r.Changes.Unknown) != tc.notes {
				t.Errorf("%d notes are not in\n%s\n%s", tc.notes, markdown, text)
			}
			if same := strings.Contains(markdown, "No root was added or removed since <code>old.json</code>."); same != (tc.added+tc.removed == "" && tc.notes == 0) {
				t.Errorf("nothing has changed: %t\n%s", same, markdown)
			}
			if strings.Contains(markdown, "| stays | <code>"+tc.added) && tc.added != "" {
				t.Errorf("%s is added and stays\n%s", tc.added, markdown)
			}
		})
	}
}

func TestRead(t *testing.T) {
	r := sample()
	r.Findings = r.Findings[:1]
	known := printed(t, "json", r)
	for name, tc := range map[string]struct {
		text    string
		ok      bool
		unknown bool
	}{
		"a report":            {known, true, false},
		"without roots":       {printed(t, "json", &Report{Tool: "x"}), true, true},
		"with unknown ones":   {strings.Replace(known, `"message": "restart",`, `"message": "not known", "resourceRef": {"kind": "FluxTrust", "name": "x"}, "field": {"path": "spec.caBundle"},`, 1), true, true},
		"with a broken entry": {strings.NewReplacer(`"message": "restart",`, `"message": "x", "resourceRef": {"kind": "FluxTrust", "name": "x"}, "field": {"path": "spec.caBundle[0]"},`, `"info"`, `"error"`).Replace(known), true, true},
		"an object":           {`{"apiVersion": "v1", "kind": "List", "items": []}`, false, false},
		"no JSON":             {"{", false, false},
		"YAML":                {"kind: List\n", false, false},
		"nothing":             {"", false, false},
	} {
		t.Run(name, func(t *testing.T) {
			got, ok := Read([]byte(tc.text))
			if ok != tc.ok || ok && (got.Unknown != "") != tc.unknown {
				t.Errorf("%+v, %t", got, ok)
			}
			if ok && !tc.unknown && !slices.EqualFunc(got.Roots, r.Roots, func(a, b trust.Root) bool { return a.Fingerprint == b.Fingerprint }) {
				t.Errorf("got %+v", got.Roots)
			}
		})
	}
}
