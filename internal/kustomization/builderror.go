package kustomization

import (
	"bytes"
	"fmt"

	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"fluxtrust.dev/flux-trust/internal/krm"
	"fluxtrust.dev/flux-trust/internal/pattern"
	"fluxtrust.dev/flux-trust/internal/quote"
	"fluxtrust.dev/flux-trust/internal/stream"
)

// recorder remembers what was read.
type recorder struct {
	filesys.FileSystem
	texts map[string][]byte
}

func (r recorder) ReadFile(file string) ([]byte, error) {
	// A named pipe would wait for somebody to write to it.
	if err := stream.CheckRegular(file); err != nil {
		return nil, err
	}
	text, err := r.FileSystem.ReadFile(file)
	if err != nil {
		return nil, err
	}
	if err := checkAliases(text); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	r.texts[file] = text
	return text, nil
}

// checkAliases refuses YAML whose aliases stand for more than a manifest can hold:
// kustomize writes them out, without an end. What is not YAML has none.
func checkAliases(text []byte) error {
	if !bytes.Contains(text, []byte("*")) || !bytes.Contains(text, []byte("&")) {
		return nil
	}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	for {
		var document yaml.Node
		if decoder.Decode(&document) != nil {
			return nil //nolint:nilerr // at the end, and where it is not YAML
		}
		if err := krm.SizeOf(&document).Check(len(text)); err != nil && krm.IsAliased(&document) {
			return err
		}
	}
}

// buildError is an error of kustomize, which repeats what it has read: patches, literals
// of generators, whole objects. Any of them may hold a key.
type buildError struct {
	err   error
	texts [][]byte
}

// screened returns an error that does not repeat what has been read.
func (s source) screened(err error) error {
	if err == nil {
		return nil
	}
	e := &buildError{err: err}
	for _, texts := range []map[string][]byte{s.texts, s.edits} {
		for _, text := range texts {
			e.texts = append(e.texts, text)
			var n yaml.Node
			if yaml.Unmarshal(text, &n) == nil { // as kustomize has read it
				e.texts = append(e.texts, scalars(&n)...)
			}
		}
	}
	return e
}

func (e *buildError) Error() string { return saidOnce(quote.Without(e.err.Error(), e.texts...)) }

// Where kustomize stands, which it says for each folder on the way: first that a folder is
// no file, then what is wrong in it.
var (
	onTheWay    = pattern.Pattern{Text: `(?s)accumulating (?:resources|components): accumulation err='accumulating (?:resources|components) from '[^']*': .*?': recursed (?:accumulation of|merging from) path '([^']*)': `}
	configuring = pattern.Pattern{Text: "(?s)trouble configuring builtin (\\w+) with config: `.*?`: "}
)

// saidOnce returns an error of kustomize without what it says twice.
func saidOnce(text string) string {
	text = onTheWay.Get().ReplaceAllString(text, "$1: ")
	return configuring.Get().ReplaceAllString(text, "$1: ")
}

func (e *buildError) Unwrap() error { return e.err }

// scalars returns what stands in a tree in another form than in its text.
func scalars(n *yaml.Node) [][]byte {
	if n.Kind == yaml.ScalarNode {
		return [][]byte{[]byte(n.Value)}
	}
	var found [][]byte
	for _, child := range n.Content {
		found = append(found, scalars(child)...)
	}
	return found
}
