package kustomization

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fluxtrust.dev/flux-trust/internal/codes"
)

// TestLinks: Flux has no file behind a link, and none outside of the repository.
func TestLinks(t *testing.T) {
	for name, tc := range map[string]struct{ link, target, err, finding string }{
		"kustomization":           {"kustomization.yaml", "real/k", "", "kustomization.yaml is a symbolic link, and Flux leaves those out"},
		"manifest":                {"gotk-components.yaml", "real/flux", "", "gotk-components.yaml is a symbolic link"},
		"kustomization elsewhere": {"kustomization.yaml", "../k", "kustomization.yaml: is a symbolic link that leads out of the repository, ", ""},
		"manifest elsewhere":      {"gotk-components.yaml", "../flux", "is not in or below", ""},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "repository")
			write(t, dir, map[string]string{
				".git": "", "ca.crt": newRoot(t, "root"), "gotk-components.yaml": deployment("source-controller"),
				"kustomization.yaml": "resources: [gotk-components.yaml]\nconfigMapGenerator:\n- name: corp-ca\n  namespace: flux-system\n  files: [ca.crt]\n",
				"real/README":        "",
			})
			target := filepath.Join(dir, tc.target)
			if err := os.Rename(filepath.Join(dir, tc.link), target); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink(tc.target, filepath.Join(dir, tc.link)); err != nil {
				t.Fatal(err)
			}
			r, err := Reconcile(parseConfig(t, fromFile), Options{Dir: dir, Now: time.Now().Add(time.Minute)})
			if tc.err != "" {
				if err == nil || !strings.Contains(err.Error(), tc.err) {
					t.Errorf("got %v, want %s", err, tc.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := r.Outcome.Findings; len(got) == 0 || got[len(got)-1].Code != codes.Unchecked || !strings.Contains(got[len(got)-1].Message, tc.finding) {
				t.Errorf("got %v, want %s", got, tc.finding)
			}
		})
	}
}

func TestRootElsewhere(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"kustomization.yaml": "resources: []\n"})
	for _, root := range []string{t.TempDir(), filepath.Join(dir, "nowhere")} {
		_, err := Reconcile(parseConfig(t, fromFile), Options{Dir: dir, Root: root})
		if want := "--root " + root + ": " + dir + " is not in it; name a folder above that"; err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}
