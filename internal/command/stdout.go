package command

import (
	"errors"
	"io"
	"os"
)

// needsStdout refuses a closed stdout before any work: what is written there would be
// lost.
func needsStdout(out io.Writer) error {
	if file, ok := out.(*os.File); ok && isClosed(file) {
		return errors.New("stdout is closed, so the result would be lost; open it, or send it to /dev/null")
	}
	return nil
}
