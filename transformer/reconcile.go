package transformer

import (
	"encoding/json"
	"path"
	"reflect"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/fn/framework"
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/controllers"
)

// previous holds, per container and variable, the literal value that an env
// variable had before the function changed it, or null where there was none.
// It lives in an annotation so that the change can be taken back.
type previous map[string]map[string]*string

func (d *deployment) readPrevious() error {
	const cure = "restore it, or remove it together with the env variables that flux-trust set"
	value, err := d.object.at("metadata", "annotations", previousAnnotation)
	if err != nil {
		return err
	}
	d.previous = previous{}
	text, err := value.text()
	if err != nil || text == "" {
		return err
	}
	if err := json.Unmarshal([]byte(text), &d.previous); err != nil {
		return value.errorf("is not what flux-trust wrote (%v); %s", err, cure)
	}
	if d.previous == nil {
		return value.errorf("is not what flux-trust wrote; %s", cure)
	}
	// A container that was renamed or removed takes its record along.
	for name := range d.previous {
		if !slices.ContainsFunc(d.seen.Containers, func(c controllers.Container) bool { return c.Name == name }) {
			delete(d.previous, name)
		}
	}
	return nil
}

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

// checkReads refuses a directory with roots that Go does not look into.
func checkReads(container field, dir string) error {
	if dir == "" {
		return nil
	}
	entry, value, err := envEntry(container, certDir)
	switch {
	case err != nil:
		return err
	case value == nil || *value == "":
		// https://cs.opensource.google/go/go/+/master:src/crypto/x509/root_linux.go
		if !slices.Contains([]string{v1alpha1.SystemDirectory, "/etc/pki/tls/certs"}, dir) {
			return container.errorf("Go does not look for roots in %s; leave out spec.mount.path, or use spec.mount.method: Directory", dir)
		}
	case !slices.Contains(strings.Split(*value, ":"), dir):
		return entry.errorf("is %s, so Go does not look for roots in %s; append it to the value, or use spec.mount.method: Directory", *value, dir)
	}
	return nil
}

func isNamed(names ...string) func(string) bool {
	return func(name string) bool { return slices.Contains(names, name) }
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

// reconcileVolumes brings the volumes up to date. A source that already carries
// the hash suffix of a finished build keeps it.
func (d *deployment) reconcileVolumes(p plan) error {
	volumes, err := d.pod.get("volumes")
	if err != nil {
		return err
	}
	own, err := volumes.named(caVolume)
	if err != nil {
		return err
	}
	var have []source
	if len(own) > 0 {
		current, err := own[0].at("projected", "sources")
		if err != nil {
			return err
		}
		if !current.exists() {
			return own[0].errorf("is no projected volume any more, as flux-trust wrote it; rename it")
		}
		if err := current.node.Decode(&have); err != nil {
			return current.errorf("is not a list of sources: %v", err)
		}
	}
	d.sources = slices.Clone(p.sources)
	for i := range d.sources {
		d.sources[i] = d.sources[i].keepSuffix(have)
	}
	d.warnDropped(volumes.path, have)
	want := p.volumes
	if len(p.sources) > 0 {
		want = append([]any{map[string]any{"name": caVolume, "projected": map[string]any{"sources": d.sources}}}, want...)
	}
	return d.reconcileList(d.pod, "volumes", isNamed(caVolume, bundleVolume), want)
}

// warnDropped names what an earlier run, or somebody since, has put into the
// volume and what is no longer trusted.
func (d *deployment) warnDropped(at string, have []source) {
	at += ".[name=" + caVolume + "].projected.sources"
	for _, h := range have {
		i := slices.IndexFunc(d.sources, func(s source) bool {
			return s.String() == h.String() || s.name() != "" && sameName(h.name(), withoutSuffix(s.name())) && (h.Secret == nil) == (s.Secret == nil)
		})
		switch {
		case len(d.sources) == 0: // the whole bundle goes
		case i < 0:
			d.report.did(framework.Warning, change{path: at}, "%s is no longer trusted: the config does not name it", h)
		default:
			for _, key := range h.keys() {
				if keys := d.sources[i].keys(); keys != nil && !slices.Contains(keys, key) {
					d.report.did(framework.Warning, change{path: at}, "%s of %s is no longer trusted: the config does not name it", key, h)
				}
			}
		}
	}
}

// mountedAt returns the directory in which an earlier run mounted the bundle.
func (d *deployment) mountedAt(container field) (string, error) {
	mounts, err := container.get("volumeMounts")
	if err != nil {
		return "", err
	}
	for _, name := range []string{caVolume, bundleVolume} {
		own, err := mounts.named(name)
		if err != nil {
			return "", err
		}
		if len(own) > 0 {
			return own[0].textAt("mountPath")
		}
	}
	return "", nil
}

func (d *deployment) reconcileMounts(container field, want []mount) error {
	for _, m := range want {
		if err := checkMounts(container, m); err != nil {
			return err
		}
	}
	entries := make([]any, len(want))
	for i, m := range want {
		entries[i] = m
	}
	return d.reconcileList(container, "volumeMounts", isNamed(caVolume, bundleVolume), entries)
}

// checkMounts refuses a path at, in or around which another volume is mounted:
// one of the two would hide the other, or the runtime could not create the
// mount point in a read-only volume.
func checkMounts(container field, want mount) error {
	mounts, err := container.get("volumeMounts")
	if err != nil {
		return err
	}
	items, err := mounts.items()
	if err != nil {
		return err
	}
	for _, m := range items {
		name, err := m.textAt("name")
		if err != nil {
			return err
		}
		at, err := m.textAt("mountPath")
		if err != nil {
			return err
		}
		at = path.Clean(at)
		if !isNamed(caVolume, bundleVolume)(name) && (within(want.MountPath, at) || within(at, want.MountPath)) {
			return m.errorf("volume %s is mounted at %s, which collides with volume %s at %s; set spec.mount.path to another directory, or use another spec.mount.method",
				name, at, want.Name, want.MountPath)
		}
	}
	return nil
}

// within tells whether a path is the directory or lies in it.
func within(file, dir string) bool {
	return file == dir || dir == "/" || strings.HasPrefix(file, dir+"/")
}

// reconcileEnv sets the variables of a plan in a container and restores those
// that an earlier plan has set. Entries that the user had stay in their places;
// those that the function has created are its own.
func (d *deployment) reconcileEnv(container field, want []variable, dir string) error {
	name, err := container.textAt("name")
	if err != nil {
		return err
	}
	e := envChange{recorded: d.previous[name], record: map[string]*string{}, dir: dir}
	for _, key := range managedEnv() {
		var wanted *variable
		if i := slices.IndexFunc(want, func(v variable) bool { return v.name == key }); i >= 0 {
			wanted = &want[i]
		}
		if err := d.reconcileVariable(container, key, wanted, &e); err != nil {
			return err
		}
	}
	if delete(d.previous, name); len(e.record) > 0 {
		d.previous[name] = e.record
	}
	return d.reconcileList(container, "env", isNamed(e.own...), e.created)
}

// envChange collects what happens to the variables of a container.
type envChange struct {
	// recorded is what an earlier run has written down, record what this one does.
	recorded, record map[string]*string
	// dir is where the earlier run has mounted the bundle.
	dir string
	// own are the entries that an earlier run has created, created those of this.
	own     []string
	created []any
}

func (d *deployment) reconcileVariable(container field, key string, want *variable, e *envChange) error {
	old, known := e.recorded[key]
	if want == nil && !known && !d.lostRecord(e) {
		return nil // never ours
	}
	entry, value, err := envEntry(container, key)
	if err != nil {
		return err
	}
	known = known || d.lostRecord(e) && isOurs(key, value, e.dir)
	was := beforeRun(key, value, old, known, e.dir)
	ours := value == nil || known && old == nil
	switch {
	case want != nil && ours:
		e.record[key] = nil
		e.created, e.own = append(e.created, envVar{key, want.value(was)}), append(e.own, key)
	case want != nil:
		e.record[key] = was
		d.setValue(entry, *value, want.value(was), true)
	case was != nil && value != nil: // the user's, from the start or by an edit since
		d.setValue(entry, *value, *was, false)
	case known:
		e.own = append(e.own, key)
	}
	return nil
}

// lostRecord tells whether an earlier run has changed the Deployment and there is
// no record of the container.
func (d *deployment) lostRecord(e *envChange) bool { return d.claimed && e.recorded == nil }

// isOurs tells whether a value is one that an earlier run has written into a
// container for which there is no record, because it was renamed since.
func isOurs(name string, value *string, dir string) bool {
	return dir != "" && value != nil && *value != noFile && before(name, *value, nil, dir) == nil
}

// beforeRun returns what a variable was before an earlier run, if there was one.
func beforeRun(name string, current, recorded *string, known bool, dir string) *string {
	if known && current != nil {
		return before(name, *current, recorded, dir)
	}
	return current
}

type envVar struct {
	Name  string `yaml:"name"`
	Value string `yaml:"value"`
}

// setValue sets the literal value of an entry that the user has, and warns when
// roots that it named are lost that way.
func (d *deployment) setValue(entry field, current, want string, warn bool) {
	if current == want {
		return
	}
	if warn && current != "" && !strings.HasPrefix(want, current) {
		d.report.did(framework.Warning, change{path: entry.path + ".value", current: current, proposed: want},
			"was %s, whose roots are no longer trusted; add them to spec.caBundle", current)
	}
	d.putText(entry, "value", want)
}

// envEntry returns the entry of a variable in a container and its value, or nil
// when there is none.
func envEntry(container field, name string) (field, *string, error) {
	env, err := container.get("env")
	if err != nil {
		return field{}, nil, err
	}
	entries, err := env.named(name)
	if err != nil || len(entries) == 0 {
		return field{}, nil, err
	}
	if len(entries) > 1 {
		return field{}, nil, entries[0].errorf("stands twice; remove one")
	}
	from, err := entries[0].get("valueFrom")
	if err != nil {
		return field{}, nil, err
	}
	if from.exists() {
		return field{}, nil, from.errorf("the value comes from elsewhere, so it cannot be extended; write a literal value, or exclude the controller under spec.controllers.exclude")
	}
	value, err := entries[0].textAt("value")
	return entries[0], &value, err
}

// reconcileList makes the function's own entries of a list those that are
// wanted: in the places of the old ones, else behind them, else at the end.
func (d *deployment) reconcileList(parent field, key string, own func(name string) bool, want []any) error {
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
		name, err := item.textAt("name")
		if err != nil {
			return err
		}
		if own(name) {
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
				d.replaceEntry(list, old[i], n)
				old[i] = n
			}
		case len(old) > 0:
			d.insertAfter(list, old[len(old)-1], n)
			old = append(old, n)
		default:
			if list, err = d.ensureList(parent, key); err != nil {
				return err
			}
			d.add(list, n)
			old = append(old, n)
		}
	}
	for _, n := range old[min(len(want), len(old)):] {
		d.removeEntry(list, field{node: n})
		d.removeEmpty(parent, key, true)
	}
	return nil
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
