package stream

import "bytes"

// maxFlow is how deep flow style may be nested for the scanner.
const maxFlow = 16

// flow reads a list or mapping in flow style, on one line and of simple scalars:
// [a, "b"], {c: d}. It returns how long it is, or -1.
func flow(text []byte, depth int) int {
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
		if closing == '}' {
			n := flowScalar(text[at:])
			if at += n; n < 0 || !bytes.HasPrefix(text[at:], []byte(": ")) {
				return -1
			}
			at = skipSpaces(text, at+1)
		}
		n := flowValue(text[at:], depth)
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

func flowValue(text []byte, depth int) int {
	if len(text) > 0 && (text[0] == '[' || text[0] == '{') {
		return flow(text, depth+1)
	}
	return flowScalar(text)
}

// flowScalar returns how long a scalar is, or -1.
func flowScalar(text []byte) int {
	if len(text) == 0 {
		return -1
	}
	if quote := text[0]; quote == '"' || quote == '\'' {
		end := bytes.IndexByte(text[1:], quote)
		if end < 0 || bytes.IndexByte(text[:end+1], '\\') >= 0 || bytes.HasPrefix(text[end+2:], []byte{quote}) {
			return -1
		}
		return end + 2
	}
	n := 0
	for n < len(text) && (isName(text[n:n+1]) || text[n] == '_') {
		n++
	}
	if n == 0 || text[0] == '-' || n < len(text) && bytes.IndexByte([]byte(" ,:]}"), text[n]) < 0 {
		return -1
	}
	return n
}

func skipSpaces(text []byte, at int) int {
	for at < len(text) && text[at] == ' ' {
		at++
	}
	return at
}
