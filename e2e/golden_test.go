package e2e

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// goldenFiles returns the files of this name in all golden cases of the function, by the
// name of the case.
func goldenFiles(t *testing.T, name string) map[string]string {
	t.Helper()
	archives, err := filepath.Glob("../internal/command/testdata/golden/*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatalf("no golden cases: %v", err)
	}
	found := map[string]string{}
	for _, file := range archives {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range archive.Files {
			if f.Name == name {
				found[strings.TrimSuffix(filepath.Base(file), ".txtar")] = string(f.Data)
			}
		}
	}
	return found
}
