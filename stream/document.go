package stream

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// Document is one document of a stream.
type Document struct {
	// File is the name that the stream was read under.
	File string
	// Index of the document in its file, counted from 0. Empty documents count.
	Index int

	lead, body  []byte
	original    *yaml.RNode
	replacement *yaml.RNode
	replaced    bool
	json        bool
}

// New returns a document for a resource that is added behind others, in the
// format of the last of them.
func New(resource *yaml.RNode, behind []*Document) *Document {
	d := &Document{replacement: resource, replaced: true}
	for _, other := range slices.Backward(behind) {
		if other.original != nil || other.replaced {
			d.json = other.json
			break
		}
	}
	return d
}

// Split reads a stream of YAML or JSON documents. The name of the file is used
// in errors, and every error names the line in the file.
func Split(file string, data []byte) ([]*Document, error) {
	if err := checkEncoding(data); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	var documents []*Document
	for _, c := range split(data) {
		parsed, err := parse(c)
		if err != nil {
			return nil, fmt.Errorf("%s: document %d: %w", file, len(documents)+1, err)
		}
		for _, d := range parsed {
			d.File, d.Index = file, len(documents)
			documents = append(documents, d)
		}
	}
	return documents, nil
}

// Resource returns the resource that the document holds, or nil when it holds
// none: it is empty, or a list such as a JSON patch. It must not be changed:
// hand a changed copy to Replace.
func (d *Document) Resource() *yaml.RNode { return d.original }

// Replace puts a changed copy of the resource into its place. With nil, the
// document goes, together with the comments around it.
func (d *Document) Replace(resource *yaml.RNode) { d.replacement, d.replaced = resource, true }

// Join writes documents as one stream. A document that does not follow its
// predecessor in the same file is separated from it by a "---" line where
// neither brings a marker of its own.
func Join(documents []*Document) ([]byte, error) {
	var out bytes.Buffer
	for i, d := range documents {
		if d.replaced && d.replacement == nil {
			continue
		}
		lead := d.lead
		if i > 0 && d.Index == 0 { // the first of its file, or an added one
			lead = separate(&out, lead)
		}
		out.Write(lead)
		body, err := d.text()
		if err != nil {
			return nil, fmt.Errorf("%s: document %d: %w", d.File, d.Index+1, err)
		}
		out.Write(body)
	}
	return out.Bytes(), nil
}

// separate ends the file before and returns what leads to the first document
// of the next. A byte order mark is only one at the very beginning of a stream.
func separate(out *bytes.Buffer, lead []byte) []byte {
	lead = bytes.TrimPrefix(lead, []byte(byteOrderMark))
	if out.Len() > 0 && !bytes.HasSuffix(out.Bytes(), []byte("\n")) {
		out.WriteByte('\n')
	}
	for line := range bytes.Lines(lead) {
		if isMarker(line, "---") {
			return lead
		}
	}
	out.WriteString("---\n")
	return lead
}

func (d *Document) text() ([]byte, error) {
	switch {
	case !d.replaced:
		return d.body, nil
	case d.original == nil && d.json:
		return encodeJSON(nil, d.replacement)
	case d.original == nil:
		return encodeYAML(nil, d.replacement)
	default:
		return rewrite(d.body, d.original, d.replacement, d.json)
	}
}

func parse(c chunk) ([]*Document, error) {
	if documents, ok := parseJSON(c); ok {
		return documents, nil
	}
	document := &Document{lead: c.lead, body: c.body}
	var node yaml.Node
	switch err := yaml.NewDecoder(bytes.NewReader(c.body)).Decode(&node); {
	case errors.Is(err, io.EOF):
		return []*Document{document}, nil
	case err != nil:
		return nil, fmt.Errorf("is not valid YAML: %s", shiftLines(err.Error(), c.line-1))
	}
	if node.Content[0].Kind == yaml.MappingNode {
		document.original = yaml.NewRNode(&node)
	}
	return []*Document{document}, nil
}

var lineNumber = regexp.MustCompile(`line (\d+)`)

// shiftLines turns the lines of a document into those of its file.
func shiftLines(message string, by int) string {
	return lineNumber.ReplaceAllStringFunc(message, func(match string) string {
		n, err := strconv.Atoi(match[len("line "):])
		if err != nil {
			return match
		}
		return fmt.Sprintf("line %d", n+by)
	})
}
