package command

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/internal/stream"
)

// generator is an entry of configMapGenerator or secretGenerator, as far as it
// tells what is in the object:
// https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/configmapgenerator/
type generator struct {
	Name      string   `yaml:"name"`
	Namespace string   `yaml:"namespace,omitempty"`
	Files     []string `yaml:"files,omitempty"`
	Literals  []string `yaml:"literals,omitempty"`
}

// generatorMark stands above the generators that flux-trust has added.
const generatorMark = "# fluxtrust.dev/config: "

// generated makes the objects of the generators of a kustomization, without the
// suffix that kustomize adds.
func (f *folder) generated() ([]*stream.Document, error) {
	var documents []*stream.Document
	for _, of := range []struct{ key, kind string }{{"configMapGenerator", "ConfigMap"}, {"secretGenerator", "Secret"}} {
		key, kind := of.key, of.kind
		list, err := f.list(key, false)
		if err != nil || list == nil {
			if err != nil {
				return nil, err
			}
			continue
		}
		for i, entry := range list.Content {
			var g generator
			if err := entry.Decode(&g); err != nil {
				return nil, fmt.Errorf("%s: %s[%d]: %w", f.file, key, i, err)
			}
			text, err := f.object(kind, g)
			if err != nil {
				return nil, fmt.Errorf("%s: %s[%d]: %w", f.file, key, i, err)
			}
			split, err := stream.Split(filepath.Join(f.dir, filepath.Base(f.file)), text, nil)
			if err != nil {
				return nil, err
			}
			documents = append(documents, split...)
		}
	}
	return documents, nil
}

func (f *folder) object(kind string, g generator) ([]byte, error) {
	if g.Namespace == "" {
		g.Namespace, _ = f.work.GetString("namespace")
	}
	values := map[string]string{}
	for _, source := range g.Files {
		key, file, named := strings.Cut(source, "=")
		if !named {
			key, file = filepath.Base(source), source
		}
		data, err := os.ReadFile(filepath.Join(f.dir, file)) //nolint:gosec // the kustomization names it
		if err != nil {
			return nil, err
		}
		values[key] = string(data)
	}
	for _, literal := range g.Literals {
		key, value, _ := strings.Cut(literal, "=")
		values[key] = value
	}
	field := "data"
	if kind == "Secret" {
		field = "stringData"
	}
	meta := map[string]string{"name": g.Name}
	if g.Namespace != "" {
		meta["namespace"] = g.Namespace
	}
	return yaml.Marshal(map[string]any{"apiVersion": "v1", "kind": kind, "metadata": meta, field: values})
}

// addGenerators adds a generator for every ConfigMap of the config that nothing
// provides and whose keys lie in the folder as files.
func (f *folder) addGenerators(config *v1alpha1.FluxTrust, namespace string, documents []*stream.Document) error {
	for i := range config.Spec.CABundle {
		c := config.Spec.CABundle[i].ConfigMap
		if c == nil || len(c.Keys) == 0 || config.Spec.Mount.Method == v1alpha1.None {
			continue
		}
		provided := slices.ContainsFunc(documents, func(d *stream.Document) bool {
			return d.Resource() != nil && find([]*yaml.RNode{d.Resource()}, "ConfigMap", c.Name) != nil
		})
		list, err := f.list("configMapGenerator", false)
		if err != nil {
			return err
		}
		if list != nil {
			provided = provided || slices.ContainsFunc(list.Content, func(n *yaml.Node) bool {
				name, err := yaml.NewRNode(n).GetString("name")
				return err == nil && name == c.Name
			})
		}
		if provided || slices.ContainsFunc(c.Keys, func(key string) bool { _, err := os.Stat(filepath.Join(f.dir, key)); return err != nil }) {
			continue
		}
		if list, err = f.list("configMapGenerator", true); err != nil {
			return err
		}
		entry := &yaml.Node{}
		if err := entry.Encode(generator{Name: c.Name, Namespace: namespace, Files: c.Keys}); err != nil {
			return fmt.Errorf("encoding a generator: %w", err)
		}
		entry.HeadComment = generatorMark + config.Metadata.Name
		list.Content = append(list.Content, entry)
	}
	return nil
}

// dropGenerators removes the generators that a config has added.
func (f *folder) dropGenerators(owner string) error {
	list, err := f.list("configMapGenerator", false)
	if err != nil || list == nil {
		return err
	}
	list.Content = slices.DeleteFunc(list.Content, func(n *yaml.Node) bool {
		return n.HeadComment == generatorMark+owner || len(n.Content) > 0 && n.Content[0].HeadComment == generatorMark+owner
	})
	f.dropEmpty("configMapGenerator", list)
	return nil
}
