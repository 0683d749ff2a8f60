package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestDocs runs the shell blocks of the documentation, in a copy of the
// repository. A block behind a comment <!-- not run: why --> is skipped.
func TestDocs(t *testing.T) {
	kustomize := program(t, "KUSTOMIZE")
	repository := copyRepository(t)
	// What is built once need not be built again.
	if err := os.MkdirAll(filepath.Join(repository, "bin"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(kustomize, filepath.Join(repository, "bin/kustomize")); err != nil {
		t.Fatal(err)
	}

	block := regexp.MustCompile("(?m)(<!-- not run: .* -->\n)? *```sh\n((?s:.*?)) *```")
	before := names(t, repository)
	ran := 0
	for _, pattern := range []string{"README.md", "docs/*.md", "examples/*/README.md"} {
		files, err := filepath.Glob(filepath.Join("..", pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			for i, match := range block.FindAllStringSubmatch(read(t, file), -1) {
				if match[1] != "" {
					continue
				}
				ran++
				t.Run(fmt.Sprintf("%s/%d", filepath.Base(file), i+1), func(t *testing.T) {
					cmd := exec.Command("sh", "-eu", "-c", match[2])
					cmd.Dir = repository
					cmd.Env = append(os.Environ(), "PATH="+filepath.Dir(kustomize)+string(os.PathListSeparator)+os.Getenv("PATH"))
					if out, err := cmd.CombinedOutput(); err != nil {
						t.Errorf("%v\n%s\n%s", err, match[2], out)
					}
				})
			}
		}
	}
	if after := names(t, repository); !slices.Equal(before, after) {
		t.Errorf("a block wrote into the root of the repository, and not into bin/: %q, before %q", after, before)
	}
	if ran == 0 {
		t.Error("no block was found")
	}
}

// names returns what is in a folder.
func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// copyRepository copies the files of the checkout, committed or not.
func copyRepository(t *testing.T) string {
	t.Helper()
	repository := t.TempDir()
	out, err := exec.Command("git", "-C", "..", "ls-files", "--cached", "--others", "--exclude-standard").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range strings.Fields(string(out)) {
		data, err := os.ReadFile(filepath.Join("..", file))
		if os.IsNotExist(err) {
			continue // deleted and not yet committed
		}
		if err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(filepath.Join("..", file))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(filepath.Join(repository, filepath.Dir(file)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(repository, file), data, info.Mode()); err != nil {
			t.Fatal(err)
		}
	}
	return repository
}
