package kustomization

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"
)

// inlineSpec is a config that needs a file beside the kustomization.
func inlineSpec(root string) string {
	return "  caBundle:\n  - inline:\n      name: corp-ca\n      pem: |\n        " + strings.ReplaceAll(strings.TrimSpace(root), "\n", "\n        ") + "\n"
}

// broken is a disk that fails at one of its operations.
type broken struct {
	system
	at  int
	err error
}

func (b *broken) fails() error {
	if b.at--; b.at == 0 {
		return b.err
	}
	return nil
}

func (b *broken) create(beside string) (*os.File, error) {
	if err := b.fails(); err != nil {
		return nil, err
	}
	return b.system.create(beside)
}

func (b *broken) write(file *os.File, text []byte, mode os.FileMode) error {
	if err := b.fails(); err != nil { // in the midst of it
		_, _ = file.Write(text[:len(text)/2])
		return err
	}
	return b.system.write(file, text, mode)
}

func (b *broken) rename(from, to string) error {
	if err := b.fails(); err != nil {
		return err
	}
	return b.system.rename(from, to)
}

func (b *broken) remove(file string) error {
	if err := b.fails(); err != nil {
		return err
	}
	return b.system.remove(file)
}

// steps are configs, one after the other, and nil for the removal; every one of them
// writes several files. The files of users that have the names of temporary ones stay.
func steps(t *testing.T) (files map[string]string, specs []string) {
	t.Helper()
	one, two := newRoot(t, "one"), newRoot(t, "two")
	return map[string]string{
		"kustomization.yaml": "resources:\n- gotk-components.yaml\n", "gotk-components.yaml": deployment("source-controller"),
		"ca.crt": one, "kustomization.yaml.tmp": "mine", ".kustomization.yaml.tmp": "mine",
	}, []string{inlineSpec(one), inlineSpec(one + two), fromFile, inlineSpec(two), ""}
}

// plan says what a step has to write.
func plan(t *testing.T, dir, spec string) []File {
	t.Helper()
	o := Options{Dir: dir, Namespace: "flux-system", Now: time.Now()}
	run, c := Reconcile, spec
	if spec == "" {
		run, c = Remove, fromFile
	}
	r, err := run(parseConfig(t, c), o)
	if err != nil || r.Outcome.Failed() {
		t.Fatalf("%v %v", err, r.Outcome.Findings)
	}
	return r.Files
}

// TestSaveFails: whatever fails, no file is half-written, no temporary one is left, and
// the folder builds.
func TestSaveFails(t *testing.T) {
	files, specs := steps(t)
	dir := t.TempDir()
	write(t, dir, files)
	for i, spec := range specs {
		for at := 1; ; at++ {
			before := snapshot(t, dir)
			wanted := plan(t, dir, spec)
			disk := &broken{at: at, err: syscall.ENOSPC}
			written, err := save(disk, wanted)
			now := snapshot(t, dir)
			for _, f := range wanted {
				if text, ok := now[f.Path]; text != before[f.Path] && text != string(f.After) || ok && f.Before == nil && f.After == nil {
					t.Errorf("step %d, operation %d: %s is\n%s", i, at, f.Path, text)
				}
				delete(now, f.Path)
				delete(before, f.Path)
			}
			if !reflect.DeepEqual(now, before) {
				t.Errorf("step %d, operation %d: other files have changed", i, at)
			}
			if _, err := plainBuild(dir); err != nil {
				t.Errorf("step %d, operation %d: %v", i, at, err)
			}
			if err == nil {
				break
			}
			if !errors.Is(err, syscall.ENOSPC) || len(written) >= len(wanted) {
				t.Fatalf("step %d, operation %d: %v, written %v", i, at, err, written)
			}
		}
	}
	if now := snapshot(t, dir); len(now) != len(files) {
		t.Errorf("%d files are left, want %d", len(now), len(files))
	}
}

// TestPipe: nothing waits for a named pipe, whichever field names it.
func TestPipe(t *testing.T) {
	for name, kustomization := range map[string]string{
		"resource": "resources: [gotk-components.yaml, pipe.yaml]\n", "patch": "resources: [gotk-components.yaml]\npatches: [{path: pipe.yaml}]\n",
		"generator": "resources: [gotk-components.yaml]\nconfigMapGenerator: [{name: x, files: [pipe.yaml]}]\n",
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, map[string]string{"kustomization.yaml": kustomization, "gotk-components.yaml": deployment("source-controller"), "ca.crt": newRoot(t, "root")})
			if err := syscall.Mkfifo(filepath.Join(dir, "pipe.yaml"), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := reconciled(t, parseConfig(t, fromFile), Options{Dir: dir})
			if name != "generator" && (err == nil || !strings.Contains(err.Error(), "pipe.yaml: is a named pipe, which may never end; name a file")) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// childFolder is set in the process that TestSaveKilled kills.
const childFolder = "FLUX_TRUST_TEST_FOLDER"

// TestSaveKilled kills a process that writes a folder anew all the time.
func TestSaveKilled(t *testing.T) {
	if dir := os.Getenv(childFolder); dir != "" {
		writeForEver(t, dir)
	}
	files, specs := steps(t)
	dir := filepath.Join(t.TempDir(), "folder")
	write(t, dir, files)
	whole := map[string]bool{}
	for _, spec := range specs {
		planned := plan(t, dir, spec)
		for _, f := range planned {
			whole[string(f.Before)], whole[string(f.After)] = true, true
		}
		if _, err := Save(planned); err != nil {
			t.Fatal(err)
		}
	}
	write(t, filepath.Dir(dir), map[string]string{"specs": strings.Join(specs, "\x00")})
	points := 100
	if testing.Short() {
		points = 10
	}
	for i := range points {
		cmd := exec.Command(os.Args[0], "-test.run=^TestSaveKilled$")
		cmd.Env = append(os.Environ(), childFolder+"="+dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		// It says when it begins to write, and is killed while it writes, or soon after.
		if _, err := io.ReadFull(out, make([]byte, 1+i%len(specs))); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(i%20) * 200 * time.Microsecond)
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait()
		for file, text := range snapshot(t, dir) {
			if name := filepath.Base(file); (name == "kustomization.yaml" || name == bundleFile) && !whole[text] {
				t.Fatalf("kill %d: %s holds\n%s", i, file, text)
			}
		}
		if _, err := plainBuild(dir); err != nil {
			t.Fatalf("kill %d: %v", i, err)
		}
		if mine := snapshot(t, dir)[filepath.Join(dir, "kustomization.yaml.tmp")]; mine != "mine" {
			t.Fatal("a file of the user is gone")
		}
	}
}

// writeForEver is the process that is killed.
func writeForEver(t *testing.T, dir string) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(filepath.Dir(dir), "specs"))
	if err != nil {
		t.Fatal(err)
	}
	for {
		for _, spec := range strings.Split(string(data), "\x00") {
			planned := plan(t, dir, spec)
			_, _ = fmt.Fprint(os.Stdout, ".")
			if _, err := Save(planned); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestForeignBundleFile: a file of the user is neither overwritten nor removed.
func TestForeignBundleFile(t *testing.T) {
	files, specs := steps(t)
	for name, text := range map[string]string{
		"a ConfigMap": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n",
		"a Secret":    "# Written by flux-trust patches for FluxTrust corp.\napiVersion: v1\nkind: Secret\nmetadata: {name: x}\n",
		"no object":   "- a\n",
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, files)
			write(t, dir, map[string]string{bundleFile: text})
			was := snapshot(t, dir)
			o := Options{Dir: dir, Now: time.Now()}
			_, err := Reconcile(parseConfig(t, specs[0]), o)
			_, removeErr := Remove(parseConfig(t, specs[0]), o)
			for _, err := range []error{err, removeErr} {
				if err == nil || !strings.Contains(err.Error(), filepath.Join(dir, bundleFile)) {
					t.Errorf("got %v", err)
				}
			}
			if !reflect.DeepEqual(snapshot(t, dir), was) {
				t.Error("files have changed")
			}
		})
	}
}
