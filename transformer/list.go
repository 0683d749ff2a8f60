package transformer

import (
	"fmt"
	"reflect"
	"slices"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// entryPath returns the path of an entry of a list, by its name if it has one.
func entryPath(list field, entry *yaml.Node) string {
	if name := (field{node: entry}).textOr("name"); name != "" {
		return fmt.Sprintf("%s.[name=%s]", list.path, name)
	}
	return list.path
}

// removeEntry takes an entry out of a list.
func (e *editor) removeEntry(list, entry field) {
	if i := slices.Index(list.node.Content, entry.node); i >= 0 {
		e.note(entryPath(list, entry.node), entry.node, nil, "must not be there")
		list.node.Content = slices.Delete(list.node.Content, i, i+1)
	}
}

// replaceEntry puts another entry into the place of one.
func (e *editor) replaceEntry(list field, old, entry *yaml.Node) {
	was, is := field{path: entryPath(list, old), node: old}, field{node: entry}
	if was.textOr("value") != "" && is.textOr("value") != "" { // an env variable
		e.note(was.path+".value", old.Content[indexOf(old, "value")+1], entry.Content[indexOf(entry, "value")+1], "must be")
	} else {
		e.note(was.path, nil, nil, "is not as configured")
	}
	keepComments(old, entry)
	list.node.Content[slices.Index(list.node.Content, old)] = entry
}

// insertAfter puts an entry behind another one.
func (e *editor) insertAfter(list field, other, entry *yaml.Node) {
	e.note(entryPath(list, entry), nil, entry, "is missing")
	list.node.Content = slices.Insert(list.node.Content, slices.Index(list.node.Content, other)+1, entry)
}

// reconcileList makes the function's own entries of a list those that are
// wanted: in the places of the old ones, else behind them, else at the end.
func (e *editor) reconcileList(parent field, key string, own func(entry field) (bool, error), want []any) error {
	list, err := parent.get(key)
	if err != nil {
		return err
	}
	items, err := list.items()
	if err != nil {
		return err
	}
	var old []*yaml.Node
	for _, item := range items {
		ours, err := own(item)
		if err != nil {
			return err
		}
		if ours {
			old = append(old, item.node)
		}
	}
	for i, w := range want {
		n, err := node(w)
		if err != nil {
			return err
		}
		switch {
		case i < len(old):
			if !sameValue(old[i], n) {
				e.replaceEntry(list, old[i], n)
				old[i] = n
			}
		case len(old) > 0:
			e.insertAfter(list, old[len(old)-1], n)
			old = append(old, n)
		default:
			if list, err = e.ensureList(parent, key); err != nil {
				return err
			}
			e.add(list, n)
			old = append(old, n)
		}
	}
	for _, n := range old[min(len(want), len(old)):] {
		e.removeEntry(list, field{node: n})
		e.removeEmpty(parent, key, true)
	}
	return nil
}

// isNamed tells whether an entry of a list has one of the names.
func isNamed(names ...string) func(field) (bool, error) {
	return func(entry field) (bool, error) {
		name, err := entry.textAt("name")
		return slices.Contains(names, name), err
	}
}

// keepComments moves the comments around an entry to the one in its place.
func keepComments(old, entry *yaml.Node) {
	entry.HeadComment, entry.FootComment = old.HeadComment, old.FootComment
	if len(old.Content) > 0 && len(entry.Content) > 0 {
		entry.Content[0].HeadComment = old.Content[0].HeadComment
	}
}

// sameValue compares an entry that is there with one that is wanted, without
// regard to the order of keys, which kustomize sorts, and to what the API server
// fills in.
func sameValue(have, want *yaml.Node) bool {
	var x, y any
	if have.Decode(&x) != nil || want.Decode(&y) != nil {
		return false
	}
	return reflect.DeepEqual(withoutDefaults(x), withoutDefaults(y))
}

// withoutDefaults removes the fields that the API server fills in.
func withoutDefaults(value any) any {
	switch v := value.(type) {
	case map[string]any:
		for _, key := range []string{"defaultMode", "recursiveReadOnly", "terminationMessagePath", "terminationMessagePolicy", "imagePullPolicy"} {
			delete(v, key)
		}
		for key, child := range v {
			v[key] = withoutDefaults(child)
		}
	case []any:
		for i, child := range v {
			v[i] = withoutDefaults(child)
		}
	}
	return value
}
