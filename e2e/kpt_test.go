package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func kpt(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("kpt")
	if err != nil {
		t.Skip("SKIPPED: kpt is not on the PATH")
	}
	return path
}

// kptPackage makes a kpt package of the quickstart.
func kptPackage(t *testing.T) string {
	t.Helper()
	dir := copyQuickstart(t)
	for _, file := range []string{"kustomization.yaml", "flux-system/kustomization.yaml", "expected.yaml", "README.md"} {
		if err := os.Remove(filepath.Join(dir, file)); err != nil {
			t.Fatal(err)
		}
	}
	text := `apiVersion: kpt.dev/v1
kind: Kptfile
metadata:
  name: flux
  annotations:
    config.kubernetes.io/local-config: "true"
pipeline:
  mutators:
  - exec: ` + program(t, "FLUX_TRUST") + `
    configPath: functionconfig.yaml
`
	if err := os.WriteFile(filepath.Join(dir, "Kptfile"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

func read(t *testing.T, file string) string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestKptRender renders the package twice and holds it against the filter.
func TestKptRender(t *testing.T) {
	kpt, function := kpt(t), program(t, "FLUX_TRUST")
	dir := kptPackage(t)
	manifest := filepath.Join(dir, "flux-system/gotk-components.yaml")
	filtered := run(t, dir, function, "functionconfig.yaml", "flux-system/gotk-components.yaml")
	for range 2 {
		got := run(t, dir, kpt, "fn", "render", "--allow-exec", ".")
		if got.code != 0 {
			t.Fatalf("exit code %d\n%s%s", got.code, got.stdout, got.stderr)
		}
		if strings.Count(read(t, manifest), "name: flux-trust-ca\n") != 14 { // a volume and a mount each
			t.Error("not every controller trusts the bundle")
		}
	}
	// kpt writes with kyaml, which re-folds long lines; what is compared is the
	// meaning, which kpt itself settles by rendering the filter's output.
	again := kptPackage(t)
	if err := os.WriteFile(filepath.Join(again, "flux-system/gotk-components.yaml"), []byte(filtered.stdout), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := run(t, again, kpt, "fn", "render", "--allow-exec", "."); got.code != 0 {
		t.Fatalf("exit code %d\n%s", got.code, got.stderr)
	}
	if a, b := read(t, manifest), read(t, filepath.Join(again, "flux-system/gotk-components.yaml")); a != b {
		t.Errorf("kpt gives\n%s\nthe filter gives\n%s", a, b)
	}
}

// TestKptShowsTheReason: kpt shows the results that it reads from stdout, also
// when the function fails.
func TestKptShowsTheReason(t *testing.T) {
	kpt, function := kpt(t), program(t, "FLUX_TRUST")
	t.Run("misspelt config", func(t *testing.T) {
		dir := kptPackage(t)
		before := read(t, filepath.Join(dir, "flux-system/gotk-components.yaml"))
		replaceInFile(t, filepath.Join(dir, "functionconfig.yaml"), "caBundle:", "caBundel:")
		got := run(t, dir, kpt, "fn", "render", "--allow-exec", ".")
		if want := `unknown field; did you mean "caBundle"?`; got.code == 0 || !strings.Contains(got.stderr, want) {
			t.Errorf("exit code %d\n%s\nwant %s", got.code, got.stderr, want)
		}
		if !strings.Contains(got.stderr, "Results:\n") {
			t.Errorf("kpt shows no results:\n%s", got.stderr)
		}
		if read(t, filepath.Join(dir, "flux-system/gotk-components.yaml")) != before {
			t.Error("the package changed although the function failed")
		}
	})
	t.Run("no config", func(t *testing.T) {
		dir := kptPackage(t)
		got := run(t, dir, kpt, "fn", "eval", "--exec", function, ".")
		if want := "kpt ran the function without a config"; got.code == 0 || !strings.Contains(got.stderr, want) {
			t.Errorf("exit code %d\n%s\nwant %s", got.code, got.stderr, want)
		}
	})
	t.Run("eval with config", func(t *testing.T) {
		dir := kptPackage(t)
		got := run(t, dir, kpt, "fn", "eval", "--exec", function, "--fn-config", filepath.Join(dir, "functionconfig.yaml"), ".")
		if got.code != 0 || !strings.Contains(got.stderr, "7 controllers found, 7 changed") {
			t.Errorf("exit code %d\n%s", got.code, got.stderr)
		}
	})
}
