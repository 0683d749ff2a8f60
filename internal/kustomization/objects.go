package kustomization

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/internal/quote"
)

// needs are the objects that the patches refer to and that the folder gets.
type needs struct {
	generators []generator
	// bundleText is the file with the other objects, or nil; listed says that it is a
	// resource. files holds it for a build.
	bundleText []byte
	listed     bool
	files      map[string][]byte
}

// MissingError is a certificate that nothing provides.
type MissingError struct {
	// Path is the entry of the config, Name the ConfigMap, Files those to put into Dir.
	Path, Name, Dir string
	Files           []string
	// Similar are files of the folder that look like certificates.
	Similar []string
	// HoldsConfig tells that the config is in the folder.
	HoldsConfig bool
	// Generator is the kustomization whose generator names the files, as one that flux-trust
	// has written does, or "".
	Generator string
}

func (e *MissingError) Error() string {
	similar := ""
	if len(e.Similar) > 0 {
		similar = " (there is " + strings.Join(e.Similar, ", ") + ")"
	}
	if e.Generator != "" {
		return fmt.Sprintf("%s: %s names %s for the ConfigMap %s, and that is not there%s: put the certificate back%s, or take all out with --remove",
			e.Path, e.Generator, strings.Join(e.Files, " and "), e.Name, similar, e.how())
	}
	return fmt.Sprintf("%s: nothing makes ConfigMap %s: put the certificate into the folder as %s%s%s, name a manifest of the ConfigMap as INPUT, "+
		"or write allow: [NotInStream] if it is in the cluster before Flux starts", e.Path, e.Name, strings.Join(e.Files, " and "), similar, e.how())
}

// how names the command that does it, where that would find the config.
func (e *MissingError) how() string {
	if !e.HoldsConfig {
		return ""
	}
	return " with flux-trust init CERTIFICATE --dir " + quote.Path(e.Dir)
}

// objects says what the folder needs beside patches: a ConfigMap that neither it nor
// the cluster has is made from a file, from an object of the inputs, or by the
// function.
func (f *folder) objects(plain *built) (needs, error) {
	n := needs{}
	if f.config.Spec.Mount.Method == v1alpha1.None {
		return f.withBundle(n, nil)
	}
	var objects []*yaml.RNode
	for _, o := range plain.objects {
		work, _, err := unmarked(o)
		if err != nil {
			return n, err
		}
		objects = append(objects, work)
	}
	namespaces, installers := f.namespaces(objects)
	stores := f.inventory(objects).Stores
	inputs := f.inventory(f.Inputs).Stores
	var given []*yaml.RNode
	for i := range f.config.Spec.CABundle {
		e := &f.config.Spec.CABundle[i]
		if e.ConfigMap == nil {
			continue
		}
		for _, namespace := range namespaces {
			if found, _ := stores.Find("ConfigMap", e.ConfigMap.Name, []string{namespace}); found != nil {
				continue
			}
			if found, _ := inputs.Find("ConfigMap", e.ConfigMap.Name, []string{namespace}); found != nil && found.Object.Kind() == "ConfigMap" {
				o, err := kept(yaml.NewRNode(found.Object.Before.Node), e.ConfigMap.Name, namespace, f.config.Metadata.Name)
				if err != nil {
					return n, err
				}
				given = append(given, o)
				continue
			}
			g, err := f.generator(i, e, namespace)
			if err != nil {
				return n, err
			}
			if g != nil {
				if installers {
					g.Options.DisableNameSuffixHash = true
				}
				n.generators = append(n.generators, *g)
			}
		}
	}
	made, err := f.inline(plain.objects)
	if err != nil {
		return n, err
	}
	return f.withBundle(n, append(made, given...))
}

// withBundle puts objects into the file for them.
func (f *folder) withBundle(n needs, objects []*yaml.RNode) (needs, error) {
	b := bundle{f.config.Metadata.Name: objects}
	for owner, others := range f.bundle {
		b[owner] = others
	}
	var err error
	if n.bundleText, err = b.text(); err != nil {
		return n, err
	}
	n.listed = n.bundleText != nil
	if n.listed {
		n.files = map[string][]byte{filepath.Join(f.dir, bundleFile): n.bundleText}
	}
	return n, nil
}

// namespaces returns those of the controllers, and whether objects of the folder
// install some.
func (f *folder) namespaces(nodes []*yaml.RNode) (namespaces []string, installers bool) {
	found := f.inventory(nodes)
	for _, w := range found.Workloads {
		if len(w.Selected) > 0 {
			namespaces = append(namespaces, w.Object.Namespace())
		}
	}
	for _, i := range found.Installers {
		namespaces = append(namespaces, i.Namespaces[0])
	}
	slices.Sort(namespaces)
	return slices.Compact(namespaces), len(found.Installers) > 0
}

// generator returns one that makes the ConfigMap of an entry from files of the folder
// with the names of its keys, or nil where somebody else is to make it.
func (f *folder) generator(i int, e *v1alpha1.CABundleEntry, namespace string) (*generator, error) {
	var missing []string
	for _, key := range e.ConfigMap.Keys {
		if !f.has(key) {
			missing = append(missing, key)
		}
	}
	switch {
	case len(e.ConfigMap.Keys) > 0 && len(missing) == 0:
		return &generator{
			Name: e.ConfigMap.Name, Namespace: namespace, Files: e.ConfigMap.Keys,
			Options: generatorOptions{Annotations: map[string]string{generatorMark: f.config.Metadata.Name}},
		}, nil
	case len(e.ConfigMap.Keys) == 0, e.Optional, slices.Contains(e.Allow, v1alpha1.NotInStream):
		return nil, nil
	}
	for _, key := range missing {
		if isFolder(filepath.Join(f.dir, key)) {
			return nil, fmt.Errorf("%s: is a folder, where the file with the certificate belongs; rename it", filepath.Join(f.dir, key))
		}
	}
	return nil, &MissingError{
		Path: fmt.Sprintf("spec.caBundle[%d].configMap", i), Name: e.ConfigMap.Name, Dir: f.Dir, Files: f.paths(missing), Similar: f.similar(),
		HoldsConfig: filepath.Dir(Resolved(f.ConfigFile)) == f.dir, Generator: f.generatorFor(e.ConfigMap.Name),
	}
}

// generatorFor returns the kustomization as it is, where it has a generator of the config for a
// ConfigMap, or "".
func (f *folder) generatorFor(name string) string {
	t, err := newText(f.file, f.start)
	if err != nil {
		return ""
	}
	l, err := t.list(generatorsKey)
	if err != nil || l == nil {
		return ""
	}
	for _, n := range l.value.Content {
		var g generator
		if n.Decode(&g) == nil && g.Name == name && generatorOwner(n) == f.config.Metadata.Name {
			return f.path(f.file)
		}
	}
	return ""
}

// has reports whether there is a file in the folder, or is going to be.
func (f *folder) has(name string) bool {
	file := filepath.Join(f.dir, name)
	if _, ok := f.pending[file]; ok {
		return true
	}
	info, err := os.Stat(file) //nolint:gosec // keys of a ConfigMap are names of files without folders
	return err == nil && !info.IsDir()
}

// paths returns where files of the folder are.
func (f *folder) paths(names []string) []string {
	paths := make([]string, len(names))
	for i, name := range names {
		paths[i] = filepath.Join(f.Dir, name)
	}
	return paths
}

// similar returns files of the folder that look like certificates.
func (f *folder) similar() []string {
	entries, err := os.ReadDir(f.dir)
	if err != nil {
		return nil
	}
	var names []string
	for _, e := range entries {
		if ext := strings.ToLower(filepath.Ext(e.Name())); !e.IsDir() && slices.Contains([]string{".crt", ".pem", ".cer", ".der", ".ca-bundle"}, ext) {
			names = append(names, e.Name())
		}
	}
	return names
}

// inline returns the ConfigMaps that the function makes for inline entries.
func (f *folder) inline(nodes []*yaml.RNode) ([]*yaml.RNode, error) {
	config := *f.config
	config.Spec.Sources = nil
	config.Spec.CABundle = slices.DeleteFunc(slices.Clone(config.Spec.CABundle), func(e v1alpha1.CABundleEntry) bool { return e.Inline == nil })
	if len(config.Spec.CABundle) == 0 {
		return nil, nil
	}
	w, err := f.function(&config, nodes)
	return w.Added, err
}

// kept returns a ConfigMap of the inputs for the file of the folder: one that Flux
// neither substitutes in nor prunes while controllers mount it.
func kept(o *yaml.RNode, name, namespace, owner string) (*yaml.RNode, error) {
	work := o.Copy()
	annotations := work.GetAnnotations()
	for _, a := range []string{v1alpha1.SubstituteAnnotation, v1alpha1.PruneAnnotation} {
		annotations[a] = "disabled"
	}
	annotations[generatorMark] = owner
	delete(annotations, v1alpha1.ConfigAnnotation)
	if err := work.SetAnnotations(annotations); err != nil {
		return nil, err
	}
	if err := work.SetName(name); err != nil {
		return nil, err
	}
	return work, setNamespace(work, namespace)
}
