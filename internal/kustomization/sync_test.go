package kustomization

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fluxcd/pkg/sourceignore"

	"fluxtrust.dev/flux-trust/internal/stream"
)

// TestIgnorePatterns: what is left out of a build is what Flux leaves out, which reads the
// .sourceignore files of the whole repository.
func TestIgnorePatterns(t *testing.T) {
	root := Resolved(t.TempDir())
	write(t, root, map[string]string{
		".sourceignore": "*.tmpl.yaml\n/clusters/prod/skip\n", "other/.sourceignore": "*\n",
		"clusters/.sourceignore": "!keep.tmpl.yaml\nold.yaml\n", "clusters/prod/apps/.sourceignore": "/*\n!a.yaml\n",
		"clusters/prod/a.yaml": "", "clusters/prod/a.tmpl.yaml": "", "clusters/prod/keep.tmpl.yaml": "", "clusters/prod/skip/a.yaml": "",
		"clusters/prod/apps/a.yaml": "", "clusters/prod/apps/b.yaml": "", "clusters/prod/x/old.yaml": "", "other/a.yaml": "",
	})
	s := sync{path: filepath.Join(root, "clusters", "prod"), root: root}
	patterns, err := s.ignorePatterns()
	if err != nil {
		t.Fatal(err)
	}
	all, err := sourceignore.LoadIgnorePatterns(root, split(root))
	if err != nil {
		t.Fatal(err)
	}
	ours, flux := sourceignore.NewDefaultMatcher(patterns, split(root)), sourceignore.NewDefaultMatcher(all, split(root))
	ignored := 0
	if err := filepath.WalkDir(s.path, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		got, want := ours.Match(split(path), entry.IsDir()), flux.Match(split(path), entry.IsDir())
		if got != want {
			t.Errorf("%s: got %t, want %t", path, got, want)
		}
		if got {
			ignored++
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if ignored == 0 || len(patterns) == len(all) {
		t.Errorf("%d files are ignored, %d patterns of %d were read", ignored, len(patterns), len(all))
	}
}

// TestIgnoreFileIsBounded: a .sourceignore is read as every other file.
func TestIgnoreFileIsBounded(t *testing.T) {
	for name, tc := range map[string]struct {
		make func(file string) error
		want string
	}{
		"too large":                    {func(file string) error { return os.WriteFile(file, nil, 0o600) }, "MiB"},
		"a link out of the repository": {func(file string) error { return os.Symlink(filepath.Dir(filepath.Dir(file)), file) }, "leads out of the repository"},
	} {
		t.Run(name, func(t *testing.T) {
			root := filepath.Join(Resolved(t.TempDir()), "repository")
			if err := os.Mkdir(root, 0o700); err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(root, sourceignore.IgnoreFile)
			if err := tc.make(file); err != nil {
				t.Fatal(err)
			}
			if name == "too large" {
				if err := os.Truncate(file, stream.MaxInput+1); err != nil {
					t.Fatal(err)
				}
			}
			if _, _, err := (sync{path: root, root: root}).generated(nil); err == nil || !strings.Contains(err.Error(), tc.want) || !strings.Contains(err.Error(), file) {
				t.Errorf("got %v", err)
			}
		})
	}
}
