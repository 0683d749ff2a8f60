package kustomization

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// Save writes files in their order, each as a whole or not at all. It returns those
// that were written, also where it fails.
func Save(files []File) ([]File, error) { return save(system{}, files) }

// writer is what is done to the disk. Tests make it fail.
type writer interface {
	// create makes a file that nobody has, in the folder of another.
	create(beside string) (*os.File, error)
	write(file *os.File, text []byte, mode os.FileMode) error
	rename(from, to string) error
	remove(file string) error
}

// SaveAll writes all files, or none: where one cannot be written, those before it are
// as they were.
func SaveAll(files []File) error { return saveAll(system{}, files) }

func saveAll(w writer, files []File) error {
	done, err := save(w, files)
	if err == nil {
		return nil
	}
	slices.Reverse(done)
	for i := range done {
		done[i].Before, done[i].After = done[i].After, done[i].Before
	}
	if _, undo := save(system{}, done); undo != nil {
		return fmt.Errorf("%w; and what was written before that stays: %w", err, undo)
	}
	return fmt.Errorf("%w; nothing was written", err)
}

func save(w writer, files []File) ([]File, error) {
	var done []File
	for _, f := range files {
		if !f.Changed() {
			continue
		}
		if f.After == nil {
			if err := w.remove(f.Path); err != nil {
				return done, fmt.Errorf("removing %s: %w", f.Path, err)
			}
		} else if err := replace(w, f.Path, f.After); err != nil {
			return done, fmt.Errorf("writing %s: %w", f.Path, err)
		}
		done = append(done, f)
	}
	return done, nil
}

// replace writes a file as a whole or not at all. A link stays one, and a file that
// exists keeps its mode.
func replace(w writer, file string, text []byte) error {
	mode := os.FileMode(0o644) // manifests are for everybody
	if target, err := filepath.EvalSymlinks(file); err == nil {
		file = target
		info, err := os.Stat(file)
		if err != nil {
			return err
		}
		mode = info.Mode().Perm()
	}
	temporary, err := w.create(file)
	if err != nil {
		return err
	}
	if err = errors.Join(w.write(temporary, text, mode), temporary.Close()); err == nil {
		err = w.rename(temporary.Name(), file)
	}
	if err != nil {
		return errors.Join(err, os.Remove(temporary.Name()))
	}
	return nil
}

// system is the disk itself.
type system struct{}

// create names the file so that neither kustomize nor Flux takes it for a manifest.
func (system) create(beside string) (*os.File, error) {
	return os.CreateTemp(filepath.Dir(beside), "."+filepath.Base(beside)+".*.tmp")
}

func (system) write(file *os.File, text []byte, mode os.FileMode) error {
	if _, err := file.Write(text); err != nil {
		return err
	}
	if err := file.Chmod(mode); err != nil { // whatever the umask
		return err
	}
	return file.Sync()
}

func (system) rename(from, to string) error { return os.Rename(from, to) }
func (system) remove(file string) error     { return os.Remove(file) }
