package kustomization

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	securefs "github.com/fluxcd/pkg/kustomize/filesys"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// source is where a build reads: files on the disk, some of them changed in memory.
type source struct {
	// disk refuses what lies outside of the root.
	disk filesys.FileSystem
	// texts are what was read from it, by path.
	texts map[string][]byte
	// edits are texts of files, by their paths, in place of those on the disk.
	edits map[string][]byte
	// secrets are the names of those whose content is needed.
	secrets []string
	// change changes what kustomize reads in a layer, or is nil.
	change func(*layer)
	// remote returns the file that takes the place of a resource that is to be fetched.
	// Where it is nil, such a resource is an error.
	remote func(*RemoteError) (string, error)
}

// newSource returns a source that reads nothing outside of a folder.
func newSource(root string) (source, error) {
	disk, err := securefs.MakeFsOnDiskSecure(root)
	if err != nil {
		return source{}, fmt.Errorf("%s: %w", root, err)
	}
	s := source{texts: map[string][]byte{}}
	s.disk = recorder{disk, s.texts}
	return s, nil
}

// errNotFound is what a file that is named and not there gives.
var errNotFound = errors.New("is not there")

// isDir reports whether a path is a folder; the error is errNotFound, or says why it
// cannot be read.
func (s *source) isDir(path string) (bool, error) {
	if _, ok := s.edits[path]; ok {
		return false, nil
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, errNotFound
	case err != nil:
		return false, errors.Unwrap(err)
	}
	return info.IsDir(), nil
}

func (s *source) readFile(file string) ([]byte, error) {
	if text, ok := s.edits[file]; ok {
		return text, nil
	}
	return s.disk.ReadFile(file)
}

// Resolved returns the absolute path of a file or folder, without symbolic links where it
// is there, as kustomize walks through folders.
func Resolved(path string) string {
	if absolute, err := filepath.Abs(path); err == nil {
		path = absolute
	}
	if target, err := filepath.EvalSymlinks(path); err == nil {
		return target
	}
	return path
}
