package stream

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"fluxtrust.dev/flux-trust/internal/krm"
)

// list is the text of a list of resources, such as a ResourceList or a List. Items
// that are not needed stay what they are: bytes.
type list struct {
	data []byte
	// head is the offset of the line "items:", or of what stands for it in JSON; the
	// first item stands at first, and what follows the last one at tail.
	head, first, tail int
	// indent is the column of the dashes.
	indent int
	// items are those that are needed, of so many in all.
	items []*item
	count int
	json  bool
	// kindless is set where an item has no kind.
	kindless bool
}

// noItems is the line that stands for the items in the text of a list without
// them.
const noItems = "items: []"

// maxGap is how many spaces may stand before a dash, or behind it. An item that is
// changed has as many before each of its lines.
const maxGap = 100

// skipped returns how many items are not needed.
func (l *list) skipped() int { return l.count - len(l.items) }

// findItems finds the items of a list in block style, without reading them. The
// result is false when it is written in any other way.
func findItems(data []byte) (*list, bool) {
	head, ok := lineWith(data, "items:")
	if !ok {
		return nil, false
	}
	s := scanner{data: data}
	s.next(head + bytes.IndexByte(data[head:], '\n'))
	first := s.pos
	if !s.skipBlank() || s.pos == len(data) {
		return nil, false
	}
	l := &list{data: data, head: head, first: first, tail: first, indent: s.spaces(s.pos)}
	return l, l.indent <= maxGap
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
		if bytes.HasPrefix(line[:end], []byte(text)) && len(bytes.TrimRight(line[len(text):end], " ")) == 0 {
			return at, true
		}
		at += end + 1
	}
	return 0, false
}

// read reads the items. The result is false when one of them cannot be read without
// the others.
func (l *list) read(r *reader) (bool, error) {
	s := &r.scan
	s.data, s.pos = l.data, l.first
	if !s.skipBlank() {
		return false, nil
	}
	for ; s.pos < len(s.data) && isDash(s.data, s.pos+s.spaces(s.pos)); l.count++ {
		if s.spaces(s.pos) != l.indent {
			return false, nil
		}
		if ok, err := l.readItem(r); !ok {
			return false, err
		}
		if !s.skipBlank() {
			return false, nil
		}
	}
	l.tail = s.pos
	// A line break behind the last item could become a part of it.
	return l.count > 0 && (l.tail < len(l.data) || l.data[l.tail-1] == '\n'), nil
}

// without returns the text of the list without its items.
func (l *list) without() []byte {
	return slices.Concat(l.data[:l.head], []byte(noItems+"\n"), l.data[l.tail:])
}

// isFieldOf reports whether the line "items:" is what it looks like, the field of the
// list without its items. Then what stands before and behind it means the same
// whatever the items are.
func (l *list) isFieldOf(without *yaml.RNode) bool {
	count := 0
	for i, key := range without.Content() {
		switch {
		case i%2 == 1:
		case key.Kind != yaml.ScalarNode: // then it is no resource
			return false
		case key.Value == "items":
			count++
		}
	}
	items := without.Field("items")
	return count == 1 && items.Key.YNode().Line == bytes.Count(l.data[:l.head], []byte("\n"))+1 && items.Key.YNode().Column == 1
}

// isListOf reports whether the list without its items is a List whose items say what they
// are: those of a list such as ConfigMapList need not.
func (l *list) isListOf(without *krm.Object) bool {
	is := without.Identities()
	return without.Err() == nil && len(is) == 1 && (is[0].Kind == "List" || strings.HasSuffix(is[0].Kind, "List") && !l.kindless) &&
		l.isFieldOf(yaml.NewRNode(without.Before.Node))
}

// readItem reads the item whose line comes next.
func (l *list) readItem(r *reader) (bool, error) {
	s := &r.scan
	start := s.pos
	first := start + l.indent + 1 // behind the dash
	gap := s.spaces(first)
	if gap > maxGap {
		return false, nil
	}
	i := item{index: l.count, start: start, column: l.indent + 1 + gap}
	understood := s.mapping(first+gap, i.column)
	l.kindless = l.kindless || understood && len(s.kind) == 0
	if i.end = s.end; understood && !s.needed(r.needs, l.data[start:i.end]) {
		return true, nil
	}
	if !understood {
		i.end = s.skipItem(start, l.indent)
	}
	if err := r.budget.check(i.end - start); err != nil {
		return false, err
	}
	if i.original = parseItem(l.data[start:i.end]); i.original == nil {
		return false, nil
	}
	l.kindless = l.kindless || krm.Field{Node: i.original.YNode()}.Peek("kind") == ""
	if !understood && !r.needsTree(i.original.YNode(), l.data[start:i.end]) {
		return true, nil
	}
	i.replacement = i.original
	kept := i // others take no memory
	l.items = append(l.items, &kept)
	return true, r.budget.add(i.end-start, i.original.YNode())
}

// skipItem goes behind an item that is not understood. It ends before the next line
// that is not indented deeper than the dashes, or the parser will refuse it.
func (s *scanner) skipItem(start, indent int) (end int) {
	s.pos = start
	for more := true; more; {
		n := bytes.IndexByte(s.data[s.pos:], '\n')
		if n < 0 {
			s.pos = len(s.data)
			break
		}
		s.next(s.pos + n)
		at := s.pos + s.spaces(s.pos)
		more = at < len(s.data) && (at-s.pos > indent || s.data[at] == '\n' || s.data[at] == '#')
	}
	return s.pos
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

// pieces puts the list together between a head and a tail, with more items at its
// end. It returns nil when an item must be written with the whole list.
func (l *list) pieces(head, tail []byte, added []*yaml.RNode) (Pieces, error) {
	var out Pieces
	out.add(head)
	at, left := l.head, l.count+len(added)
	for _, i := range l.items {
		switch i.replacement {
		case i.original:
			continue
		case nil:
			left--
			at = l.remove(&out, at, i)
			continue
		}
		text := i.text(l)
		if text == nil {
			return nil, nil
		}
		out.add(l.data[at:i.start])
		out.add(text)
		at = i.end
	}
	if left == 0 && !l.json {
		out = nil
		out.add(head)
		out.add([]byte(noItems + "\n"))
		out.add(tail)
		return out, nil
	}
	out.add(l.data[at:l.tail])
	for _, resource := range added {
		text, err := encodeYAML(nil, resource)
		if err != nil {
			return nil, err
		}
		const dash = "- "
		out.add(bytes.Repeat([]byte(" "), l.indent))
		out.add([]byte(dash))
		out.add(indent(text, l.indent+len(dash), true)[l.indent+len(dash):])
	}
	out.add(tail)
	return out, nil
}

// remove writes what stands between an offset and an item, and returns the offset
// behind the item.
func (l *list) remove(out *Pieces, at int, i *item) int {
	out.add(l.data[at:i.start])
	if !l.json {
		return i.end
	}
	if rest := bytes.TrimLeft(l.data[i.end:l.tail], " \t\r\n"); len(rest) > 0 && rest[0] == ',' {
		rest = bytes.TrimLeft(rest[1:], " \t\r\n")
		return l.tail - len(rest)
	}
	out.trimRight(" \t\r\n")
	out.trimRight(",")
	return i.end
}
