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
		case s.data[at] < utf8.RuneSelf:
			return at, false
		default:
			r, size := utf8.DecodeRune(s.data[at:])
			if !isPrintable(r, size) {
				return at, false
			}
			at += size
		}
	}
}

// isPrintable tells whether a character beyond ASCII is text and no line break to
// any YAML reader.
func isPrintable(r rune, size int) bool {
	switch {
	case r == utf8.RuneError && size <= 1, r < 0xa0, r == '\u2028', r == '\u2029', r == '\ufeff', r >= 0xfffe && r <= 0xffff:
		return false
	default:
		return true
	}
}

// unusual returns the offset of the first byte that is no printable ASCII, eight
// bytes at a time.
func unusual(text []byte) int {
	const (
		ones  = 0x0101010101010101
		highs = 0x80 * ones
		word  = 8
	)
	i := 0
	for ; i+word <= len(text); i += word {
		x := binary.LittleEndian.Uint64(text[i:])
		// A byte below 0x20 borrows, 0x7f carries, and others have the high bit.
		// What spills over stands behind the first hit.
		if hits := ((x-0x20*ones)&^x | (x + ones) | x) & highs; hits != 0 {
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
