package stream

import (
	"slices"
	"strings"

	"github.com/aymanbagabas/go-udiff"
)

// align moves the lines that a change brings to the columns of the lines around
// them. The writer indents all lists of a document in the same way; whoever
// wrote the text may have indented each in another.
//
// The style edits say by how much a line of base stands elsewhere in the text.
func align(change, style []udiff.Edit, base string) []udiff.Edit {
	lines := shifts(style, base)
	aligned := slices.Clone(change)
	counter := lineCounter{text: base}
	for i, e := range aligned {
		before := lines[:counter.upTo(e.Start)]
		var out strings.Builder
		first, by := -1, 0
		for text := range strings.Lines(e.New) {
			// A new key in the column of a new entry is not part of its list.
			if at := indentOf(text); first < 0 || at < first || at == first && !isEntry(text) {
				first, by = at, shiftAt(before, text)
			}
			out.WriteString(shifted(text, by))
		}
		aligned[i].New = out.String()
	}
	return aligned
}

// line is one of base, and by how many columns it is moved in the text.
type line struct {
	text string
	by   int
}

func shifts(style []udiff.Edit, base string) []line {
	moved := map[int]int{}
	for _, e := range style {
		old := base[e.Start:e.End]
		if strings.Count(old, "\n") == 1 && strings.TrimSpace(old) != "" && strings.TrimSpace(old) == strings.TrimSpace(e.New) {
			moved[e.Start] = indentOf(e.New) - indentOf(old)
		}
	}
	var lines []line
	offset := 0
	for text := range strings.Lines(base) {
		lines = append(lines, line{text, moved[offset]})
		offset += len(text)
	}
	return lines
}

// shiftAt returns by how much the nearest line above is moved that is a sibling
// or a parent of a new one. An entry of a list is not a sibling of a key in the same
// column.
func shiftAt(before []line, text string) int {
	const furthest = 10_000 // lines, so that no text takes long
	at := indentOf(text)
	before = before[max(0, len(before)-furthest):]
	for _, l := range slices.Backward(before) {
		own := indentOf(l.text)
		if !isBlank([]byte(l.text)) && (own < at || own == at && (isEntry(text) || !isEntry(l.text))) {
			return l.by
		}
	}
	return 0
}

func shifted(text string, by int) string {
	switch {
	case strings.TrimSpace(text) == "":
		return text
	case by < 0:
		return text[min(-by, indentOf(text)):]
	default:
		return strings.Repeat(" ", by) + text
	}
}

func indentOf(text string) int { return len(text) - len(strings.TrimLeft(text, " ")) }

func isEntry(text string) bool { return strings.HasPrefix(strings.TrimLeft(text, " "), "- ") }
