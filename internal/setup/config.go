package setup

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"
	sigsyaml "sigs.k8s.io/yaml"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/internal/bundle"
	"fluxtrust.dev/flux-trust/internal/kustomization"
	"fluxtrust.dev/flux-trust/internal/pattern"
	"fluxtrust.dev/flux-trust/internal/quote"
	"fluxtrust.dev/flux-trust/internal/stream"
)

// config is the config of a folder: the one that is there, or a new one.
type config struct {
	*v1alpha1.FluxTrust
	path string
	// now is what the file is, or nil; text what it is to be.
	now, text []byte
	// replaces says that the file is something else.
	replaces bool
	// idle says that nothing in the folder is the work of the config.
	idle bool
	// entry is the index of the entry of the bundle that gets the certificates.
	entry int
}

func (c *config) source() *v1alpha1.CABundleEntry { return &c.Spec.CABundle[c.entry] }

// key returns the key of the ConfigMap that holds the certificates.
func (c *config) key() string { return c.source().ConfigMap.Keys[len(c.source().ConfigMap.Keys)-1] }

func (c *config) file() kustomization.File {
	return kustomization.File{Path: c.path, Before: c.now, After: c.text}
}

// config returns the config of the folder, or a new one.
func (o *Options) config(kind Kind) (*config, error) {
	found, err := o.configs()
	if err != nil {
		return nil, err
	}
	if o.Name != "" {
		if named := slices.DeleteFunc(slices.Clone(found), func(c *config) bool { return c.Metadata.Name != o.Name }); len(named) == 1 {
			found = named
		}
	}
	switch {
	case len(found) == 0:
		return o.newConfig(kind)
	case len(found) > 1:
		return nil, fmt.Errorf("%s and %s are both a FluxTrust; say with --name which one gets the certificate", found[0].path, found[1].path)
	case o.Name != "" && found[0].Metadata.Name != o.Name:
		return nil, fmt.Errorf("%s is the FluxTrust %s, and one config has all roots: two that change the same controllers are refused; leave --name out to add the certificate to it",
			found[0].path, quote.Name(found[0].Metadata.Name))
	}
	if found[0].Spec.Mount.Method == v1alpha1.None {
		return nil, fmt.Errorf("%s: spec.mount.method: None takes all roots back; remove it, so that the certificate is trusted", found[0].path)
	}
	c := found[0]
	if c.idle, err = o.isIdle(c, kind); err != nil {
		return nil, err
	}
	return c, c.choose(o.Dir)
}

// isIdle reports whether nothing in a folder is the work of its config, so that no controller
// trusts what is there, as after patches --remove. Where Flux is built elsewhere, nobody knows.
func (o *Options) isIdle(c *config, kind Kind) (bool, error) {
	if kind == Package || kind == Empty {
		return false, nil
	}
	files, err := manifestsIn(o.Dir, c.path)
	if err != nil {
		return false, err
	}
	for _, path := range append(files, o.inDir("Kustomization")) {
		data, err := readIfThere(path)
		if err != nil {
			return false, err
		}
		var k struct{ Transformers []string }
		runs := func(entry string) bool { return filepath.Clean(entry) == filepath.Base(c.path) }
		if traces.Get().Match(data) || sigsyaml.Unmarshal(data, &k) == nil && slices.ContainsFunc(k.Transformers, runs) {
			return false, nil
		}
	}
	return true, nil
}

// checkIdle refuses certificates that Flux does not trust now, and that are not given.
func (c *config) checkIdle(path string, t trusted, given []Root) error {
	others := lacking(t.roots, given)
	if !c.idle || len(others) == 0 {
		return nil
	}
	return fmt.Errorf("%s holds %s, which Flux does not trust now: nothing in the folder is the work of FluxTrust %s; name its certificate as well to trust it again, or --force leaves it out",
		path, names(others), quote.Name(c.Metadata.Name))
}

// configs returns those of the folder that change something.
func (o *Options) configs() ([]*config, error) {
	files, err := yamlFiles(o.Dir)
	if err != nil {
		return nil, err
	}
	var found []*config
	for _, path := range files {
		data, err := stream.ReadRegular(path)
		if err != nil {
			return nil, err
		}
		text := string(data)
		if !strings.Contains(text, v1alpha1.GroupVersion) || !hasKind(text, v1alpha1.Kind) {
			continue
		}
		parsed, err := v1alpha1.Parse(path, data)
		if err != nil {
			return nil, err
		}
		if parsed.Spec.Mode != v1alpha1.Validate {
			found = append(found, &config{FluxTrust: parsed, path: path, now: data, text: data})
		}
	}
	return found, nil
}

// choose takes the entry that gets the certificates: one with a file of the folder, or
// the first with a key.
func (c *config) choose(dir string) error {
	c.entry = -1
	for i := range c.Spec.CABundle {
		source := c.Spec.CABundle[i].ConfigMap
		if source == nil || len(source.Keys) == 0 {
			continue
		}
		if c.entry < 0 {
			c.entry = i
		}
		if _, err := os.Stat(filepath.Join(dir, source.Keys[len(source.Keys)-1])); err == nil {
			c.entry = i
			break
		}
	}
	if c.entry < 0 {
		return fmt.Errorf("%s: spec.caBundle has no ConfigMap with a key that the certificate could go into; add the entry: - configMap: {name: %s, keys: [%s.crt]}", c.path, DefaultName, DefaultName)
	}
	return nil
}

// newConfig returns a config for a folder without one.
func (o *Options) newConfig(kind Kind) (*config, error) {
	name := o.Name
	if name == "" {
		name = DefaultName
	}
	c := &config{FluxTrust: &v1alpha1.FluxTrust{}, path: o.inDir(name + ".yaml")}
	var err error
	if c.now, err = readIfThere(c.path); err != nil {
		return nil, err
	}
	if c.now != nil && !o.Force {
		return nil, fmt.Errorf("%s is there, and is no FluxTrust that changes something; choose another name with --name, or overwrite it with --force", c.path)
	}
	c.replaces = c.now != nil
	if err := o.checkAlone(kind); err != nil {
		return nil, err
	}
	c.Metadata.Name = name
	return c, c.rewrite(kind)
}

// traces matches what a config leaves behind.
var traces = pattern.Pattern{Text: `fluxtrust\.dev/(?:config|generator-of): *["']?([-a-z0-9.]+)`}

// checkAlone refuses a new config where another one has been at work: its roots would go.
func (o *Options) checkAlone(kind Kind) error {
	if o.Force {
		return nil
	}
	files, err := yamlFiles(o.Dir)
	if kind == Package {
		files, err = packageFiles(o.Dir)
	}
	if err != nil {
		return err
	}
	for _, path := range files {
		data, err := readIfThere(path)
		if err != nil {
			return err
		}
		if found := traces.Get().FindSubmatch(data); found != nil {
			return fmt.Errorf("%s holds the work of the FluxTrust %s, and its config is not in the folder: put that there, and run this again; --force starts anew, without the roots that it has",
				path, quote.Name(string(found[1])))
		}
	}
	return nil
}

// rewrite makes a new config one for a folder of some kind.
func (c *config) rewrite(kind Kind) (err error) {
	name := c.Metadata.Name
	c.text = fmt.Appendf(nil, newText, kind.comment(name), name, kind.annotation(), name, name)
	c.FluxTrust, err = v1alpha1.Parse(c.path, c.text)
	return err
}

// newText is a config. Its comment says where it may stand.
const newText = `%sapiVersion: fluxtrust.dev/v1alpha1
kind: FluxTrust
metadata:
  name: %s
  annotations:
    # It is read, and never put into a cluster.
    config.kubernetes.io/local-config: "true"
%sspec:
  caBundle:
  - configMap: {name: %s, keys: [%s.crt]}
`

// pin holds the certificates against the pins that are given, and writes them into the
// config. A config with pins gets no certificate without one.
func (c *config) pin(t trusted, fingerprints []string) error {
	wanted := slices.Clone(c.source().Fingerprints)
	dropped := make([]string, len(t.dropped))
	for i, r := range t.dropped {
		dropped[i] = r.Fingerprint()
	}
	wanted = slices.DeleteFunc(wanted, func(f string) bool { return slices.Contains(dropped, f) })
	for _, f := range fingerprints {
		pin, ok := bundle.ParseFingerprint(f)
		if !ok {
			return errors.New("--fingerprint: is not sha256: and 64 hexadecimal digits; openssl x509 -in ca.crt -noout -fingerprint -sha256 prints them")
		}
		if !slices.Contains(wanted, pin) {
			wanted = append(wanted, pin)
		}
	}
	if len(wanted)+len(c.source().Fingerprints) == 0 {
		return nil
	}
	var problems []error
	for _, r := range t.roots {
		if !slices.Contains(wanted, r.Fingerprint()) {
			where := r.From
			if where == "" {
				where = c.key()
			}
			problems = append(problems, fmt.Errorf("%s: %s has %s, which is not pinned: compare it with what the owner of the CA gives you, and add --fingerprint %s", where, r.Name(), r.Fingerprint(), r.Fingerprint()))
		}
	}
	for _, f := range wanted {
		if !has(t.roots, f) {
			problems = append(problems, fmt.Errorf("%s is pinned, and no certificate has it: you may have been given another file than its owner means", quote.Digest(f)))
		}
	}
	if len(problems) > 0 {
		return errors.Join(problems...)
	}
	if slices.Equal(wanted, c.source().Fingerprints) {
		return nil
	}
	return c.setPins(wanted)
}

// setPins writes pins into the text, whose comments stay.
func (c *config) setPins(fingerprints []string) error {
	documents, err := stream.Split(c.path, c.text, nil)
	if err != nil {
		return err
	}
	for _, d := range documents {
		if d.Resource() == nil {
			continue
		}
		work := d.Resource().Copy()
		list, err := work.Pipe(yaml.Lookup("spec", "caBundle"))
		if err != nil {
			return fmt.Errorf("%s: %w", c.path, err)
		}
		entry := yaml.NewRNode(list.Content()[c.entry])
		pins := &yaml.Node{Kind: yaml.SequenceNode, Tag: yaml.NodeTagSeq}
		for _, f := range fingerprints {
			pins.Content = append(pins.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: yaml.NodeTagString, Value: f})
		}
		if err := entry.PipeE(yaml.SetField("fingerprints", yaml.NewRNode(pins))); err != nil {
			return fmt.Errorf("%s: %w", c.path, err)
		}
		d.Replace(work)
	}
	out, err := stream.Join(documents)
	if err != nil {
		return fmt.Errorf("%s: %w", c.path, err)
	}
	c.text = out.Bytes()
	c.FluxTrust, err = v1alpha1.Parse(c.path, c.text)
	return err
}
