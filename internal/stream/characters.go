package stream

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

// lineEnd returns the offset of the end of a line, from an offset in it. It is
// false when the line holds anything but printable text.
func (s *scanner) lineEnd(at int, tabs bool) (int, bool) {
	for {
		at += unusual(s.data[at:])
		switch {
		case at == len(s.data) || s.data[at] == '\n':
			return at, true
		case s.data[at] == '\t' && tabs:
			at++
		default:
			size := printable(s.data[at:])
			if size == 0 {
				return at, false
			}
			at += size
		}
	}
}

// glance is what one look at the content of a line tells.
type glance struct {
	end int
	// first and last are the offsets of the colons that could end a key, hash that
	// of the first space before a #; -1 where there is none.
	first, last, hash int
}

// look reads a line from an offset on. It is false when the line holds anything but
// printable text.
func (s *scanner) look(start int) (glance, bool) {
	data, at, first, last, hash := s.data, start, -1, -1, -1
	for {
		for hits := notableIn(load(data, at)); hits != 0; hits &= hits - 1 {
			i := at + bits.TrailingZeros64(hits)/word
			switch {
			case i >= len(data) || data[i] == '\n':
				return glance{end: i, first: first, last: last, hash: hash}, true
			case data[i] == ':':
				if i+1 == len(data) || data[i+1] == ' ' || data[i+1] == '\n' {
					if last = i; first < 0 {
						first = i
					}
				}
				continue
			case data[i] == '#':
				if hash < 0 && i > start && data[i-1] == ' ' {
					hash = i - 1
				}
				continue
			}
			size := printable(data[i:])
			if size == 0 {
				return glance{}, false
			}
			at = i + size - word // behind it
			break
		}
		at += word
	}
}

// printable returns how long the character beyond ASCII is that a text starts with,
// or 0 where it is none, is not text, or is a line break to some YAML reader.
func printable(text []byte) int {
	r, size := utf8.DecodeRune(text)
	switch {
	case r == utf8.RuneError && size <= 1, r < 0xa0, r == '\u2028', r == '\u2029', r == '\ufeff', r >= 0xfffe && r <= 0xffff:
		return 0
	default:
		return size
	}
}

const (
	ones  = 0x0101010101010101
	highs = 0x80 * ones
	word  = 8
)

// unusual returns the offset of the first byte that is no printable ASCII, eight
// bytes at a time.
func unusual(text []byte) int {
	i := 0
	for ; i+word <= len(text); i += word {
		if hits := unusualIn(binary.LittleEndian.Uint64(text[i:])); hits != 0 {
			return i + bits.TrailingZeros64(hits)/word
		}
	}
	for ; i < len(text); i++ {
		if c := text[i]; c < 0x20 || c >= 0x7f {
			return i
		}
	}
	return i
}

// load returns the eight bytes at an offset. Line breaks stand behind the end.
func load(data []byte, at int) uint64 {
	if at+word <= len(data) {
		return binary.LittleEndian.Uint64(data[at:])
	}
	end := [word]byte{'\n', '\n', '\n', '\n', '\n', '\n', '\n', '\n'}
	copy(end[:], data[at:])
	return binary.LittleEndian.Uint64(end[:])
}

// notableIn sets the high bits of the bytes that are no printable ASCII, colons or
// hashes.
func notableIn(x uint64) uint64 {
	const lows = ^uint64(highs)
	low := x & lows
	colon, hash := low^':'*ones, low^'#'*ones
	plain := (low + (0x80-0x20)*ones) &^ (low + ones) & (colon + lows) & (hash + lows)
	return (x | ^plain) & highs
}

// unusualIn sets the high bits of the bytes that are no printable ASCII. A byte
// below 0x20 borrows, 0x7f carries, and others have the high bit. What spills over
// stands behind the first hit.
func unusualIn(x uint64) uint64 { return ((x-0x20*ones)&^x | (x + ones) | x) & highs }
