package command

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// FuzzPlain throws streams at the function. Whatever comes in: no panic, no
// output after an error, a second run changes no byte, and to parse everything
// gives the same.
func FuzzPlain(f *testing.F) {
	for _, c := range goldenCases(f) {
		f.Add([]byte(c.input))
	}
	config := filepath.Join(f.TempDir(), "config.yaml")
	text := "apiVersion: fluxtrust.dev/v1alpha1\nkind: FluxTrust\nmetadata: {name: corporate-ca}\nspec:\n" +
		"  onNoControllers: Ignore\n  caBundle:\n  - configMap: {name: corp-ca}\n"
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		newDiffer(t, []byte(text)).plain(data)
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

// FuzzResourceList throws items at the function as an orchestrator would: one, or
// a text as it is behind "items:".
func FuzzResourceList(f *testing.F) {
	const config = "apiVersion: fluxtrust.dev/v1alpha1\nkind: FluxTrust\nmetadata: {name: corporate-ca}\n" +
		"spec: {onNoControllers: Ignore, caBundle: [{configMap: {name: corp-ca}}]}"
	for _, c := range goldenCases(f) {
		f.Add([]byte(c.input), false)
		_, items, _ := bytes.Cut(asList([]byte(c.input), []byte(config)), []byte("\nitems:\n"))
		f.Add(items, true)
	}
	for _, items := range []string{"- a:\n    <<:\n", "- a: &x {b: 1}\n  c: {b: 2, <<: *x}\n", "- a: &x\n    b: *x\n"} {
		f.Add([]byte(items), true)
	}
	f.Fuzz(func(t *testing.T, data []byte, raw bool) {
		const head = "apiVersion: config.kubernetes.io/v1\nkind: ResourceList\n"
		var list string
		if raw {
			list = head + "items:\n" + string(data)
			if !bytes.Contains(data, []byte("functionConfig:")) {
				list = head + "functionConfig:\n  " + strings.ReplaceAll(config, "\n", "\n  ") + "\nitems:\n" + string(data)
			}
		} else {
			list = head + "functionConfig:\n  " + strings.ReplaceAll(config, "\n", "\n  ") + "\nitems:\n- " +
				strings.ReplaceAll(string(data), "\n", "\n  ") + "\n"
		}
		d := newDiffer(t, []byte(config))
		d.strange = true
		d.list([]byte(list))
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
