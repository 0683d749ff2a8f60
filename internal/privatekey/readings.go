package privatekey

import (
	"bytes"
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"iter"
	"slices"
	"sort"
	"strconv"
)

// reading is what a text gives when it is read in one way.
type reading struct {
	data []byte
	line func(offset int) int
}

// column is what a way of reading takes of each line, put together.
type column struct {
	chars []byte
	// starts are offsets in chars, lines those of the text.
	starts, lines []int
}

// line returns where a character stood.
func (c *column) line(offset int) int {
	return c.lines[max(0, sort.SearchInts(c.starts, offset+1)-1)]
}

// readings reads a text in every way in which bytes are written as text. Line breaks,
// indentation and what stands around it in each line does not matter. What is no such
// text gives bytes without meaning.
func readings(text []byte) iter.Seq[reading] {
	return func(yield func(reading) bool) {
		lines := bytes.Split(text, []byte("\n"))
		for _, way := range []struct {
			columns []func(dst, line []byte) []byte
			decode  func(*column) iter.Seq[reading]
		}{
			{[]func(dst, line []byte) []byte{allBase64, otherBase64, unnumberedBase64, lastBase64, longestBase64}, decodeBase64},
			{[]func(dst, line []byte) []byte{hexWords, hexRows, hexLongest, hexDump}, decodeHex},
			{[]func(dst, line []byte) []byte{decimals}, decodeBytes},
			{[]func(dst, line []byte) []byte{base32Words}, decodeBase32},
		} {
			var before [][]byte
			for _, take := range way.columns {
				c := &column{}
				for i, line := range lines {
					length := len(c.chars)
					if c.chars = take(c.chars, line); len(c.chars) > length {
						c.starts, c.lines = append(c.starts, length), append(c.lines, i+1)
					}
				}
				if len(c.chars) == 0 || slices.ContainsFunc(before, func(b []byte) bool { return bytes.Equal(b, c.chars) }) {
					continue
				}
				before = append(before, c.chars)
				for r := range way.decode(c) {
					if !yield(r) {
						return
					}
				}
			}
		}
	}
}

// isBase64 reports whether a character is of the alphabet (RFC 4648, section 4) or pads.
func isBase64(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '+' || c == '/' || c == '='
}

// stretches returns the parts of a line that consist of some characters.
func stretches(line []byte, of func(byte) bool) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for begin := 0; begin < len(line); begin++ {
			end := begin
			for end < len(line) && of(line[end]) {
				end++
			}
			if end > begin && !yield(line[begin:end]) {
				return
			}
			begin = end
		}
	}
}

// allBase64 takes all characters of the alphabet.
func allBase64(dst, line []byte) []byte {
	for _, c := range line {
		if isBase64(c) {
			dst = append(dst, c)
		}
	}
	return dst
}

// otherBase64 takes all words but the first and its like: a prefix of lines, also where
// the lines were put together.
func otherBase64(dst, line []byte) []byte {
	var first []byte
	for word := range stretches(line, isBase64) {
		if first == nil {
			first = word
		} else if !bytes.Equal(word, first) {
			dst = append(dst, word...)
		}
	}
	return dst
}

// unnumberedBase64 takes all words but numbers: those of lines that were put together.
func unnumberedBase64(dst, line []byte) []byte {
	for word := range stretches(line, isBase64) {
		if len(bytes.Trim(word, "0123456789")) > 0 {
			dst = append(dst, word...)
		}
	}
	return dst
}

// lastBase64 takes the last word: behind a line number, a name, or "//".
func lastBase64(dst, line []byte) []byte {
	end := len(line)
	for end > 0 && !isBase64(line[end-1]) {
		end--
	}
	begin := end
	for begin > 0 && isBase64(line[begin-1]) {
		begin--
	}
	return append(dst, line[begin:end]...)
}

// longestBase64 takes the longest word, also of the alphabet for URLs (RFC 4648,
// section 5).
func longestBase64(dst, line []byte) []byte {
	var longest []byte
	for word := range stretches(line, func(c byte) bool { return isBase64(c) || c == '-' || c == '_' }) {
		if bytes.HasPrefix(word, []byte("--")) { // a mark
			word = bytes.Trim(word, "-")
		}
		if len(word) > len(longest) {
			longest = word
		}
	}
	for _, c := range longest {
		switch c {
		case '-':
			c = '+'
		case '_':
			c = '/'
		}
		dst = append(dst, c)
	}
	return dst
}

// decimals takes the bytes of a list of numbers: [48, 130, 4].
func decimals(dst, line []byte) []byte {
	for word := range stretches(line, func(c byte) bool { return c >= '0' && c <= '9' }) {
		if n, err := strconv.ParseUint(string(word), 10, 8); err == nil {
			dst = append(dst, byte(n))
		}
	}
	return dst
}

// base32Words takes long words of the alphabet of base32 (RFC 4648, section 6), which has
// no lower case.
func base32Words(dst, line []byte) []byte {
	for word := range stretches(line, func(c byte) bool { return c >= 'A' && c <= 'Z' || c >= '2' && c <= '7' }) {
		if len(word) >= least/2 {
			dst = append(dst, word...)
		}
	}
	return dst
}

// least is the number of characters that are worth decoding.
const least = 20

// decodeBase64 decodes what stands between padding, from every place where it may
// begin: words around it move it.
func decodeBase64(c *column) iter.Seq[reading] {
	return func(yield func(reading) bool) {
		for begin := 0; begin < len(c.chars); {
			if c.chars[begin] == '=' {
				begin++
				continue
			}
			end := begin
			for end < len(c.chars) && c.chars[end] != '=' {
				end++
			}
			for skip := range 4 {
				run := c.chars[min(begin+skip, end):end]
				if len(run)%4 == 1 {
					run = run[:len(run)-1]
				}
				data := make([]byte, len(run)/4*3+3)
				n, err := base64.RawStdEncoding.Decode(data, run)
				if err != nil || len(run) < least {
					continue
				}
				if !yield(reading{data[:n], func(offset int) int { return c.line(begin + skip + offset/3*4) }}) {
					return
				}
			}
			begin = end
		}
	}
}

// decodeBase32 decodes from every place where a group of eight may begin.
func decodeBase32(c *column) iter.Seq[reading] {
	return func(yield func(reading) bool) {
		const group = 8
		for skip := range min(group, len(c.chars)) {
			run := c.chars[skip:]
			run = run[:len(run)/group*group] // what is left has no more than four bytes
			data := make([]byte, len(run)/group*5)
			if _, err := base32.StdEncoding.Decode(data, run); err != nil || len(run) < least ||
				!yield(reading{data, func(offset int) int { return c.line(skip + offset/5*group) }}) {
				return
			}
		}
	}
}

func decodeHex(c *column) iter.Seq[reading] {
	return func(yield func(reading) bool) {
		for skip := range min(2, len(c.chars)) {
			run := c.chars[skip:]
			data := make([]byte, len(run)/2)
			if n, err := hex.Decode(data, run[:len(run)/2*2]); err != nil || len(run) < least ||
				!yield(reading{data[:n], func(offset int) int { return c.line(skip + 2*offset) }}) {
				return
			}
		}
	}
}

func decodeBytes(c *column) iter.Seq[reading] {
	return func(yield func(reading) bool) { yield(reading{c.chars, c.line}) }
}
