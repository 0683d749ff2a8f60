package transformer

import (
	"encoding/json"
	"path"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/fn/framework"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/internal/flux"
	"fluxtrust.dev/flux-trust/internal/krm"
	"fluxtrust.dev/flux-trust/internal/quote"
)

// previous holds, per container and variable, the literal value that an env
// variable had before the function changed it, or null where there was none.
// It lives in an annotation so that the change can be taken back.
type previous map[string]map[string]*string

func (d *deployment) readPrevious() error {
	const cure = "restore it, or remove it together with the env variables that flux-trust set"
	value, err := d.marked.AtE("metadata", "annotations", previousAnnotation)
	if err != nil {
		return err
	}
	d.previous = previous{}
	text, err := value.TextE()
	if err != nil || text == "" {
		return err
	}
	if err := json.Unmarshal([]byte(text), &d.previous); err != nil {
		return value.Errorf("is not what flux-trust wrote (%s); %s", quote.Reader(err), cure)
	}
	if d.previous == nil {
		return value.Errorf("is not what flux-trust wrote; %s", cure)
	}
	// A container that was renamed or removed takes its record along.
	for name := range d.previous {
		if !slices.ContainsFunc(d.seen.Containers, func(c flux.Container) bool { return c.Name == name }) {
			delete(d.previous, name)
		}
	}
	return nil
}

// reconcileEnv sets the variables of a plan in a container and restores those
// that an earlier plan has set. Entries that the user had stay in their places;
// those that the function has created are its own.
func (d *deployment) reconcileEnv(container krm.Field, want []variable, dir string) error {
	name, err := container.TextAtE("name")
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
	return d.ReconcileListE(container, "env", krm.IsNamedE(e.own...), e.created)
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

func (d *deployment) reconcileVariable(container krm.Field, key string, want *variable, e *envChange) error {
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
func (d *deployment) setValue(entry krm.Field, current, want string, warn bool) {
	if current == want {
		return
	}
	if warn && current != "" && !strings.HasPrefix(want, current) {
		d.report.Did(framework.Warning, krm.Change{Path: entry.Path + ".value", Current: current, Proposed: want},
			"was %s, whose roots are no longer trusted; add them to spec.caBundle", quote.PathList(current))
	}
	d.PutText(entry, "value", want)
}

// envEntry returns the entry of a variable in a container and its value, or nil
// when there is none.
func envEntry(container krm.Field, name string) (krm.Field, *string, error) {
	env, err := container.GetE("env")
	if err != nil {
		return krm.Field{}, nil, err
	}
	entries, err := env.NamedE(name)
	if err != nil || len(entries) == 0 {
		return krm.Field{}, nil, err
	}
	if len(entries) > 1 {
		return krm.Field{}, nil, entries[0].Errorf("stands twice; remove one")
	}
	from, err := entries[0].GetE("valueFrom")
	if err != nil {
		return krm.Field{}, nil, err
	}
	if from.Exists() {
		return krm.Field{}, nil, from.Errorf("the value comes from elsewhere, so it cannot be extended; write a literal value, or exclude the controller under spec.controllers.exclude")
	}
	value, err := entries[0].TextAtE("value")
	return entries[0], &value, err
}

// checkReads refuses a directory with roots that Go does not look into.
func checkReads(container krm.Field, dir string) error {
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
			return container.Errorf("Go does not look for roots in %s; leave out spec.mount.path, or use spec.mount.method: Directory", dir)
		}
	case !slices.ContainsFunc(strings.Split(*value, ":"), func(element string) bool { return path.Clean(element) == dir }):
		return entry.Errorf("is %s, so Go does not look for roots in %s; append it to the value, or use spec.mount.method: Directory", quote.PathList(*value), dir)
	}
	return nil
}
