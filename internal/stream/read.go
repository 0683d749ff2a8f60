package stream

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
)

// MaxInput is how many bytes a stream may have. It is held in memory as a whole.
const MaxInput = 1 << 30

// ErrTooLarge says that a stream has more than MaxInput bytes.
var ErrTooLarge = fmt.Errorf("is larger than %d MiB; split it", MaxInput>>20)

// Read reads a stream to its end, into memory of its size: to grow and to copy would
// take longer than to find what is needed in it.
func Read(in io.Reader) ([]byte, error) {
	if file, ok := in.(*os.File); ok {
		info, err := file.Stat()
		if err != nil {
			return nil, err
		}
		switch {
		case info.Mode().IsRegular():
			return readFile(file, min(info.Size(), MaxInput))
		case reservesAddresses:
			return readFile(file, MaxInput)
		}
	}
	var out bytes.Buffer
	if _, err := io.Copy(&out, io.LimitReader(in, MaxInput+1)); err != nil {
		return nil, err
	}
	if out.Len() > MaxInput {
		return nil, ErrTooLarge
	}
	return out.Bytes(), nil
}

// readFile reads a file of some size, or a pipe, whose size nobody knows. For a pipe
// it has an address for every byte that may come; the system gives it memory when a
// byte is there.
func readFile(file *os.File, size int64) ([]byte, error) {
	room := reserve(int(size) + 1) // one more, to see the end
	n := 0
	for n < len(room) {
		more, err := file.Read(room[n:min(n+readSize, len(room))])
		n += more
		if errors.Is(err, io.EOF) {
			return room[:n], nil
		}
		if err != nil {
			return nil, err
		}
	}
	if n > MaxInput {
		return nil, ErrTooLarge
	}
	// It has grown since.
	rest, err := io.ReadAll(io.LimitReader(file, int64(MaxInput-n)+1))
	if n+len(rest) > MaxInput {
		return nil, ErrTooLarge
	}
	return append(room, rest...), err
}

// readSize is how much is read at once.
const readSize = 1 << 20
