package stream

import (
	"bytes"
	"errors"
	"iter"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"fluxtrust.dev/flux-trust/internal/krm"
)

// rewrite returns the text of a changed resource with as much of the original
// text as possible.
//
// Any YAML writer has a style of its own: blank lines go, comments move, long
// lines fold. So both the original and the changed resource are written in
// that style, and the difference between the two, which is the change alone, is
// merged into the original text: a three-way merge. Where that does not work
// out, or does not read back as the changed resource, the changed resource in
// the writer's style is taken as it is.
func rewrite(text []byte, original, changed *yaml.RNode, encode encoder, readsBack func(text []byte) bool) ([]byte, error) {
	ours, allCRLF := withLF(text)
	open := !bytes.HasSuffix(ours, []byte("\n")) // it ends in a line without a newline
	if open {
		ours = append(slices.Clone(ours), '\n')
	}
	styles := []string{string(ours)}
	if open {
		styles = append(styles, stripped(string(ours), original))
	}
	rewritten, err := rewrites(styles, original, changed, func(resource *yaml.RNode) (string, error) {
		out, err := encode(ours, resource)
		return string(out), err
	})
	if err != nil {
		return nil, err
	}
	for candidate := range rewritten {
		endings := []string{candidate}
		if open { // unless a block scalar stands there now, which would lose its last line break
			endings = []string{strings.TrimSuffix(candidate, "\n"), candidate}
		}
		for _, out := range endings {
			if allCRLF {
				out = strings.ReplaceAll(out, "\n", "\r\n")
			}
			if readsBack([]byte(out)) {
				return []byte(out), nil
			}
		}
	}
	return nil, errUnwritable
}

// rewrites returns texts of a changed resource, those first that keep most of a style.
func rewrites(styles []string, original, changed *yaml.RNode, encode func(*yaml.RNode) (string, error)) (iter.Seq[string], error) {
	plain, err := encode(changed)
	if err != nil {
		return nil, err
	}
	return func(yield func(string) bool) {
		for base := range bases(original) {
			encoded, err := encode(base)
			if err != nil {
				continue
			}
			for _, style := range styles {
				merger := newMerger(encoded, style, plain)
				for _, aligned := range []bool{true, false} {
					if merged, ok := merger.merge(aligned); ok && !yield(merged) {
						return
					}
				}
			}
		}
		yield(plain)
	}, nil
}

// encoder writes a resource in the way in which a text is written.
type encoder = func(text []byte, resource *yaml.RNode) ([]byte, error)

var errUnwritable = errors.New("cannot be written so that it reads back as it was meant; write it without unusual YAML")

// bases returns what a change may be seen against. The changed resource has no aliases
// and no anchors. So both are style, and stay, unless the change touches what they stand
// for; then aliases are written out.
func bases(original *yaml.RNode) iter.Seq[*yaml.RNode] {
	return func(yield func(*yaml.RNode) bool) {
		if !krm.IsAliased(original.Document()) {
			yield(original)
			return
		}
		expanded, err := krm.Expand(original.Document())
		if err != nil { // then nothing is style
			yield(original)
			return
		}
		_ = yield(yaml.NewRNode(expanded)) && yield(withoutAnchors(original))
	}
}

// withoutAnchors returns a resource in which everything that an alias refers to is
// written out, without its anchor.
func withoutAnchors(resource *yaml.RNode) *yaml.RNode {
	work := krm.Copy(resource)
	var visit func(n *yaml.Node)
	visit = func(n *yaml.Node) {
		if n.Kind == yaml.AliasNode {
			// What cannot be expanded is no style, and is written anew.
			_ = yaml.NewRNode(n.Alias).DeAnchor()
		}
		for _, child := range n.Content {
			visit(child)
		}
	}
	visit(work.Document())
	return work
}

// readsAs returns what reports whether a text is a document that reads as a resource.
func readsAs(resource *yaml.RNode) func(text []byte) bool {
	return func(text []byte) bool {
		var r reader
		documents, err := r.chunk(chunk{body: text, line: 1})
		return err == nil && len(documents) == 1 && documents[0].original != nil &&
			krm.Equal(documents[0].original.YNode(), resource.YNode())
	}
}

// encodeYAML writes a resource with the indentation that it was read with.
func encodeYAML(_ []byte, resource *yaml.RNode) ([]byte, error) {
	indent, wide := indentation(resource.YNode())
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(indent)
	if wide {
		encoder.DefaultSeqIndent()
	} else {
		encoder.CompactSeqIndent()
	}
	if err := encoder.Encode(resource.Document()); err != nil {
		return nil, err
	}
	if err := encoder.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// indentation returns by how many columns the first nested mapping is indented
// (2 where there is none), and whether the first list is indented, too.
func indentation(root *yaml.Node) (columns int, wideLists bool) {
	const usual = 2
	var list bool
	var visit func(n *yaml.Node)
	visit = func(n *yaml.Node) {
		for i, value := range n.Content {
			if value.Style&yaml.FlowStyle != 0 || len(value.Content) == 0 {
				continue
			}
			if n.Kind == yaml.MappingNode && i%2 == 1 && n.Line > 0 {
				by := value.Content[0].Column - n.Content[i-1].Column
				switch {
				case value.Kind == yaml.MappingNode && columns == 0 && by >= usual:
					columns = by
				case value.Kind == yaml.SequenceNode && !list:
					list, wideLists = true, value.Column > n.Content[i-1].Column
				}
			}
			visit(value)
		}
	}
	visit(root)
	if columns < usual || columns > 9 { // what the writer takes
		columns = usual
	}
	return columns, wideLists
}
