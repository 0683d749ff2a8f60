package report

import (
	"strings"
	"testing"

	"fluxtrust.dev/flux-trust/internal/codes"
	"fluxtrust.dev/flux-trust/internal/krm"
	"fluxtrust.dev/flux-trust/internal/trust"
)

// TestFolders: one table, and what folders have in common is said once.
func TestFolders(t *testing.T) {
	stale := func(folder string) Finding {
		return Finding{Code: codes.FolderStale, Folder: folder, Result: krm.Result{Severity: krm.Error, Message: "not up to date: kustomization.yaml"}}
	}
	r := &Report{
		Tool: "flux-trust", Time: now, Roots: []trust.Root{root("a", "1", 400), root("b", "2", 400)},
		Folders: []Folder{
			{Path: "a", State: UpToDate, Controllers: 7, Roots: []string{"1", "2"}},
			{Path: "long " + hostile, State: Stale, Controllers: 1, Roots: []string{"1"}},
			{Path: "c", State: Stale, Controllers: 1, Roots: []string{"1", "2"}},
			{Path: "d", State: Failed, Unknown: "it has failed"},
		},
		Findings: []Finding{stale("long " + hostile), stale("c"), {Code: codes.FolderFailed, Folder: "d", Result: krm.Result{Severity: krm.Error, Message: "d/kustomization.yaml: is not YAML"}}},
	}
	r.Judge()
	pad := strings.Repeat(" ", len([]rune("long "+hostile))-1)
	for format, wants := range map[string][]string{
		"text": {
			"\n  up to date  a" + pad + "  7 controllers\n", "\n  stale       long " + hostile + "  1 controller\n", "\n  failed      d\n", "\n    not in long " + hostile + "\n",
			"\n  error: not up to date: kustomization.yaml [FolderStale]\n    long " + hostile + ", c\n", "\n  error: d/kustomization.yaml: is not YAML [FolderFailed]\n", "\n1 of 4 folders up to date, 3 errors, 0 warnings.\n",
		},
		"json":   {`"code": "FolderStale"`, `"folder": "c"`, `"state": "UpToDate"`},
		"sarif":  {`"uri": "c/kustomization.yaml"`, `"text": "c: not up to date: kustomization.yaml"`, `"text": "d/kustomization.yaml: is not YAML"`},
		"github": {"::error file=d/kustomization.yaml,title=", "::not up to date: kustomization.yaml%0Along "},
		"junit":  {`tests="5" failures="3"`, `<testcase classname="folder" name="a">`},
		"markdown": {
			"**1 of 4 folders up to date, 3 errors, 0 warnings**", "| <code>a</code> | up to date | 7 |", "| <code>c</code> | **stale** | 1 |", "| <code>d</code> | **failed** |  |",
			"| not in <code>long ", "|  | <code>CN=a</code> |",
		},
	} {
		text := printed(t, format, r)
		for _, want := range wants {
			if !strings.Contains(text, want) {
				t.Errorf("%s: %q is not in\n%s", format, want, text)
			}
		}
	}
}
