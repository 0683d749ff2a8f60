package stream

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"fluxtrust.dev/flux-trust/internal/krm"
)

// reader reads the chunks of a stream.
type reader struct {
	needs  Needs
	scan   scanner
	budget budget
}

// chunk returns the documents in a chunk that does not pass: more than one where it holds
// JSON objects, or a list.
func (r *reader) chunk(c chunk) ([]*Document, error) {
	if documents, ok, err := r.json(c); ok || err != nil {
		return documents, err
	}
	if documents, ok := r.list(c); ok {
		return documents, nil
	}
	if err := r.budget.check(len(c.body)); err != nil {
		return nil, err
	}
	document := &Document{lead: c.lead, body: c.body}
	root, err := c.parse()
	if err != nil || root == nil || root.Content[0].Kind != yaml.MappingNode {
		return []*Document{document}, err
	}
	if !r.needsTree(root.Content[0], c.body) {
		document.Skipped = 1
		return []*Document{document}, nil
	}
	document.original = yaml.NewRNode(root)
	return []*Document{document}, r.budget.add(len(c.body), root)
}

// passes reports whether a chunk need not be parsed, and how many resources it
// holds.
func (s *scanner) passes(c chunk, needs Needs) (int, bool) {
	switch {
	case needs == nil, bytes.HasSuffix(c.lead, []byte("-")): // it stands on the line of its marker
		return 0, false
	case c.scanned:
		return 1, !s.needed(needs, c.body)
	case s.blank(c.body):
		return 0, true
	default:
		return 1, s.document(c.body) && !s.needed(needs, c.body)
	}
}

// needsTree reports whether what the scanner did not understand is needed, which only a
// mapping can be. Its text is searched unless a tag or an escape could hide a name.
func (r *reader) needsTree(n *yaml.Node, text []byte) bool {
	switch {
	case r.needs == nil:
		return true
	case n.Kind != yaml.MappingNode: // an item of a list can be anything
		return false
	}
	var apiVersion, kind []byte
	for i := 0; i+1 < len(n.Content); i += 2 {
		var field *[]byte
		switch key := n.Content[i]; {
		case key.Kind != yaml.ScalarNode, key.Value == "<<", key.Style&yaml.TaggedStyle != 0:
			return true
		case key.Value == "apiVersion":
			field = &apiVersion
		case key.Value == "kind":
			field = &kind
		default:
			continue
		}
		value := krm.Resolve(n.Content[i+1])
		if *field != nil || value.Kind != yaml.ScalarNode || value.Style&yaml.TaggedStyle != 0 {
			return true
		}
		*field = []byte(value.Value)
	}
	if bytes.ContainsAny(text, `\!`) {
		text = nil
	}
	return r.needs(apiVersion, kind, text)
}

// list reads a chunk that is a List in block style, item by item. The result is false
// where it is anything else, or one of its items cannot be read without the others: as a
// whole it may fail for another reason, which is said then.
func (r *reader) list(c chunk) ([]*Document, bool) {
	if r.needs == nil {
		return nil, false
	}
	l, ok := findItems(c.body)
	if !ok {
		return nil, false
	}
	before := r.budget
	if ok, err := l.read(r); !ok || err != nil {
		r.budget = before
		return nil, false
	}
	root, err := chunk{body: l.without(), line: 1}.parse()
	if err != nil || root.Content[0].Kind != yaml.MappingNode || !l.isListOf(krm.NewObject(root.Content[0], nil)) {
		r.budget = before
		return nil, false
	}
	return l.documents(&Document{lead: c.lead, body: c.body}), true
}

// documents returns the document of a list and those of its items.
func (l *list) documents(d *Document) []*Document {
	d.Skipped = l.skipped()
	documents := []*Document{d}
	if len(l.items) > 0 {
		d.list = l
	}
	for _, i := range l.items {
		documents = append(documents, &Document{original: i.original, json: l.json, list: l, item: i})
	}
	return documents
}

// join writes a list with the documents of its items, which come first.
func (l *list) join(out *Pieces, documents []*Document) error {
	for n, i := range l.items {
		i.replacement = i.original
		if d := documents[n]; d.replaced {
			i.replacement = d.replacement
		}
	}
	pieces, err := l.pieces(l.data[:l.head], l.data[l.tail:], nil)
	if err == nil && pieces == nil {
		err = errUnwritable
	}
	*out = append(*out, pieces...)
	return err
}

// parse reads a chunk of YAML. It returns nil for one without content.
func (c chunk) parse() (*yaml.Node, error) {
	var node, next yaml.Node
	// The YAML reader takes a CR for a part of a comment, and loses the place of the next.
	text, _ := withLF(c.body)
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	switch err := decoder.Decode(&node); {
	case errors.Is(err, io.EOF):
		return nil, nil
	case err != nil:
		return nil, c.invalid(err)
	}
	switch err := decoder.Decode(&next); {
	case errors.Is(err, io.EOF):
		return &node, nil
	case err != nil:
		return nil, c.invalid(err)
	default:
		return nil, fmt.Errorf("line %d starts a second document without a line --- before it", next.Line+c.line-1)
	}
}
