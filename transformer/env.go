package transformer

import (
	"encoding/json"
	"slices"
	"strings"
)

// certDir is the variable in which Go's crypto/x509 looks for directories with
// roots: a list separated by colons, which replaces the default list.
// https://pkg.go.dev/crypto/x509#SystemCertPool
const certDir = "SSL_CERT_DIR"

// systemCertDir is where the images of Flux keep the public roots.
const systemCertDir = "/etc/ssl/certs"

// previous holds, per container and variable, the literal value that an env
// variable had before the function changed it, or null where there was none.
// It lives in an annotation so that the change can be taken back.
type previous map[string]map[string]*string

func (d *deployment) readPrevious() error {
	annotations, err := d.object.at("metadata", "annotations")
	if err != nil {
		return err
	}
	value, err := annotations.get(previousAnnotation)
	if err != nil {
		return err
	}
	d.previous = previous{}
	text, err := value.text()
	if err != nil || text == "" {
		return err
	}
	if err := json.Unmarshal([]byte(text), &d.previous); err != nil {
		return value.errorf("is not what flux-trust wrote (%v); restore it, or remove it together with the env variables that flux-trust set", err)
	}
	return nil
}

// envEntry returns the entry of a variable in a container.
func envEntry(container field, name string) (entry field, found bool, err error) {
	env, err := container.get("env")
	if err != nil {
		return field{}, false, err
	}
	entries, err := env.named(name)
	if err != nil || len(entries) == 0 {
		return field{}, false, err
	}
	if len(entries) > 1 {
		return field{}, false, entries[0].errorf("stands twice; remove one")
	}
	return entries[0], true, nil
}

// literal returns the value of an env entry.
func literal(entry field) (string, error) {
	from, err := entry.get("valueFrom")
	if err != nil {
		return "", err
	}
	if from.exists() {
		return "", from.errorf("the value comes from elsewhere, so the CA directory cannot be appended; write a literal value, or exclude the controller under spec.controllers.exclude")
	}
	return entry.textAt("value")
}

// trustDir appends the directory to SSL_CERT_DIR of a container.
func (d *deployment) trustDir(container field, dir string) error {
	name, err := container.textAt("name")
	if err != nil {
		return err
	}
	entry, found, err := envEntry(container, certDir)
	if err != nil {
		return err
	}
	var current *string
	if found {
		value, err := literal(entry)
		if err != nil {
			return err
		}
		current = &value
	}
	before, recorded := d.previous[name][certDir]
	if !recorded {
		before = current
		if d.previous[name] == nil {
			d.previous[name] = map[string]*string{}
		}
		d.previous[name][certDir] = before
	} else if current != nil {
		before = withoutDir(*current, before, d.mountedAt[name])
	}
	want := withDir(before, dir)
	switch {
	case !found:
		env, err := d.ensureList(container, "env")
		if err != nil {
			return err
		}
		variable, err := node(struct {
			Name  string `yaml:"name"`
			Value string `yaml:"value"`
		}{certDir, want})
		if err != nil {
			return err
		}
		d.add(env, variable)
	case *current != want:
		d.putText(entry, "value", want)
	}
	return nil
}

// restoreDir takes the directory out of SSL_CERT_DIR again.
func (d *deployment) restoreDir(container field, dir string) error {
	name, err := container.textAt("name")
	if err != nil {
		return err
	}
	before, recorded := d.previous[name][certDir]
	if !recorded {
		return nil
	}
	delete(d.previous[name], certDir)
	if len(d.previous[name]) == 0 {
		delete(d.previous, name)
	}
	entry, found, err := envEntry(container, certDir)
	if err != nil || !found {
		return err
	}
	current, err := literal(entry)
	if err != nil {
		return err
	}
	before = withoutDir(current, before, dir)
	if before != nil {
		d.putText(entry, "value", *before)
		return nil
	}
	env, err := container.get("env")
	if err != nil {
		return err
	}
	d.removeEntry(env, entry)
	d.removeEmpty(container, "env", true)
	return nil
}

// withDir returns the list of directories with one more.
func withDir(before *string, dir string) string {
	if before == nil || *before == "" {
		return systemCertDir + ":" + dir
	}
	if slices.Contains(strings.Split(*before, ":"), dir) {
		return *before
	}
	return *before + ":" + dir
}

// withoutDir returns what a value was before the function appended the
// directory: the recorded value, or, when somebody has edited it since, the
// edited one without the directory.
func withoutDir(current string, recorded *string, dir string) *string {
	if current == withDir(recorded, dir) {
		return recorded
	}
	edited := strings.Join(slices.DeleteFunc(strings.Split(current, ":"), func(d string) bool { return d == dir }), ":")
	return &edited
}
