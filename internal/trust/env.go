package trust

import (
	"path"
	"slices"
	"strings"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/internal/codes"
	"fluxtrust.dev/flux-trust/internal/krm"
	"fluxtrust.dev/flux-trust/internal/quote"
)

// Variables in which programs look for roots.
const (
	// certDir lists directories for Go's crypto/x509, separated by colons; it
	// replaces the default list. https://pkg.go.dev/crypto/x509#SystemCertPool
	certDir = "SSL_CERT_DIR"
	// certFile names a file for Go's crypto/x509; it replaces the default list
	// of files, and directories are read all the same.
	certFile = "SSL_CERT_FILE"
	// gitFile names the file for git, which knows neither of the others.
	// https://git-scm.com/docs/git-config#Documentation/git-config.txt-httpsslCAInfo
	gitFile = "GIT_SSL_CAINFO"
	// debug lists settings of the Go runtime, separated by commas.
	// https://go.dev/doc/godebug
	debug = "GODEBUG"
)

// RootNames returns the names of the variables that say where Go looks for roots.
func RootNames() []string { return []string{certDir, certFile} }

// noFile is what SSL_CERT_FILE names when no file is to be read.
const noFile = "/dev/null"

// systemBundle is the file with the public roots in the images of Flux.
const systemBundle = v1alpha1.SystemDirectory + "/ca-certificates.crt"

// managed is an env variable that the function may set.
type managed struct {
	name string
	// without takes the part of a run with a directory out of a value that somebody has
	// edited since.
	without func(value, dir string) string
	// ofBundle is set where the value says where the bundle is.
	ofBundle bool
}

// managedEnv returns the variables that the function may set beside those of a proxy.
func managedEnv() []managed {
	whole := func(value, _ string) string { return value }
	return []managed{
		{certDir, withoutDir, true},
		{certFile, whole, true},
		{gitFile, whole, true},
		{debug, func(value, _ string) string { return withoutSetting(value) }, false},
	}
}

// writes returns the values that a run with a directory may have written over one of
// before, by whichever method.
func (m managed) writes(before *string, dir string) []string {
	if m.name == debug {
		return []string{withSetting(before)}
	}
	var values []string
	for _, method := range methods() {
		for _, roots := range []v1alpha1.SystemRoots{v1alpha1.Keep, v1alpha1.Replace} {
			for _, v := range method.env(&v1alpha1.Mount{Path: dir, SystemRoots: roots}) {
				if v.name == m.name {
					values = append(values, v.value(before))
				}
			}
		}
	}
	return values
}

// ManagedEnv returns the names of the variables that go with the bundle, and of the
// others that the config sets.
func (s *Settings) ManagedEnv() []string {
	var names []string
	for _, m := range managedEnv() {
		if m.ofBundle || m.name == debug && s.Extras.AcceptNegativeSerials {
			names = append(names, m.name)
		}
	}
	for _, v := range s.proxyEnv(krm.Field{}) {
		names = append(names, v.name)
	}
	return names
}

// env returns the variables of every controller, but for those of a proxy.
func (s *Settings) env() []variable {
	env := methodOf(s.Mount.Method).env(&s.Mount)
	if s.Extras.AcceptNegativeSerials {
		env = append(env, variable{name: debug, value: withSetting})
	}
	return env
}

// beforeRun returns what a variable was before an earlier run: the recorded value, or,
// when somebody has edited it since, the edited one without the part of that run.
func (m managed) beforeRun(value string, recorded *string, dir string) *string {
	if slices.Contains(m.writes(recorded, dir), value) {
		return recorded
	}
	edited := m.without(value, dir)
	return &edited
}

// isOurs reports whether a value is one that an earlier run has written into a
// container for which there is no record, because it was renamed since.
func (m managed) isOurs(value *string, dir string) bool {
	return m.ofBundle && dir != "" && value != nil && *value != noFile && m.beforeRun(*value, nil, dir) == nil
}

// variable is an env variable of every controller container. Its value depends
// on the one that was there before, or nil.
type variable struct {
	name  string
	value func(before *string) string
	// from is where the value stands instead, or nil.
	from *keyOfSecret
}

func fixed(name, value string) variable {
	return variable{name: name, value: func(*string) string { return value }}
}

// withDir returns a list of directories with one more.
func withDir(before *string, dir string) string {
	switch {
	case before == nil || *before == "":
		return v1alpha1.SystemDirectory + ":" + dir
	case slices.Contains(strings.Split(*before, ":"), dir):
		return *before
	default:
		return *before + ":" + dir
	}
}

func withoutDir(list, dir string) string {
	return strings.Join(slices.DeleteFunc(strings.Split(list, ":"), func(d string) bool { return d == dir }), ":")
}

// lists reports whether a list of directories has one.
func lists(list, dir string) bool {
	return slices.ContainsFunc(strings.Split(list, ":"), func(d string) bool { return path.Clean(d) == dir })
}

// negativeSerials lets Go read certificates with a negative serial number.
const negativeSerials = "x509negativeserial"

// AcceptNegativeSerials is the setting in GODEBUG that does.
const AcceptNegativeSerials = negativeSerials + "=1"

// withSetting returns settings of the Go runtime with the one of negative serials.
func withSetting(before *string) string {
	switch {
	case before == nil || withoutSetting(*before) == "":
		return AcceptNegativeSerials
	case slices.Contains(strings.Split(*before, ","), AcceptNegativeSerials):
		return *before
	default:
		return withoutSetting(*before) + "," + AcceptNegativeSerials
	}
}

func withoutSetting(list string) string {
	return strings.Join(slices.DeleteFunc(strings.Split(list, ","), func(setting string) bool {
		key, _, _ := strings.Cut(setting, "=")
		return strings.TrimSpace(key) == negativeSerials
	}), ",")
}

type envVar struct {
	Name  string `yaml:"name"`
	Value string `yaml:"value"`
}

// envChange is what happens to the variables of a container.
type envChange struct {
	// recorded is what an earlier run has written down, record what this one does.
	recorded, record map[string]*string
	// dir is where the earlier run has mounted the bundle.
	dir string
	// lost is set where an earlier run has changed the pod and there is no record.
	lost bool
	// own are the entries that an earlier run has created, created those of this.
	own     []string
	created []any
}

// reconcileEnv sets variables in a container and restores those that an earlier run
// has set. Entries that the user had stay in their places; those that the function has
// created are its own.
func (p *Pod) reconcileEnv(container krm.Field, want []variable, dir string) {
	name := container.Text("name")
	e := &envChange{recorded: p.record[name], record: map[string]*string{}, dir: dir}
	e.lost = p.claimed && e.recorded == nil
	for _, m := range managedEnv() {
		p.reconcileVariable(container, m, find(want, m.name), e)
	}
	for _, name := range proxyVariables() {
		reconcileProxy(container, name, find(want, name), e)
	}
	if delete(p.record, name); len(e.record) > 0 {
		p.record[name] = e.record
	}
	container.Reconcile("env", krm.IsNamed(e.own...), e.created)
}

// find returns the variable of a name, or nil.
func find(env []variable, name string) *variable {
	i := slices.IndexFunc(env, func(v variable) bool { return v.name == name })
	if i < 0 {
		return nil
	}
	return &env[i]
}

func (p *Pod) reconcileVariable(container krm.Field, m managed, want *variable, e *envChange) {
	if _, recorded := e.recorded[m.name]; want == nil && !recorded && (!e.lost || !m.ofBundle) {
		return // never ours
	}
	entry, value := envEntry(container, m.name)
	was, known := e.before(m, value)
	switch {
	case want != nil && (value == nil || known && e.recorded[m.name] == nil): // the function's own
		e.record[m.name] = nil
		e.created, e.own = append(e.created, envVar{m.name, want.value(was)}), append(e.own, m.name)
	case want != nil:
		e.record[m.name] = was
		if m.ofBundle {
			p.warnReplaced(entry, *value, want.value(was))
		}
		entry.PutText("value", want.value(was))
	case was != nil && value != nil: // the user's, from the start or by an edit since
		entry.PutText("value", *was)
	case known:
		e.own = append(e.own, m.name)
	}
}

// before returns what a variable was before an earlier run, and whether it is known
// that one was here.
func (e *envChange) before(m managed, value *string) (was *string, known bool) {
	recorded, known := e.recorded[m.name]
	known = known || e.lost && m.isOurs(value, e.dir)
	if known && value != nil {
		return m.beforeRun(*value, recorded, e.dir), true
	}
	return value, known
}

// warnReplaced says that roots that a variable named are lost.
func (p *Pod) warnReplaced(entry krm.Field, current, want string) {
	if current != want && current != "" && !strings.HasPrefix(want, current) {
		p.found.Add(krm.Warning, codes.RootsDropped, p.object, krm.Difference{Path: entry.Path + ".value", Current: current, Proposed: want},
			"was %s, whose roots are no longer trusted; add them to spec.caBundle", quote.PathList(current))
	}
}

// envEntry returns the entry of a variable in a container and its value, or nil
// when there is none.
func envEntry(container krm.Field, name string) (krm.Field, *string) {
	entry := entryOf(container, name)
	if !entry.Exists() {
		return entry, nil
	}
	if from := entry.Get("valueFrom"); from.Exists() {
		from.Fail(codes.EnvNotLiteral, "the value comes from elsewhere, so it cannot be extended; write a literal value, or exclude the controller under spec.controllers.exclude")
	}
	value := entry.Text("value")
	return entry, &value
}
