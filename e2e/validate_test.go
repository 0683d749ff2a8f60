package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// addValidator adds the same config in Validate mode to the example.
func addValidator(t *testing.T, dir string) {
	t.Helper()
	config := strings.Replace(read(t, filepath.Join(dir, "functionconfig.yaml")), "spec:\n", "spec:\n  mode: Validate\n", 1)
	// kustomize wants every config to have an id of its own, and the name must stay.
	config = strings.Replace(config, "  name: corporate-ca\n", "  name: corporate-ca\n  namespace: validate\n", 1)
	if err := os.WriteFile(filepath.Join(dir, "validate.yaml"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestKustomizeValidate runs the config in Validate mode behind the one that
// transforms, and without it.
func TestKustomizeValidate(t *testing.T) {
	kustomize := program(t, "KUSTOMIZE")
	dir := copyQuickstart(t)
	addValidator(t, dir)
	replaceInFile(t, filepath.Join(dir, "kustomization.yaml"), "- functionconfig.yaml\n", "- functionconfig.yaml\n- validate.yaml\n")
	got := run(t, dir, kustomize, pluginFlags...)
	if got.code != 0 || got.stdout != read(t, filepath.Join(examples, "quickstart/expected.yaml")) {
		t.Errorf("exit code %d, or the validator has changed something\n%s", got.code, got.stderr)
	}
	if want := "flux-trust: 7 controllers checked, 0 not as configured, 0 errors, 0 warnings\n"; !strings.HasSuffix(got.stderr, want) {
		t.Errorf("stderr\n%s\nwant %s", got.stderr, want)
	}

	replaceInFile(t, filepath.Join(dir, "kustomization.yaml"), "- functionconfig.yaml\n", "")
	got = run(t, dir, kustomize, pluginFlags...)
	want := "flux-trust: error: Deployment flux-system/source-controller: spec.template.spec.containers.[name=manager].env.[name=SSL_CERT_DIR]: is missing\n"
	if got.code == 0 || got.stdout != "" || !strings.Contains(got.stderr, want) {
		t.Errorf("exit code %d, stderr\n%s\nwant %s", got.code, got.stderr, want)
	}
}

// TestKustomizeValidators shows why docs/validate.md says transformers: and not
// validators:. kustomize itself annotates what a function gets, and then takes
// that for a change by the validator, even when the function is cat.
func TestKustomizeValidators(t *testing.T) {
	kustomize := program(t, "KUSTOMIZE")
	dir := copyQuickstart(t)
	addValidator(t, dir)
	replaceInFile(t, filepath.Join(dir, "validate.yaml"), "path: flux-trust", "path: cat")
	replaceInFile(t, filepath.Join(dir, "kustomization.yaml"), "transformers:\n- functionconfig.yaml\n", "validators:\n- validate.yaml\n")
	if got := run(t, dir, kustomize, pluginFlags...); got.code == 0 || !strings.Contains(got.stderr, "validator shouldn't modify the resource map") {
		t.Errorf("kustomize runs functions as validators now; say so in docs/validate.md\n%s", got.stderr)
	}
}

// TestKptValidators does the same in a kpt package.
func TestKptValidators(t *testing.T) {
	kpt := kpt(t)
	dir := kptPackage(t)
	addValidator(t, dir)
	replaceInFile(t, filepath.Join(dir, "Kptfile"), "pipeline:\n", "pipeline:\n  validators:\n  - exec: "+program(t, "FLUX_TRUST")+"\n    configPath: validate.yaml\n")
	if got := run(t, dir, kpt, "fn", "render", "--allow-exec", "."); got.code != 0 {
		t.Errorf("exit code %d\n%s", got.code, got.stderr)
	}

	// Drift by hand: kpt runs the validator alone and shows the field.
	manifest := filepath.Join(dir, "flux-system/gotk-components.yaml")
	replaceInFile(t, manifest, "readOnlyRootFilesystem: true", "readOnlyRootFilesystem: false")
	text, _, _ := strings.Cut(read(t, filepath.Join(dir, "Kptfile")), "  mutators:\n")
	if err := os.WriteFile(filepath.Join(dir, "Kptfile"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	got := run(t, dir, kpt, "fn", "render", "--allow-exec", ".")
	want := "spec.template.spec.containers.[name=manager].securityContext.readOnlyRootFilesystem: is false; must be true"
	if got.code == 0 || !strings.Contains(got.stderr, want) {
		t.Errorf("exit code %d\n%s\nwant %s", got.code, got.stderr, want)
	}
}
