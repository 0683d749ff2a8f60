package e2e

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// image returns the name of the function's image, which make has built.
func image(t *testing.T) string {
	t.Helper()
	name := os.Getenv("IMAGE")
	if name == "" {
		t.Skip("SKIPPED: IMAGE is not set: no container engine, or run outside of make e2e")
	}
	if out, err := exec.Command("docker", "image", "inspect", name).CombinedOutput(); err != nil {
		t.Fatalf("the image %s is not there: %v\n%s", name, err, out)
	}
	return name
}

// kptImage is the image under a name with a slash: kpt puts a registry of its own
// before one without.
func kptImage(t *testing.T) string {
	t.Helper()
	if name := image(t); strings.Contains(name, "/") {
		return name
	}
	return "library/" + image(t) // the same for Docker
}

// TestImageIsLocked runs the image with nothing that it does not need.
func TestImageIsLocked(t *testing.T) {
	name := image(t)
	got := run(t, ".", "docker", "run", "--rm", "--network", "none", "--read-only", "--cap-drop", "ALL",
		"--security-opt", "no-new-privileges", "--user", "nobody", name, "version")
	if got.code != 0 || !strings.HasPrefix(got.stdout, "flux-trust ") {
		t.Errorf("exit code %d\n%s%s", got.code, got.stdout, got.stderr)
	}
}

// TestImageProbe runs the probe in the image, which has no public roots and says so;
// without a network nothing can be reached.
func TestImageProbe(t *testing.T) {
	name := image(t)
	config, sources := inlineConfig(t, newAuthority(t, "root")), writeSource(t, "https://127.0.0.1:1")
	args := []string{"run", "--rm", "--network", "none", "--read-only"}
	for path, file := range map[string]string{"/config.yaml": config, "/sources.yaml": sources} {
		if err := os.Chmod(file, 0o644); err != nil { //nolint:gosec // nobody reads it
			t.Fatal(err)
		}
		args = append(args, "-v", file+":"+path+":ro")
	}
	got := run(t, ".", "docker", append(args, name, "probe", "/config.yaml", "/sources.yaml")...)
	if got.code != 1 || !strings.Contains(got.stderr, "this machine has no public roots; mount them") || !strings.Contains(got.stdout, "Refused: dial tcp 127.0.0.1:1") {
		t.Errorf("exit code %d\n%s%s", got.code, got.stdout, got.stderr)
	}
}
