package report

import (
	"fmt"
	"strings"

	"fluxtrust.dev/flux-trust/internal/krm"
	"fluxtrust.dev/flux-trust/internal/quote"
)

// testCase is an object that was looked at.
type testCase struct {
	class, name string
	findings    []*Finding
}

// junit writes a test case for each object, with a failure where there is one to fail
// on. Other findings are its output.
func (r *Report) junit() string {
	cases := r.testCases()
	failures := 0
	var out strings.Builder
	for _, c := range cases {
		var failed, other []string
		var codes krm.Once
		for _, f := range c.findings {
			line := fmt.Sprintf("%s: %s [%s]", f.Severity, f, f.Code)
			if !r.fails(f) {
				other = append(other, line)
				continue
			}
			failed = append(failed, line)
			codes.Add(string(f.Code))
		}
		fmt.Fprintf(&out, "    <testcase classname=\"%s\" name=\"%s\">\n", quote.XML(c.class), quote.XML(c.name))
		if len(failed) > 0 {
			failures++
			fmt.Fprintf(&out, "      <failure type=\"%s\" message=\"%s\">%s</failure>\n", quote.XML(strings.Join(codes.All, ", ")), quote.XML(failed[0]), quote.XML(strings.Join(failed, "\n")))
		}
		if len(other) > 0 {
			fmt.Fprintf(&out, "      <system-out>%s</system-out>\n", quote.XML(strings.Join(other, "\n")))
		}
		out.WriteString("    </testcase>\n")
	}
	counts := fmt.Sprintf("tests=\"%d\" failures=\"%d\" errors=\"0\"", len(cases), failures)
	return fmt.Sprintf("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"%s\" %s>\n  <testsuite name=\"%s\" %s timestamp=\"%s\">\n%s  </testsuite>\n</testsuites>\n",
		quote.XML(r.Tool), counts, quote.XML("FluxTrust "+r.ConfigName), counts, r.Time.Format("2006-01-02T15:04:05"), &out)
}

// testCases returns the config, every folder or controller, and every other object that
// there is something to say about.
func (r *Report) testCases() []*testCase {
	type key struct{ class, name string }
	cases := []*testCase{{class: "FluxTrust", name: r.ConfigName}}
	known := map[key]*testCase{{"FluxTrust", r.ConfigName}: cases[0]}
	at := func(class, name string) *testCase {
		c := known[key{class, name}]
		if c == nil {
			c = &testCase{class: class, name: name}
			known[key{class, name}], cases = c, append(cases, c)
		}
		return c
	}
	for _, f := range r.Folders {
		at("folder", f.Path)
	}
	for _, v := range r.Verdicts {
		at("Deployment", strings.TrimPrefix(v.Namespace+"/"+v.Name, "/"))
	}
	for i := range r.Findings {
		f, c := &r.Findings[i], cases[0]
		switch {
		case f.Folder != "":
			c = at("folder", f.Folder)
		case f.ResourceRef != nil:
			c = at(f.ResourceRef.Kind, f.name())
		}
		c.findings = append(c.findings, f)
	}
	return cases
}
