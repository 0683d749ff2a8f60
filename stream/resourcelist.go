package stream

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"sigs.k8s.io/kustomize/kyaml/fn/framework"
	"sigs.k8s.io/kustomize/kyaml/kio"
	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// ResourceList is what an orchestrator sends to a function on stdin and reads
// back from its stdout:
// https://github.com/kubernetes-sigs/kustomize/blob/master/cmd/config/docs/api-conventions/functions-spec.md
type ResourceList struct {
	document *yaml.RNode
}

// ErrNoResourceList says that a stream is valid, but no ResourceList.
var ErrNoResourceList = errors.New("is no ResourceList")

// ReadResourceList reads a ResourceList. Unlike kyaml's reader it numbers no
// items and drops no fields.
func ReadResourceList(data []byte) (*ResourceList, error) {
	if err := checkEncoding(data); err != nil {
		return nil, err
	}
	decoder := yaml.NewDecoder(bytes.NewReader(bytes.TrimPrefix(data, []byte(byteOrderMark))))
	var first, second yaml.Node
	switch err := decoder.Decode(&first); {
	case errors.Is(err, io.EOF):
		return nil, fmt.Errorf("is empty and so %w", ErrNoResourceList)
	case err != nil:
		return nil, fmt.Errorf("is not valid YAML: %w", err)
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
			return nil, fmt.Errorf("is a ResourceList in which %s stands twice", key.Value)
		}
	}
	if items := list.field("items"); items != nil && items.Kind != yaml.SequenceNode {
		return nil, errors.New("is a ResourceList whose items are no list")
	}
	return list, nil
}

// Items returns the resources.
func (l *ResourceList) Items() []*yaml.RNode {
	items := l.field("items")
	if items == nil {
		return nil
	}
	resources := make([]*yaml.RNode, len(items.Content))
	for i, n := range items.Content {
		resources[i] = yaml.NewRNode(n)
	}
	return resources
}

// SetItems replaces the resources.
func (l *ResourceList) SetItems(resources []*yaml.RNode) {
	items := l.field("items")
	if items == nil {
		return
	}
	items.Content = items.Content[:0:0]
	for _, r := range resources {
		items.Content = append(items.Content, r.YNode())
	}
}

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
	if before := l.field("results"); before != nil && before.Kind == yaml.SequenceNode {
		before.Content = append(before.Content, added.YNode().Content...)
		return nil
	}
	return l.document.PipeE(yaml.SetField("results", added))
}

// Bytes returns the ResourceList as YAML.
func (l *ResourceList) Bytes() ([]byte, error) {
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out) // with the indentation of kyaml
	if err := encoder.Encode(l.document.Document()); err != nil {
		return nil, fmt.Errorf("encoding the ResourceList: %w", err)
	}
	return out.Bytes(), encoder.Close()
}

// field returns a field of the list, or nil when it is absent or null.
func (l *ResourceList) field(name string) *yaml.Node {
	f := l.document.Field(name)
	if f.IsNilOrEmpty() && (f == nil || f.Value == nil || f.Value.IsTaggedNull()) {
		return nil
	}
	return f.Value.YNode()
}
