package stream

import "bytes"

// maxFlow is how deep flow style may be nested for the scanner.
const maxFlow = 16

// flow reads a list or mapping in flow style, on one line and of simple scalars and
// aliases: [a, "b"], {c: d}, [e: f]. It returns how long it is, or -1.
func (s *scanner) flow(text []byte, depth int) int {
	closing := byte(']')
	if text[0] == '{' {
		closing = '}'
	}
	at := skipSpaces(text, 1)
	for first := true; at < len(text); first = false {
		switch {
		case text[at] == closing && first:
			return at + 1
		case depth == maxFlow:
			return -1
		}
		n := s.flowEntry(text[at:], closing == '}', depth)
		if at = skipSpaces(text, at+n); n < 0 || at == len(text) {
			return -1
		}
		switch text[at] {
		case closing:
			return at + 1
		case ',':
			at = skipSpaces(text, at+1)
		default:
			return -1
		}
	}
	return -1
}

// flowEntry returns how long a value is, or a key and its value, or -1. A list may hold
// pairs, too, each of which is a mapping.
func (s *scanner) flowEntry(text []byte, keyed bool, depth int) int {
	n := flowScalar(text)
	if n < 0 || n > maxKey || !bytes.HasPrefix(text[n:], []byte(": ")) {
		if keyed {
			return -1
		}
		return s.flowValue(text, depth)
	}
	n = skipSpaces(text, n+len(": "))
	value := s.flowValue(text[n:], depth)
	if value < 0 {
		return -1
	}
	return n + value
}

func (s *scanner) flowValue(text []byte, depth int) int {
	switch {
	case len(text) == 0:
		return -1
	case text[0] == '[', text[0] == '{':
		return s.flow(text, depth+1)
	case text[0] != '*':
		return flowScalar(text)
	}
	n := anchorLen(text)
	if !s.isAnchor(text[1:n]) || n < len(text) && !endsInFlow(text[n]) {
		return -1
	}
	return n
}

// flowScalar returns how long a scalar is, or -1.
func flowScalar(text []byte) int {
	switch {
	case len(text) == 0:
		return -1
	case text[0] == '"', text[0] == '\'':
		return flowQuoted(text)
	}
	n := 0
	for n < len(text) && (isName(text[n:n+1]) || text[n] == '_' || n > 0 && text[n] == '=') {
		n++
	}
	if n == 0 || text[0] == '-' && !isFlag(text[:n]) || n < len(text) && text[n] != ':' && !endsInFlow(text[n]) {
		return -1
	}
	return n
}

func flowQuoted(text []byte) int {
	end := bytes.IndexByte(text[1:], text[0])
	if end < 0 || bytes.IndexByte(text[:end+1], '\\') >= 0 || bytes.HasPrefix(text[end+2:], text[:1]) {
		return -1
	}
	return end + 2
}

// isFlag reports whether a text that begins with a dash is a flag. It may be a number, or
// the dash of a list.
func isFlag(text []byte) bool { return len(text) > 1 && (isLetter(text[1]) || text[1] == '-') }

// endsInFlow reports whether a scalar or an alias ends before a byte.
func endsInFlow(c byte) bool { return c == ' ' || c == ',' || c == ']' || c == '}' }

func skipSpaces(text []byte, at int) int {
	for at < len(text) && text[at] == ' ' {
		at++
	}
	return at
}
