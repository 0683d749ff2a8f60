package e2e

import (
	"path/filepath"
	"strings"
	"testing"
)

// TestKustomizeValidate takes the change away from below the example's check.
func TestKustomizeValidate(t *testing.T) {
	kustomize := program(t, "KUSTOMIZE")
	dir := copyExample(t, "validators")
	replaceInFile(t, filepath.Join(dir, "../quickstart/kustomization.yaml"), "transformers:\n- functionconfig.yaml\n", "")
	got := run(t, dir, kustomize, pluginFlags...)
	want := "flux-trust: error: no controller carries the change: the function was skipped; "
	if got.code == 0 || got.stdout != "" || !strings.Contains(got.stderr, want) {
		t.Errorf("exit code %d, stderr\n%s\nwant %s", got.code, got.stderr, want)
	}
}

// TestKustomizeValidators shows why docs/validate.md says transformers: and not
// validators:. kustomize itself annotates what a function gets, and then takes
// that for a change by the validator, even when the function is cat.
func TestKustomizeValidators(t *testing.T) {
	kustomize := program(t, "KUSTOMIZE")
	dir := copyExample(t, "validators")
	replaceInFile(t, filepath.Join(dir, configFile), "path: flux-trust", "path: cat")
	replaceInFile(t, filepath.Join(dir, "kustomization.yaml"), "transformers:", "validators:")
	if got := run(t, dir, kustomize, pluginFlags...); got.code == 0 || !strings.Contains(got.stderr, "validator shouldn't modify the resource map") {
		t.Errorf("kustomize runs functions as validators now; say so in docs/validate.md\n%s", got.stderr)
	}
}

// TestKptValidators changes a rendered package by hand: kpt runs the validator alone
// and shows the field.
func TestKptValidators(t *testing.T) {
	kpt := kpt(t)
	dir := copyExample(t, "kpt-package")
	render := func() result { return run(t, dir, kpt, "fn", "render", "--allow-exec", ".") }
	// expected.yaml is not part of the package: its controllers do not count.
	if got := render(); got.code != 0 || !strings.Contains(got.stderr, "flux-trust: 2 controllers found, 2 changed, 0 warnings") {
		t.Fatalf("exit code %d\n%s", got.code, got.stderr)
	}
	replaceInFile(t, filepath.Join(dir, "flux-system/source-controller.yaml"), "readOnlyRootFilesystem: true", "readOnlyRootFilesystem: false")
	text := read(t, filepath.Join(dir, "Kptfile"))
	_, mutators, _ := strings.Cut(text, "  mutators:\n")
	mutators, _, _ = strings.Cut(mutators, "  validators:\n")
	replaceInFile(t, filepath.Join(dir, "Kptfile"), "  mutators:\n"+mutators, "")
	got := render()
	want := "spec.template.spec.containers.[name=manager].securityContext.readOnlyRootFilesystem: is false; it must be true"
	if got.code == 0 || !strings.Contains(got.stderr, want) {
		t.Errorf("exit code %d\n%s\nwant %s", got.code, got.stderr, want)
	}
}
