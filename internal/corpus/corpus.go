package corpus

import (
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// dir is seen from a package at the top of the project, where its tests run.
const dir = "../../shared/corpus"

// Files returns the files that match patterns such as gotk/*.yaml, and skips the test
// where there are none.
func Files(t *testing.T, patterns ...string) []string {
	t.Helper()
	var files []string
	for _, p := range patterns {
		found, err := filepath.Glob(filepath.Join(dir, p))
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
