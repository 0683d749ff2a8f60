//go:build linux

package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"
)

// transcript does before and after once more, and holds docs/real-flux.md against
// what was seen.
func (c *sourceCluster) transcript(t *testing.T) {
	manifest := read(t, filepath.Join(examples, "quickstart/flux-system/gotk-components.yaml"))
	look := func() string {
		p := c.start(t)
		defer p.stop()
		p.reconcile(c.repository)
		p.reconcile(c.chart)
		p.reconcile(c.public)
		return c.table("helmrepositories") + "\n" + c.table("helmcharts")
	}
	c.rollout(t, manifest, "", c.private.pem())
	before := look()
	c.rollout(t, manifest, threeLines, c.private.pem())
	after := look()

	b := newBuild(t, threeLines, manifest)
	b.write("z-scaler-ca.yaml", configMapOf(c.private.pem()))
	got := run(t, b.dir, program(t, "FLUX_TRUST"), "config.yaml", "z-scaler-ca.yaml", "flux.yaml")
	b.write("before", sourceController(t, manifest))
	b.write("after", sourceController(t, got.stdout))
	diff := run(t, b.dir, "git", "diff", "--no-index", "--no-color", "before", "after").stdout
	_, diff, _ = strings.Cut(diff, "\n+++ b/after\n")

	const doc = "../docs/real-flux.md"
	text := read(t, doc)
	for name, seen := range map[string]string{
		"config": threeLines,
		"before": before,
		"run":    "$ flux-trust config.yaml z-scaler-ca.yaml flux.yaml > trusting.yaml\n" + got.stderr,
		"diff":   diff,
		"after":  after,
	} {
		block := regexp.MustCompile(`(?s)(<!-- seen: ` + name + " -->\n```[a-z]+\n)(.*?)(```)")
		if !block.MatchString(text) {
			t.Errorf("%s has no block %s", doc, name)
		}
		text = block.ReplaceAllStringFunc(text, func(found string) string {
			parts := block.FindStringSubmatch(found)
			return parts[1] + c.steady(seen) + parts[3]
		})
	}
	compare(t, doc, text)
}

// steady writes what differs from run to run as what a reader expects there.
func (c *sourceCluster) steady(text string) string {
	text = strings.NewReplacer(
		c.company.server.URL, "https://127.0.0.1:8443", c.elsewhere.server.URL, "https://127.0.0.1:9443",
	).Replace(text)
	return regexp.MustCompile(`sha256:[0-9a-f]{64}`).ReplaceAllString(text, "sha256:…")
}

// table returns what kubectl get prints, but for the age.
func (c *sourceCluster) table(resource string) string {
	t := c.s.t
	t.Helper()
	r := c.s.do(http.MethodGet, "/apis/source.toolkit.fluxcd.io/v1/namespaces/apps/"+resource, "application/json;as=Table;v=v1;g=meta.k8s.io", nil)
	var table struct {
		ColumnDefinitions []struct {
			Name     string
			Priority int
		}
		Rows []struct{ Cells []any }
	}
	if err := json.Unmarshal([]byte(r.text), &table); err != nil || len(table.Rows) == 0 {
		t.Fatalf("%d %s %v", r.code, r.text, err)
	}
	var out bytes.Buffer
	w := tabwriter.NewWriter(&out, 6, 4, 3, ' ', 0)
	line := func(cell func(column int) string) {
		var cells []string
		for i, d := range table.ColumnDefinitions {
			if d.Priority == 0 && d.Name != "Age" {
				cells = append(cells, cell(i))
			}
		}
		_, _ = fmt.Fprintln(w, strings.Join(cells, "\t"))
	}
	line(func(i int) string { return strings.ToUpper(table.ColumnDefinitions[i].Name) })
	slices.SortFunc(table.Rows, func(a, b struct{ Cells []any }) int {
		return strings.Compare(fmt.Sprint(a.Cells[0]), fmt.Sprint(b.Cells[0]))
	})
	for _, row := range table.Rows {
		line(func(i int) string { return c.steady(fmt.Sprint(row.Cells[i])) })
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("$ kubectl get %s -n apps\n%s", resource, out.String())
}
