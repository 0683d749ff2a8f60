package corpus

import (
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// dir returns the folder beside the project's root, seen from the package whose tests run.
func dir(t *testing.T) string {
	t.Helper()
	root := "."
	for range 4 { // as deep as packages are
		if _, err := os.Stat(filepath.Join(root, "go.mod")); err == nil {
			return filepath.Join(root, "..", "shared", "corpus")
		}
		root = filepath.Join(root, "..")
	}
	t.Fatal("no go.mod above this package")
	return ""
}

// Files returns the files that match patterns such as gotk/*.yaml, and skips the test
// where there are none.
func Files(t *testing.T, patterns ...string) []string {
	t.Helper()
	var files []string
	for _, p := range patterns {
		found, err := filepath.Glob(filepath.Join(dir(t), p))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	if len(files) == 0 {
		t.Skip("SKIPPED: ../shared/corpus is not there; this test runs beside real manifests only")
	}
	return files
}

// Read reads a file, which may be compressed.
func Read(t *testing.T, file string) []byte {
	t.Helper()
	f, err := os.Open(file) //nolint:gosec // one of Files
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	var in io.Reader = f
	if filepath.Ext(file) == ".gz" {
		if in, err = gzip.NewReader(f); err != nil {
			t.Fatal(err)
		}
	}
	data, err := io.ReadAll(in)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
