package privatekey

import (
	"bytes"
	"iter"
	"slices"
	"strconv"
)

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

// isWord reports whether a character is a letter or a digit.
func isWord(c byte) bool { return isBase64(c) && c != '+' && c != '/' && c != '=' }

// hexWord is a word of hexadecimal digits in a line, without 0x or \x.
type hexWord struct {
	digits []byte
	// before is the character in front of it, or 0 where another word stands between
	// it and the word before.
	before byte
	// behind is what follows in the line.
	behind []byte
}

// wordsOfHex returns the words of a line that are hexadecimal, and the ends of words
// that may be the offset of a dump.
func wordsOfHex(line []byte) iter.Seq[hexWord] {
	return func(yield func(hexWord) bool) {
		joined := false
		for i := 0; i < len(line); {
			if !isWord(line[i]) {
				i++
				continue
			}
			begin := i
			for i < len(line) && isWord(line[i]) {
				i++
			}
			word := line[begin:i]
			if len(word) > 2 && word[0] == '0' && word[1]|0x20 == 'x' {
				word = word[2:]
			}
			if len(word) > 1 && word[0] == 'x' {
				word = word[1:]
			}
			if slices.ContainsFunc(word, func(c byte) bool { return !isHex(c) }) {
				joined = false
				if word = offsetAtEnd(word); word == nil {
					continue
				}
			}
			w := hexWord{digits: word, behind: line[i:]}
			if joined {
				w.before = line[begin-1]
			}
			joined = true
			if !yield(w) {
				return
			}
		}
	}
}

// offsetDigits is the length of the offsets that xxd and hexdump write.
const offsetDigits = 8

// offsetAtEnd returns the end of a word that may be the offset of a dump, where a
// line break before it is gone.
func offsetAtEnd(word []byte) []byte {
	if len(word) <= offsetDigits {
		return nil
	}
	word = word[len(word)-offsetDigits:]
	if word[offsetDigits-1] != '0' || slices.ContainsFunc(word, func(c byte) bool { return !isHex(c) }) {
		return nil
	}
	return word
}

// hexWords takes all words.
func hexWords(dst, line []byte) []byte {
	for w := range wordsOfHex(line) {
		dst = append(dst, w.digits...)
	}
	return dst
}

// hexLongest takes the most digits that stand together, whatever is around them.
func hexLongest(dst, line []byte) []byte {
	var longest []byte
	for run := range stretches(line, isHex) {
		if len(run) > len(longest) {
			longest = run
		}
	}
	return append(dst, longest...)
}

// hexRows takes rows of words that are divided in the same way, such as by colons.
func hexRows(dst, line []byte) []byte {
	const least = 4
	var row, last []byte
	var divider byte
	words := 0
	end := func() {
		if words >= least {
			dst = append(dst, row...)
		}
	}
	for w := range wordsOfHex(line) {
		switch {
		case w.before == 0:
			end()
			row, divider, words = nil, 0, 0
		case w.before != divider:
			end()
			row, divider, words = slices.Clone(last), w.before, 1
		}
		row = append(row, w.digits...)
		last = w.digits
		words++
	}
	end()
	return dst
}

// hexDump takes the bytes of xxd and hexdump -C: 16 behind each offset. What stands
// behind them is the same as text, in which another offset may stand.
func hexDump(dst, line []byte) []byte {
	const inRow = 16
	left, next := 0, uint64(0)
	for w := range wordsOfHex(line) {
		at, err := strconv.ParseUint(string(w.digits[max(0, len(w.digits)-offsetDigits):]), 16, 64)
		isOffset := len(w.digits) >= offsetDigits && (bytes.HasPrefix(w.behind, []byte(":")) || bytes.HasPrefix(w.behind, []byte("  ")))
		switch {
		case isOffset && err == nil && (next == 0 || at == next):
			left, next = 2*inRow, at+inRow
		case left >= len(w.digits):
			dst = append(dst, w.digits...)
			left -= len(w.digits)
		default:
			left = 0
		}
	}
	return dst
}
