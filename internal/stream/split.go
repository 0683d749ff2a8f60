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
}

// split cuts a stream at its document markers. The chunks, joined, are the
// stream.
//
// A marker is a line that starts in column 0 with "---" or "..." followed by
// white space or the end of the line, as the YAML specification has it: inside
// a block scalar such a line is always indented, and inside a quoted scalar it
// is forbidden.
func split(data []byte) iter.Seq[chunk] {
	return func(yield func(chunk) bool) { splitTo(data, yield) }
}

func splitTo(data []byte, yield func(chunk) bool) {
	start, body, bodyLine := 0, 0, 1 // of the current chunk
	atHead := true                   // no content yet, so directives and "---" belong to the lead
	if bytes.HasPrefix(data, []byte(byteOrderMark)) {
		body = len(byteOrderMark)
	}
	more := true
	finish := func(end int) {
		more = yield(chunk{lead: data[start:body], body: data[body:end], line: bodyLine})
		start = end
	}
	pos := body
	for line := 1; pos < len(data) && more; line++ {
		end := len(data)
		if n := bytes.IndexByte(data[pos:], '\n'); n >= 0 {
			end = pos + n + 1
		}
		text := data[pos:end]
		switch marker(text) {
		case "---":
			if !atHead {
				finish(pos)
			}
			atHead = false
			if isBlank(text[len("---"):]) {
				body, bodyLine = end, line+1
			} else { // a document that starts on the line of its marker
				body, bodyLine = pos+len("---"), line
			}
		case "...":
			if !atHead {
				finish(pos)
			}
			atHead = true
			body, bodyLine = end, line+1
		default:
			if atHead && text[0] == '%' {
				body, bodyLine = end, line+1
			} else if atHead {
				atHead = isBlank(text)
			}
		}
		pos = end
	}
	if more {
		finish(len(data))
	}
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
