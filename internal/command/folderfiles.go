package command

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// stale returns the files that differ from what they are to be, sorted.
func (f *folder) stale() []string {
	var files []string
	for file, text := range f.want {
		now, exists := f.now[file]
		if (text != nil) != exists || !bytes.Equal(now, text) {
			files = append(files, file)
		}
	}
	slices.Sort(files)
	return files
}

// save writes files, each as a whole or not at all.
func (f *folder) save(files []string) error {
	for _, file := range files {
		text := f.want[file]
		if text == nil {
			if err := os.Remove(file); err != nil {
				return fmt.Errorf("removing %s: %w", file, err)
			}
			continue
		}
		if err := replaceFile(file, text); err != nil {
			return fmt.Errorf("writing %s: %w", file, err)
		}
	}
	return nil
}

// replaceFile writes a file as a whole or not at all. A link stays one, and a file
// that exists keeps its mode.
func replaceFile(file string, text []byte) error {
	mode := os.FileMode(0o644) // manifests are for everybody
	if target, err := filepath.EvalSymlinks(file); err == nil {
		file = target
		info, err := os.Stat(file)
		if err != nil {
			return err
		}
		mode = info.Mode().Perm()
	}
	temporary := file + ".tmp"
	if err := os.WriteFile(temporary, text, mode); err != nil {
		return err
	}
	if err := os.Chmod(temporary, mode); err != nil { // whatever the umask
		return err
	}
	return os.Rename(temporary, file)
}
