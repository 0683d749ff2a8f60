package stream

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// json reads a chunk that holds one or more JSON objects, one after the other, each a
// document of its own, and a List item by item. It is not left to the YAML reader,
// which refuses tabs and surrogate pairs. The result is false when the chunk is
// anything else than JSON.
func (r *reader) json(c chunk) ([]*Document, bool, error) {
	s := jsonScanner{data: c.body}
	before := r.budget
	var documents []*Document
	lead, start := c.lead, 0
	for at := s.space(0); at < len(c.body) || len(documents) == 0; at = s.space(at) {
		if !s.is(at, '{') {
			r.budget = before
			return nil, false, nil
		}
		head, end := s.head(at)
		if end == none {
			r.budget = before
			return nil, false, nil
		}
		if len(documents) > 0 {
			// White space between objects is not part of either.
			lead, start = c.body[start:at], at
		}
		if s.space(end) == len(c.body) {
			end = len(c.body)
		}
		head.items = span{head.items.start - start, head.items.end - start}
		read, err := r.object(head, &Document{lead: lead, body: c.body[start:end], json: true})
		if err != nil || read == nil {
			r.budget = before
			return nil, false, err
		}
		documents = append(documents, read...)
		start, at = end, end
	}
	return documents, true, nil
}

// object reads a document of JSON, or returns nil for what must be left to the YAML
// reader.
func (r *reader) object(head jsonHead, d *Document) ([]*Document, error) {
	if !r.needsJSON(head, d.body) {
		d.Skipped = 1
		return []*Document{d}, nil
	}
	l, err := r.jsonItems(head, d.body)
	if l != nil || err != nil {
		return l.documents(d), err
	}
	d.original, err = r.jsonValue(d.body)
	if d.original == nil {
		return nil, err
	}
	return []*Document{d}, err
}

// jsonValue parses a value that is needed.
func (r *reader) jsonValue(text []byte) (*yaml.RNode, error) {
	if err := r.budget.check(len(text)); err != nil {
		return nil, err
	}
	value := parseJSON(text)
	if value == nil {
		return nil, nil
	}
	return value, r.budget.add(len(text), value.YNode())
}

// needsJSON reports whether an object is needed. Its text is searched unless an escape
// could hide a name.
func (r *reader) needsJSON(head jsonHead, text []byte) bool {
	if r.needs == nil || head.odd {
		return true
	}
	if bytes.Contains(text, []byte(`\u`)) || bytes.Contains(text, []byte(`\/`)) {
		text = nil
	}
	return r.needs(head.apiVersion, head.kind, text)
}

// jsonItems reads a List item by item, or returns nil for what is none. The span of its
// items is that in the text.
func (r *reader) jsonItems(head jsonHead, text []byte) (*list, error) {
	s := jsonScanner{data: text}
	if r.needs == nil || head.odd || !bytes.HasSuffix(head.kind, []byte("List")) || !s.is(head.items.start, '[') {
		return nil, nil
	}
	first := head.items.start + 1
	l := &list{data: text, head: first, first: first, tail: head.items.end - 1, json: true}
	var err error
	whole := false
	s.array(first-1, func(at int) int {
		l.count++
		if !s.is(at, '{') {
			return s.value(at, 1)
		}
		own, end := s.head(at)
		whole = whole || own.kind == nil && string(head.kind) != "List"
		if whole || err != nil || !r.needsJSON(own, text[at:end]) {
			return end
		}
		i := &item{index: l.count - 1, start: at, end: end}
		i.original, err = r.jsonValue(text[at:end])
		whole = i.original == nil
		l.items = append(l.items, i)
		return end
	})
	if whole {
		return nil, err
	}
	return l, err
}

// parseJSON returns nil for what is nested too deep.
func parseJSON(text []byte) *yaml.RNode {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	node, err := jsonNode(decoder, 0)
	if err != nil {
		return nil
	}
	return yaml.NewRNode(node)
}

// jsonNode reads the next value with its keys in their order and its numbers
// as they are written.
func jsonNode(decoder *json.Decoder, depth int) (*yaml.Node, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("is nested more than %d levels deep", maxDepth)
	}
	token, err := decoder.Token()
	if err != nil {
		return nil, err
	}
	switch value := token.(type) {
	case json.Delim:
		node := &yaml.Node{Kind: yaml.MappingNode, Tag: yaml.NodeTagMap, Style: yaml.FlowStyle}
		if value == '[' {
			node.Kind, node.Tag = yaml.SequenceNode, yaml.NodeTagSeq
		}
		for decoder.More() {
			// The tokens of a mapping alternate between keys and values, which
			// is how a yaml.Node holds them.
			child, err := jsonNode(decoder, depth+1)
			if err != nil {
				return nil, noEOF(err)
			}
			node.Content = append(node.Content, child)
		}
		_, err := decoder.Token() // the closing bracket
		return node, noEOF(err)
	case string:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: yaml.NodeTagString, Value: value, Style: yaml.DoubleQuotedStyle}, nil
	case json.Number:
		node := &yaml.Node{Kind: yaml.ScalarNode, Value: value.String()}
		node.Tag = node.ShortTag()
		return node, nil
	case bool:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: yaml.NodeTagBool, Value: fmt.Sprint(value)}, nil
	default:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: yaml.NodeTagNull, Value: "null"}, nil
	}
}

// noEOF keeps an input that ends in the middle of a value apart from one that
// ends between values.
func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// encodeJSON writes a resource as JSON, indented like the original.
func encodeJSON(original []byte, resource *yaml.RNode) ([]byte, error) {
	var compact, out bytes.Buffer
	if err := writeJSON(&compact, resource.YNode()); err != nil {
		return nil, err
	}
	prefix, indent, ok := jsonIndent(original)
	if !ok {
		return append(compact.Bytes(), '\n'), nil
	}
	if err := json.Indent(&out, compact.Bytes(), prefix, indent); err != nil {
		return nil, err
	}
	out.WriteByte('\n')
	return out.Bytes(), nil
}

// jsonIndent returns the white space before the last bracket, and what stands more
// before the first key. It is false when the object stands on one line.
func jsonIndent(original []byte) (prefix, indent string, ok bool) {
	text := bytes.TrimSpace(original)
	_, after, found := bytes.Cut(text, []byte("\n"))
	if !found {
		return "", "", false
	}
	if last := text[bytes.LastIndexByte(text, '\n')+1:]; len(last) <= maxGap {
		prefix = leadingSpace(last)
	}
	indent = strings.TrimPrefix(leadingSpace(after), prefix)
	return prefix, indent[:min(len(indent), maxIndent)], true
}

// maxIndent is by how much a level of JSON is indented at most: each line pays for it.
const maxIndent = 8

func leadingSpace(text []byte) string {
	return string(text[:len(text)-len(bytes.TrimLeft(text, " \t"))])
}

func writeJSON(out *bytes.Buffer, n *yaml.Node) error {
	switch n.Kind {
	case yaml.MappingNode:
		out.WriteByte('{')
		for i := 0; i+1 < len(n.Content); i += 2 {
			if i > 0 {
				out.WriteByte(',')
			}
			if err := writeJSONString(out, n.Content[i].Value); err != nil {
				return err
			}
			out.WriteByte(':')
			if err := writeJSON(out, n.Content[i+1]); err != nil {
				return err
			}
		}
		out.WriteByte('}')
	case yaml.SequenceNode:
		out.WriteByte('[')
		for i, item := range n.Content {
			if i > 0 {
				out.WriteByte(',')
			}
			if err := writeJSON(out, item); err != nil {
				return err
			}
		}
		out.WriteByte(']')
	default:
		if n.ShortTag() == yaml.NodeTagString {
			return writeJSONString(out, n.Value)
		}
		out.WriteString(n.Value)
	}
	return nil
}

func writeJSONString(out *bytes.Buffer, s string) error {
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(s); err != nil {
		return err
	}
	out.Truncate(out.Len() - 1) // the newline
	return nil
}
