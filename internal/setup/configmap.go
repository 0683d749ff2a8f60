package setup

import (
	"fmt"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"fluxtrust.dev/flux-trust/internal/krm"
	"fluxtrust.dev/flux-trust/internal/kustomization"
	"fluxtrust.dev/flux-trust/internal/stream"
)

// Where nothing generates the ConfigMap with the certificates, it is a manifest.

// configMap plans the manifest among files, or a new one.
func (o *Options) configMap(c *config, files []string, given []Root, namespaces []string) (kustomization.File, trusted, error) {
	f, t, found, err := o.held(c, files, given)
	if found || err != nil {
		return f, t, err
	}
	name := c.source().ConfigMap.Name
	f = kustomization.File{Path: o.inDir(name + manifestEnd)}
	if f.Before, err = readIfThere(f.Path); err != nil {
		return f, trusted{}, err
	}
	if f.Before != nil && !o.Force {
		return f, trusted{}, fmt.Errorf("%s is there, and does not hold the ConfigMap %s; choose another name with --name, or overwrite it with --force", f.Path, name)
	}
	if t, err = combine(f.Path, nil, given, false); err != nil {
		return f, t, err
	}
	t.opaque = f.Before != nil
	var text strings.Builder
	for i, namespace := range namespaces {
		if i > 0 {
			text.WriteString("---\n")
		}
		fmt.Fprintf(&text, manifest, name, namespace, c.key(), indented(t.text))
	}
	f.After = []byte(text.String())
	return f, t, c.pin(t, o.Fingerprints)
}

// manifestEnd is what the name of the file of a new manifest ends with.
const manifestEnd = "-configmap.yaml"

// held plans the file, among some, that holds the ConfigMap of a config.
func (o *Options) held(c *config, files []string, given []Root) (f kustomization.File, t trusted, found bool, err error) {
	for _, path := range files {
		data, err := readIfThere(path)
		if err != nil {
			return f, t, false, err
		}
		if !strings.Contains(string(data), c.source().ConfigMap.Name) || !hasKind(string(data), "ConfigMap") {
			continue
		}
		if f, t, found, err := o.edited(c, path, data, given); found || err != nil {
			return f, t, found, err
		}
	}
	return f, t, false, nil
}

// manifest is a ConfigMap with certificates.
const manifest = ourMark + `: the certificates that Flux trusts.
apiVersion: v1
kind: ConfigMap
metadata:
  name: %s
  namespace: %s
  annotations:
    # Flux neither looks for variables in it, nor deletes it while controllers mount it.
    kustomize.toolkit.fluxcd.io/substitute: disabled
    kustomize.toolkit.fluxcd.io/prune: disabled
data:
  %s: |
%s`

// indented puts a text into a block of YAML.
func indented(text string) string {
	var out strings.Builder
	for line := range strings.Lines(text) {
		out.WriteString("    " + line)
	}
	return out.String()
}

// edited plans a file that holds the ConfigMap of the config. Everything else in it
// stays.
func (o *Options) edited(c *config, path string, data []byte, given []Root) (f kustomization.File, t trusted, found bool, err error) {
	f = kustomization.File{Path: path, Before: data, After: data}
	documents, err := stream.Split(path, data, nil)
	if err != nil {
		return f, t, false, err
	}
	for _, d := range documents {
		r := d.Resource()
		if r == nil || r.GetKind() != "ConfigMap" || r.GetName() != c.source().ConfigMap.Name {
			continue
		}
		var now []byte
		if have := (krm.Field{Node: r.YNode()}).Get("data", c.key()); have.Exists() {
			now = []byte(have.Peek())
		}
		if t, err = combine(path+": data."+c.key(), now, given, o.Force); err != nil {
			return f, t, true, err
		}
		found = true
		if string(now) == t.text {
			continue
		}
		work := r.Copy()
		value := &yaml.Node{Kind: yaml.ScalarNode, Tag: yaml.NodeTagString, Style: yaml.LiteralStyle, Value: t.text}
		if err := work.PipeE(yaml.LookupCreate(yaml.MappingNode, "data"), yaml.FieldSetter{Name: c.key(), Value: yaml.NewRNode(value), OverrideStyle: true}); err != nil {
			return f, t, true, fmt.Errorf("%s: %w", path, err)
		}
		d.Replace(work)
	}
	if !found {
		return f, t, false, nil
	}
	if err := c.checkIdle(path, t, given); err != nil {
		return f, t, true, err
	}
	out, err := stream.Join(documents)
	if err != nil {
		return f, t, true, fmt.Errorf("%s: %w", path, err)
	}
	f.After = slices.Clone(out.Bytes())
	return f, t, true, c.pin(t, o.Fingerprints)
}
