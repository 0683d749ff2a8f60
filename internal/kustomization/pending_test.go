package kustomization

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"syscall"
	"testing"
	"time"

	"fluxtrust.dev/flux-trust/internal/codes"
	"fluxtrust.dev/flux-trust/internal/krm"
)

// TestPendingFiles: a certificate that is not written yet counts as one that is.
func TestPendingFiles(t *testing.T) {
	root := newRoot(t, "company")
	for name, files := range map[string]map[string]string{
		"bootstrap":         {"kustomization.yaml": "resources:\n- gotk-components.yaml\n", "gotk-components.yaml": deployment("source-controller")},
		"before bootstrap":  {},
		"an older root":     {"kustomization.yaml": "resources:\n- gotk-components.yaml\n", "gotk-components.yaml": deployment("source-controller"), "ca.crt": newRoot(t, "old")},
		"its own generator": {"kustomization.yaml": "resources:\n- gotk-components.yaml\nconfigMapGenerator:\n- name: corp-ca\n  namespace: flux-system\n  files: [ca.crt]\n", "gotk-components.yaml": deployment("source-controller"), "ca.crt": newRoot(t, "old")},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, files)
			o := Options{Dir: dir, Namespace: "flux-system", Now: time.Now(), Files: map[string][]byte{filepath.Join(dir, "ca.crt"): []byte(root)}}
			pending, err := Reconcile(parseConfig(t, fromFile), o)
			if err != nil || pending.Outcome.Failed() {
				t.Fatal(err, pending.Outcome.Findings)
			}
			write(t, dir, map[string]string{"ca.crt": root})
			o.Files = nil
			written, err := Reconcile(parseConfig(t, fromFile), o)
			if err != nil || !reflect.DeepEqual(pending.Files, written.Files) || !reflect.DeepEqual(pending.Outcome.Roots, written.Outcome.Roots) {
				t.Errorf("%v\n%s\nwith the file on the disk\n%s", err, pending.Files, written.Files)
			}
		})
	}
}

// TestSaveAll: whatever fails, the disk is as it was.
func TestSaveAll(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"changed": "one\n", "removed": "two\n", "kept": "three\n"})
	if err := os.Chmod(filepath.Join(dir, "changed"), 0o640); err != nil { //nolint:gosec // to see that it is kept
		t.Fatal(err)
	}
	before := snapshot(t, dir)
	wanted := []File{
		{Path: filepath.Join(dir, "new"), After: []byte("four\n")},
		{Path: filepath.Join(dir, "changed"), Before: []byte("one\n"), After: []byte("five\n")},
		{Path: filepath.Join(dir, "removed"), Before: []byte("two\n")},
		{Path: filepath.Join(dir, "last"), After: []byte("six\n")},
	}
	failed := 0
	for at := 1; ; at++ {
		err := saveAll(&broken{at: at, err: syscall.ENOSPC}, wanted)
		if err == nil {
			break
		}
		failed++
		if now := snapshot(t, dir); !errors.Is(err, syscall.ENOSPC) || !reflect.DeepEqual(now, before) {
			t.Fatalf("operation %d: %v\n%v\nwas\n%v", at, err, now, before)
		}
	}
	if failed < 10 {
		t.Errorf("only %d operations", failed)
	}
	now := snapshot(t, dir)
	if len(now) != 4 || now[filepath.Join(dir, "changed")] != "five\n" || now[filepath.Join(dir, "last")] != "six\n" {
		t.Errorf("in the end %v", now)
	}
	if info, err := os.Stat(filepath.Join(dir, "changed")); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("%v %v", info, err)
	}
}

// TestConfigUnderResources: Flux would apply the config, to an API server that does not
// know the kind. One for the command line alone is left out by kustomize.
func TestConfigUnderResources(t *testing.T) {
	config := "apiVersion: fluxtrust.dev/v1alpha1\nkind: FluxTrust\nmetadata:\n  name: corporate-ca\n"
	for name, test := range map[string]struct {
		config string
		fails  bool
	}{
		"applied": {config, true},
		"local":   {config + "  annotations: {config.kubernetes.io/local-config: \"true\"}\n", false},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, map[string]string{
				"kustomization.yaml": "resources: [gotk-components.yaml, flux-trust.yaml]\n", "gotk-components.yaml": deployment("source-controller"),
				"flux-trust.yaml": test.config + "spec:\n" + fromFile, "ca.crt": newRoot(t, "company"),
			})
			r, err := Reconcile(parseConfig(t, fromFile), Options{Dir: dir, Namespace: "flux-system", Now: time.Now()})
			if err != nil {
				t.Fatal(err)
			}
			var seen []krm.Code
			for _, f := range r.Outcome.Findings {
				if f.Severity == krm.Error {
					seen = append(seen, f.Code)
				}
			}
			if r.Outcome.Failed() != test.fails || test.fails && !reflect.DeepEqual(seen, []krm.Code{codes.ConfigInBuild}) {
				t.Errorf("errors %v", seen)
			}
		})
	}
}
