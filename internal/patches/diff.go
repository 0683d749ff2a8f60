package patches

import (
	"fmt"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"fluxtrust.dev/flux-trust/internal/krm"
	"fluxtrust.dev/flux-trust/internal/quote"
)

// Error says that a change cannot be expressed as a patch.
type Error struct {
	// Path is the field, for example spec.template.spec.containers.
	Path string
	// Message says why, and what to do.
	Message string
}

func (e *Error) Error() string { return e.Path + ": " + e.Message }

// mergeKeys returns the fields that tell the entries of a list apart when
// Kubernetes and kustomize merge it, or nothing for a list that is replaced as
// a whole. They are those of the OpenAPI document of Kubernetes
// (x-kubernetes-patch-merge-key, x-kubernetes-list-map-keys).
func mergeKeys(list string) []string {
	switch list {
	case "containers", "initContainers", "volumes", "env":
		return []string{"name"}
	case "volumeMounts":
		return []string{"mountPath"}
	default:
		return nil
	}
}

// isAtomic tells whether a patch replaces a list as a whole.
func isAtomic(list string) bool {
	return slices.Contains([]string{"add", "drop", "sources", "items", "command", "args", "sysctls"}, list)
}

// isOrdered tells whether the order of a list that is merged has a meaning.
func isOrdered(list string) bool { return list == "containers" || list == "initContainers" }

// Diff returns the patch that makes a resource before the one after, without
// the fields that say which resource it is, or nil where both are the same.
// Neither may hold aliases. The error is an *Error.
//
// Strategic merge in kustomize puts the entries of the patch in front of those
// that it does not name. Where that would change an order that matters, the
// patch names all entries, in their order.
func Diff(before, after *yaml.Node) (*yaml.Node, error) {
	return diffMapping("", before, after)
}

func diffMapping(path string, before, after *yaml.Node) (*yaml.Node, error) {
	patch := &yaml.Node{Kind: yaml.MappingNode, Tag: yaml.NodeTagMap}
	for i := 0; i+1 < len(after.Content); i += 2 {
		key, value := after.Content[i].Value, after.Content[i+1]
		change, err := diffValue(join(path, key), key, lookup(before, key), value)
		if err != nil {
			return nil, err
		}
		if change != nil {
			set(patch, key, change)
		}
	}
	for i := 0; i+1 < len(before.Content); i += 2 {
		if key := before.Content[i].Value; lookup(after, key) == nil && !isNull(before.Content[i+1]) {
			set(patch, key, null())
		}
	}
	if len(patch.Content) == 0 {
		return nil, nil
	}
	return patch, nil
}

func diffValue(path, key string, before, after *yaml.Node) (*yaml.Node, error) {
	switch {
	case before == nil && isNull(after), before != nil && krm.Equal(before, after):
		return nil, nil
	case before != nil && isQuoted(before) && after.Kind == yaml.ScalarNode && after.ShortTag() != yaml.NodeTagString:
		return nil, &Error{path, fmt.Sprintf("is the string %q, and kustomize keeps the quotes; write it without", quote.Word(before.Value))}
	case before == nil || before.Kind != after.Kind || after.Kind == yaml.ScalarNode:
		return plain(after), nil
	case after.Kind == yaml.MappingNode:
		return diffMapping(path, before, after)
	case len(mergeKeys(key)) > 0:
		return diffList(path, key, before, after)
	case isAtomic(key):
		return plain(after), nil
	default:
		return nil, &Error{path, "this list cannot be changed by a patch that fits; run the function over the manifests instead, and use its output"}
	}
}

// diffList compares lists whose entries have names.
func diffList(path, list string, before, after *yaml.Node) (*yaml.Node, error) {
	had, err := entries(path, list, before)
	if err != nil {
		return nil, err
	}
	has, err := entries(path, list, after)
	if err != nil {
		return nil, err
	}
	patch := &yaml.Node{Kind: yaml.SequenceNode, Tag: yaml.NodeTagSeq}
	var changed []string
	changes := map[string]*yaml.Node{}
	for _, id := range has.ids {
		change := plain(has.nodes[id])
		if old := had.nodes[id]; old != nil {
			if change, err = diffMapping(path+".["+id+"]", old, has.nodes[id]); err != nil {
				return nil, err
			}
			if change == nil {
				continue
			}
			change = identified(list, has.nodes[id], change)
		}
		changes[id] = change
		changed = append(changed, id)
	}
	if !inOrder(list, had.ids, has.ids, changed) {
		changed = has.ids
	}
	for _, id := range changed {
		if changes[id] == nil {
			changes[id] = identified(list, has.nodes[id], &yaml.Node{Kind: yaml.MappingNode, Tag: yaml.NodeTagMap})
		}
		patch.Content = append(patch.Content, changes[id])
	}
	for _, id := range had.ids {
		if has.nodes[id] == nil {
			gone := identified(list, had.nodes[id], &yaml.Node{Kind: yaml.MappingNode, Tag: yaml.NodeTagMap})
			set(gone, "$patch", &yaml.Node{Kind: yaml.ScalarNode, Tag: yaml.NodeTagString, Value: "delete"})
			patch.Content = append(patch.Content, gone)
		}
	}
	return patch, nil
}

// inOrder tells whether the entries stand as they should when those that are
// changed move to the front. Where the order has no meaning, new ones may stand
// anywhere; old ones may refer to each other ($(VAR) in env).
func inOrder(list string, before, after, changed []string) bool {
	merged := slices.Clone(changed)
	for _, id := range before {
		if !slices.Contains(changed, id) && slices.Contains(after, id) {
			merged = append(merged, id)
		}
	}
	if isOrdered(list) {
		return slices.Equal(merged, after)
	}
	isNew := func(id string) bool { return !slices.Contains(before, id) }
	return slices.Equal(slices.DeleteFunc(merged, isNew), slices.DeleteFunc(slices.Clone(after), isNew))
}

// index holds the entries of a list by what tells them apart.
type index struct {
	ids   []string
	nodes map[string]*yaml.Node
}

func entries(path, list string, n *yaml.Node) (index, error) {
	found := index{nodes: map[string]*yaml.Node{}}
	for _, entry := range n.Content {
		var id []string
		for _, key := range mergeKeys(list) {
			value := lookup(entry, key)
			if value == nil || value.Kind != yaml.ScalarNode {
				return index{}, &Error{path, "an entry has no " + key + ", so no patch can name it"}
			}
			id = append(id, key+"="+value.Value)
		}
		name := strings.Join(id, ",")
		if found.nodes[name] != nil {
			return index{}, &Error{path + ".[" + name + "]", "appears twice, so no patch can name it; remove one"}
		}
		found.ids = append(found.ids, name)
		found.nodes[name] = entry
	}
	return found, nil
}

// identified puts what tells an entry apart in front of a change of it.
func identified(list string, entry, change *yaml.Node) *yaml.Node {
	out := &yaml.Node{Kind: yaml.MappingNode, Tag: yaml.NodeTagMap}
	for _, key := range mergeKeys(list) {
		set(out, key, plain(lookup(entry, key)))
	}
	out.Content = append(out.Content, change.Content...)
	return out
}

// plain returns a copy without comments, in the style of the writer.
func plain(n *yaml.Node) *yaml.Node {
	out := &yaml.Node{Kind: n.Kind, Tag: n.ShortTag(), Value: n.Value}
	for _, child := range n.Content {
		out.Content = append(out.Content, plain(child))
	}
	return out
}

func isQuoted(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0
}

func null() *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: yaml.NodeTagNull, Value: "null"}
}

func isNull(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && n.ShortTag() == yaml.NodeTagNull
}

// lookup returns the value of a key of a mapping, or nil where it is absent or
// null.
func lookup(mapping *yaml.Node, key string) *yaml.Node {
	if mapping == nil || mapping.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == key && !isNull(mapping.Content[i+1]) {
			return mapping.Content[i+1]
		}
	}
	return nil
}

func set(mapping *yaml.Node, key string, value *yaml.Node) {
	mapping.Content = append(mapping.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: yaml.NodeTagString, Value: key}, value)
}

func join(path, key string) string { return strings.TrimPrefix(fmt.Sprintf("%s.%s", path, key), ".") }
