//go:build unix

package command

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode"

	"golang.org/x/sys/unix"

	"fluxtrust.dev/flux-trust/internal/report"
)

// TestPlantedInFolder is TestPlanted for the kustomization.yaml of a folder, which
// kustomize's own code builds: what that writes to the standard error of the process
// counts as well.
func TestPlantedInFolder(t *testing.T) {
	const seed = "testdata/canaries/folder"
	config, kustomization := readTestFile(t, filepath.Join(seed, "config.yaml")), readTestFile(t, filepath.Join(seed, "kustomization.yaml"))
	stock, _, _ := strings.Cut(stockFile(t, "input.yaml"), "---\n")
	root := goldenRoot(t)
	t.Chdir(t.TempDir())
	for name, text := range map[string]string{
		"config.yaml": config, "flux/gotk-components.yaml": stock, "flux/roots.crt": root, "flux/other.txt": "x", "flux/x.env": "c=d\n",
		"base/kustomization.yaml": "resources: [service.yaml]\n", "base/service.yaml": "apiVersion: v1\nkind: Service\nmetadata: {name: x}\n",
		"flux/component/kustomization.yaml": "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nlabels: [{pairs: {c: d}}]\n",
		"flux/patch.yaml":                   "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: source-controller, annotations: {a: b}}\n",
	} {
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile("flux/kustomization.yaml", []byte(kustomization), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, stderr, _ := run(nil, "patches", "config.yaml", "--write", "flux", "--check", "--root", "."); !strings.Contains(string(stderr), "is not up to date") {
		t.Fatalf("without anything planted it says\n%s", stderr)
	}
	texts := slices.Concat(canaries, forgeries)
	n := 0
	plant(t, kustomization, func(where string, set func(string) string) {
		n++
		if testing.Short() && n%11 != 0 {
			return
		}
		planted := texts[n%len(texts)]
		if err := os.WriteFile("flux/kustomization.yaml", []byte(set(planted)), 0o600); err != nil {
			t.Fatal(err)
		}
		format := append(report.Names(), "")[n/11%(len(report.Names())+1)]
		args := []string{"patches", "config.yaml", "--write", "flux", "--check", "--root", "."}
		if format != "" {
			args = append(args, "-o", format)
		}
		said := standardError(t, func() string {
			stdout, stderr, _ := run(nil, args...)
			return asRead(t, format, string(stdout)) + string(stderr)
		})
		if leaked := overlap(said, planted); leaked != "" && slices.Contains(canaries, planted) {
			t.Errorf("%s: %q comes out in\n%s", where, leaked, excerpt(said, leaked))
		}
		if strings.ContainsFunc(said, func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }) {
			t.Errorf("%s: a raw character comes out in\n%q", where, said)
		}
		for line := range strings.Lines(said) {
			if line = strings.TrimSpace(line); format == "" && line != "" && !strings.HasPrefix(line, "flux-trust: ") || isForged(line) {
				t.Errorf("%s: a line of somebody else:\n%s", where, said)
			}
		}
		if t.Failed() {
			t.FailNow()
		}
	})
	t.Logf("%d positions", n)
}

// standardError adds to what a function returns what it writes to the standard error of
// the process.
func standardError(t *testing.T, f func() string) string {
	t.Helper()
	file, err := os.CreateTemp(t.TempDir(), "stderr")
	if err != nil {
		t.Fatal(err)
	}
	saved, err := unix.Dup(2)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Dup2(int(file.Fd()), 2); err != nil {
		t.Fatal(err)
	}
	said := f()
	if err := unix.Dup2(saved, 2); err != nil {
		t.Fatal(err)
	}
	if err := unix.Close(saved); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file.Name())
	if err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	return said + string(text)
}
