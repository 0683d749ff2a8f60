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

	"fluxtrust.dev/flux-trust/internal/quote"
)

// Document is one document of a stream, or several in a row that nobody needs.
type Document struct {
	// File is the name that the stream was read under.
	File string
	// Index of the document in its file, counted from 0. Empty documents count.
	Index int
	// Skipped is how many resources stand here that nobody needs. They have not
	// been parsed.
	Skipped int

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
		if other.original != nil || other.replaced || other.Skipped > 0 {
			d.json = other.json
			break
		}
	}
	return d
}

// Split reads a stream of YAML or JSON documents. The name of the file is used
// in errors, and every error names the line in the file.
//
// Documents that need not be parsed, because they are plain YAML or JSON and hold no
// resource that is needed, are not. Where needs is nil, all are.
func Split(file string, data []byte, needs Needs) ([]*Document, error) {
	if err := checkEncoding(data); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	var documents []*Document
	var passed *Document // the last one, if nothing in it is needed
	var scan scanner
	index, size := 0, 0
	for c := range split(data) {
		if resources, ok := scan.passes(c, needs); ok {
			if passed == nil {
				passed = &Document{File: file, Index: index, lead: c.lead, body: c.body[:0]}
				documents = append(documents, passed)
			} else {
				passed.extend(c.lead)
			}
			passed.extend(c.body)
			passed.Skipped += resources
			index++
			continue
		}
		passed = nil
		parsed, err := parse(c, needs, maxParsed-size)
		switch {
		case errors.Is(err, errTooMuch):
			return nil, fmt.Errorf("%s: %w", file, err)
		case err != nil:
			return nil, fmt.Errorf("%s: document %d: %w", file, index+1, err)
		}
		for _, d := range parsed {
			d.File, d.Index = file, index
			documents = append(documents, d)
			index++
			if d.Skipped == 0 {
				size += len(d.body)
			}
		}
	}
	return documents, nil
}

// EndsInside reports whether the last line of the document is YAML without a line break
// behind it: where a stream ends so, it may have been cut off.
func (d *Document) EndsInside() bool {
	last := d.body[bytes.LastIndexByte(d.body, '\n')+1:]
	if len(last) == len(d.body) { // it starts in the line of its marker
		last = slices.Concat(d.lead[bytes.LastIndexByte(d.lead, '\n')+1:], last)
	}
	switch string(bytes.TrimSpace(last)) {
	case "", "---", "...":
		return false
	default:
		// A mapping in braces says itself where it ends.
		return !d.json && last[0] != '#' && !bytes.HasPrefix(bytes.TrimSpace(d.body), []byte("{"))
	}
}

// extend takes the bytes that follow the document in its stream.
func (d *Document) extend(more []byte) { d.body = d.body[:len(d.body)+len(more)] }

// passes tells whether a chunk need not be parsed, and how many resources it
// holds.
func (s *scanner) passes(c chunk, needs Needs) (int, bool) {
	switch {
	case needs == nil, bytes.HasSuffix(c.lead, []byte("-")): // it stands on the line of its marker
		return 0, false
	case s.blank(c.body):
		return 0, true
	default:
		return 1, s.document(c.body) && !s.needed(needs, c.body)
	}
}

// Resource returns the resource that the document holds, or nil when it holds
// none that is needed: it is empty, a list such as a JSON patch, or was skipped.
// It must not be changed: hand a changed copy to Replace.
func (d *Document) Resource() *yaml.RNode { return d.original }

// Replace puts a changed copy of the resource into its place. With nil, the
// document goes, together with the comments around it.
func (d *Document) Replace(resource *yaml.RNode) { d.replacement, d.replaced = resource, true }

// Join puts documents together to one stream, in pieces: what has not been
// changed is not copied. A document that does not follow its predecessor in the
// same file is separated from it by a "---" line where neither brings a marker of
// its own.
func Join(documents []*Document) (Pieces, error) {
	var out Pieces
	for i, d := range documents {
		if d.replaced && d.replacement == nil {
			continue
		}
		lead := d.lead
		if i > 0 && d.Index == 0 { // the first of its file, or an added one
			lead = separate(&out, d, documents[i-1])
		}
		out.add(lead)
		body, err := d.text()
		if err != nil {
			return nil, fmt.Errorf("%s: document %d: %w", d.File, d.Index+1, err)
		}
		if d.replaced && bytes.HasSuffix(lead, []byte("---")) && !bytes.HasPrefix(body, []byte(" ")) {
			out.add([]byte("\n")) // the document stood on the line of its marker
		}
		out.add(body)
	}
	return out, nil
}

// separate ends the file before and returns what leads to the first document
// of the next. A byte order mark is only one at the very beginning of a stream.
func separate(out *Pieces, d, before *Document) []byte {
	lead := bytes.TrimPrefix(d.lead, []byte(byteOrderMark))
	if len(*out) > 0 && !bytes.HasSuffix((*out)[len(*out)-1], []byte("\n")) {
		out.add([]byte("\n"))
	}
	marked := false
	for line := range bytes.Lines(lead) {
		if line[0] == '%' && len(*out) > 0 {
			out.add([]byte("...\n")) // a directive needs the end of what stands before
			return lead
		}
		marked = marked || isMarker(line, "---")
	}
	if bothJSON := d.json && before.json; !marked && !bothJSON && len(*out) > 0 {
		out.add([]byte("---\n"))
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
		return rewrite(d.body, d.original, d.replacement, d.json, readsAs(d.replacement))
	}
}

// parse reads a chunk, of which so many bytes may be parsed.
func parse(c chunk, needs Needs, room int) ([]*Document, error) {
	if documents, ok, err := parseJSON(c, needs, room); ok {
		return documents, err
	}
	if len(c.body) > room {
		return nil, errTooMuch
	}
	document := &Document{lead: c.lead, body: c.body}
	var node, next yaml.Node
	// The YAML reader takes a CR for a part of a comment, and loses the place of the next.
	text, _ := withLF(c.body)
	decoder := yaml.NewDecoder(bytes.NewReader(text))
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

// withLF returns a text whose lines all end in CRLF with LF instead, and whether it was
// one.
func withLF(text []byte) ([]byte, bool) {
	crlf := bytes.Count(text, []byte("\r\n"))
	if crlf == 0 || crlf != bytes.Count(text, []byte("\n")) {
		return text, false
	}
	return bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n")), true
}

// invalid explains an error of the YAML reader, with the line in the file.
func (c chunk) invalid(err error) error {
	message := quote.Reader(err)
	hint := ""
	switch {
	case strings.Contains(message, "expected <document start>"):
		hint = "; something stands behind the end of the document: put --- between documents"
	case bytes.Contains(c.body, []byte("{{")):
		hint = "; it looks like a template: render it first, for example with helm template"
	case strings.Contains(message, "cannot start any token") && bytes.Contains(c.body, []byte("\t")):
		hint = "; YAML is indented with spaces, not with tabs"
	case strings.Contains(message, "did not find expected"):
		hint = "; in what starts there, a line further down is not indented as it should be"
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
