package stream

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"fluxtrust.dev/flux-trust/internal/pattern"
	"fluxtrust.dev/flux-trust/internal/quote"
)

// Document is one document of a stream, several in a row that nobody needs, or an
// item of a list.
type Document struct {
	// File is the name that the stream was read under.
	File string
	// Index of the document in its file, counted from 0. Empty documents count; the
	// items of a list have the index of the list.
	Index int
	// Skipped is how many resources stand here that nobody needs. They are not held.
	Skipped int

	lead, body  []byte
	original    *yaml.RNode
	replacement *yaml.RNode
	replaced    bool
	json        bool
	// list is the list that stands here. The documents of its items follow, and have
	// their item.
	list *list
	item *item
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
// resource that is needed, are not. Neither are such items of a List, of which each
// other one is a document of its own. Where needs is nil, all documents are parsed, and
// each as a whole.
func Split(file string, data []byte, needs Needs) ([]*Document, error) {
	if err := checkEncoding(data); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	read := documents{file: file}
	r := reader{needs: needs}
	var scan *scanner
	if needs != nil {
		scan = &r.scan
	}
	for c := range split(data, scan) {
		if resources, ok := r.scan.passes(c, needs); ok {
			read.pass(c.lead, c.body, resources, false)
			continue
		}
		more, err := r.chunk(c)
		switch {
		case errors.Is(err, errTooMuch):
			return nil, fmt.Errorf("%s: %w", file, err)
		case err != nil:
			return nil, fmt.Errorf("%s: document %d: %w", file, read.next+1, err)
		}
		for _, d := range more {
			read.add(d)
		}
	}
	return read.all, nil
}

// documents are those of a file.
type documents struct {
	file string
	all  []*Document
	// passed is the last one, if nothing in it can be changed: it takes those behind it of
	// which the same is true.
	passed *Document
	next   int // index
}

func (ds *documents) add(d *Document) {
	switch {
	case d.original == nil && d.list == nil:
		ds.pass(d.lead, d.body, d.Skipped, d.json)
		return
	case d.item != nil:
		d.Index = ds.next - 1
	default:
		d.Index = ds.next
		ds.next++
	}
	d.File = ds.file
	ds.all, ds.passed = append(ds.all, d), nil
}

// pass adds a document with some resources that nobody needs.
func (ds *documents) pass(lead, body []byte, resources int, json bool) {
	if d := ds.passed; d != nil { // it follows in the stream
		d.body = d.body[:len(d.body)+len(lead)+len(body)]
		if resources > 0 {
			d.Skipped, d.json = d.Skipped+resources, json
		}
	} else {
		ds.passed = &Document{File: ds.file, Index: ds.next, lead: lead, body: body, Skipped: resources, json: json}
		ds.all = append(ds.all, ds.passed)
	}
	ds.next++
}

// EndsInside reports whether the last line of the document is YAML without a line break
// behind it: where a stream ends so, it may have been cut off.
func (d *Document) EndsInside() bool {
	body := d.body
	if d.item != nil {
		body = d.list.data
	}
	last := body[bytes.LastIndexByte(body, '\n')+1:]
	if len(last) == len(body) { // it starts in the line of its marker
		last = slices.Concat(d.lead[bytes.LastIndexByte(d.lead, '\n')+1:], last)
	}
	switch string(bytes.TrimSpace(last)) {
	case "", "---", "...":
		return false
	default:
		// A mapping in braces says itself where it ends.
		return !d.json && last[0] != '#' && !bytes.HasPrefix(bytes.TrimSpace(body), []byte("{"))
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
		if d.item != nil || d.replaced && d.replacement == nil {
			continue // an item is written with its list
		}
		lead := d.lead
		if i > 0 && d.Index == 0 { // the first of its file, or an added one
			lead = separate(&out, d, documents[i-1])
		}
		out.add(lead)
		if d.list != nil {
			if err := d.list.join(&out, documents[i+1:]); err != nil {
				return nil, fmt.Errorf("%s: document %d: %w", d.File, d.Index+1, err)
			}
			continue
		}
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
	encode := encodeYAML
	if d.json {
		encode = encodeJSON
	}
	switch {
	case !d.replaced:
		return d.body, nil
	case d.original == nil:
		return encode(nil, d.replacement)
	default:
		return rewrite(d.body, d.original, d.replacement, encode, readsAs(d.replacement))
	}
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
	return fmt.Errorf("is not valid YAML: %s%s", lineNumber.Get().ReplaceAllStringFunc(message, func(match string) string {
		n, err := strconv.Atoi(match[len("line "):])
		if err != nil {
			return match
		}
		return fmt.Sprintf("line %d", n+c.line-1)
	}), hint)
}

var lineNumber = pattern.Pattern{Text: `line (\d+)`}
