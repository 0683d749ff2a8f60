package command

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// FuzzPlain throws streams at the function. Whatever comes in: no panic, no
// output after an error, and a second run changes no byte.
func FuzzPlain(f *testing.F) {
	addGolden(f, "input.*")
	config := filepath.Join(f.TempDir(), "config.yaml")
	text := "apiVersion: fluxtrust.dev/v1alpha1\nkind: FluxTrust\nmetadata: {name: corporate-ca}\nspec:\n" +
		"  onNoControllers: Ignore\n  caBundle:\n  - configMap: {name: corp-ca}\n"
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		once, stderr, code := run(data, config, "-")
		if code != 0 {
			if len(once) > 0 || !bytes.Contains(stderr, []byte("flux-trust: error: ")) {
				t.Errorf("exit code %d with %d bytes on stdout and %q on stderr", code, len(once), stderr)
			}
			return
		}
		twice, stderr, code := run(once, config, "-")
		if code != 0 || !bytes.Equal(twice, once) {
			t.Errorf("a second run gives exit code %d and %q, or changes bytes:\n%q\n%q", code, stderr, once, twice)
		}
	})
}

// FuzzResourceList throws items at the function as an orchestrator would.
func FuzzResourceList(f *testing.F) {
	addGolden(f, "input.yaml")
	f.Fuzz(func(t *testing.T, data []byte) {
		list := "apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nfunctionConfig:\n" +
			"  apiVersion: fluxtrust.dev/v1alpha1\n  kind: FluxTrust\n  metadata: {name: corporate-ca}\n" +
			"  spec: {onNoControllers: Ignore, caBundle: [{configMap: {name: corp-ca}}]}\nitems:\n- " +
			strings.ReplaceAll(string(data), "\n", "\n  ") + "\n"
		once, stderr, code := run([]byte(list))
		if code != 0 {
			if !bytes.Contains(stderr, []byte("flux-trust: error: ")) {
				t.Errorf("exit code %d with %q on stderr", code, stderr)
			}
			return
		}
		if _, stderr, code := run(once); code != 0 {
			t.Errorf("a second run gives exit code %d and %q\n%s", code, stderr, once)
		}
	})
}

func addGolden(f *testing.F, pattern string) {
	f.Helper()
	files, err := filepath.Glob("testdata/golden/*/" + pattern)
	if err != nil || len(files) == 0 {
		f.Fatalf("no seeds: %v", err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
}
