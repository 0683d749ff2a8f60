package privatekey

import (
	"bytes"
	"strconv"
)

// unescape replaces characters that are written as ASCII in strings, URLs, HTML and
// mails. The function gives the line of the text for a line of what is returned, which
// has more of them where line breaks were escaped.
func unescape(text []byte) ([]byte, func(line int) int) {
	out := make([]byte, 0, len(text))
	line, lines := 1, []int{1}
	for i := 0; i < len(text); {
		c, size := unescaped(text[i:])
		breaks := bytes.Count(text[i:i+size], []byte("\n"))
		line += breaks
		if out = append(out, c); c == '\n' {
			lines = append(lines, line)
		}
		i += size
	}
	return out, func(line int) int { return lines[line-1] }
}

// unescaped returns the first character of a text and how many bytes it takes.
func unescaped(text []byte) (c byte, size int) {
	c = text[0]
	if len(text) == 1 {
		return c, 1
	}
	switch c {
	case '\\':
		return backslash(text)
	case '%':
		return number(text, 1, 2, 16)
	case '=':
		if text[1] == '\n' || bytes.HasPrefix(text[1:], []byte("\r\n")) {
			return '\n', 1 + bytes.IndexByte(text, '\n') // a line of a mail goes on
		}
		return number(text, 1, 2, 16)
	case '&':
		if bytes.HasPrefix(text, []byte("&#x")) {
			return reference(text, 3, 16)
		}
		if text[1] == '#' {
			return reference(text, 2, 10)
		}
	}
	return c, 1
}

// backslash reads what is escaped in strings.
func backslash(text []byte) (c byte, size int) {
	switch next := text[1]; next {
	case 'x':
		return number(text, 2, 2, 16)
	case 'u':
		return number(text, 4, 2, 16) // 00 and two digits
	case 'n':
		return '\n', 2
	case 'r':
		return '\r', 2
	case 't':
		return '\t', 2
	case '\n':
		return text[0], 1
	default:
		return next, 2
	}
}

// number reads some digits.
func number(text []byte, begin, digits, base int) (c byte, size int) {
	end := begin + digits
	if end > len(text) {
		return text[0], 1
	}
	n, err := strconv.ParseUint(string(text[begin:end]), base, 8)
	if err != nil {
		return text[0], 1
	}
	return byte(n), end
}

// reference reads the digits of a character of HTML.
func reference(text []byte, begin, base int) (c byte, size int) {
	const most = 4
	end := bytes.IndexByte(text[:min(len(text), begin+most)], ';')
	if end <= begin {
		return text[0], 1
	}
	c, size = number(text, begin, end-begin, base)
	if size > 1 {
		size++
	}
	return c, size
}
