package report

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"html"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"fluxtrust.dev/flux-trust/internal/codes"
	"fluxtrust.dev/flux-trust/internal/hardening"
	"fluxtrust.dev/flux-trust/internal/krm"
	"fluxtrust.dev/flux-trust/internal/trust"
)

// hostile is a printable name with every sign that means something in a format.
const hostile = "a|b`c` <b>@corp/team</b> #1 ::error::x]]> %0A \"q\" 'r' & ${x} [l](https://example.com) \\| www.example.com"

// sample returns a report with all that a report can hold.
func sample() *Report {
	about := func(kind, namespace, name string) *yaml.ResourceIdentifier {
		return &yaml.ResourceIdentifier{TypeMeta: yaml.TypeMeta{Kind: kind}, NameMeta: yaml.NameMeta{Name: name, Namespace: namespace}}
	}
	at := func(name string, index int) Finding {
		return Finding{Code: codes.NotAsConfigured, Result: krm.Result{
			Severity: krm.Error, Message: "is missing; must be " + hostile,
			ResourceRef: about("Deployment", "flux-system", name), Field: &krm.ResultField{Path: "spec.template"}, File: &krm.File{Path: "dir with %/flux.yaml", Index: index},
		}}
	}
	r := &Report{
		Tool: "flux-trust", Version: "1.2.3", Time: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Config: "config.yaml", ConfigName: hostile, ConfigDigest: "sha256:0", Controllers: 2,
		Roots: []trust.Root{
			{Source: hostile, Subject: "CN=" + hostile, Fingerprint: "sha256:1", NotAfter: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)},
			{Subject: "CN=old", Fingerprint: "sha256:2", NotAfter: time.Date(2025, 3, 1, 0, 0, 0, 0, time.UTC)},
		},
		Verdicts:   []hardening.Verdict{{Namespace: "flux-system", Name: "a", Policy: "restricted:v1.37"}, {Namespace: "flux-system", Name: hostile, Policy: "restricted:v1.37", Violations: []string{hostile}}},
		Exceptions: []string{hostile},
		Findings: []Finding{
			{Code: codes.RestartByHand, Result: krm.Result{Severity: krm.Info, Message: "restart"}},
			at("a", 3),
			{Code: codes.NotInStream, Result: krm.Result{Severity: krm.Warning, Message: "is not in the stream\n    an example", ResourceRef: about("ConfigMap", "", "corp-ca"), File: &krm.File{Path: "stdin"}}},
			at("b", 5), at(hostile, 5),
		},
	}
	r.Judge()
	return r
}

func printed(t *testing.T, name string, r *Report) string {
	t.Helper()
	f, ok := Find(name)
	if !ok {
		t.Fatalf("no format %s", name)
	}
	text, err := f.Print(r)
	if err != nil || !strings.HasSuffix(text, "\n") {
		t.Fatalf("%s: %v in\n%s", name, err, text)
	}
	return text
}

// TestText: what several objects have in common is said once.
func TestText(t *testing.T) {
	text := printed(t, "text", sample())
	want := `Findings
  error: spec.template: is missing; must be ` + hostile + ` [NotAsConfigured]
    Deployment flux-system/a, flux-system/b, flux-system/` + hostile + ` (dir with %/flux.yaml, documents 4, 6)
  warning: ConfigMap corp-ca (stdin, document 1): is not in the stream
    an example [NotInStream]
  info: restart [RestartByHand]

Not valid: 3 errors.
`
	if !strings.HasSuffix(text, want) {
		t.Errorf("got\n%s\nwant\n%s", text, want)
	}
}

// TestTogether: the same in lines, for stderr.
func TestTogether(t *testing.T) {
	got := Together(sample().Findings)
	want := []string{
		"error: Deployment flux-system/a, flux-system/b, flux-system/" + hostile + " (dir with %/flux.yaml, documents 4, 6): spec.template: is missing; must be " + hostile,
		"warning: ConfigMap corp-ca (stdin, document 1): is not in the stream\n    an example", "info: restart",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestJSON(t *testing.T) {
	var got Report
	if err := json.Unmarshal([]byte(printed(t, "json", sample())), &got); err != nil || len(got.Findings) != 5 || got.Valid {
		t.Errorf("%v, %+v", err, got)
	}
	empty := printed(t, "json", &Report{})
	if strings.Contains(empty, "null") {
		t.Errorf("null in\n%s", empty)
	}
}

// TestFailOn says which findings count.
func TestFailOn(t *testing.T) {
	for _, tc := range []struct {
		found, failOn krm.Severity
		valid         bool
	}{
		{krm.Error, "", false},
		{krm.Error, krm.Error, false},
		{krm.Error, krm.Warning, false},
		{krm.Warning, "", true},
		{krm.Warning, krm.Error, true},
		{krm.Warning, krm.Warning, false},
		{krm.Info, krm.Warning, true},
	} {
		r := &Report{FailOn: tc.failOn, Findings: []Finding{{Code: codes.Unchecked, Result: krm.Result{Severity: tc.found}}}}
		if r.Judge(); r.Valid != tc.valid {
			t.Errorf("%s with --fail-on %q: valid %t", tc.found, tc.failOn, r.Valid)
		}
		if failed := strings.Contains(printed(t, "junit", r), "<failure"); failed == tc.valid {
			t.Errorf("%s with --fail-on %q: a failure in JUnit: %t", tc.found, tc.failOn, failed)
		}
	}
}

// TestSARIF checks the rules of SARIF 2.1.0 (sections 3.13, 3.19, 3.27, 3.28, 3.49), and
// those that code scanning adds.
func TestSARIF(t *testing.T) {
	r := sample()
	text := printed(t, "sarif", r)
	var log struct {
		Schema  string `json:"$schema"`
		Version string
		Runs    []struct {
			Tool struct {
				Driver struct {
					Name, InformationURI string
					Rules                []struct {
						ID, HelpURI      string
						ShortDescription struct{ Text string }
						FullDescription  struct{ Text string }
						Help             struct{ Text, Markdown string }
					}
				}
			}
			Results []struct {
				RuleID    string
				RuleIndex int
				Level     string
				Message   struct{ Text string }
				Locations []struct {
					PhysicalLocation struct {
						ArtifactLocation struct{ URI string }
						Region           struct{ StartLine int }
					}
				}
				PartialFingerprints map[string]string
			}
		}
	}
	if err := json.Unmarshal([]byte(text), &log); err != nil {
		t.Fatal(err)
	}
	if log.Version != "2.1.0" || !strings.HasSuffix(log.Schema, "/sarif-2.1.0.json") || len(log.Runs) != 1 {
		t.Fatalf("got\n%s", text)
	}
	run := log.Runs[0]
	documentation, err := os.ReadFile("../../docs/results.md")
	if err != nil {
		t.Fatal(err)
	}
	ids := map[string]bool{}
	for _, rule := range run.Tool.Driver.Rules {
		file, anchor, _ := strings.Cut(rule.HelpURI, "#")
		if ids[rule.ID] || file != "https://fluxtrust.dev/flux-trust/docs/results.md" || !strings.Contains(string(documentation), `<a id="`+anchor+`">`) || rule.ShortDescription.Text == "" ||
			rule.FullDescription.Text == "" || rule.Help.Text == "" || !strings.Contains(rule.Help.Markdown, "("+rule.HelpURI+")") {
			t.Errorf("rule %+v", rule)
		}
		ids[rule.ID] = true
	}
	prints := map[string]bool{}
	if len(run.Results) != len(r.Findings) {
		t.Errorf("%d results for %d findings", len(run.Results), len(r.Findings))
	}
	for i, result := range run.Results {
		f := &r.Findings[i]
		if run.Tool.Driver.Rules[result.RuleIndex].ID != result.RuleID || result.RuleID != string(f.Code) || result.Message.Text != f.String() {
			t.Errorf("result %+v", result)
		}
		if !slices.Contains([]string{"error", "warning", "note"}, result.Level) || len(result.Locations) != 1 || len(result.PartialFingerprints) != 1 {
			t.Errorf("result %+v", result)
		}
		u, err := url.Parse(result.Locations[0].PhysicalLocation.ArtifactLocation.URI)
		if err != nil || u.Path != r.file(f) || u.IsAbs() || result.Locations[0].PhysicalLocation.Region.StartLine < 1 {
			t.Errorf("location %v, %v of %+v", u, err, f)
		}
		prints[fmt.Sprint(result.PartialFingerprints)] = true
	}
	if len(prints) != len(r.Findings) {
		t.Errorf("findings share a fingerprint: %v", prints)
	}
	if got := printed(t, "sarif", &Report{}); strings.Contains(got, "null") {
		t.Errorf("null in\n%s", got)
	}
	if got := fileURI("/a b/x.yaml"); got != "file:///a%20b/x.yaml" {
		t.Errorf("got %s", got)
	}
}

// TestGitHub: one command per line, and one line per group.
func TestGitHub(t *testing.T) {
	lines := strings.Split(strings.TrimSpace(printed(t, "github", sample())), "\n")
	want := []string{"::error file=dir with %25/flux.yaml,title=flux-trust%3A NotAsConfigured::spec.template: is missing", "::warning file=config.yaml,title=", "::notice file=config.yaml,", "flux-trust: not valid: 3 errors, 1 warning"}
	if len(lines) != len(want) {
		t.Fatalf("got %d lines\n%s", len(lines), strings.Join(lines, "\n"))
	}
	for i, line := range lines {
		if !strings.HasPrefix(line, want[i]) {
			t.Errorf("got\n%s\nwant\n%s…", line, want[i])
		}
	}
	if !strings.Contains(lines[1], "%0A    an example") || !strings.Contains(lines[0], "%250A") {
		t.Errorf("got\n%s", strings.Join(lines, "\n"))
	}
}

// TestJUnit reads it as CI does.
func TestJUnit(t *testing.T) {
	type suite struct {
		Name     string `xml:"name,attr"`
		Tests    int    `xml:"tests,attr"`
		Failures int    `xml:"failures,attr"`
		Cases    []struct {
			Class   string `xml:"classname,attr"`
			Name    string `xml:"name,attr"`
			Failure []struct {
				Type    string `xml:"type,attr"`
				Message string `xml:"message,attr"`
				Text    string `xml:",chardata"`
			} `xml:"failure"`
			Out string `xml:"system-out"`
		} `xml:"testcase"`
	}
	var got struct {
		XMLName  xml.Name `xml:"testsuites"`
		Tests    int      `xml:"tests,attr"`
		Failures int      `xml:"failures,attr"`
		Suites   []suite  `xml:"testsuite"`
	}
	text := printed(t, "junit", sample())
	if err := xml.Unmarshal([]byte(text), &got); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	failures := 0
	var said []string
	for _, c := range got.Suites[0].Cases {
		failures += len(c.Failure)
		said = append(said, fmt.Sprintf("%s %s", c.Class, c.Name))
	}
	want := []string{"FluxTrust " + hostile, "Deployment flux-system/a", "Deployment flux-system/" + hostile, "ConfigMap corp-ca", "Deployment flux-system/b"}
	if len(got.Suites) != 1 || got.Suites[0].Name != "FluxTrust "+hostile || !slices.Equal(said, want) {
		t.Errorf("got %q, want %q", said, want)
	}
	if s := got.Suites[0]; s.Tests != len(s.Cases) || s.Failures != failures || failures != 3 || got.Tests != s.Tests || got.Failures != s.Failures {
		t.Errorf("the counts are not right in\n%s", text)
	}
	if f := got.Suites[0].Cases[1].Failure[0]; f.Type != "NotAsConfigured" || !strings.Contains(f.Text, "(dir with %/flux.yaml, document 4): spec.template: is missing; must be "+hostile) {
		t.Errorf("failure %+v", f)
	}
}

// TestMarkdown: every row of a table has the cells of its head, and no text of the input
// is anything but code.
func TestMarkdown(t *testing.T) {
	text := printed(t, "markdown", sample())
	cells := 0
	for line := range strings.Lines(text) {
		switch n := strings.Count(line, "|"); {
		case n == 0:
			cells = 0
		case cells == 0:
			cells = n
		case n != cells:
			t.Errorf("%d cells in place of %d: %s", n-1, cells-1, line)
		}
	}
	outside := regexp.MustCompile(`<code>[^<>|]*</code>|<br>`).ReplaceAllString(text, "")
	if i := strings.IndexAny(outside, "<>@`&%$"); i >= 0 || strings.Contains(outside, "example") {
		t.Errorf("a sign stands outside of code in\n%s", outside)
	}
	for _, want := range []string{
		"**not valid: 3 errors, 1 warning**", "[NotAsConfigured](https://fluxtrust.dev/flux-trust/docs/results.md#notasconfigured)",
		"<code>Deployment flux-system/a, flux-system/b, ", "| 2026-03-01, in 57 days |", "| 2025-03-01, **expired** |", "<code>    an example</code>",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%s is not in\n%s", want, text)
		}
	}
	if !strings.Contains(html.UnescapeString(text), hostile) {
		t.Errorf("%s is not in\n%s", hostile, text)
	}
	if strings.Contains(text, "restart") {
		t.Errorf("an information is in\n%s", text)
	}
}

// TestFormats: names are unique, and none is found by another.
func TestFormats(t *testing.T) {
	names := Names()
	if want := []string{"text", "json", "sarif", "github", "junit", "markdown"}; !slices.Equal(names, want) {
		t.Errorf("got %v, want %v", names, want)
	}
	for _, f := range Formats() {
		if f.Help == "" || strings.HasSuffix(f.Help, ".") {
			t.Errorf("%s: %q", f.Name, f.Help)
		}
	}
	if _, ok := Find("Text"); ok {
		t.Error("Text is found")
	}
}

// TestLinear: a report with twice the objects takes twice the work. What is counted are
// allocations, which no other load changes.
func TestLinear(t *testing.T) {
	of := func(n int) *Report {
		r := &Report{}
		for i := range n {
			name := fmt.Sprint("x", i)
			r.Verdicts = append(r.Verdicts, hardening.Verdict{Name: name})
			r.Findings = append(r.Findings, Finding{Code: codes.NotAsConfigured, Result: krm.Result{
				Severity: krm.Error, Message: "is missing", File: &krm.File{Path: "x.yaml", Index: i},
				ResourceRef: &yaml.ResourceIdentifier{TypeMeta: yaml.TypeMeta{Kind: "Deployment"}, NameMeta: yaml.NameMeta{Name: name}},
			}})
		}
		return r
	}
	for _, format := range Formats() {
		measure := func(n int) float64 {
			r := of(n)
			return testing.AllocsPerRun(1, func() {
				if _, err := format.Print(r); err != nil {
					t.Error(err)
				}
			})
		}
		if one, two := measure(2000), measure(4000); two > 2.2*one {
			t.Errorf("%s: %g allocations for 2000 objects, %g for 4000", format.Name, one, two)
		}
	}
}

// TestTextIsInert: no name makes a line that a runner acts on.
func TestTextIsInert(t *testing.T) {
	r := &Report{Verdicts: []hardening.Verdict{{Namespace: "::stop-commands::x", Name: "source-controller", Policy: "restricted:latest"}}}
	for line := range strings.Lines(r.text()) {
		if strings.HasPrefix(strings.TrimSpace(line), "::") {
			t.Errorf("a runner acts on %q", line)
		}
	}
}
