package stream

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"sigs.k8s.io/kustomize/kyaml/kio"
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"fluxtrust.dev/flux-trust/internal/krm"
	"fluxtrust.dev/flux-trust/internal/quote"
)

// ResourceList is what an orchestrator sends to a function on stdin and reads
// back from its stdout:
// https://github.com/kubernetes-sigs/kustomize/blob/master/cmd/config/docs/api-conventions/functions-spec.md
type ResourceList struct {
	// list holds the items.
	list *list
	// document is that of the whole list or, where it is read item by item, of all but
	// its items, with the text rest.
	document *yaml.RNode
	rest     []byte
	added    []*yaml.RNode
	// changed is set where there are new results.
	changed bool
}

// ErrNoResourceList says that a stream is valid, but no ResourceList.
var ErrNoResourceList = errors.New("is not a ResourceList")

// ReadResourceList reads a ResourceList. Unlike kyaml's reader it numbers no
// items and drops no fields.
//
// Items that need not be parsed, by what needsFor makes of the functionConfig
// (which is nil where there is none), are not, and all that is not changed comes
// back byte for byte. Where needsFor is nil, or where the list is not in plain
// block style, all of it is parsed and written anew.
func ReadResourceList(data []byte, needsFor func(config *yaml.RNode) Needs) (*ResourceList, error) {
	if err := checkEncoding(data); err != nil {
		return nil, err
	}
	if needsFor != nil {
		if l, ok, err := readItems(data, needsFor); ok || err != nil {
			return l, err
		}
	}
	return readWhole(data)
}

// readItems reads a ResourceList in block style item by item and parses what is
// needed. The result is false when it is written in any other way: then it must
// be read as a whole.
func readItems(data []byte, needsFor func(config *yaml.RNode) Needs) (*ResourceList, bool, error) {
	items, ok := findItems(data)
	if !ok {
		return nil, false, nil
	}
	config := findConfig(data, items.head)
	r := reader{needs: needsFor(config)}
	if ok, err := items.read(&r); !ok || err != nil {
		return nil, false, err
	}
	rest := items.without()
	l, err := readWhole(rest)
	if err != nil || !items.isFieldOf(l.document) || !sameConfig(l.FunctionConfig(), config) {
		return nil, false, nil //nolint:nilerr // the whole of it is read next, and fails by itself
	}
	l.rest, l.list = rest, items
	return l, true, nil
}

// findConfig returns what is likely to be the functionConfig: it must be known
// before the items are read, and often stands behind them.
func findConfig(data []byte, items int) *yaml.RNode {
	const key = "functionConfig:"
	at, end := bytes.Index(data[:items], []byte(key)), items
	if at < 0 || at > 0 && data[at-1] != '\n' {
		// Line by line from the end.
		for at, end = len(data), len(data); !bytes.HasPrefix(data[at:], []byte(key)); {
			if at == 0 {
				return nil
			}
			at = bytes.LastIndexByte(data[:at-1], '\n') + 1
		}
	}
	if end-at > maxParsed {
		return nil
	}
	node, err := yaml.Parse(string(data[at:end]))
	if err != nil || krm.SizeOf(node.YNode()).Check(end-at) != nil {
		return nil
	}
	if config := node.Field("functionConfig"); config != nil {
		return config.Value
	}
	return nil
}

// sameConfig reports whether the guess was right.
func sameConfig(config, guess *yaml.RNode) bool {
	if config == nil || guess == nil {
		return config == guess
	}
	return krm.Equal(config.YNode(), guess.YNode())
}

func readWhole(data []byte) (*ResourceList, error) {
	if len(data) > maxParsed {
		return nil, fmt.Errorf("is a ResourceList of %d MiB, of which %w", len(data)>>20, errTooMuch)
	}
	decoder := yaml.NewDecoder(bytes.NewReader(bytes.TrimPrefix(data, []byte(byteOrderMark))))
	var first, second yaml.Node
	switch err := decoder.Decode(&first); {
	case errors.Is(err, io.EOF):
		return nil, fmt.Errorf("is empty and so %w", ErrNoResourceList)
	case err != nil:
		return nil, fmt.Errorf("is not valid YAML: %s", quote.Reader(err))
	}
	document := yaml.NewRNode(&first)
	if document.YNode().Kind != yaml.MappingNode || document.GetKind() != kio.ResourceListKind {
		return nil, ErrNoResourceList
	}
	if err := decoder.Decode(&second); !errors.Is(err, io.EOF) {
		return nil, errors.New("holds something behind the ResourceList")
	}
	if err := krm.SizeOf(&first).Check(len(data)); err != nil {
		return nil, fmt.Errorf("is a document that %w", err)
	}
	// An item that is changed loses its anchors, and what else is in the list may refer to
	// them.
	root, err := krm.ExpandText(&first, len(data))
	if err != nil {
		return nil, fmt.Errorf("is a document that %w", err)
	}
	document = yaml.NewRNode(root)
	if key, ok := twice(document.YNode()); ok {
		return nil, fmt.Errorf("is a ResourceList in which %s appears twice", quote.Key(key))
	}
	l := &ResourceList{document: document, list: &list{}}
	items := l.field("items")
	if items == nil {
		return l, nil
	}
	if items.Kind != yaml.SequenceNode {
		return nil, errors.New("is a ResourceList whose items are not a list")
	}
	for i, n := range items.Content {
		resource := yaml.NewRNode(n)
		l.list.items = append(l.list.items, &item{index: i, original: resource, replacement: resource})
	}
	l.list.count = len(l.list.items)
	return l, nil
}

// twice returns a key that appears twice in a mapping.
func twice(mapping *yaml.Node) (string, bool) {
	seen := map[string]bool{}
	for i := 0; i < len(mapping.Content); i += 2 {
		key := mapping.Content[i].Value
		if seen[key] {
			return key, true
		}
		seen[key] = true
	}
	return "", false
}

// Items returns the resources that are needed. They must not be changed: hand
// changed copies to Replace.
func (l *ResourceList) Items() []*yaml.RNode {
	resources := make([]*yaml.RNode, len(l.list.items))
	for i, item := range l.list.items {
		resources[i] = item.original
	}
	return resources
}

// Skipped returns how many resources are not needed.
func (l *ResourceList) Skipped() int { return l.list.skipped() }

// Whole reports whether all of the list has been parsed as one document.
func (l *ResourceList) Whole() bool { return l.rest == nil }

// Replace puts a changed copy of a resource into its place in Items. With nil, the
// resource goes.
func (l *ResourceList) Replace(index int, resource *yaml.RNode) {
	l.list.items[index].replacement = resource
}

// Add appends resources.
func (l *ResourceList) Add(resources ...*yaml.RNode) { l.added = append(l.added, resources...) }

// FunctionConfig returns the config, or nil.
func (l *ResourceList) FunctionConfig() *yaml.RNode {
	if config := l.field("functionConfig"); config != nil {
		return yaml.NewRNode(config)
	}
	return nil
}

// AddResults appends to the results of functions that ran before.
func (l *ResourceList) AddResults(results krm.Results) error {
	if len(results) == 0 {
		return nil
	}
	text, err := yaml.Marshal(results)
	if err != nil {
		return fmt.Errorf("encoding the results: %w", err)
	}
	added, err := yaml.Parse(string(text))
	if err != nil {
		return fmt.Errorf("encoding the results: %w", err)
	}
	l.changed = true
	if before := l.field("results"); before != nil && before.Kind == yaml.SequenceNode {
		before.Content = append(before.Content, added.YNode().Content...)
		return nil
	}
	return l.document.PipeE(yaml.SetField("results", added))
}

// Pieces returns the ResourceList as YAML.
func (l *ResourceList) Pieces() (Pieces, error) {
	if l.Whole() {
		return l.encode()
	}
	pieces, err := l.pieces()
	if err != nil || pieces != nil {
		return pieces, err
	}
	whole, err := readWhole(l.list.data)
	if err != nil {
		return nil, err
	}
	for _, i := range l.list.items {
		whole.Replace(i.index, i.replacement)
	}
	whole.added = l.added
	if l.changed {
		if err := whole.document.PipeE(yaml.SetField("results", yaml.NewRNode(l.field("results")))); err != nil {
			return nil, err
		}
	}
	return whole.encode()
}

// pieces puts the list together item by item, or returns nil when that must be done as
// a whole.
func (l *ResourceList) pieces() (Pieces, error) {
	items := l.list
	head, tail := items.data[:items.head], items.data[items.tail:]
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
	return items.pieces(head, tail, l.added)
}

// restText returns the text of the list without its items, with the results.
func (l *ResourceList) restText() ([]byte, error) {
	original, err := readWhole(l.rest)
	if err != nil {
		return nil, err
	}
	return rewrite(l.rest, original.document, l.document, encodeYAML, readsAs(l.document))
}

// encode writes a list that was parsed as a whole.
func (l *ResourceList) encode() (Pieces, error) {
	if items := l.field("items"); items != nil {
		items.Content = items.Content[:0:0]
		for _, i := range l.list.items {
			if i.replacement != nil {
				items.Content = append(items.Content, i.replacement.YNode())
			}
		}
		for _, resource := range l.added {
			items.Content = append(items.Content, resource.YNode())
		}
	}
	spellNulls(l.document.YNode(), false)
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out) // with the indentation of kyaml
	if err := encoder.Encode(l.document.Document()); err != nil {
		return nil, fmt.Errorf("encoding the ResourceList: %w", err)
	}
	if err := encoder.Close(); err != nil {
		return nil, fmt.Errorf("encoding the ResourceList: %w", err)
	}
	return Pieces{out.Bytes()}, nil
}

// field returns a field of the list, or nil when it is absent or null.
func (l *ResourceList) field(name string) *yaml.Node {
	f := l.document.Field(name)
	if f.IsNilOrEmpty() && (f == nil || f.Value == nil || f.Value.IsTaggedNull()) {
		return nil
	}
	return f.Value.YNode()
}

// spellNulls writes out what is absent in flow style, and keys that are: the writer
// would make a text of the null in {key}, and of the key in ": value".
func spellNulls(n *yaml.Node, must bool) {
	if must && n.Kind == yaml.ScalarNode && n.Value == "" && n.ShortTag() == yaml.NodeTagNull {
		n.Value = "null"
	}
	for i, child := range n.Content {
		key := n.Kind == yaml.MappingNode && i%2 == 0
		spellNulls(child, must || key || n.Style&yaml.FlowStyle != 0)
	}
}
