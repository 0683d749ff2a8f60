package stream

import (
	"bytes"
	"slices"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"fluxtrust.dev/flux-trust/internal/krm"
)

// item is a resource of a list that is needed.
type item struct {
	// index among all items.
	index int
	// start and end of its text, from its dash on, and the column of its fields.
	start, end, column    int
	original, replacement *yaml.RNode
}

// text returns the text of a changed item of a list, or nil when it must be written
// with the whole list. It is read once more in its place.
func (i *item) text(l *list) []byte {
	before := l.data[i.start:i.end]
	if l.json {
		body, err := rewrite(before, i.original, i.replacement, encodeJSON, readsAs(i.replacement))
		if err != nil {
			return nil
		}
		return body
	}
	dash := before[:min(i.column, len(before))]
	for _, blanks := range []bool{false, true} {
		inPlace := func(body []byte) []byte {
			return slices.Concat(dash, bytes.TrimPrefix(indent(body, i.column, blanks), bytes.Repeat([]byte(" "), i.column)))
		}
		body, err := rewrite(outdent(before, i.column, blanks), i.original, i.replacement, encodeYAML, func(body []byte) bool {
			again := parseItem(inPlace(body))
			return again != nil && krm.Equal(again.YNode(), i.replacement.YNode())
		})
		if err == nil {
			return inPlace(body)
		}
	}
	return nil
}

// outdent takes an item out of its list: the dash and the spaces before each
// line go. Lines of spaces alone are moved where blanks is set: then they may be a part of
// a scalar.
func outdent(text []byte, columns int, blanks bool) []byte {
	out := make([]byte, 0, len(text))
	for line := range bytes.Lines(text) {
		n := 0
		for (blanks || !isSpace(line)) && n < columns && n < len(line) && (line[n] == ' ' || line[n] == '-' && len(out) == 0) {
			n++
		}
		out = append(out, line[n:]...)
	}
	return out
}

// indent puts spaces before each line that is not empty, or the opposite of outdent.
func indent(text []byte, columns int, blanks bool) []byte {
	var out []byte
	for line := range bytes.Lines(text) {
		if len(bytes.TrimRight(line, "\r\n")) > 0 && (blanks || !isSpace(line)) {
			out = append(out, bytes.Repeat([]byte(" "), columns)...)
		}
		out = append(out, line...)
	}
	return out
}

func isSpace(line []byte) bool { return len(bytes.TrimSpace(line)) == 0 }
