package stream

import (
	"bytes"
	"encoding/binary"
	"math/bits"
)

// maxDepth is how deep the readers of JSON and YAML let a document be nested.
const maxDepth = 10_000

// jsonScanner finds the ends of JSON values, and makes nothing of them. What it takes,
// encoding/json takes as well; a fuzz test holds it to that.
type jsonScanner struct {
	data []byte
}

// jsonHead is what stands at the top of an object.
type jsonHead struct {
	apiVersion, kind []byte
	// items are the offsets of the value of that key, the brackets included.
	items span
	// odd is set where readers may disagree about what the object is: a key stands
	// twice, has escapes, or is not text.
	odd bool
}

type span struct{ start, end int }

// none is the offset of what is not JSON.
const none = -1

// space skips white space.
func (s jsonScanner) space(at int) int {
	for at < len(s.data) && (s.data[at] == ' ' || s.data[at] == '\n' || s.data[at] == '\t' || s.data[at] == '\r') {
		at++
	}
	return at
}

// is reports whether a character stands at an offset.
func (s jsonScanner) is(at int, c byte) bool { return at >= 0 && at < len(s.data) && s.data[at] == c }

// value returns the offset behind the value at an offset, or none.
func (s jsonScanner) value(at, depth int) int {
	if at >= len(s.data) || depth > maxDepth {
		return none
	}
	switch c := s.data[at]; {
	case c == '{':
		return s.object(at, depth, nil)
	case c == '[':
		return s.array(at, func(at int) int { return s.value(at, depth+1) })
	case c == '"':
		return s.text(at)
	case c == '-' || '0' <= c && c <= '9':
		return s.number(at)
	}
	for _, literal := range []string{"true", "false", "null"} {
		if bytes.HasPrefix(s.data[at:], []byte(literal)) {
			return at + len(literal)
		}
	}
	return none
}

// object reads an object, and hands out the spans of its keys and values.
func (s jsonScanner) object(at, depth int, visit func(key, value span)) int {
	at = s.space(at + 1)
	if s.is(at, '}') {
		return at + 1
	}
	for s.is(at, '"') {
		key := span{at, s.text(at)}
		if key.end == none {
			return none
		}
		if at = s.space(key.end); !s.is(at, ':') {
			return none
		}
		at = s.space(at + 1)
		value := span{at, s.value(at, depth+1)}
		if value.end == none {
			return none
		}
		if visit != nil {
			visit(key, value)
		}
		switch at = s.space(value.end); {
		case s.is(at, '}'):
			return at + 1
		case !s.is(at, ','):
			return none
		}
		at = s.space(at + 1)
	}
	return none
}

// array reads an array; element returns the offset behind the element at an offset, or
// none.
func (s jsonScanner) array(at int, element func(at int) int) int {
	at = s.space(at + 1)
	if s.is(at, ']') {
		return at + 1
	}
	for {
		end := element(at)
		if end == none {
			return none
		}
		switch at = s.space(end); {
		case s.is(at, ']'):
			return at + 1
		case !s.is(at, ','):
			return none
		}
		at = s.space(at + 1)
	}
}

// text reads a string.
func (s jsonScanner) text(at int) int {
	for at++; at < len(s.data); at++ {
		at += s.plain(at)
		switch {
		case s.is(at, '"'):
			return at + 1
		case !s.is(at, '\\'):
			return none
		}
		if at++; s.is(at, 'u') {
			if at+4 >= len(s.data) || len(bytes.Trim(s.data[at+1:at+5], "0123456789abcdefABCDEF")) > 0 {
				return none
			}
			at += 4
		} else if at >= len(s.data) || bytes.IndexByte([]byte(`"\/bfnrt`), s.data[at]) < 0 {
			return none
		}
	}
	return none
}

// plain returns how many bytes at an offset are neither quotes, backslashes nor control
// characters.
func (s jsonScanner) plain(at int) int {
	start := at
	for ; at+word <= len(s.data); at += word {
		x := binary.LittleEndian.Uint64(s.data[at:])
		quotes, slashes := x^'"'*ones, x^'\\'*ones
		// Borrows spill over into the bytes behind the first hit only.
		hits := (x-0x20*ones) & ^x | (quotes-ones) & ^quotes | (slashes-ones) & ^slashes
		if hits &= highs; hits != 0 {
			return at + bits.TrailingZeros64(hits)/word - start
		}
	}
	for at < len(s.data) && s.data[at] >= 0x20 && s.data[at] != '"' && s.data[at] != '\\' {
		at++
	}
	return at - start
}

// number reads a number.
func (s jsonScanner) number(at int) int {
	digits := func() bool {
		start := at
		for at < len(s.data) && '0' <= s.data[at] && s.data[at] <= '9' {
			at++
		}
		return at > start
	}
	if s.is(at, '-') {
		at++
	}
	if s.is(at, '0') {
		at++
	} else if !digits() {
		return none
	}
	if s.is(at, '.') {
		if at++; !digits() {
			return none
		}
	}
	if s.is(at, 'e') || s.is(at, 'E') {
		if at++; s.is(at, '+') || s.is(at, '-') {
			at++
		}
		if !digits() {
			return none
		}
	}
	return at
}

// head reads the object at an offset, and returns the offset behind it, or none.
func (s jsonScanner) head(at int) (jsonHead, int) {
	var h jsonHead
	end := s.object(at, 1, func(key, value span) {
		name := s.data[key.start+1 : key.end-1]
		is := s.data[value.start:value.end]
		switch string(name) {
		case "apiVersion", "kind":
			field := &h.kind
			if name[0] == 'a' {
				field = &h.apiVersion
			}
			if *field != nil || is[0] != '"' || bytes.IndexByte(is, '\\') >= 0 {
				h.odd = true
				return
			}
			*field = is[1 : len(is)-1]
		case "items":
			h.odd = h.odd || h.items != span{}
			h.items = value
		default:
			h.odd = h.odd || bytes.IndexByte(name, '\\') >= 0
		}
	})
	return h, end
}
