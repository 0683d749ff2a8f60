package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var pluginFlags = []string{"build", "--enable-alpha-plugins", "--enable-exec", "."}

// TestKustomizeExec builds the quickstart with the function as an executable.
func TestKustomizeExec(t *testing.T) {
	kustomize := program(t, "KUSTOMIZE")
	program(t, "FLUX_TRUST")
	dir := filepath.Join(examples, "quickstart")
	got := run(t, dir, kustomize, pluginFlags...)
	if got.code != 0 {
		t.Fatalf("exit code %d\n%s", got.code, got.stderr)
	}
	if want := "flux-trust: 7 controllers found, 7 changed, 0 warnings\n"; got.stderr != want {
		t.Errorf("stderr %q, want %q", got.stderr, want)
	}
	compare(t, filepath.Join(dir, "expected.yaml"), got.stdout)
}

// TestKustomizeHashSuffix changes the root: the name of the ConfigMap changes,
// and with it the reference in every Deployment, so that the pods restart.
func TestKustomizeHashSuffix(t *testing.T) {
	kustomize := program(t, "KUSTOMIZE")
	dir := copyQuickstart(t)
	name := regexp.MustCompile(`z-scaler-ca-[a-z0-9]{10}`)

	build := func() map[string]int {
		got := run(t, dir, kustomize, pluginFlags...)
		if got.code != 0 {
			t.Fatalf("exit code %d\n%s", got.code, got.stderr)
		}
		names := map[string]int{}
		for _, n := range name.FindAllString(got.stdout, -1) {
			names[n]++
		}
		return names
	}
	before := build()
	replaceInFile(t, filepath.Join(dir, "certs/Company-Root-CA.crt"), "-----END CERTIFICATE-----", "-----END CERTIFICATE-----\n# rotated")
	after := build()
	for _, names := range []map[string]int{before, after} {
		for n, count := range names {
			if len(names) != 1 || count != 8 { // the ConfigMap and seven volumes
				t.Errorf("%s stands %d times, among %v", n, count, names)
			}
		}
		if len(names) == 0 {
			t.Error("no name with a hash suffix")
		}
	}
	for n := range before {
		if after[n] > 0 {
			t.Errorf("%s did not change with the content", n)
		}
	}
}

// TestKustomizeLayers runs the function in the layer that sets namePrefix and
// namespace, and in one below: the reference must arrive either way.
func TestKustomizeLayers(t *testing.T) {
	kustomize := program(t, "KUSTOMIZE")
	want := regexp.MustCompile(`\n              name: team-z-scaler-ca-[a-z0-9]{10}\n`)
	check := func(t *testing.T, dir string) {
		t.Helper()
		got := run(t, dir, kustomize, pluginFlags...)
		if got.code != 0 || !strings.HasSuffix(got.stderr, " 7 controllers found, 7 changed, 0 warnings\n") {
			t.Fatalf("exit code %d\n%s", got.code, got.stderr)
		}
		if n := len(want.FindAllString(got.stdout, -1)); n != 7 {
			t.Errorf("%d volumes refer to the renamed ConfigMap, want 7", n)
		}
	}
	t.Run("same layer", func(t *testing.T) {
		dir := copyQuickstart(t)
		replaceInFile(t, filepath.Join(dir, "kustomization.yaml"), "transformers:", "namePrefix: team-\nnamespace: gitops\ntransformers:")
		check(t, dir)
	})
	t.Run("outer layer", func(t *testing.T) {
		dir := copyQuickstart(t)
		outer := filepath.Join(filepath.Dir(dir), "outer")
		if err := os.Mkdir(outer, 0o700); err != nil {
			t.Fatal(err)
		}
		text := "resources: [../quickstart]\nnamePrefix: team-\nnamespace: gitops\n"
		if err := os.WriteFile(filepath.Join(outer, "kustomization.yaml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		check(t, outer)
	})
}

// TestKustomizeErrors breaks the example. The build must fail and say why.
func TestKustomizeErrors(t *testing.T) {
	kustomize := program(t, "KUSTOMIZE")
	for name, tc := range map[string]struct{ file, old, new, want string }{
		"misspelt field": {
			"functionconfig.yaml", "caBundle:", "caBundel:",
			`flux-trust: error: FluxTrust corporate-ca: spec.caBundel: unknown field; did you mean "caBundle"?`,
		},
		"no controllers": {
			"kustomization.yaml", "- flux-system\n", "",
			"flux-trust: error: no Flux controller among 1 resource, no Deployment",
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := copyQuickstart(t)
			replaceInFile(t, filepath.Join(dir, tc.file), tc.old, tc.new)
			if tc.file == "kustomization.yaml" {
				replaceInFile(t, filepath.Join(dir, tc.file), "resources:\n", "")
			}
			got := run(t, dir, kustomize, pluginFlags...)
			if got.code == 0 || got.stdout != "" || !strings.Contains(got.stderr, tc.want) {
				t.Errorf("exit code %d, stderr\n%s\nwant %s", got.code, got.stderr, tc.want)
			}
		})
	}
}
