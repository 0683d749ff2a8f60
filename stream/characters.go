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
	at, end int
	// colon is the offset of the first colon that could end a key, hash that of the
	// first space before a #; -1 where there is none. more tells of another colon.
	colon, hash int
	more        bool
}

// look reads a line from an offset on. It is false when the line holds anything but
// printable text.
func (s *scanner) look(at int, l *glance) bool {
	data, start, colon, hash, more := s.data, at, -1, -1, false
	for {
		at += notable(data[at:])
		if at == len(data) || data[at] == '\n' {
			*l = glance{at: start, end: at, colon: colon, hash: hash, more: more}
			return true
		}
		switch data[at] {
		case ':':
			if at+1 == len(data) || data[at+1] == ' ' || data[at+1] == '\n' {
				if more = colon >= 0; !more {
					colon = at
				}
			}
			at++
		case '#':
			if hash < 0 && at > start && data[at-1] == ' ' {
				hash = at - 1
			}
			at++
		default:
			size := printable(data[at:])
			if size == 0 {
				return false
			}
			at += size
		}
	}
}

// printable returns how long the character beyond ASCII is that a text starts with,
// or 0 where it is none, is no text, or is a line break to some YAML reader.
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

// notable is unusual for colons and hashes, too.
func notable(text []byte) int {
	i := 0
	for ; i+word <= len(text); i += word {
		x := binary.LittleEndian.Uint64(text[i:])
		if hits := unusualIn(x) | zeroIn(x^':'*ones) | zeroIn(x^'#'*ones); hits != 0 {
			return i + bits.TrailingZeros64(hits)/word
		}
	}
	for ; i < len(text); i++ {
		if c := text[i]; c < 0x20 || c >= 0x7f || c == ':' || c == '#' {
			return i
		}
	}
	return i
}

// unusualIn sets the high bits of the bytes that are no printable ASCII. A byte
// below 0x20 borrows, 0x7f carries, and others have the high bit. What spills over
// stands behind the first hit.
func unusualIn(x uint64) uint64 { return ((x-0x20*ones)&^x | (x + ones) | x) & highs }

// zeroIn sets the high bit of the first byte that is 0.
func zeroIn(x uint64) uint64 { return (x - ones) &^ x & highs }
