package stream

import (
	"bytes"
	"errors"
	"io"
	"slices"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"fluxtrust.dev/flux-trust/internal/krm"
)

// item is a resource of a ResourceList that is needed.
type item struct {
	// index among all items.
	index int
	// start and end of its text, from its dash on, and the column of its fields.
	start, end, column    int
	original, replacement *yaml.RNode
}

// noItems is the line that stands for the items in the text of a list without
// them.
const noItems = "items: []"

// readItems reads a ResourceList in block style item by item and parses what is
// needed. The result is false when it is written in any other way: then it must
// be read as a whole.
func readItems(data []byte, needsFor func(config *yaml.RNode) Needs) (*ResourceList, bool) {
	head, ok := lineWith(data, "items:")
	// A line break behind the last item could become a part of it.
	if !ok || data[len(data)-1] != '\n' {
		return nil, false
	}
	l := &ResourceList{data: data, head: head}
	s := scanner{data: data, pos: head}
	s.next(head + bytes.IndexByte(data[head:], '\n'))
	l.first = s.pos
	if !s.skipBlank() || s.pos == len(data) {
		return nil, false
	}
	l.indent = s.spaces(s.pos)
	config := l.findConfig()
	needs := needsFor(config)
	for ; s.pos < len(data) && isDash(data, s.pos+s.spaces(s.pos)); l.count++ {
		if s.spaces(s.pos) != l.indent || !l.readItem(&s, needs) || !s.skipBlank() {
			return nil, false
		}
	}
	l.tail = s.pos
	rest := slices.Concat(data[:head], []byte(noItems+"\n"), data[l.tail:])
	whole, err := readWhole(rest)
	if err != nil || l.count == 0 || !hasItemsAt(whole, bytes.Count(data[:head], []byte("\n"))+1) || !sameConfig(whole.FunctionConfig(), config) {
		return nil, false
	}
	l.rest, l.document = rest, whole.document
	return l, true
}

// lineWith returns the offset of the first line that is a text, but for spaces at
// its end.
func lineWith(data []byte, text string) (int, bool) {
	for at := 0; at < len(data); {
		line := data[at:]
		end := bytes.IndexByte(line, '\n')
		if end < 0 {
			return 0, false
		}
		if string(bytes.TrimRight(line[:end], " ")) == text {
			return at, true
		}
		at += end + 1
	}
	return 0, false
}

// findConfig returns what is likely to be the functionConfig: it must be known
// before the items are read, and often stands behind them.
func (l *ResourceList) findConfig() *yaml.RNode {
	const key = "functionConfig:"
	at, end := bytes.Index(l.data[:l.head], []byte(key)), l.head
	if at < 0 || at > 0 && l.data[at-1] != '\n' {
		// Line by line from the end.
		for at, end = len(l.data), len(l.data); !bytes.HasPrefix(l.data[at:], []byte(key)); {
			if at == 0 {
				return nil
			}
			at = bytes.LastIndexByte(l.data[:at-1], '\n') + 1
		}
	}
	node, err := yaml.Parse(string(l.data[at:end]))
	if err != nil {
		return nil
	}
	if config := node.Field("functionConfig"); config != nil {
		return config.Value
	}
	return nil
}

// hasItemsAt tells whether the line is what it looks like, the field of the list.
// Then what stands before and behind it means the same whatever the items are.
func hasItemsAt(l *ResourceList, line int) bool {
	items := l.document.Field("items")
	return items != nil && items.Key.YNode().Line == line && items.Key.YNode().Column == 1
}

// sameConfig tells whether the guess was right.
func sameConfig(config, guess *yaml.RNode) bool {
	if config == nil || guess == nil {
		return config == guess
	}
	return krm.Equal(config.YNode(), guess.YNode())
}

// readItem reads the item whose line comes next.
func (l *ResourceList) readItem(s *scanner, needs Needs) bool {
	start := s.pos
	first := start + l.indent + 1 // behind the dash
	gap := s.spaces(first)
	column := l.indent + 1 + gap
	var end int
	if s.mapping(first+gap, column) {
		if end = s.end; !s.needed(needs, l.data[start:end]) {
			l.skipped++
			return true
		}
	} else {
		// What is not understood is parsed. It ends before the next line that is not
		// indented deeper than the dashes, or the parser will refuse it.
		s.pos = start
		for more := true; more; {
			n := bytes.IndexByte(l.data[s.pos:], '\n')
			if n < 0 {
				s.pos = len(l.data)
				break
			}
			s.next(s.pos + n)
			at := s.pos + s.spaces(s.pos)
			more = at < len(l.data) && (at-s.pos > l.indent || l.data[at] == '\n' || l.data[at] == '#')
		}
		end = s.pos
	}
	if l.parsed += end - start; l.parsed > maxParsed {
		return false
	}
	original := parseItem(l.data[start:end])
	l.items = append(l.items, &item{index: l.count, start: start, end: end, column: column, original: original, replacement: original})
	return original != nil
}

// parseItem parses the text of an item, from its dash on, in its place. It
// returns nil when that is not one item and nothing else.
func parseItem(text []byte) *yaml.RNode {
	var node, next yaml.Node
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	if decoder.Decode(&node) != nil || !errors.Is(decoder.Decode(&next), io.EOF) {
		return nil
	}
	if list := node.Content[0]; list.Kind == yaml.SequenceNode && len(list.Content) == 1 {
		return yaml.NewRNode(list.Content[0])
	}
	return nil
}

// text returns the text of a changed item, or nil when it must be written with
// the whole list. It is read once more in its place.
func (i *item) text(data []byte) []byte {
	before := data[i.start:i.end]
	dash := before[:min(i.column, len(before))]
	inPlace := func(body []byte) []byte {
		return slices.Concat(dash, bytes.TrimPrefix(indent(body, i.column), bytes.Repeat([]byte(" "), i.column)))
	}
	body, err := rewrite(outdent(before, i.column), i.original, i.replacement, false, func(body []byte) bool {
		again := parseItem(inPlace(body))
		return again != nil && krm.Equal(again.YNode(), i.replacement.YNode())
	})
	if err != nil {
		return nil
	}
	return inPlace(body)
}

// outdent takes an item out of its list: the dash and the spaces before each
// line go.
func outdent(text []byte, columns int) []byte {
	out := make([]byte, 0, len(text))
	for line := range bytes.Lines(text) {
		n := 0
		for n < columns && n < len(line) && (line[n] == ' ' || line[n] == '-' && len(out) == 0) {
			n++
		}
		out = append(out, line[n:]...)
	}
	return out
}

// indent puts spaces before each line that is not empty.
func indent(text []byte, columns int) []byte {
	var out []byte
	for line := range bytes.Lines(text) {
		if len(bytes.TrimRight(line, "\r\n")) > 0 {
			out = append(out, bytes.Repeat([]byte(" "), columns)...)
		}
		out = append(out, line...)
	}
	return out
}

// pieces puts the list together, or returns nil when that must be done as a whole.
func (l *ResourceList) pieces() (Pieces, error) {
	head, tail := l.data[:l.head], l.data[l.tail:]
	if l.changed {
		text, err := l.restText()
		if err != nil {
			return nil, err
		}
		at, ok := lineWith(text, noItems)
		if !ok {
			return nil, nil
		}
		head, tail = text[:at], text[at+len(noItems)+1:]
	}
	var out Pieces
	out.add(head)
	at, left := l.head, l.count
	for _, i := range l.items {
		switch i.replacement {
		case i.original:
			continue
		case nil:
			out.add(l.data[at:i.start])
			left--
		default:
			text := i.text(l.data)
			if text == nil {
				return nil, nil
			}
			out.add(l.data[at:i.start])
			out.add(text)
		}
		at = i.end
	}
	if left+len(l.added) == 0 {
		return nil, nil
	}
	out.add(l.data[at:l.tail])
	for _, resource := range l.added {
		text, err := encodeYAML(nil, resource)
		if err != nil {
			return nil, err
		}
		const dash = "- "
		out.add(bytes.Repeat([]byte(" "), l.indent))
		out.add([]byte(dash))
		out.add(indent(text, l.indent+len(dash))[l.indent+len(dash):])
	}
	out.add(tail)
	return out, nil
}

// restText returns the text of the list without its items, with the results.
func (l *ResourceList) restText() ([]byte, error) {
	original, err := readWhole(l.rest)
	if err != nil {
		return nil, err
	}
	return rewrite(l.rest, original.document, l.document, false, readsAs(l.document))
}
