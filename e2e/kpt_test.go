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

func read(t *testing.T, file string) string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestKptShowsTheReason: kpt shows the results that it reads from stdout, also
// when the function fails.
func TestKptShowsTheReason(t *testing.T) {
	kpt, function := kpt(t), program(t, "FLUX_TRUST")
	t.Run("misspelt config", func(t *testing.T) {
		dir := copyExample(t, "kpt-package")
		before := read(t, filepath.Join(dir, "flux-system/source-controller.yaml"))
		replaceInFile(t, filepath.Join(dir, "functionconfig.yaml"), "caBundle:", "caBundel:")
		got := run(t, dir, kpt, "fn", "render", "--allow-exec", ".")
		if want := `unknown field; did you mean "caBundle"?`; got.code == 0 || !strings.Contains(got.stderr, want) {
			t.Errorf("exit code %d\n%s\nwant %s", got.code, got.stderr, want)
		}
		if !strings.Contains(got.stderr, "Results:\n") {
			t.Errorf("kpt shows no results:\n%s", got.stderr)
		}
		if read(t, filepath.Join(dir, "flux-system/source-controller.yaml")) != before {
			t.Error("the package changed although the function failed")
		}
	})
	t.Run("no config", func(t *testing.T) {
		dir := copyExample(t, "kpt-package")
		got := run(t, dir, kpt, "fn", "eval", "--exec", function, ".")
		if want := "kpt ran the function without a config"; got.code == 0 || !strings.Contains(got.stderr, want) {
			t.Errorf("exit code %d\n%s\nwant %s", got.code, got.stderr, want)
		}
	})
}
