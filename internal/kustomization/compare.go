package kustomization

import (
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"reflect"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"fluxtrust.dev/flux-trust/internal/krm"
	"fluxtrust.dev/flux-trust/internal/quote"
)

// transformations is an annotation with everything that kustomize has done.
const transformations = "alpha.config.kubernetes.io/transformations"

// id tells the objects of a build apart.
type id struct{ apiVersion, kind, namespace, name string }

func idOf(o *yaml.RNode) id {
	return id{o.GetApiVersion(), o.GetKind(), o.GetNamespace(), o.GetName()}
}

func (i id) String() string {
	return strings.TrimSpace(quote.Kind(i.kind) + " " + strings.TrimPrefix(quote.Name(i.namespace)+"/"+quote.Name(i.name), "/"))
}

// world is what a folder builds, as it is compared: objects by their ids, without
// marks, and which of them the config means by a name.
type world struct {
	objects map[id]*yaml.RNode
	// meant are the objects by the names that the config has for them.
	meant map[id]id
	// loose are those objects whose lists are compared by names: selected workloads.
	loose map[id]bool
}

// newWorld takes the marks off objects.
func newWorld(objects []*yaml.RNode) (world, error) {
	w := world{objects: map[id]*yaml.RNode{}, meant: map[id]id{}, loose: map[id]bool{}}
	for _, o := range objects {
		if o == nil {
			continue
		}
		work := o.Copy()
		configured, _, err := takeMarks(work)
		if err != nil {
			return w, err
		}
		if _, err := takeAnnotation(work, previousNames); err != nil {
			return w, err
		}
		// What a build says about itself names patches.
		if _, err := takeAnnotation(work, transformations); err != nil {
			return w, err
		}
		if err := yaml.ClearEmptyAnnotations(work); err != nil { // which marks may have been among
			return w, err
		}
		own := idOf(work)
		w.objects[own] = work
		if configured != "" {
			w.meant[id{kind: own.kind, namespace: own.namespace, name: configured}] = own
		}
	}
	return w, nil
}

// unlike is a place in which two worlds differ.
type unlike struct {
	object id
	// path is "" for the object as a whole.
	path      string
	want, got any
	// shown says that the values may be shown: those of a workload.
	shown bool
}

func (u unlike) String() string {
	switch {
	case u.path == "" && u.got == nil:
		return u.object.String() + " is gone"
	case u.path == "":
		return u.object.String() + " is new"
	case !u.shown:
		return fmt.Sprintf("%s: %s is another one", u.object, quote.FieldPath(u.path))
	}
	got, want := inShort(u.got), inShort(u.want)
	if got == want {
		return fmt.Sprintf("%s: %s is not as the function makes it", u.object, quote.FieldPath(u.path))
	}
	return fmt.Sprintf("%s: %s is %s and must be %s", u.object, quote.FieldPath(u.path), got, want)
}

// inShort shows what a message can show of a value.
func inShort(value any) string {
	switch value := value.(type) {
	case nil:
		return "absent"
	case string:
		kind, name, isObject := strings.Cut(value, " ") // as a world has references
		if quote.Value(value) == value || isObject && quote.Kind(kind) == kind && quote.Name(name) == name && krm.IsName(name) {
			return fmt.Sprintf("%q", value)
		}
		return "another text"
	case bool, int, float64:
		return fmt.Sprint(value)
	case []any:
		return "a list of " + fmt.Sprint(len(value))
	}
	return "something else"
}

// differences returns where a world is not what is wanted.
func (w world) differences(got world) ([]unlike, error) {
	var found []unlike
	ids := map[id]bool{}
	for i := range w.objects {
		ids[i] = true
	}
	for i := range got.objects {
		ids[i] = true
	}
	sorted := slices.SortedFunc(maps.Keys(ids), func(a, b id) int { return strings.Compare(a.String()+a.apiVersion, b.String()+b.apiVersion) })
	for _, i := range sorted {
		x, y := w.objects[i], got.objects[i]
		switch {
		case x == nil:
			found = append(found, unlike{object: i, got: true})
			continue
		case y == nil:
			found = append(found, unlike{object: i, want: true})
			continue
		}
		wanted, err := w.value(i, w.loose[i])
		if err != nil {
			return nil, err
		}
		is, err := got.value(i, w.loose[i])
		if err != nil {
			return nil, err
		}
		for _, u := range compare(nil, i, "", wanted, is) {
			u.shown = w.loose[i]
			found = append(found, u)
		}
	}
	return found, nil
}

// compare returns a *DifferentError where a build is not as it is to be.
func (w world) compare(where string, objects []*yaml.RNode) error {
	got, err := newWorld(objects)
	if err != nil {
		return err
	}
	got.meant = nil // a name in a build is that of an object, or of none
	differ, err := w.differences(got)
	if err != nil || len(differ) == 0 {
		return err
	}
	return &DifferentError{Where: where, differences: differ}
}

// value returns an object as plain values. In a loose one the order of env variables,
// volumes and mounts does not count, and a projected volume refers to objects and not
// to names: a build gives both another one.
func (w world) value(i id, loose bool) (any, error) {
	text, err := w.objects[i].MarshalJSON()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", i, err)
	}
	var value any
	if err := json.Unmarshal(text, &value); err != nil {
		return nil, fmt.Errorf("%s: %w", i, err)
	}
	if loose {
		value = w.loosened(i.namespace, "", value)
	}
	return value, nil
}

// listKeys are the fields that tell the entries of a list apart whose order does not
// count.
func listKeys(list string) string {
	return map[string]string{"env": "name", "volumes": "name", "volumeMounts": "mountPath"}[list]
}

func (w world) loosened(namespace, key string, value any) any {
	switch value := value.(type) {
	case map[string]any:
		for k, v := range value {
			if v == nil { // as the API server sees it
				delete(value, k)
				continue
			}
			value[k] = w.loosened(namespace, k, v)
		}
		if kind := map[string]string{"configMap": "ConfigMap", "secret": "Secret", "secretKeyRef": "Secret"}[key]; kind != "" {
			if name, ok := value["name"].(string); ok {
				value["name"] = w.object(kind, namespace, name)
			}
		}
		return value
	case []any:
		for i := range value {
			value[i] = w.loosened(namespace, key+"[]", value[i])
		}
		by := listKeys(key)
		if by == "" {
			return value
		}
		entries := map[string]any{}
		for _, entry := range value {
			e, _ := entry.(map[string]any)
			name := fmt.Sprint(e[by])
			if by == "mountPath" {
				name = path.Clean(name)
			}
			if _, twice := entries[name]; twice || e[by] == nil {
				return value // the order may count
			}
			entries[name] = entry
		}
		return entries
	default:
		return value
	}
}

// object returns what a name refers to, in words: an object of the namespace, or one
// without a namespace, which may be put into any.
func (w world) object(kind, namespace, name string) string {
	for _, namespace := range []string{namespace, ""} {
		own := id{"v1", kind, namespace, name}
		if _, ok := w.objects[own]; ok {
			return own.String()
		}
		if meant, ok := w.meant[id{kind: kind, namespace: namespace, name: name}]; ok {
			return meant.String()
		}
	}
	return name
}

func compare(found []unlike, i id, at string, want, got any) []unlike {
	if reflect.DeepEqual(want, got) {
		return found
	}
	x, isMap := want.(map[string]any)
	y, bothMaps := got.(map[string]any)
	if isMap && bothMaps {
		keys := map[string]bool{}
		for k := range x {
			keys[k] = true
		}
		for k := range y {
			keys[k] = true
		}
		for _, k := range slices.Sorted(maps.Keys(keys)) {
			found = compare(found, i, strings.TrimPrefix(at+"."+k, "."), x[k], y[k])
		}
		return found
	}
	a, isList := want.([]any)
	b, bothLists := got.([]any)
	if isList && bothLists && len(a) == len(b) {
		for j := range a {
			found = compare(found, i, fmt.Sprintf("%s[%d]", at, j), a[j], b[j])
		}
		return found
	}
	if isMap != bothMaps && want != nil && got != nil { // a list could be read by its names in one of them only
		return append(found, unlike{object: i, path: at, want: "a list of different names", got: "a list in which one appears twice"})
	}
	return append(found, unlike{object: i, path: at, want: want, got: got})
}
