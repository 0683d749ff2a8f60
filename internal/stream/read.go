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

// tooLarge says that there are more bytes than a number of them.
func tooLarge(most int64) error {
	if most == MaxInput {
		return fmt.Errorf("is larger than %d MiB; split it", most>>20)
	}
	return fmt.Errorf("is larger than %d MiB, which is all that such a file may have", most>>20)
}

// Read reads a stream to its end, into memory of its size: to grow and to copy would
// take longer than to find what is needed in it.
func Read(in io.Reader) ([]byte, error) { return ReadAtMost(in, MaxInput) }

// ReadAtMost reads a stream that may have so many bytes.
func ReadAtMost(in io.Reader, most int64) ([]byte, error) {
	if file, ok := in.(*os.File); ok {
		info, err := file.Stat()
		if err != nil {
			return nil, err
		}
		switch {
		case info.Mode().IsRegular():
			return readFile(file, min(info.Size(), most), most)
		case reservesAddresses:
			return readFile(file, most, most)
		}
	}
	var out bytes.Buffer
	if _, err := io.Copy(&out, io.LimitReader(in, most+1)); err != nil {
		return nil, err
	}
	if int64(out.Len()) > most {
		return nil, tooLarge(most)
	}
	return out.Bytes(), nil
}

// readFile reads a file of some size, or a pipe, whose size nobody knows. For a pipe
// it has an address for every byte that may come; the system gives it memory when a
// byte is there.
func readFile(file *os.File, size, most int64) ([]byte, error) {
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
	if int64(n) > most {
		return nil, tooLarge(most)
	}
	// It has grown since.
	rest, err := io.ReadAll(io.LimitReader(file, most-int64(n)+1))
	if int64(n+len(rest)) > most {
		return nil, tooLarge(most)
	}
	return append(room, rest...), err
}

// readSize is how much is read at once.
const readSize = 1 << 20
