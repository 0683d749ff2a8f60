package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
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

// TestKustomizeContainer builds the quickstart with the function as a container.
func TestKustomizeContainer(t *testing.T) {
	kustomize, name := program(t, "KUSTOMIZE"), image(t)
	dir := copyQuickstart(t)
	replaceInFile(t, filepath.Join(dir, "functionconfig.yaml"), "exec:\n        path: flux-trust", "container:\n        image: "+name)
	got := run(t, dir, kustomize, "build", "--enable-alpha-plugins", ".")
	if got.code != 0 {
		t.Fatalf("exit code %d\n%s", got.code, got.stderr)
	}
	if want := read(t, filepath.Join(examples, "quickstart/expected.yaml")); got.stdout != want {
		t.Errorf("the container gives\n%s\nthe executable gives\n%s", got.stdout, want)
	}
}

// TestKptContainer renders the package with the function as a container.
func TestKptContainer(t *testing.T) {
	kpt := kpt(t)
	// kpt puts a registry of its own before a name without a slash.
	name := "local/" + image(t)
	if got := run(t, ".", "docker", "tag", image(t), name); got.code != 0 {
		t.Fatal(got.stderr)
	}
	t.Cleanup(func() { run(t, ".", "docker", "rmi", name) })
	byExec, byImage := kptPackage(t), kptPackage(t)
	replaceInFile(t, filepath.Join(byImage, "Kptfile"), "exec: "+program(t, "FLUX_TRUST"), "image: "+name)
	for dir, flags := range map[string][]string{byExec: {"--allow-exec"}, byImage: {"--image-pull-policy", "never"}} {
		got := run(t, dir, kpt, append([]string{"fn", "render", "."}, flags...)...)
		if got.code != 0 {
			t.Fatalf("exit code %d\n%s", got.code, got.stderr)
		}
	}
	const manifest = "flux-system/gotk-components.yaml"
	if a, b := read(t, filepath.Join(byExec, manifest)), read(t, filepath.Join(byImage, manifest)); a != b {
		t.Errorf("the executable gives\n%s\nthe container gives\n%s", a, b)
	}
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
