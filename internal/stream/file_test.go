//go:build unix

package stream_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"fluxtrust.dev/flux-trust/internal/stream"
)

// TestFiles reads all that a path can lead to: nothing waits, and nothing grows without
// an end.
func TestFiles(t *testing.T) {
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	if err := os.WriteFile(path("file"), []byte("text"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Symlink("file", path("link")), syscall.Mkfifo(path("pipe"), 0o600), os.Symlink("pipe", path("to-pipe"))); err != nil {
		t.Fatal(err)
	}
	large, err := os.Create(path("large"))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(large.Truncate(stream.MaxFile+1), large.Close()); err != nil {
		t.Fatal(err)
	}
	open := func(text string) string { // as <(…)
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = r.Close() })
		go func() {
			_, _ = w.WriteString(text) // the reader stops early
			_ = w.Close()
		}()
		return fmt.Sprintf("/dev/fd/%d", r.Fd())
	}
	for name, tc := range map[string]struct {
		path, named, regular string
	}{
		"file":                     {path("file"), "text", "text"},
		"link":                     {path("link"), "text", "text"},
		"nothing":                  {path("none"), "no such file or directory", "no such file or directory"},
		"folder":                   {dir, "is a directory", "is a directory"},
		"named pipe":               {path("pipe"), "is a named pipe, which may never end; name a file", "is a named pipe"},
		"link to a named pipe":     {path("to-pipe"), "is a named pipe", "is a named pipe"},
		"device without an end":    {"/dev/zero", "is a device, which may never end", "is a device"},
		"device without a content": {"/dev/null", "is a device", "is a device"},
		"large file":               {path("large"), "is larger than 4 MiB", ""},
		"pipe of a shell":          {open("from a pipe"), "from a pipe", "is a named pipe"},
		"large pipe of a shell":    {open(strings.Repeat("x", stream.MaxFile+1)), "is larger than 4 MiB", "is a named pipe"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, way := range []struct {
				want string
				read func() ([]byte, error)
			}{
				{tc.named, func() ([]byte, error) { return stream.ReadNamed(tc.path, stream.MaxFile) }},
				{tc.regular, func() ([]byte, error) { return stream.ReadRegular(tc.path) }},
			} {
				got, err := way.read()
				var failed *fs.PathError
				if err != nil && (!errors.As(err, &failed) || failed.Path != tc.path) {
					t.Errorf("the error does not name the file: %v", err)
				}
				if text := fmt.Sprint(string(got), err); !strings.Contains(text, way.want) {
					t.Errorf("got %.200s, want %s", text, way.want)
				}
			}
		})
	}
}
