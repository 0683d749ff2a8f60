package stream

import (
	"bytes"
	"fmt"
	"iter"
)

// chunk is a part of a stream: what leads to a document (byte order mark,
// directives, the "---" line, the "..." line of the document before) and the
// text of the document itself. Either may be empty.
type chunk struct {
	lead, body []byte
	line       int // of the first byte of body, counted from 1
	// scanned is set where the scanner has read the body last, and understood it.
	scanned bool
}

// split cuts a stream at its document markers. The chunks, joined, are the
// stream.
//
// A marker is a line that starts in column 0 with "---" or "..." followed by
// white space or the end of the line, as the YAML specification has it: inside
// a block scalar such a line is always indented, and inside a quoted scalar it
// is forbidden.
//
// Where there is a scanner, it reads each document on the way, and finds its end.
func split(data []byte, s *scanner) iter.Seq[chunk] {
	return func(yield func(chunk) bool) { splitTo(data, s, yield) }
}

func splitTo(data []byte, s *scanner, yield func(chunk) bool) {
	p := splitter{data: data, yield: yield, line: 1, atHead: true, more: true}
	if bytes.HasPrefix(data, []byte(byteOrderMark)) {
		p.body = len(byteOrderMark)
	}
	pos := p.body
	for line := 1; pos < len(data) && p.more; line++ {
		end := len(data)
		if n := bytes.IndexByte(data[pos:], '\n'); n >= 0 {
			end = pos + n + 1
		}
		switch text := data[pos:end]; marker(text) {
		case "---":
			p.finish(pos)
			p.atHead = false
			if !isBlank(text[len("---"):]) { // a document that starts on the line of its marker
				p.begin(pos+len("---"), line)
				break
			}
			p.begin(end, line+1)
			if n := p.scan(s, end); n > 0 {
				line += bytes.Count(data[end:end+n], []byte("\n"))
				end += n
			}
		case "...":
			p.finish(pos)
			p.atHead = true
			p.begin(end, line+1)
		default:
			if p.atHead && text[0] == '%' {
				p.begin(end, line+1)
			} else if p.atHead {
				p.atHead = isBlank(text)
			}
		}
		pos = end
	}
	p.atHead = false
	p.finish(len(data))
}

// splitter cuts a stream.
type splitter struct {
	data  []byte
	yield func(chunk) bool
	// start and body are the offsets of the present chunk, line is that of its body.
	start, body, line int
	// atHead is set where there is no content yet, so directives and "---" belong to the
	// lead.
	atHead, scanned, more bool
}

// begin says where the body of the present chunk begins.
func (p *splitter) begin(at, line int) { p.body, p.line = at, line }

// finish ends the present chunk, if it has a head.
func (p *splitter) finish(end int) {
	if p.atHead || !p.more {
		return
	}
	p.more = p.yield(chunk{lead: p.data[p.start:p.body], body: p.data[p.body:end], line: p.line, scanned: p.scanned})
	p.start, p.scanned = end, false
}

// scan returns how long the document is that begins at an offset, if the scanner
// understands it.
func (p *splitter) scan(s *scanner, at int) int {
	if s == nil || !p.more {
		return 0
	}
	n, ok := s.first(p.data[at:])
	if p.scanned = ok; !ok {
		return 0
	}
	return n
}

// marker returns the document marker that a line is, or "".
func marker(line []byte) string {
	for _, m := range []string{"---", "..."} {
		if line[0] == m[0] && isMarker(line, m) {
			return m
		}
	}
	return ""
}

// isMarker tells whether a line is the given document marker.
func isMarker(line []byte, marker string) bool {
	if !bytes.HasPrefix(line, []byte(marker)) {
		return false
	}
	return len(line) == len(marker) || bytes.IndexByte([]byte(" \t\r\n"), line[len(marker)]) >= 0
}

// isBlank tells whether a line holds no content.
func isBlank(line []byte) bool {
	line = bytes.TrimSpace(line)
	return len(line) == 0 || line[0] == '#'
}

const byteOrderMark = "\xef\xbb\xbf"

// checkEncoding refuses what a YAML reader would take for something else: it
// reads UTF-16 as one strange document.
func checkEncoding(data []byte) error {
	switch {
	case bytes.HasPrefix(data, []byte{0xff, 0xfe}), bytes.HasPrefix(data, []byte{0xfe, 0xff}):
		return fmt.Errorf("is UTF-16; convert it with: iconv -f UTF-16 -t UTF-8")
	case bytes.IndexByte(data, 0) >= 0:
		return fmt.Errorf("holds a NUL byte, so it is binary (a packed file?) or in another encoding than UTF-8")
	case bytes.IndexByte(data, '\r') < 0:
		return nil
	case bytes.Contains(data, []byte("\r---")), bytes.Contains(data, []byte("\r...")):
		return fmt.Errorf("has lines that end in CR alone; convert it with: tr '\\r' '\\n'")
	}
	return nil
}
