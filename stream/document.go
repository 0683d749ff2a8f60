package stream

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

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
			lead = separate(&out, d, documents[i-1])
		}
		out.Write(lead)
		body, err := d.text()
		if err != nil {
			return nil, fmt.Errorf("%s: document %d: %w", d.File, d.Index+1, err)
		}
		if bytes.HasSuffix(lead, []byte("---")) && !bytes.HasPrefix(body, []byte(" ")) {
			out.WriteByte('\n') // the document stood on the line of its marker
		}
		out.Write(body)
	}
	return out.Bytes(), nil
}

// separate ends the file before and returns what leads to the first document
// of the next. A byte order mark is only one at the very beginning of a stream.
func separate(out *bytes.Buffer, d, before *Document) []byte {
	lead := bytes.TrimPrefix(d.lead, []byte(byteOrderMark))
	if out.Len() > 0 && !bytes.HasSuffix(out.Bytes(), []byte("\n")) {
		out.WriteByte('\n')
	}
	marked := false
	for line := range bytes.Lines(lead) {
		if line[0] == '%' && out.Len() > 0 {
			out.WriteString("...\n") // a directive needs the end of what stands before
			return lead
		}
		marked = marked || isMarker(line, "---")
	}
	if bothJSON := d.json && before.json; !marked && !bothJSON && out.Len() > 0 {
		out.WriteString("---\n")
	}
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
	var node, next yaml.Node
	decoder := yaml.NewDecoder(bytes.NewReader(c.body))
	switch err := decoder.Decode(&node); {
	case errors.Is(err, io.EOF):
		return []*Document{document}, nil
	case err != nil:
		return nil, c.invalid(err)
	}
	switch err := decoder.Decode(&next); {
	case errors.Is(err, io.EOF):
	case err != nil:
		return nil, c.invalid(err)
	default:
		return nil, fmt.Errorf("line %d starts a second document without a line --- before it", next.Line+c.line-1)
	}
	if node.Content[0].Kind == yaml.MappingNode {
		document.original = yaml.NewRNode(&node)
	}
	return []*Document{document}, nil
}

// invalid explains an error of the YAML reader, with the line in the file.
func (c chunk) invalid(err error) error {
	message := strings.TrimPrefix(err.Error(), "yaml: ")
	hint := ""
	switch {
	case strings.Contains(message, "expected <document start>"):
		hint = "; something stands behind the end of the document: put --- between documents"
	case bytes.Contains(c.body, []byte("{{")):
		hint = "; it looks like a template: render it first, for example with helm template"
	case strings.Contains(message, "cannot start any token") && bytes.Contains(c.body, []byte("\t")):
		hint = "; YAML is indented with spaces, not with tabs"
	}
	return fmt.Errorf("is not valid YAML: %s%s", lineNumber.ReplaceAllStringFunc(message, func(match string) string {
		n, err := strconv.Atoi(match[len("line "):])
		if err != nil {
			return match
		}
		return fmt.Sprintf("line %d", n+c.line-1)
	}), hint)
}

var lineNumber = regexp.MustCompile(`line (\d+)`)
