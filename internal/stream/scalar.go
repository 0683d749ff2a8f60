package stream

import "bytes"

// maxKey is how long a key may be. The YAML reader takes 1,024 characters.
const maxKey = 1000

// plainText reads a line of a plain scalar.
func (s *scanner) plainText(text []byte) bool {
	if i := bytes.Index(text, []byte(" #")); i >= 0 {
		text, s.plain = text[:i], false
	}
	for i := bytes.IndexByte(text, ':'); i >= 0; i = bytes.IndexByte(text, ':') {
		if text = text[i+1:]; len(text) == 0 || text[0] == ' ' {
			return false
		}
	}
	return true
}

// quoted reads a quoted scalar, which may go over several lines.
func (s *scanner) quoted(at, end int) bool {
	quote := s.data[at]
	at++
	for {
		closing, ok := s.quoteEnd(at, end, quote)
		if !ok {
			return false
		}
		if closing < end {
			s.content(end)
			return isRest(s.data[closing+1 : end])
		}
		// Blank lines may be indented as they like, others must not look like a marker
		// of a document.
		s.next(end)
		at = s.pos + s.spaces(s.pos)
		if at >= len(s.data) || s.data[at] != '\n' && (at == s.pos || at-s.pos < s.levels[s.depth-1].column) {
			return false
		}
		if end, ok = s.lineEnd(at, false); !ok {
			return false
		}
	}
}

// quoteEnd returns the offset of the closing quote in a line, or the end of the
// line where it has none.
func (s *scanner) quoteEnd(at, end int, quote byte) (int, bool) {
	for ; at < end; at++ {
		switch c := s.data[at]; {
		case c == '\\' && quote == '"':
			at++
			s.hidden = s.hidden || at == end
			// Others could hide a name, too.
			if at < end && bytes.IndexByte([]byte(`"\nrt `), s.data[at]) < 0 {
				return at, false
			}
		case c == quote && quote == '\'' && at+1 < end && s.data[at+1] == quote:
			at++
		case c == quote:
			return at, true
		}
	}
	return end, true
}

// block reads the lines of a block scalar with a header.
func (s *scanner) block(header []byte) bool {
	if !isBlockHeader(header) {
		return false
	}
	indent, widest := 0, 0 // of the content, and of blank lines before it
	if len(header) > 1 && isIndicator(header[1]) {
		indent = s.levels[s.depth-1].column + int(header[1]-'0')
	}
	for s.pos < len(s.data) {
		n := s.spaces(s.pos)
		at := s.pos + n
		switch {
		case at == len(s.data) || s.data[at] == '\n':
			widest = max(widest, n)
			s.spacesInside(at, n, indent)
			continue
		case s.data[at] == '\t' && (indent == 0 || n < indent):
			return false
		case indent == 0 && n > s.levels[s.depth-1].column:
			if widest > n {
				return false
			}
			indent = n
		case indent == 0, n < indent:
			return true
		}
		end, ok := s.lineEnd(at, true)
		if !ok {
			return false
		}
		s.content(end)
	}
	return true
}

// spacesInside goes behind a line of spaces in a block scalar: those beyond its
// indentation are a part of the text.
func (s *scanner) spacesInside(end, spaces, indent int) {
	if indent > 0 && spaces > indent {
		s.content(end)
	} else {
		s.next(end)
	}
}

// keyEnd returns the offset of the colon behind the key that a line starts with,
// or -1.
func (s *scanner) keyEnd(at int, l glance) int {
	if l.first <= at || l.first-at > maxKey {
		return -1
	}
	text := s.data[at:l.end]
	switch text[0] {
	case '*':
		return s.aliasedKeyEnd(at, l)
	case '"', '\'':
		if n := quotedKeyEnd(text); n >= 0 {
			return at + n
		}
		return -1
	}
	if !startsPlain(text) || s.data[l.first-1] == ' ' || l.hash >= 0 && l.hash < l.first || s.depth == 1 && string(s.data[at:l.first]) == "<<" {
		return -1
	}
	return l.first
}

// aliasedKeyEnd is keyEnd for an alias, which may not stand for one of the keys at the top.
func (s *scanner) aliasedKeyEnd(at int, l glance) int {
	text := s.data[at:l.first]
	n := anchorLen(text)
	if s.depth == 1 || !s.isAnchor(text[1:n]) || n == len(text) || skipSpaces(text, n) < len(text) {
		return -1
	}
	return l.first
}

func quotedKeyEnd(line []byte) int {
	at := bytes.IndexByte(line[1:], line[0]) + len(`""`)
	if at < len(`""`) || at >= len(line) || line[at] != ':' || at+1 < len(line) && line[at+1] != ' ' ||
		at > maxKey || bytes.IndexByte(line[:at], '\\') >= 0 {
		return -1
	}
	return at
}

// startsPlain tells whether a text can be a plain scalar by its start.
func startsPlain(text []byte) bool {
	switch c := text[0]; c {
	case '-', ':':
		return len(text) > 1 && text[1] != ' '
	case ',', '[', ']', '{', '}', '#', '&', '*', '!', '|', '>', '\'', '"', '%', '@', '`', '?':
		return false
	default:
		return true
	}
}

// isBlockHeader tells whether a text starts a block scalar that does not keep the
// blank lines behind it. It may say how deep the lines are indented.
func isBlockHeader(text []byte) bool {
	text = text[1:]
	if len(text) > 0 && isIndicator(text[0]) {
		text = text[1:]
	}
	return isRest(bytes.TrimPrefix(text, []byte("-")))
}

func isIndicator(c byte) bool { return '1' <= c && c <= '9' }

// isRest tells whether a text may stand behind a value: nothing or a comment.
func isRest(text []byte) bool {
	rest := bytes.TrimLeft(text, " ")
	return len(rest) == 0 || rest[0] == '#' && len(rest) < len(text)
}
