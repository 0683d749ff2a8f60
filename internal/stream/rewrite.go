package stream

import (
	"bytes"
	"errors"
	"slices"
	"strings"

	"github.com/aymanbagabas/go-udiff"
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
func rewrite(text []byte, original, changed *yaml.RNode, isJSON bool, readsBack func(text []byte) bool) ([]byte, error) {
	ours, allCRLF := withLF(text)
	noNewline := !bytes.HasSuffix(ours, []byte("\n"))
	if noNewline {
		ours = append(slices.Clone(ours), '\n')
	}
	finish := func(out []byte) []byte {
		if noNewline {
			out = bytes.TrimSuffix(out, []byte("\n"))
		}
		if allCRLF {
			out = bytes.ReplaceAll(out, []byte("\n"), []byte("\r\n"))
		}
		return out
	}

	encode := encodeYAML
	if isJSON {
		encode = encodeJSON
	}
	base, err := encode(ours, withoutAnchors(original))
	if err != nil {
		return nil, err
	}
	plain, err := encode(ours, changed)
	if err != nil {
		return nil, err
	}
	for _, adapt := range []func(change, style []udiff.Edit, base string) []udiff.Edit{align, nil} {
		if merged, ok := merge(string(base), string(ours), string(plain), adapt); ok {
			if out := finish(merged); readsBack(out) {
				return out, nil
			}
		}
	}
	if out := finish(plain); readsBack(out) {
		return out, nil
	}
	return nil, errors.New("cannot be written so that it reads back as it was meant; write it without unusual YAML")
}

// withoutAnchors returns a resource in which everything that an alias refers to is
// written out, without its anchor. The changed resource has it like that; so the
// anchor is style, and stays.
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

// merge applies to base what leads to theirs, and, wherever that leaves the
// lines alone, what leads to ours. The change may be adapted to the style first.
func merge(base, ours, theirs string, adapt func(change, style []udiff.Edit, base string) []udiff.Edit) ([]byte, bool) {
	change, style := udiff.Lines(base, theirs), styleEdits(base, ours)
	if adapt != nil {
		change = adapt(change, style, base)
	}
	style = slices.DeleteFunc(style, func(s udiff.Edit) bool {
		return slices.ContainsFunc(change, func(c udiff.Edit) bool { return s.Start < c.End && c.Start < s.End })
	})
	// At the same place the change comes first: a blank line after a list
	// stays behind what is appended to the list.
	edits, ok := udiff.Merge(change, style)
	if !ok {
		return nil, false
	}
	merged, err := udiff.ApplyBytes([]byte(base), edits)
	return merged, err == nil
}

// styleEdits returns what leads from base to ours. Lines that differ in white
// space alone are paired, so that each is an edit of its own and a change
// displaces no more style than that of its own lines.
func styleEdits(base, ours string) []udiff.Edit {
	baseLines, ourLines := strings.SplitAfter(base, "\n"), strings.SplitAfter(ours, "\n")
	folded := foldSpace(baseLines)
	lineAt := func(offset int) int { return strings.Count(folded[:offset], "\n") }

	var edits []udiff.Edit
	line, ourLine, offset := 0, 0, 0
	pair := func(until int) {
		for ; line < until; line, ourLine = line+1, ourLine+1 {
			end := offset + len(baseLines[line])
			if baseLines[line] != ourLines[ourLine] {
				edits = append(edits, udiff.Edit{Start: offset, End: end, New: ourLines[ourLine]})
			}
			offset = end
		}
	}
	for _, e := range udiff.Lines(folded, foldSpace(ourLines)) {
		pair(lineAt(e.Start))
		first, start, count := ourLine, offset, strings.Count(e.New, "\n")
		for ; line < lineAt(e.End); line++ {
			offset += len(baseLines[line])
		}
		ourLine += count
		edits = append(edits, udiff.Edit{Start: start, End: offset, New: strings.Join(ourLines[first:ourLine], "")})
	}
	pair(len(baseLines))
	return edits
}

// foldSpace joins lines with every run of white space in them folded.
func foldSpace(lines []string) string {
	var out strings.Builder
	for i, line := range lines {
		out.WriteString(strings.Join(strings.Fields(line), " "))
		if i < len(lines)-1 {
			out.WriteByte('\n')
		}
	}
	return out.String()
}

// readsAs tells whether a text is a document that reads as a resource.
func readsAs(resource *yaml.RNode) func(text []byte) bool {
	return func(text []byte) bool {
		documents, err := parse(chunk{body: text, line: 1}, nil, maxParsed)
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
