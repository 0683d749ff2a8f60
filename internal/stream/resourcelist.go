package stream

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"sigs.k8s.io/kustomize/kyaml/fn/framework"
	"sigs.k8s.io/kustomize/kyaml/kio"
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"fluxtrust.dev/flux-trust/internal/quote"
)

// ResourceList is what an orchestrator sends to a function on stdin and reads
// back from its stdout:
// https://github.com/kubernetes-sigs/kustomize/blob/master/cmd/config/docs/api-conventions/functions-spec.md
type ResourceList struct {
	// document is that of the whole list, or of all but its items.
	document *yaml.RNode
	// items are those that are needed; skipped counts the others.
	items   []*item
	skipped int
	added   []*yaml.RNode
	// changed tells that there are new results.
	changed bool

	// data is the text of a list that is read item by item: its first items stand
	// at first, the line items: at head, and what follows the items at tail. rest
	// is the text without them.
	data, rest        []byte
	head, first, tail int
	indent, count     int
	parsed            int // bytes
}

// ErrNoResourceList says that a stream is valid, but no ResourceList.
var ErrNoResourceList = errors.New("is no ResourceList")

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
		if l, ok := readItems(data, needsFor); ok {
			return l, nil
		}
	}
	return readWhole(data)
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
	list := &ResourceList{document: yaml.NewRNode(&first)}
	if list.document.YNode().Kind != yaml.MappingNode || list.document.GetKind() != kio.ResourceListKind {
		return nil, ErrNoResourceList
	}
	if err := decoder.Decode(&second); !errors.Is(err, io.EOF) {
		return nil, errors.New("holds something behind the ResourceList")
	}
	for i, key := range list.document.YNode().Content {
		if i%2 == 0 && list.document.Field(key.Value).Key.YNode() != key {
			return nil, fmt.Errorf("is a ResourceList in which %s stands twice", quote.Key(key.Value))
		}
	}
	items := list.field("items")
	if items == nil {
		return list, nil
	}
	if items.Kind != yaml.SequenceNode {
		return nil, errors.New("is a ResourceList whose items are no list")
	}
	for i, n := range items.Content {
		resource := yaml.NewRNode(n)
		list.items = append(list.items, &item{index: i, original: resource, replacement: resource})
	}
	return list, nil
}

// Items returns the resources that are needed. They must not be changed: hand
// changed copies to Replace.
func (l *ResourceList) Items() []*yaml.RNode {
	resources := make([]*yaml.RNode, len(l.items))
	for i, item := range l.items {
		resources[i] = item.original
	}
	return resources
}

// Skipped returns how many resources are not needed.
func (l *ResourceList) Skipped() int { return l.skipped }

// Whole tells whether all of the list has been parsed as one document, in which
// an item may refer to an anchor of another one.
func (l *ResourceList) Whole() bool { return l.data == nil }

// Replace puts a changed copy of a resource into its place in Items. With nil, the
// resource goes.
func (l *ResourceList) Replace(index int, resource *yaml.RNode) {
	l.items[index].replacement = resource
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
func (l *ResourceList) AddResults(results framework.Results) error {
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
	whole, err := readWhole(l.data)
	if err != nil {
		return nil, err
	}
	for _, i := range l.items {
		whole.items[i.index].replacement = i.replacement
	}
	whole.added = l.added
	if l.changed {
		if err := whole.document.PipeE(yaml.SetField("results", yaml.NewRNode(l.field("results")))); err != nil {
			return nil, err
		}
	}
	return whole.encode()
}

// encode writes a list that was parsed as a whole.
func (l *ResourceList) encode() (Pieces, error) {
	if items := l.field("items"); items != nil {
		items.Content = items.Content[:0:0]
		for _, i := range l.items {
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
