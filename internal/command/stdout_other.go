//go:build !unix

package command

import "os"

// isClosed reports whether a standard stream was closed when the program started.
func isClosed(file *os.File) bool {
	_, err := file.Stat()
	return err != nil
}
