package stream

import (
	"bytes"
	"slices"
)

// Needs tells whether a resource must be parsed, from the apiVersion and kind at
// its top, which are empty where it has none, and from its text, which is nil where
// words of it may be torn apart.
type Needs = func(apiVersion, kind, text []byte) bool

// scanner reads block mappings written in the plain part of YAML that nearly all
// manifests keep to, line by line, and makes nothing of them but where they end
// and what kind they are.
//
// It understands block mappings and lists, plain and quoted scalars, block
// scalars, simple flow style on one line, comments, and anchors with their aliases, which
// may be keys below the top. All else (tags, other flow style, tabs, carriage returns, complex keys, control
// characters) it does not, and says so. What it understands, the YAML reader
// takes without an error for the same thing; a fuzz test holds it to that.
type scanner struct {
	data []byte
	// pos is the start of the next line, end is that behind the last content.
	pos, end int
	// levels are the open collections, the outermost first.
	levels [maxLevels]level
	depth  int
	// awaiting tells that the last key or dash had no value on its line.
	awaiting bool
	// plain tells that the last value is a plain scalar, which may go on.
	plain            bool
	apiVersion, kind []byte
	// hidden tells that line breaks are escaped, so that a name in the text may be
	// torn apart.
	hidden bool
	// anchors are the names of those seen.
	anchors [][]byte
}

// maxAnchors is how many anchors a resource may have: each alias is looked for among
// them.
const maxAnchors = 100

// maxLevels is how deep collections may be nested. The deepest CRDs reach 50.
const maxLevels = 128

// level is an open collection: the column of its keys or dashes.
type level struct {
	column int
	list   bool
}

// needed asks whether what was read last must be parsed.
func (s *scanner) needed(needs Needs, text []byte) bool {
	if s.hidden {
		text = nil
	}
	return needs(s.apiVersion, s.kind, text)
}

// document reads a whole document. The result is false when it is anything else
// than one mapping that the scanner understands.
func (s *scanner) document(data []byte) bool {
	n, ok := s.first(data)
	return ok && n == len(data)
}

// first reads the first document of a text, and returns where the marker behind it is, or
// the end. The result is false when it is anything else than one mapping that the scanner
// understands.
func (s *scanner) first(data []byte) (end int, ok bool) {
	s.data, s.pos = data, 0
	if !s.skipBlank() || s.pos == len(data) || s.atMarker(s.pos) {
		return 0, false
	}
	column := s.spaces(s.pos)
	ok = s.mapping(s.pos+column, column) && (s.pos == len(data) || s.atMarker(s.pos))
	return s.pos, ok
}

// ends reports whether a line of content without indentation is a marker. Most begin with
// a letter.
func (s *scanner) ends(at int) bool { return s.data[at] <= '.' && s.atMarker(at) }

// atMarker reports whether a line that starts at an offset is the marker of a document.
func (s *scanner) atMarker(at int) bool { return marker(s.data[at:]) != "" }

// blank tells whether a document holds blank lines and comments only.
func (s *scanner) blank(data []byte) bool {
	s.data, s.pos = data, 0
	return s.skipBlank() && s.pos == len(data)
}

// skipBlank skips blank lines and comments.
func (s *scanner) skipBlank() bool {
	for s.pos < len(s.data) {
		at := s.pos + s.spaces(s.pos)
		if at < len(s.data) && s.data[at] != '\n' && s.data[at] != '#' {
			return true
		}
		if !s.skipBlankLine(at) {
			return false
		}
	}
	return true
}

func (s *scanner) skipBlankLine(at int) bool {
	end, ok := s.lineEnd(at, false)
	s.next(end)
	return ok
}

// mapping reads the mapping whose first key stands at an offset and in a column.
// It ends before the first line of content that is indented less.
func (s *scanner) mapping(at, column int) bool {
	s.levels[0], s.depth = level{column: column}, 1
	s.awaiting, s.plain, s.hidden, s.apiVersion, s.kind = false, false, false, nil, nil
	s.anchors = s.anchors[:0]
	if at >= len(s.data) || isDash(s.data, at) || !s.entry(at, column) {
		return false
	}
	for s.pos < len(s.data) {
		n := s.spaces(s.pos)
		at := s.pos + n
		switch {
		case at == len(s.data), s.data[at] == '\n', s.data[at] == '#':
			if !s.skipInside(at) {
				return false
			}
		case n < column, n == 0 && s.ends(at):
			return true
		case s.plain && n > s.levels[s.depth-1].column:
			if !s.goOn(at) {
				return false
			}
		default:
			if !s.line(at, n) {
				return false
			}
		}
	}
	return true
}

// skipInside skips a blank line or a comment, which ends a plain scalar.
func (s *scanner) skipInside(at int) bool {
	s.plain = s.plain && (at == len(s.data) || s.data[at] == '\n')
	return s.skipBlankLine(at)
}

// goOn reads a line that continues a plain scalar.
func (s *scanner) goOn(at int) bool {
	l, ok := s.look(at)
	if !ok || (l.first >= 0 || l.hash >= 0) && !s.plainText(s.data[at:l.end]) {
		return false
	}
	s.content(l.end)
	return true
}

// line reads a line of content outside scalars.
func (s *scanner) line(at, column int) bool {
	if s.levels[s.depth-1] == (level{column: column}) && isLetter(s.data[at]) { // the next key, which is likely
		s.awaiting, s.plain = false, false
		l, ok := s.look(at)
		return ok && (s.word(at, l) || s.pair(at, column, false, l))
	}
	return s.turn(at, column)
}

// turn reads a line that may begin or end collections.
func (s *scanner) turn(at, column int) bool {
	s.leave(column)
	top, dash := s.levels[s.depth-1], isDash(s.data, at)
	switch {
	case top.column == column && top.list == dash:
		// The next entry or key.
	case top.column == column && top.list:
		// A list that stood in the column of its key has ended.
		s.depth--
		if s.depth == 0 || s.levels[s.depth-1] != (level{column: column}) {
			return false
		}
	case s.awaiting && (column > top.column || dash):
		if s.data[at] == '[' || s.data[at] == '{' {
			l, ok := s.look(at)
			s.awaiting = false
			return ok && s.value(at, l)
		}
		if !s.push(column, dash) {
			return false
		}
	default:
		return false
	}
	return s.entry(at, column)
}

// leave leaves the collections that stand deeper than a column, which the first never does.
func (s *scanner) leave(column int) {
	for s.levels[s.depth-1].column > column {
		s.depth--
		s.awaiting = false
	}
}

func (s *scanner) push(column int, list bool) bool {
	if s.depth == maxLevels {
		return false
	}
	s.levels[s.depth] = level{column: column, list: list}
	s.depth++
	return true
}

// entry reads an entry of the innermost collection: "key: value" or "- value".
func (s *scanner) entry(at, column int) bool {
	s.awaiting, s.plain = false, false
	dash := isDash(s.data, at)
	if dash {
		n := s.spaces(at + 1)
		at, column = at+1+n, column+1+n
		if isDash(s.data, at) {
			return s.push(column, true) && s.entry(at, column)
		}
	}
	l, ok := s.look(at)
	return ok && (!dash && s.word(at, l) || s.pair(at, column, dash, l))
}

// pair reads a key and its value, or what stands behind a dash.
func (s *scanner) pair(at, column int, dash bool, l glance) bool {
	colon := s.keyEnd(at, l)
	switch {
	case colon < 0 && !dash:
		return false
	case colon < 0:
		return s.value(at, l)
	case dash && !s.push(column, false):
		return false
	case s.depth > 1:
		return s.value(colon+1, l)
	default:
		return s.value(colon+1, l) && s.head(s.data[at:colon], s.data[colon+1:l.end])
	}
}

// word reads what most lines are: a key and nothing, or a plain value, both of which
// start with a letter. It only saves time: it is false for all else.
func (s *scanner) word(at int, l glance) bool {
	top := s.depth == 1 && (s.data[at] == 'a' || s.data[at] == 'k') // apiVersion, kind
	if top || l.first <= at || l.first-at > maxKey || l.last != l.first || l.hash >= 0 || !isLetter(s.data[at]) || s.data[l.first-1] == ' ' {
		return false
	}
	switch value := l.first + len(": "); {
	case value > l.end:
		s.awaiting = true
	case value < l.end && isLetter(s.data[value]):
		s.plain = true
	default:
		return false
	}
	s.content(l.end)
	return true
}

func isLetter(c byte) bool { return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' }

// head notes apiVersion and kind.
func (s *scanner) head(key, value []byte) bool {
	var field *[]byte
	switch string(unquote(key)) {
	case "apiVersion":
		field = &s.apiVersion
	case "kind":
		field = &s.kind
	default:
		return true
	}
	value = bytes.TrimSpace(value)
	if *field != nil || len(value) == 0 || !isName(unquote(value)) {
		return false
	}
	*field = unquote(value)
	s.plain = false // it ends with its line
	return true
}

// unquote takes the quotes off a text that has no escapes.
func unquote(text []byte) []byte {
	if n := len(text); n > 1 && (text[0] == '"' || text[0] == '\'') && text[n-1] == text[0] {
		return text[1 : n-1]
	}
	return text
}

// isName tells whether a text is made of what apiVersions and kinds are.
func isName(text []byte) bool {
	for _, c := range text {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '.', c == '-', c == '/':
		default:
			return false
		}
	}
	return true
}

// value reads what stands in a line behind the colon or the dash at an offset.
func (s *scanner) value(at int, l glance) bool {
	start := at
	for start < l.end && s.data[start] == ' ' {
		start++
	}
	if start >= l.end {
		s.awaiting = true
		s.content(l.end)
		return true
	}
	text := s.data[start:l.end]
	switch text[0] {
	case '&', '*':
		return s.anchor(start, l)
	case '#':
		s.awaiting = true
		s.content(l.end)
		return s.data[start-1] == ' '
	case '"', '\'':
		return s.quoted(start, l.end)
	case '|', '>':
		s.content(l.end)
		return s.block(text)
	case '{', '[':
		s.content(l.end)
		n := s.flow(text, 0)
		return n > 0 && isRest(text[n:])
	}
	s.plain = true
	if !startsPlain(text) || (l.hash >= 0 || l.last >= start) && !s.plainText(text) {
		return false
	}
	s.content(l.end)
	return true
}

// anchor reads an anchor and the value behind it, or an alias.
func (s *scanner) anchor(at int, l glance) bool {
	end := at + anchorLen(s.data[at:l.end])
	name, rest := s.data[at+1:end], s.data[end:l.end]
	if s.data[at] == '*' {
		s.content(l.end)
		return isRest(rest) && s.isAnchor(name)
	}
	if len(name) == 0 || len(rest) > 0 && rest[0] != ' ' || len(s.anchors) == maxAnchors {
		return false
	}
	s.anchors = append(s.anchors, name)
	rest = bytes.TrimLeft(rest, " ")
	return (len(rest) == 0 || rest[0] != '&' && rest[0] != '*') && s.value(end, l)
}

func (s *scanner) isAnchor(name []byte) bool {
	return slices.ContainsFunc(s.anchors, func(known []byte) bool { return bytes.Equal(known, name) })
}

// anchorLen returns how long the anchor or the alias is that a text starts with.
func anchorLen(text []byte) int {
	n := 1
	for n < len(text) && (isName(text[n:n+1]) || text[n] == '_') && text[n] != '.' && text[n] != '/' {
		n++
	}
	return n
}

// next goes behind the line that ends at an offset.
func (s *scanner) next(end int) { s.pos = min(end+1, len(s.data)) }

// content goes behind a line that holds content.
func (s *scanner) content(end int) {
	s.next(end)
	s.end = s.pos
}

// spaces counts the spaces at an offset.
func (s *scanner) spaces(at int) int {
	n := 0
	for at+n < len(s.data) && s.data[at+n] == ' ' {
		n++
	}
	return n
}

// isDash tells whether an entry of a list starts at an offset.
func isDash(data []byte, at int) bool {
	return at < len(data) && data[at] == '-' && (at+1 == len(data) || data[at+1] == ' ' || data[at+1] == '\n')
}
