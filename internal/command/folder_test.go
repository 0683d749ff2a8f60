package command

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const folderKustomization = `# our Flux
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources:
- gotk-components.yaml # from bootstrap

patches:
  # more workers
  - patch: |
      - op: add
        path: /spec/template/spec/containers/0/args/-
        value: --concurrent=20
    target: {kind: Deployment, name: helm-controller}

namespace: flux-system
`

// newFolder makes a folder with files, and a config.
func newFolder(t *testing.T, spec string, files map[string]string) (dir, config string) {
	t.Helper()
	dir = t.TempDir()
	config = filepath.Join(t.TempDir(), "config.yaml")
	writeFile(t, config, "apiVersion: fluxtrust.dev/v1alpha1\nkind: FluxTrust\nmetadata: {name: corporate-ca}\nspec:\n"+spec)
	for name, text := range files {
		writeFile(t, filepath.Join(dir, name), text)
	}
	return dir, config
}

func writeFile(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func contents(t *testing.T, file string) []byte {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// write runs patches --write and must succeed.
func write(t *testing.T, config, dir string, more ...string) {
	t.Helper()
	if _, stderr, code := run(nil, append([]string{"patches", config, "--write", dir}, more...)...); code != 0 {
		t.Fatalf("%v: exit code %d\n%s", more, code, stderr)
	}
}

// checkFolder tells whether --check finds the folder up to date.
func checkFolder(t *testing.T, config, dir string, want bool) {
	t.Helper()
	_, stderr, code := run(nil, "patches", config, "--write", dir, "--check")
	if (code == 0) != want || !want && !bytes.Contains(stderr, []byte("; run the same without --check")) {
		t.Errorf("--check: exit code %d, want up to date: %t\n%s", code, want, stderr)
	}
}

const folderConfigMap = "  caBundle:\n  - configMap: {name: corp-ca, keys: [ca.crt]}\n    allow: [NotInStream]\n"

// certificates returns two roots of the golden files.
func certificates(t *testing.T) []string {
	t.Helper()
	var found []string
	for _, text := range []string{stockFile(t, "input.yaml"), goldenFile(t, "testdata/golden/finished-build-new-root", "input.yaml")} {
		for _, part := range strings.Split(text, "-----BEGIN CERTIFICATE-----\n")[1:] {
			lines, _, _ := strings.Cut(part, "-----END")
			var body strings.Builder
			for line := range strings.Lines(lines) {
				body.WriteString(strings.TrimLeft(line, " "))
			}
			found = append(found, "-----BEGIN CERTIFICATE-----\n"+body.String()+"-----END CERTIFICATE-----\n")
		}
	}
	if len(found) < 2 || found[0] == found[len(found)-1] {
		t.Fatal("no two certificates")
	}
	return []string{found[0], found[len(found)-1]}
}

// TestFolder writes, writes again, rotates the root and removes: only lines are
// added, and the removal gives the bytes of before.
func TestFolder(t *testing.T) {
	roots := certificates(t)
	controller, _, _ := strings.Cut(stockFile(t, "input.yaml"), "---\n")
	dir, config := newFolder(t, folderConfigMap, map[string]string{
		"kustomization.yaml": folderKustomization, "gotk-components.yaml": controller, "ca.crt": roots[0],
	})
	file := filepath.Join(dir, "kustomization.yaml")
	checkFolder(t, config, dir, false)
	write(t, config, dir)
	first := string(contents(t, file))
	if line := missingLine(folderKustomization, first); line != "" {
		t.Errorf("%q is gone or has moved in\n%s", line, first)
	}
	for _, want := range []string{"\n  - target:\n      kind: Deployment\n      name: ^(.+-)?(source-controller|", "\nconfigMapGenerator:\n- name: corp-ca\n  namespace: flux-system\n", "fluxtrust.dev/generator-of: corporate-ca\n", "fluxtrust.dev/ca-bundle: sha256:"} {
		if !strings.Contains(first, want) {
			t.Errorf("no %q in\n%s", want, first)
		}
	}
	checkFolder(t, config, dir, true)
	write(t, config, dir)
	if again := string(contents(t, file)); again != first {
		t.Errorf("a second run changes\n%s\ninto\n%s", first, again)
	}

	seen := map[string]bool{first: true}
	for _, bundle := range []string{roots[0] + roots[1], roots[1]} {
		writeFile(t, filepath.Join(dir, "ca.crt"), bundle)
		checkFolder(t, config, dir, false)
		write(t, config, dir)
		now := string(contents(t, file))
		if seen[now] {
			t.Error("another root has not changed the patches")
		}
		seen[now] = true
		checkFolder(t, config, dir, true)
	}

	write(t, config, dir, "--remove")
	if after := string(contents(t, file)); after != folderKustomization {
		t.Errorf("after --remove:\n%s\nwant\n%s", after, folderKustomization)
	}
	write(t, config, dir, "--remove")
}

// TestFolderRemove: the folder is as it was, whatever ends its lines.
func TestFolderRemove(t *testing.T) {
	for name, text := range map[string]string{
		"LF":             "resources:\n- gotk-components.yaml\n",
		"CRLF":           "resources:\r\n- gotk-components.yaml\r\n",
		"CRLF, own list": "resources:\r\n- gotk-components.yaml\r\nconfigMapGenerator:\r\n# mine\r\n- name: mine\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			dir, config := newFolder(t, folderConfigMap, map[string]string{"kustomization.yaml": text, "ca.crt": certificates(t)[0]})
			write(t, config, dir)
			checkFolder(t, config, dir, true)
			write(t, config, dir, "--remove")
			if after := string(contents(t, filepath.Join(dir, "kustomization.yaml"))); after != text {
				t.Errorf("got %q, want %q", after, text)
			}
		})
	}
}

// TestFolderKeepsFiles: a file keeps its mode, and a link stays a link.
func TestFolderKeepsFiles(t *testing.T) {
	dir, config := newFolder(t, folderConfigMap, map[string]string{"real.yaml": folderKustomization})
	target, link := filepath.Join(dir, "real.yaml"), filepath.Join(dir, "kustomization.yaml")
	if err := os.Symlink("real.yaml", link); err != nil {
		t.Fatal(err)
	}
	for _, mode := range []os.FileMode{0o600, 0o664} {
		if err := os.Chmod(target, mode); err != nil {
			t.Fatal(err)
		}
		write(t, config, dir)
		if !strings.Contains(string(contents(t, target)), "/etc/ssl/flux-trust") {
			t.Error("the target has no patches")
		}
		if info, err := os.Lstat(link); err != nil || info.Mode().Type() != os.ModeSymlink {
			t.Errorf("%v, %v: no link any more", info, err)
		}
		if info, err := os.Stat(target); err != nil || info.Mode().Perm() != mode {
			t.Errorf("%v, %v: want mode %v", info.Mode(), err, mode)
		}
		write(t, config, dir, "--remove")
	}
}

// TestFolderBeforeBootstrap: the files of flux bootstrap are not there, or empty.
func TestFolderBeforeBootstrap(t *testing.T) {
	for name, files := range map[string]map[string]string{
		"no files": {}, "empty files": {"gotk-components.yaml": "", "gotk-sync.yaml": "", "kustomization.yaml": ""},
	} {
		t.Run(name, func(t *testing.T) {
			dir, config := newFolder(t, folderConfigMap, files)
			write(t, config, dir)
			text := string(contents(t, filepath.Join(dir, "kustomization.yaml")))
			if !strings.Contains(text, "- gotk-components.yaml\n- gotk-sync.yaml\npatches:\n- target:\n") {
				t.Errorf("got\n%s", text)
			}
			for _, name := range []string{"gotk-components.yaml", "gotk-sync.yaml"} {
				if data := contents(t, filepath.Join(dir, name)); len(data) > 0 {
					t.Errorf("%s holds %q", name, data)
				}
			}
			checkFolder(t, config, dir, true)
		})
	}
}

// TestFolderBundle: an inline entry becomes a resource of the folder that Flux does
// not prune, and goes with --remove.
func TestFolderBundle(t *testing.T) {
	pem := "      pem: |\n        " + strings.ReplaceAll(strings.TrimSpace(certificates(t)[0]), "\n", "\n        ") + "\n"
	dir, config := newFolder(t, "  caBundle:\n  - inline:\n      name: corp-ca\n"+pem, map[string]string{"kustomization.yaml": folderKustomization})
	write(t, config, dir)
	bundle := filepath.Join(dir, "flux-trust-ca.yaml")
	for _, want := range []string{"# Written by flux-trust patches for FluxTrust corporate-ca.\napiVersion: v1\nkind: ConfigMap\n", "kustomize.toolkit.fluxcd.io/prune: disabled"} {
		if text := string(contents(t, bundle)); !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if text := string(contents(t, filepath.Join(dir, "kustomization.yaml"))); !strings.Contains(text, "\n- gotk-components.yaml # from bootstrap\n- flux-trust-ca.yaml\n") {
		t.Errorf("got\n%s", text)
	}
	checkFolder(t, config, dir, true)
	write(t, config, dir, "--remove")
	if _, err := os.Stat(bundle); !os.IsNotExist(err) {
		t.Error("the ConfigMap is still there")
	}
	if after := string(contents(t, filepath.Join(dir, "kustomization.yaml"))); after != folderKustomization {
		t.Errorf("after --remove:\n%s", after)
	}
}

// TestFolderNewKustomization: Flux builds a folder without a kustomization from all
// manifests below it, and deletes what a new one leaves out.
func TestFolderNewKustomization(t *testing.T) {
	for name, refused := range map[string]bool{
		"apps.yaml": true, "flux-system/gotk-components.yaml": true, "apps/web/deployment.yml": true,
		"notes.txt": false, "certs/README.md": false, ".github/workflows/render.yaml": false, "flux-trust-ca.yaml": false,
	} {
		t.Run(name, func(t *testing.T) {
			dir, config := newFolder(t, folderConfigMap, map[string]string{"gotk-components.yaml": "", "kustomization.yaml": ""})
			file := filepath.Join(dir, name)
			if err := os.MkdirAll(filepath.Dir(file), 0o750); err != nil {
				t.Fatal(err)
			}
			writeFile(t, file, "")
			_, stderr, code := run(nil, "patches", config, "--write", dir)
			if want := "would leave out " + file + ", which Flux would then delete from the cluster"; (code == 1) != refused || refused && !strings.Contains(string(stderr), want) {
				t.Errorf("exit code %d\n%s", code, stderr)
			}
			if text := contents(t, filepath.Join(dir, "kustomization.yaml")); (len(text) == 0) != refused {
				t.Errorf("kustomization.yaml:\n%s", text)
			}
		})
	}
	// The config itself is for flux-trust alone.
	dir, config := newFolder(t, folderConfigMap, nil)
	moved := filepath.Join(dir, "corporate-ca.yaml")
	writeFile(t, moved, string(contents(t, config)))
	write(t, moved, dir)
}

// TestFolderNamesakes: patches that fit any release find controllers by parts of their
// names. Where that would change somebody else's Deployment, those with whole names do.
func TestFolderNamesakes(t *testing.T) {
	controller, _, _ := strings.Cut(stockFile(t, "input.yaml"), "---\n")
	other := goldenFile(t, "testdata/patches/namesake", "namesake.yaml")
	kustomization := "resources: [gotk-components.yaml, other.yaml]\n"
	dir, config := newFolder(t, folderConfigMap, map[string]string{
		"kustomization.yaml": kustomization, "gotk-components.yaml": controller,
		"other.yaml": strings.Replace(other, "name: source-controller", "name: my-source-controller", 1),
	})
	write(t, config, dir)
	if text := string(contents(t, filepath.Join(dir, "kustomization.yaml"))); !strings.Contains(text, "name: ^source-controller$\n") {
		t.Errorf("got\n%s", text)
	}
	writeFile(t, filepath.Join(dir, "other.yaml"), other)
	write(t, config, dir)
	if text := string(contents(t, filepath.Join(dir, "kustomization.yaml"))); !strings.Contains(text, "name: ^source-controller$\n    namespace: flux-system\n") {
		t.Errorf("got\n%s", text)
	}
}

// TestFolderErrors: nothing is written.
func TestFolderErrors(t *testing.T) {
	other := folderKustomization + "commonAnnotations: {fluxtrust.dev/config: other}\n"
	for name, tc := range map[string]struct{ kustomization, spec, want string }{
		"another config":         {other, folderConfigMap, `FluxTrust "other" has changed this Deployment already`},
		"patches are not a list": {"kind: Kustomization\npatches: {a: b}\n", folderConfigMap, "kustomization.yaml: patches: expected a list"},
		"another kind":           {"apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\n", folderConfigMap, "kustomization.yaml: is a Kustomization of kustomize.toolkit.fluxcd.io/v1, not one of kustomize.config.k8s.io/v1beta1"},
		"a Deployment":           {"apiVersion: apps/v1\nkind: Deployment\n", folderConfigMap, "is a Deployment of apps/v1, not"},
		"two documents":          {"a: 1\n---\nb: 1\n", folderConfigMap, "it must hold one document"},
		"no such method":         {folderKustomization, folderConfigMap + "  mount: {method: InitContainer}\n", "set spec.mount.initContainer.image"},
		"no Flux":                {"kind: Kustomization\nconfigMapGenerator: [{name: x, files: [nope]}]\n", folderConfigMap, "no Flux controller among 1 resource"},
	} {
		t.Run(name, func(t *testing.T) {
			dir, config := newFolder(t, tc.spec, map[string]string{"kustomization.yaml": tc.kustomization})
			_, stderr, code := run(nil, "patches", config, "--write", dir)
			if code != 1 || !strings.Contains(string(stderr), tc.want) {
				t.Errorf("exit code %d\n%s\nwant %s", code, stderr, tc.want)
			}
			if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
				t.Errorf("%v, %v", entries, err)
			}
		})
	}
	// What cannot be read is not missing: it would be overwritten.
	dir, config := newFolder(t, folderConfigMap, nil)
	if err := os.Mkdir(filepath.Join(dir, "kustomization.yaml"), 0o750); err != nil {
		t.Fatal(err)
	}
	if _, stderr, code := run(nil, "patches", config, "--write", dir); code != 1 || !strings.Contains(string(stderr), "kustomization.yaml: is a directory") {
		t.Errorf("exit code %d\n%s", code, stderr)
	}
	for args, want := range map[string]string{
		"--check":                               "--check needs a folder: --check DIR, or a pattern in quotes",
		"--remove":                              "--remove and --root need the folder: --write DIR",
		"--fail-on warning -o kustomization":    "--fail-on needs --check",
		"--write nope":                          "--write nope: is not a folder",
		"--write . --check --remove":            "exclude each other",
		"--write . -o flux-instance":            "leave -o flux-instance out",
		"--write nope -o kustomization --check": "--write nope: is not a folder",
	} {
		_, config := newFolder(t, folderConfigMap, nil)
		_, stderr, code := run(nil, append([]string{"patches", config}, strings.Fields(args)...)...)
		if code != 1 || !strings.Contains(string(stderr), want) {
			t.Errorf("%s: exit code %d\n%s\nwant %s", args, code, stderr, want)
		}
	}
}
