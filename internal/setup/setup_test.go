package setup

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fluxtrust.dev/flux-trust/internal/filter"
	"fluxtrust.dev/flux-trust/internal/kustomization"
)

// roots returns the certificates of the tests.
func roots(t *testing.T) (text string, given []Root) {
	t.Helper()
	data, err := os.ReadFile("../../examples/quickstart/certs/Company-Root-CA.crt")
	if err != nil {
		t.Fatal(err)
	}
	given, err = readRoots([]filter.File{{Path: "a.crt", Text: data}, {Path: "b.crt", Text: data}}, time.Now())
	if err != nil || len(given) != 1 || given[0].From != "a.crt" {
		t.Fatal(given, err)
	}
	return string(data), given
}

// TestCombine: bytes that are right stay, and nothing else is taken for right.
func TestCombine(t *testing.T) {
	text, given := roots(t)
	ours := pemOf(given)
	for name, tc := range map[string]struct {
		before string
		given  []Root
		force  bool
		want   string // "" for an error
		added  int
	}{
		"nothing there":              {"", given, false, ours, 0},
		"there":                      {text, given, false, text, 0},
		"there, no newline":          {strings.TrimSpace(text), given, false, strings.TrimSpace(text), 0},
		"there twice":                {text + text, given, false, text + text, 0},
		"there, to be replaced":      {text, given, true, text, 0},
		"a comment alone":            {"# roots\n", given, false, "", 0},
		"a comment, to be replaced":  {"# roots\n", given, true, ours, 1},
		"damaged":                    {strings.Replace(text, "-----END", "----END", 1), given, false, "", 0},
		"damaged, to be replaced":    {strings.Replace(text, "-----END", "----END", 1), given, true, ours, 1},
		"nothing given":              {text, nil, false, text, 0},
		"nothing given, no newlines": {strings.TrimSpace(text), nil, false, strings.TrimSpace(text), 0},
	} {
		var before []byte
		if tc.before != "" {
			before = []byte(tc.before)
		}
		got, err := combine("x.crt", before, tc.given, tc.force)
		if (err != nil) != (tc.want == "") || err == nil && (got.text != tc.want || len(got.added) != tc.added) {
			t.Errorf("%s: %v, %d added\n%s", name, err, len(got.added), got.text)
		}
	}
}

// TestShort: the text of a certificate is left out of a difference, and nothing else.
func TestShort(t *testing.T) {
	text, _ := roots(t)
	diff := "--- a\n+++ b\n@@ -1 +1 @@\n path: image-reflector-controller\n+" + strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n+") + "\n abc\n"
	want := "--- a\n+++ b\n@@ -1 +1 @@\n path: image-reflector-controller\n+-----BEGIN CERTIFICATE-----\n+…\n+-----END CERTIFICATE-----\n abc\n"
	if got := short(diff); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestComments: what a config says of itself must not be what errors say, which hide
// what stands in a file.
func TestComments(t *testing.T) {
	for _, k := range []Kind{Bootstrap, Kustomization, Remote, Manifests, Package, Empty} {
		text := k.comment("name")
		if !strings.HasPrefix(text, ourMark) || strings.Contains(text, "Flux runs no functions") || k.says() == "" {
			t.Errorf("%s: %s", k, text)
		}
		for line := range strings.Lines(text) {
			if !strings.HasPrefix(line, "# ") || len(line) > 92 {
				t.Errorf("%s: %d characters: %s", k, len(line), line)
			}
		}
	}
}

// TestLook: a folder is what its files make it.
func TestLook(t *testing.T) {
	install, err := os.ReadFile("../../examples/bootstrap/flux-system/gotk-components.yaml")
	if err != nil {
		t.Fatal(err)
	}
	const other = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n"
	for name, tc := range map[string]struct {
		files map[string]string
		want  Kind // "" for an error
	}{
		"nothing":             {nil, Empty},
		"a readme":            {map[string]string{"README.md": "x"}, Empty},
		"ours":                {map[string]string{"a.yaml": "# Written by flux-trust init.\n" + other}, Empty},
		"others":              {map[string]string{"a.yaml": other}, ""},
		"no YAML":             {map[string]string{"a.yaml": "kind: Deployment\na: [\n"}, ""},
		"bootstrap":           {map[string]string{"gotk-components.yaml": "", "kustomization.yaml": ""}, Bootstrap},
		"kustomization":       {map[string]string{"kustomization.yml": "", "flux.yaml": string(install)}, Kustomization},
		"install":             {map[string]string{"flux.yaml": string(install)}, Manifests},
		"package":             {map[string]string{"Kptfile": "", "kustomization.yaml": ""}, Package},
		"another HelmChart":   {map[string]string{"a.yaml": "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: x}\nspec: {chart: {spec: {chart: podinfo}}}\n"}, ""},
		"the chart of Flux":   {map[string]string{"a.yaml": "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: x}\nspec: {chart: {spec: {chart: flux2}}}\n"}, Manifests},
		"Flux is below":       {map[string]string{"prod/flux.yaml": string(install)}, ""},
		"hidden below":        {map[string]string{".cache/flux.yaml": string(install)}, Empty},
		"before bootstrap":    {map[string]string{"flux-system/": ""}, Empty},
		"an OCIRepository":    {map[string]string{"a.yaml": "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: x}\nspec: {chartRef: {kind: OCIRepository, name: y}}\n", "b.yaml": "apiVersion: source.toolkit.fluxcd.io/v1\nkind: OCIRepository\nmetadata: {name: y}\nspec: {url: \"oci://x/flux-instance\"}\n"}, Manifests},
		"Deployments in JSON": {map[string]string{"a.yaml": `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"source-controller"},"spec":{"selector":{},"template":{"spec":{"containers":[{"name":"manager","image":"ghcr.io/fluxcd/source-controller:v1.9.6"}]}}}}`}, Manifests},
	} {
		dir := t.TempDir()
		for file, text := range tc.files {
			path := filepath.Join(dir, file)
			if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
			if strings.HasSuffix(file, "/") {
				continue
			}
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := look(dir); got != tc.want || (err != nil) != (tc.want == "") {
			t.Errorf("%s: %q %v", name, got, err)
		}
	}
	empty := filepath.Join(t.TempDir(), "flux-system")
	if err := os.Mkdir(empty, 0o700); err != nil {
		t.Fatal(err)
	}
	if got, err := look(empty); got != Bootstrap || err != nil {
		t.Error(got, err)
	}
}

// TestCheck: what somebody has written since is not overwritten.
func TestCheck(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.yaml")
	made := Plan{Files: []kustomization.File{{Path: path, After: []byte("ours")}}}
	if err := made.Check(); err != nil {
		t.Error(err)
	}
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := made.Check(); err == nil {
		t.Error("a file that has come is overwritten")
	}
	made.Files[0].Before = []byte{}
	if err := made.Check(); err != nil {
		t.Error(err)
	}
	if err := os.WriteFile(path, []byte("theirs"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := made.Check(); err == nil {
		t.Error("a file that has changed is overwritten")
	}
}
