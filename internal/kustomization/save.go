package kustomization

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Save writes files in their order, each as a whole or not at all. It returns those
// that were written, also where it fails.
func Save(files []File) ([]File, error) {
	var done []File
	for _, f := range files {
		if !f.Changed() {
			continue
		}
		if f.After == nil {
			if err := os.Remove(f.Path); err != nil {
				return done, fmt.Errorf("removing %s: %w", f.Path, err)
			}
		} else if err := replaceFile(f.Path, f.After); err != nil {
			return done, fmt.Errorf("writing %s: %w", f.Path, err)
		}
		done = append(done, f)
	}
	return done, nil
}

// replaceFile writes a file as a whole or not at all. A link stays one, and a file
// that exists keeps its mode.
func replaceFile(file string, text []byte) (err error) {
	mode := os.FileMode(0o644) // manifests are for everybody
	if target, linkErr := filepath.EvalSymlinks(file); linkErr == nil {
		file = target
		info, err := os.Stat(file)
		if err != nil {
			return err
		}
		mode = info.Mode().Perm()
	}
	temporary, err := os.CreateTemp(filepath.Dir(file), "."+filepath.Base(file)+".*.tmp")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(temporary.Name()))
		}
	}()
	_, err = temporary.Write(text)
	err = errors.Join(err, temporary.Chmod(mode), temporary.Sync(), temporary.Close())
	if err != nil {
		return err
	}
	return os.Rename(temporary.Name(), file)
}
