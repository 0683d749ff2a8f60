package krm

import (
	"errors"
	"fmt"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"fluxtrust.dev/flux-trust/internal/quote"
)

// Annotations in which kustomize keeps what it changed, and what it is going to
// change, while it builds.
const (
	previousNames      = "internal.config.kubernetes.io/previousNames"
	previousNamespaces = "internal.config.kubernetes.io/previousNamespaces"
	// NeedsHashSuffix is "enabled" on what a generator has made, and whose name gets
	// a hash suffix at the end of the build.
	NeedsHashSuffix = "internal.config.kubernetes.io/needsHashSuffix"
)

// File is where an object stands.
type File struct {
	Path string `yaml:"path,omitempty" json:"path,omitempty"`
	// Index of the object in its file, from 0.
	Index int `yaml:"index,omitempty" json:"index,omitempty"`
}

// Object is one object of a stream, before and after.
type Object struct {
	// Before is the object as it came in, without aliases. It is never written to.
	Before Field
	// Names and Namespaces are the present ones, followed by those before a build
	// tool changed them.
	Names, Namespaces []string
	// File is nil where it is not known.
	File *File

	listed  string // the kind that its List says it has, or ""
	after   *yaml.Node
	removed bool
	err     error
}

// NewObject returns the object that a node is. What is wrong with it sticks to it.
// A node with aliases is copied: an edit behind an anchor would change every place
// that refers to it.
func NewObject(n *yaml.Node, file *File) *Object {
	o := &Object{File: file}
	expanded, err := Expand(n)
	if err != nil {
		o.Fail(err)
		expanded = n
	}
	o.read(expanded)
	return o
}

// NewObjects returns the objects that a node is: itself, or the items of a List. The
// List that they stand in is returned, too, without aliases.
func NewObjects(n *yaml.Node, file *File) (objects []*Object, list *yaml.Node) {
	if !isList(n) {
		return []*Object{NewObject(n, file)}, nil
	}
	list, err := Expand(n)
	if err == nil && !isPlain(list, "apiVersion", "kind", "items") {
		err = checkKeys(Field{Node: list})
	}
	if err != nil {
		o := NewObject(n, file)
		o.Fail(err)
		return []*Object{o}, nil
	}
	items := itemsOf(list, "")
	if len(items) == 1 && items[0].node == list {
		return []*Object{NewObject(n, file)}, nil
	}
	for _, i := range items {
		o := &Object{File: file, listed: i.kind}
		o.read(i.node)
		objects = append(objects, o)
	}
	return objects, list
}

// read looks at the names of an object.
func (o *Object) read(n *yaml.Node) {
	o.Before = Field{Node: n, object: o}
	meta := o.Before.Get("metadata")
	annotations := meta.Texts("annotations")
	o.Names = presentAndPrevious(meta.Text("name"), annotations[previousNames])
	o.Namespaces = presentAndPrevious(meta.Text("namespace"), annotations[previousNamespaces])
}

func presentAndPrevious(name, previous string) []string {
	if previous == "" {
		return []string{name}
	}
	return append([]string{name}, strings.Split(previous, ",")...)
}

// Reference returns an object that is not in the stream: it can be named in a
// finding, and has no content.
func Reference(apiVersion, kind, namespace, name string) *Object {
	meta := &yaml.Node{Kind: yaml.MappingNode, Tag: yaml.NodeTagMap, Content: []*yaml.Node{TextNode("name"), TextNode(name)}}
	if namespace != "" {
		meta.Content = append(meta.Content, TextNode("namespace"), TextNode(namespace))
	}
	return NewObject(&yaml.Node{Kind: yaml.MappingNode, Tag: yaml.NodeTagMap, Content: []*yaml.Node{
		TextNode("apiVersion"), TextNode(apiVersion), TextNode("kind"), TextNode(kind), TextNode("metadata"), meta,
	}}, nil)
}

// Kind returns the kind of the object.
func (o *Object) Kind() string { return o.Before.Peek("kind") }

// Group returns the group of its apiVersion; "v1" stands for the group without a
// name.
func (o *Object) Group() string { return Group(o.Before.Peek("apiVersion")) }

// Group returns the group of an apiVersion, as Object.Group does. The API server reads /v1
// as v1.
func Group(apiVersion string) string {
	group, _, _ := strings.Cut(strings.TrimPrefix(apiVersion, "/"), "/")
	return group
}

// Namespace and Name return what stands in its metadata now.
func (o *Object) Namespace() string { return o.Namespaces[0] }

// Name returns the present name.
func (o *Object) Name() string { return o.Names[0] }

// Annotation returns the value of an annotation, or "".
func (o *Object) Annotation(key string) string { return o.Before.Peek("metadata", "annotations", key) }

// Fail sticks an error to the object, if there is one. The first one wins.
func (o *Object) Fail(err error) {
	if o.err == nil {
		o.err = err
	}
}

// Err returns the first error.
func (o *Object) Err() error { return o.err }

// After returns the object as it is to be: Before, until the first Edit.
func (o *Object) After() Field {
	if o.after == nil {
		return o.Before
	}
	return Field{Node: o.after, object: o, after: true}
}

// Edit returns the object as it is to be, for changes.
func (o *Object) Edit() Field {
	if o.after == nil {
		o.after = yaml.CopyYNode(o.Before.Node)
	}
	return o.After()
}

// Remove takes the object out of the stream.
func (o *Object) Remove() { o.removed = true }

// Removed reports whether the object is to be taken out of the stream.
func (o *Object) Removed() bool { return o.removed }

// Changed reports whether the object is to be another than it was.
func (o *Object) Changed() bool { return o.after != nil && !Equal(o.Before.Node, o.after) }

// Differences returns what is to be changed. Values of a Secret or ConfigMap are
// left out.
func (o *Object) Differences() []Difference {
	if o.after == nil {
		return nil
	}
	found := Differences(o.Before, o.After())
	if kind := o.Kind(); kind == "Secret" || kind == "ConfigMap" {
		for i, d := range found {
			if field, _, _ := strings.Cut(d.Path, "."); field == "data" || field == "stringData" || field == "binaryData" {
				found[i].Current, found[i].Proposed = nil, nil
			}
		}
	}
	return found
}

// ErrReported is an error that findings tell of already.
var ErrReported = errors.New("see the results")

// FieldError says that a field is not what Kubernetes would accept, or what
// the function cannot work with.
type FieldError struct {
	Code    Code
	Path    string
	Message string
}

func (e *FieldError) Error() string {
	return strings.TrimPrefix(quote.FieldPath(e.Path)+": "+e.Message, ": ")
}

// Failure returns the finding that an error is: at its field, where it has one. It
// is false for nil and for what findings tell of already.
func (o *Object) Failure(err error) (Finding, bool) {
	if err == nil || errors.Is(err, ErrReported) {
		return Finding{}, false
	}
	f := Finding{Object: o, Code: Unspecified, Severity: Error, Message: quote.Line(err.Error())}
	if at := (*FieldError)(nil); errors.As(err, &at) {
		if f.Code = at.Code; o != nil {
			f.Path, f.Message = quote.FieldPath(at.Path), quote.Line(at.Message)
		}
	}
	return f, true
}

// Count names a number of things.
func Count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
