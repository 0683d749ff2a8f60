//go:build unix

package command

import (
	"os"

	"golang.org/x/sys/unix"
)

// isClosed reports whether a standard stream was closed when the program started. Go
// then opens /dev/null in its place, for reading and writing, and every write succeeds;
// a shell opens it for writing alone:
// https://github.com/golang/go/blob/go1.26.0/src/runtime/fds_unix.go
func isClosed(file *os.File) bool {
	info, err := file.Stat()
	if err != nil {
		return true
	}
	null, err := os.Stat(os.DevNull)
	if err != nil || !os.SameFile(info, null) {
		return false
	}
	flags, err := unix.FcntlInt(file.Fd(), unix.F_GETFL, 0)
	return err == nil && flags&unix.O_ACCMODE == unix.O_RDWR
}
