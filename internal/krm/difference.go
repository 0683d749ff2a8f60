package krm

import (
	"fmt"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"fluxtrust.dev/flux-trust/internal/quote"
)

// Difference is a field that is not the same before and after. Current and
// Proposed are scalars; nil stands for what is absent, and for a list or mapping that is
// new or goes. Where one stands for another value, it is a Summary.
type Difference struct {
	Path              string
	Current, Proposed any

	// change says what has to become of a list or mapping.
	change change
}

// Summary is a list or mapping in one line, for people.
type Summary string

// change is what has to become of a field.
type change uint8

const (
	changed change = iota
	added
	removed
)

// At is the difference of a field of which only the place is told.
func At(path string) Difference { return Difference{Path: path} }

// safe returns a difference for a message: the values are those of fields that the
// function sets, and what is none of these is not shown.
func (d Difference) safe() Difference {
	d.Path, d.Current, d.Proposed = quote.FieldPath(d.Path), safe(d.Current), safe(d.Proposed)
	return d
}

// safe keeps booleans and numbers.
func safe(value any) any {
	if text, ok := value.(string); ok {
		return quote.Value(text)
	}
	return value
}

// Message says what differs, as a demand.
func (d Difference) Message() string {
	d = d.safe()
	switch {
	case d.Current == nil && d.Proposed == nil && d.change == added, d.Current == nil && isHidden(d.Proposed):
		return "is missing"
	case d.Current == nil && d.Proposed == nil && d.change == removed:
		return "must not be there"
	case d.Current == nil && d.Proposed == nil, isHidden(d.Current) && isHidden(d.Proposed):
		return "is not as configured"
	case d.Current == nil:
		return fmt.Sprintf("is missing; it must be %s", show(d.Proposed))
	case d.Proposed == nil:
		return fmt.Sprintf("is %s; it must not be set", show(d.Current))
	default:
		return fmt.Sprintf("is %s; it must be %s", show(d.Current), show(d.Proposed))
	}
}

func isHidden(value any) bool {
	text, ok := value.(string)
	return ok && quote.IsHidden(text)
}

// value returns a scalar, or the summary of a list or mapping.
func value(n *yaml.Node) any {
	if n.Kind == yaml.ScalarNode {
		return scalar(n)
	}
	const longest = 200
	text := []rune(summary(n))
	if len(text) > longest {
		text = append(text[:longest], '…')
	}
	return Summary(text)
}

// summary shows of a list or mapping what a message may show of each value.
func summary(n *yaml.Node) string {
	n = Resolve(n)
	parts := make([]string, 0, len(n.Content))
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			parts = append(parts, quote.Key(n.Content[i].Value)+": "+summary(n.Content[i+1]))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	case yaml.SequenceNode:
		for _, entry := range n.Content {
			parts = append(parts, summary(entry))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	default:
		return show(safe(scalar(n)))
	}
}

// show writes a scalar so that "true" and true can be told apart.
func show(value any) string {
	text, ok := value.(string)
	if !ok {
		return fmt.Sprint(value)
	}
	plain := &yaml.Node{Kind: yaml.ScalarNode, Value: text}
	if plain.ShortTag() != yaml.NodeTagString {
		return `the string "` + text + `"`
	}
	return text
}

// Equal reports whether two nodes mean the same: their style, comments, anchors and
// the order of keys do not count.
func Equal(a, b *yaml.Node) bool {
	a, b = Resolve(a), Resolve(b)
	if a.Kind != b.Kind || a.ShortTag() != b.ShortTag() || len(a.Content) != len(b.Content) {
		return false
	}
	switch a.Kind {
	case yaml.ScalarNode:
		return a.Value == b.Value
	case yaml.MappingNode:
		values := valuesOf(b)
		for i := 0; i+1 < len(a.Content); i += 2 {
			value := b.Content[i+1] // mostly the keys stand in the same order
			if b.Content[i].Value != a.Content[i].Value {
				value = values(a.Content[i].Value)
			}
			if value == nil || !Equal(a.Content[i+1], value) {
				return false
			}
		}
		return true
	default:
		return slices.EqualFunc(a.Content, b.Content, Equal)
	}
}

// valuesOf returns a look-up of the values of a mapping, which is read once.
func valuesOf(mapping *yaml.Node) func(key string) *yaml.Node {
	var values map[string]*yaml.Node
	return func(key string) *yaml.Node {
		if mapping != nil && values == nil {
			values = make(map[string]*yaml.Node, len(mapping.Content)/2)
			for i := 0; i+1 < len(mapping.Content); i += 2 {
				values[mapping.Content[i].Value] = mapping.Content[i+1]
			}
		}
		return values[key]
	}
}

// Differences returns what has to change in a field to make it another one: scalar
// by scalar, but that an entry of a list that has a name counts as a whole where it
// is new or gone.
func Differences(before, after Field) []Difference {
	return differences(nil, before.Path, before.Node, after.Node)
}

func differences(found []Difference, path string, before, after *yaml.Node) []Difference {
	before, after = present(before), present(after)
	if before == nil && after == nil || before != nil && after != nil && Equal(before, after) {
		return found
	}
	switch shape(before, after) {
	case yaml.MappingNode:
		return mappingDifferences(found, path, before, after)
	case yaml.SequenceNode:
		return listDifferences(found, path, before, after)
	default:
		d := Difference{Path: path, Current: scalar(before), Proposed: scalar(after)}
		switch {
		case before != nil && after != nil:
			d.Current, d.Proposed = value(before), value(after)
		case before == nil:
			d.change = added
		case after == nil:
			d.change = removed
		}
		return append(found, d)
	}
}

// shape returns the kind of what has to be looked into: what both are, or what is new
// and not empty.
func shape(before, after *yaml.Node) yaml.Kind {
	if after == nil || before == nil && len(after.Content) == 0 || before != nil && before.Kind != after.Kind {
		return yaml.ScalarNode
	}
	return after.Kind
}

func mappingDifferences(found []Difference, path string, before, after *yaml.Node) []Difference {
	was, is := valuesOf(before), valuesOf(after)
	for i := 0; i+1 < len(after.Content); i += 2 {
		key := after.Content[i].Value
		found = differences(found, below(path, key), was(key), after.Content[i+1])
	}
	if before == nil {
		return found
	}
	for i := 0; i+1 < len(before.Content); i += 2 {
		if key := before.Content[i].Value; is(key) == nil {
			found = differences(found, below(path, key), before.Content[i+1], nil)
		}
	}
	return found
}

func below(path, key string) string { return strings.TrimPrefix(path+"."+quote.Key(key), ".") }

// listDifferences pairs entries, and tells of those without a partner.
func listDifferences(found []Difference, path string, before, after *yaml.Node) []Difference {
	var old []*yaml.Node
	if before != nil {
		old = before.Content
	}
	first, last := unchanged(old, after.Content)
	old, entries := slices.Clone(old[first:len(old)-last]), after.Content[first:len(after.Content)-last]
	pairs := pair(old, entries)
	count := len(found)
	for i, entry := range entries {
		at := entryPath(path, first+i, Resolve(entry))
		switch {
		case pairs[i] != nil:
			found = differences(found, at, pairs[i], entry)
		case entryName(Resolve(entry)) != nil:
			found = append(found, Difference{Path: at, change: added})
		default:
			found = differences(found, at, nil, entry)
		}
	}
	for i, n := range old {
		if n != nil {
			found = append(found, Difference{Path: entryPath(path, first+i, Resolve(n)), Current: scalar(n), change: removed})
		}
	}
	if len(found) == count { // the same entries in another order
		found = append(found, Difference{Path: path, Current: value(before), Proposed: value(after)})
	}
	return found
}

// unchanged counts the entries in front of and behind all changes, which need no search.
func unchanged(old, entries []*yaml.Node) (first, last int) {
	shorter := min(len(old), len(entries))
	for first < shorter && Equal(old[first], entries[first]) {
		first++
	}
	for last < shorter-first && Equal(old[len(old)-1-last], entries[len(entries)-1-last]) {
		last++
	}
	return first, last
}

// pair takes the partner of each entry out of the old ones: one that is the same, else
// one of the same name, else for one without a name the next without.
func pair(old, entries []*yaml.Node) []*yaml.Node {
	pairs := make([]*yaml.Node, len(entries))
	for _, fits := range []func(old, entry *yaml.Node) bool{Equal, isSuccessor} {
		for i, entry := range entries {
			at := slices.IndexFunc(old, func(n *yaml.Node) bool { return n != nil && fits(Resolve(n), Resolve(entry)) })
			if at >= 0 && pairs[i] == nil {
				pairs[i], old[at] = old[at], nil
			}
		}
	}
	return pairs
}

func isSuccessor(old, entry *yaml.Node) bool {
	a, b := entryName(old), entryName(entry)
	if a == nil || b == nil {
		return a == b && old.Kind == entry.Kind
	}
	return a.Value == b.Value
}

// present follows aliases and returns nil for null.
func present(n *yaml.Node) *yaml.Node {
	if n == nil || isNull(Resolve(n)) {
		return nil
	}
	return Resolve(n)
}

// scalar returns the value of a scalar, or nil.
func scalar(n *yaml.Node) any {
	if n == nil || n.Kind != yaml.ScalarNode {
		return nil
	}
	var value any
	if err := n.Decode(&value); err != nil {
		return n.Value
	}
	return value
}
