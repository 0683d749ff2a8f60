package krm

import (
	"fmt"
	"reflect"
	"slices"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"fluxtrust.dev/flux-trust/internal/quote"
)

// oldEntryPath returns the path of an entry of a list, by its name if it has one.
func oldEntryPath(list Field, entry *yaml.Node) string {
	if name := (Field{Node: entry}).TextOr("name"); name != "" {
		return fmt.Sprintf("%s.[name=%s]", list.Path, quote.Name(name))
	}
	return list.Path
}

// RemoveEntry takes an entry out of a list.
func (e *Editor) RemoveEntry(list, entry Field) {
	if i := slices.Index(list.Node.Content, entry.Node); i >= 0 {
		e.Note(oldEntryPath(list, entry.Node), entry.Node, nil, "must not be there")
		list.Node.Content = slices.Delete(list.Node.Content, i, i+1)
	}
}

// replaceEntry puts another entry into the place of one.
func (e *Editor) replaceEntry(list Field, old, entry *yaml.Node) {
	was, is := Field{Path: oldEntryPath(list, old), Node: old}, Field{Node: entry}
	if was.TextOr("value") != "" && is.TextOr("value") != "" { // an env variable
		e.Note(was.Path+".value", old.Content[IndexOf(old, "value")+1], entry.Content[IndexOf(entry, "value")+1], "must be")
	} else {
		e.Note(was.Path, nil, nil, "is not as configured")
	}
	keepComments(old, entry)
	list.Node.Content[slices.Index(list.Node.Content, old)] = entry
}

// insertAfter puts an entry behind another one.
func (e *Editor) insertAfter(list Field, other, entry *yaml.Node) {
	e.Note(oldEntryPath(list, entry), nil, entry, "is missing")
	list.Node.Content = slices.Insert(list.Node.Content, slices.Index(list.Node.Content, other)+1, entry)
}

// ReconcileList makes the function's own entries of a list those that are
// wanted: in the places of the old ones, else behind them, else at the end.
func (e *Editor) ReconcileListE(parent Field, key string, own func(entry Field) (bool, error), want []any) error {
	list, err := parent.GetE(key)
	if err != nil {
		return err
	}
	items, err := list.ItemsE()
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
			old = append(old, item.Node)
		}
	}
	for i, w := range want {
		n, err := Node(w)
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
			if list, err = e.EnsureListE(parent, key); err != nil {
				return err
			}
			e.Add(list, n)
			old = append(old, n)
		}
	}
	for _, n := range old[min(len(want), len(old)):] {
		e.RemoveEntry(list, Field{Node: n})
		e.RemoveEmpty(parent, key, true)
	}
	return nil
}

// IsNamedE tells whether an entry of a list has one of the names.
func IsNamedE(names ...string) func(Field) (bool, error) {
	return func(entry Field) (bool, error) {
		name, err := entry.TextAtE("name")
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
