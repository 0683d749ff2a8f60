package stream

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/term"
)

// MaxFile is how many bytes a config may have, or a file with certificates.
const MaxFile = 4 << 20

// ReadNamed reads a file that the user names, with at most so many bytes. A pipe that a
// shell makes, as /dev/stdin and <(…), is one; what may never end is an error: a named
// pipe, to which nobody has to write, and a device.
func ReadNamed(path string, most int64) ([]byte, error) {
	if err := checkFile(path, most, isStream); err != nil {
		return nil, err
	}
	file, err := os.Open(path) //nolint:gosec // a file that the user names
	if err != nil {
		return nil, err
	}
	data, err := ReadAtMost(file, most)
	if err != nil {
		err = &fs.PathError{Op: "read", Path: path, Err: err}
	}
	return data, errors.Join(err, file.Close())
}

// ReadRegular reads a file of a folder: nothing but a regular one.
func ReadRegular(path string) ([]byte, error) {
	if err := CheckRegular(path); err != nil {
		return nil, err
	}
	return os.ReadFile(path) //nolint:gosec // in a folder that the user names
}

// CheckRegular refuses what ReadRegular does not read.
func CheckRegular(path string) error {
	return checkFile(path, MaxInput, func(string, fs.FileInfo) bool { return false })
}

// checkFile refuses what is too large, and neither a regular file nor taken.
func checkFile(path string, most int64, takes func(string, fs.FileInfo) bool) error {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return openError(err)
	case info.Mode().IsRegular() && info.Size() > most:
		err = tooLarge(most)
	case info.Mode().IsRegular():
	case info.IsDir():
		err = syscall.EISDIR
	case !takes(path, info):
		err = fmt.Errorf("is %s, which may never end; name a file", kindOf(info))
	}
	if err != nil {
		return &fs.PathError{Op: "read", Path: path, Err: err}
	}
	return nil
}

// openError makes of an error of Stat what Open would say.
func openError(err error) error {
	if failed := (*fs.PathError)(nil); errors.As(err, &failed) {
		return &fs.PathError{Op: "open", Path: failed.Path, Err: failed.Err}
	}
	return err
}

// isStream reports whether a file is a pipe that somebody holds open for writing, or a
// terminal.
func isStream(path string, info fs.FileInfo) bool {
	if info.Mode()&fs.ModeCharDevice != 0 {
		file, err := os.Open(path) //nolint:gosec // as above
		if err != nil {
			return false
		}
		defer file.Close() //nolint:errcheck // nothing was written
		return term.IsTerminal(int(file.Fd()))
	}
	// A named pipe has a path of its own. That of a process is a link to nowhere on
	// Linux, and stands in /dev elsewhere.
	target, err := filepath.EvalSymlinks(path)
	return info.Mode().Type() == fs.ModeNamedPipe && (err != nil || strings.HasPrefix(target, "/dev/"))
}

// kindOf says what a file is that is not regular.
func kindOf(info fs.FileInfo) string {
	switch {
	case info.Mode()&fs.ModeNamedPipe != 0:
		return "a named pipe"
	case info.Mode()&fs.ModeDevice != 0:
		return "a device"
	default:
		return "no regular file"
	}
}
