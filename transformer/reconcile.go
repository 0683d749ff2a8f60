package transformer

import (
	"reflect"
	"slices"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// reconcile makes a pod what a plan says, and takes away what an earlier run of
// another plan has left. Entries of the user stay where they are.
func (d *deployment) reconcile(p plan) error {
	if err := d.checkNames(); err != nil {
		return err
	}
	if err := d.reconcileVolumes(p); err != nil {
		return err
	}
	var inits []any
	if p.initContainer != nil {
		inits = []any{p.initContainer}
	}
	if err := d.reconcileList(d.pod, "initContainers", isNamed(initContainer), inits); err != nil {
		return err
	}
	containers, err := d.containers("containers")
	if err != nil {
		return err
	}
	for i, c := range containers {
		mounts, env := p.mounts, p.env
		if !slices.Contains(d.controllers, i) {
			mounts, env = nil, nil
		}
		dir, err := d.mountedAt(c)
		if err != nil {
			return err
		}
		if err := d.reconcileMounts(c, mounts); err != nil {
			return err
		}
		if err := d.reconcileEnv(c, env, dir); err != nil {
			return err
		}
		if err := checkReads(c, p.reads); err != nil && mounts != nil {
			return err
		}
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

// checkNames refuses names that the function writes and somebody else has taken.
func (d *deployment) checkNames() error {
	if d.claimed {
		return nil
	}
	taken := map[string][]string{"volumes": {caVolume, bundleVolume}, "initContainers": {initContainer}}
	for _, key := range []string{"volumes", "initContainers"} {
		list, err := d.pod.get(key)
		if err != nil {
			return err
		}
		for _, name := range taken[key] {
			found, err := list.named(name)
			if err != nil {
				return err
			}
			if len(found) > 0 {
				return found[0].errorf("an entry of this name exists, and no annotation %s says that flux-trust wrote it; rename it", configAnnotation)
			}
		}
	}
	return nil
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
