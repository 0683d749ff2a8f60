package stream

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// parseJSON reads a chunk that holds one or more JSON objects, one after the
// other, each a document of its own. It is not left to the YAML reader, which
// refuses tabs and surrogate pairs. The result is false when the chunk is
// anything else than JSON. Those that are needed may have room for so many bytes.
func parseJSON(c chunk, needs Needs, room int) ([]*Document, bool, error) {
	documents, ok := splitJSON(c)
	if !ok {
		return nil, false, nil
	}
	for _, d := range documents {
		if !needsJSON(d.body, needs) {
			d.Skipped = 1
		} else if room -= len(d.body); room < 0 {
			return nil, true, errTooMuch
		}
	}
	for _, d := range documents {
		if d.Skipped > 0 {
			continue
		}
		if d.original = parseJSONValue(d.body); d.original == nil {
			return nil, false, nil
		}
	}
	return documents, true, nil
}

// parseJSONValue returns nil for what is nested too deep.
func parseJSONValue(text []byte) *yaml.RNode {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	node, err := jsonValue(decoder, 0)
	if err != nil {
		return nil
	}
	return yaml.NewRNode(node)
}

// splitJSON finds the JSON values of a chunk that starts with an object.
func splitJSON(c chunk) ([]*Document, bool) {
	if text := bytes.TrimSpace(c.body); len(text) == 0 || text[0] != '{' {
		return nil, false
	}
	decoder := json.NewDecoder(bytes.NewReader(c.body))
	var documents []*Document
	lead, start := c.lead, 0
	for {
		var value json.RawMessage
		if err := decoder.Decode(&value); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, false
		}
		end := int(decoder.InputOffset())
		document := &Document{lead: lead, body: c.body[start:end], json: true}
		if len(documents) > 0 {
			// White space between objects is no part of either.
			document.lead, document.body = c.body[start:end-len(value)], c.body[end-len(value):end]
		}
		documents = append(documents, document)
		start = end
	}
	last := documents[len(documents)-1]
	last.body = c.body[start-len(last.body):]
	return documents, true
}

// needsJSON tells whether a JSON value must be parsed.
func needsJSON(text []byte, needs Needs) bool {
	decoder := json.NewDecoder(bytes.NewReader(text))
	if start, err := decoder.Token(); needs == nil || err != nil || start != json.Delim('{') {
		return true
	}
	head := map[string]string{}
	for decoder.More() {
		key, err := decoder.Token()
		var value json.RawMessage
		if err != nil || decoder.Decode(&value) != nil {
			return true
		}
		name, ok := key.(string)
		if !ok || name != "apiVersion" && name != "kind" {
			continue
		}
		var is string
		if _, twice := head[name]; twice || value[0] != '"' || json.Unmarshal(value, &is) != nil {
			return true
		}
		head[name] = is
	}
	// Escapes could hide a name.
	if bytes.Contains(text, []byte(`\u`)) || bytes.Contains(text, []byte(`\/`)) {
		text = nil
	}
	return needs([]byte(head["apiVersion"]), []byte(head["kind"]), text)
}

// maxDepth is how deep the YAML reader lets a document be nested.
const maxDepth = 10_000

// jsonValue reads the next value with its keys in their order and its numbers
// as they are written.
func jsonValue(decoder *json.Decoder, depth int) (*yaml.Node, error) {
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
			child, err := jsonValue(decoder, depth+1)
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
	indent, ok := jsonIndent(original)
	if !ok {
		return append(compact.Bytes(), '\n'), nil
	}
	if err := json.Indent(&out, compact.Bytes(), "", indent); err != nil {
		return nil, err
	}
	out.WriteByte('\n')
	return out.Bytes(), nil
}

// jsonIndent returns the white space before the first key, or false when the
// object stands on one line.
func jsonIndent(original []byte) (string, bool) {
	_, after, found := bytes.Cut(bytes.TrimSpace(original), []byte("\n"))
	if !found {
		return "", false
	}
	return string(after[:len(after)-len(bytes.TrimLeft(after, " \t"))]), true
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
