package privatekey

import (
	"bytes"
	"encoding/base64"
	"iter"
	"regexp"
	"slices"
	"sort"
	"strings"
)

// Opaque returns the lines of a text in which base64 begins that is at least as long
// as the shortest key, and nothing that can be read: no certificate, no certificate
// request, no revocation list and no public key. A key without a structure, such as the
// lines of a PuTTY file, looks like that.
func Opaque(text []byte) []int {
	var found []int
	o := &opaque{left: 8*len(text) + 1<<16}
	end := func() {
		if len(found) < most && o.isOpaque() {
			found = append(found, o.line)
		}
		o.chars, o.starts = o.chars[:0], o.starts[:0]
	}
	for w := range wordsOf(withoutDigests(text)) {
		plain := isPlain(w.text)
		if len(o.chars) == 0 {
			o.line = w.line
		}
		if !plain || len(o.chars) > 0 && !isRuler(w.text) { // the last line of base64 may look like a word
			o.add(w.text)
		}
		if plain || w.padded {
			end()
		}
	}
	end()
	return found
}

// word is a word of a text that may be base64.
type word struct {
	text   []byte
	line   int
	padded bool
}

func wordsOf(text []byte) iter.Seq[word] {
	return func(yield func(word) bool) {
		line := 1
		for begin := 0; begin < len(text); begin++ {
			if text[begin] == '\n' {
				line++
			}
			if !inWord(text, begin) {
				continue
			}
			end := begin
			for end < len(text) && inWord(text, end) {
				end++
			}
			if !yield(word{text[begin:end], line, end < len(text) && text[end] == '='}) {
				return
			}
			begin = end - 1
		}
	}
}

// inWord reports whether a character belongs to a word: those of both alphabets (RFC
// 4648, sections 4 and 5), but no dashes that stand together.
func inWord(text []byte, i int) bool {
	c := text[i]
	if c != '-' && c != '_' {
		return isBase64(c) && c != '='
	}
	return (i == 0 || text[i-1] != c) && (i+1 == len(text) || text[i+1] != c)
}

// withoutDigests removes the hashes that are written as in Subresource Integrity and
// pin-sha256.
func withoutDigests(text []byte) []byte {
	if lower := bytes.ToLower(text); !containsAny(lower, []string{"sha", "md5"}) {
		return text
	}
	digest := regexp.MustCompile(`(?i)(?:sha-?(?:1|224|256|384|512)|md5)[^a-z0-9\n]{1,5}[a-z0-9+/_-]{22,88}`)
	return digest.ReplaceAllFunc(text, func(match []byte) []byte { return bytes.Repeat([]byte(" "), len(match)) })
}

// opaque is the search for text that cannot be read.
type opaque struct {
	chars  []byte // of words that follow each other and are no plain ones
	starts []int  // of the words
	line   int    // of the first of them
	left   int    // bytes that may be decoded
}

// enough is the length in characters from which base64 may hold a key: 48 bytes.
const enough = 64

// add appends a word in the alphabet of RFC 4648, section 4.
func (o *opaque) add(text []byte) {
	o.starts = append(o.starts, len(o.chars))
	for _, c := range text {
		switch c {
		case '-':
			c = '+'
		case '_':
			c = '/'
		}
		o.chars = append(o.chars, c)
	}
}

// isOpaque reports whether a part of the words is base64 of something unknown.
func (o *opaque) isOpaque() bool {
	unknown := 0
	for _, start := range o.starts {
		if start < unknown || start == len(o.chars) {
			continue
		}
		size := o.known(o.chars[start:])
		if size == 0 {
			size = o.readable(o.chars[start:])
		}
		if size == 0 {
			continue
		}
		if looksRandom(o.chars[unknown:start]) {
			return true
		}
		unknown = o.wordEnd(start + size)
	}
	return looksRandom(o.chars[unknown:])
}

// wordEnd returns where the last word ends before or at an offset: the first bytes of
// what follows may happen to be text.
func (o *opaque) wordEnd(offset int) int {
	if offset >= len(o.chars) {
		return len(o.chars)
	}
	return o.starts[sort.SearchInts(o.starts, offset+1)-1]
}

// readable returns the length in characters of base64 that stands for text, all of
// which can be read, or 0.
func (o *opaque) readable(chars []byte) int {
	var text []byte
	for 4*(len(text)/3) < len(chars) && o.left > 0 {
		var group [3]byte
		begin := 4 * (len(text) / 3)
		n, err := base64.RawStdEncoding.Decode(group[:], chars[begin:min(begin+4, len(chars))])
		if err != nil || slices.ContainsFunc(group[:n], func(c byte) bool { return !isText(c) }) {
			break
		}
		o.left -= n
		if text = append(text, group[:n]...); n < len(group) {
			break
		}
	}
	if 4*len(text) < 3*enough || len(Opaque(text)) > 0 {
		return 0
	}
	return (4*len(text) + 2) / 3
}

// known returns the length in characters of what can be read at the beginning of some
// base64, or 0.
func (o *opaque) known(chars []byte) int {
	const header = 8
	if chars[0] != 'M' || len(chars) < header { // SEQUENCE
		return 0
	}
	var head [header / 4 * 3]byte
	if _, err := base64.StdEncoding.Decode(head[:], chars[:header]); err != nil {
		return 0
	}
	outer, ok := read(head[:], tagSequence)
	size := (outer.size*4 + 2) / 3
	if !ok || outer.size < enough || size > len(chars) || o.left < size {
		return 0
	}
	o.left -= size
	der := make([]byte, outer.size+3)
	if _, err := base64.RawStdEncoding.Decode(der, chars[:size]); err != nil {
		return 0
	}
	if der = der[:outer.size]; !isPublic(der) {
		return 0
	}
	return size
}

// isPublic reports whether bytes have the form of something that is made to be
// published: what is signed (RFC 5280: a certificate, a revocation list; RFC 2986: a
// request), or a public key (RFC 5280, RFC 8017).
func isPublic(der []byte) bool {
	for _, form := range []string{
		string([]byte{tagSequence, tagSequence, tagBitString}),
		string([]byte{tagSequence, tagBitString}),
		string([]byte{tagInteger, tagInteger}),
	} {
		outer, ok := read(der, tagSequence)
		rest := outer.body
		for i := 0; ok && i < len(form); i++ {
			var e element
			e, ok = read(rest, form[i])
			rest = e.rest
			ok = ok && rest != nil
		}
		if ok && len(rest) == 0 {
			return true
		}
	}
	return false
}

// isPlain reports whether a word is one of a language, a number, a hash or too short.
func isPlain(word []byte) bool {
	const shortest = 4
	lower, upper, hexadecimal := 0, 0, 0
	for _, c := range word {
		switch {
		case c >= 'a' && c <= 'z':
			lower++
		case c >= 'A' && c <= 'Z':
			upper++
		}
		if isHex(c) || c == '-' {
			hexadecimal++
		}
	}
	capitalised := upper == 1 && word[0] >= 'A' && word[0] <= 'Z' && lower == len(word)-1
	return len(word) < shortest || slices.Contains([]int{lower, upper, hexadecimal}, len(word)) || capitalised || isRuler(word)
}

// isRuler reports whether a word is one character again and again.
func isRuler(word []byte) bool {
	const shortest = 4
	return len(word) >= shortest && bytes.Count(word, word[:1]) == len(word)
}

// looksRandom reports whether characters are more likely to be any of the 64 than to be
// those of names put together. Each weighs ten times the logarithm of the ratio; those
// of hexadecimal numbers nothing, nor
// do those that also join names.
func looksRandom(chars []byte) bool {
	score := 0
	for _, c := range chars {
		switch {
		case strings.IndexByte("etaoinshrdlu", c) >= 0:
			score -= 9
		case strings.IndexByte("cmfywgpbvk", c) >= 0:
			score += 3
		case strings.IndexByte("jxqz", c) >= 0:
			score += 15
		case c >= 'G' && c <= 'Z':
			score += 8
		}
	}
	return len(chars) >= enough && score > 0
}
