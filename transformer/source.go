package transformer

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/fn/framework"
	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// source is one source of a projected volume, as in
// https://kubernetes.io/docs/reference/kubernetes-api/config-and-storage-resources/volume/#projections
type source struct {
	ConfigMap *projection `yaml:"configMap,omitempty"`
	Secret    *projection `yaml:"secret,omitempty"`
}

// projection selects keys of a ConfigMap or Secret; without items, every key.
type projection struct {
	Name     string      `yaml:"name"`
	Items    []keyToPath `yaml:"items,omitempty"`
	Optional bool        `yaml:"optional,omitempty"`
}

type keyToPath struct {
	Key  string `yaml:"key"`
	Path string `yaml:"path"`
}

// object returns the ConfigMap or Secret that a source refers to.
func (s source) object() (kind string, p *projection) {
	if s.Secret != nil {
		return "Secret", s.Secret
	}
	return "ConfigMap", s.ConfigMap
}

// data is a ConfigMap or Secret of the stream.
type data struct {
	kind              string
	names, namespaces []string
	keys              []string
}

// dataIn returns the ConfigMaps and Secrets among the resources.
func dataIn(resources []Resource) []data {
	var found []data
	for _, r := range resources {
		object := field{node: r.Node.YNode()}
		kind := object.textOr("kind")
		if (kind != "ConfigMap" && kind != "Secret") || object.textOr("apiVersion") != "v1" {
			continue
		}
		d := data{kind: kind}
		meta, err := object.get("metadata")
		if err != nil {
			continue
		}
		var errName, errNamespace error
		d.names, errName = currentAndPrevious(meta, "name", previousNamesAnnotation)
		d.namespaces, errNamespace = currentAndPrevious(meta, "namespace", previousNamespacesAnnotation)
		if errName != nil || errNamespace != nil {
			continue
		}
		for _, part := range []string{"data", "binaryData", "stringData"} {
			if values, err := object.get(part); err == nil && values.exists() && values.node.Kind == yaml.MappingNode {
				for i := 0; i+1 < len(values.node.Content); i += 2 {
					d.keys = append(d.keys, values.node.Content[i].Value)
				}
			}
		}
		slices.Sort(d.keys)
		d.keys = slices.Compact(d.keys)
		found = append(found, d)
	}
	return found
}

// is tells whether this is the object of that kind and name in one of the
// namespaces. An object without a namespace may be put into any.
func (d data) is(kind, name string, namespaces []string) bool {
	return d.kind == kind && slices.ContainsFunc(d.names, func(own string) bool { return sameName(own, name) }) &&
		(slices.Contains(d.namespaces, "") || slices.Contains(namespaces, "") ||
			slices.ContainsFunc(d.namespaces, func(own string) bool { return slices.Contains(namespaces, own) }))
}

// hashSuffix is what kustomize's generators append to a name: ten characters
// of the alphabet of sigs.k8s.io/kustomize/api/hasher.
var hashSuffix = regexp.MustCompile(`^-[2456789bcdfghkmt]{10}$`)

// sameName tells whether a name is the configured one, or the configured one
// with the suffix that a finished kustomize build has left on it.
func sameName(own, configured string) bool {
	rest, ok := strings.CutPrefix(own, configured)
	return ok && (rest == "" || hashSuffix.MatchString(rest))
}

// sources returns the sources of the volume for the controllers of some
// namespaces. Keys are written out wherever they are known.
func (t *transform) sources(namespaces []string, r report) ([]source, error) {
	paths := map[string]bool{}
	var sources []source
	for i, entry := range t.config.Spec.CABundle {
		var kind, name string
		var keys []string
		if entry.ConfigMap != nil {
			kind, name, keys = "ConfigMap", entry.ConfigMap.Name, entry.ConfigMap.Keys
		} else {
			kind, name, keys = "Secret", entry.Secret.Name, entry.Secret.Keys
		}
		at := slices.IndexFunc(t.data, func(d data) bool { return d.is(kind, name, namespaces) })
		if at < 0 && !entry.Optional {
			t.warnNotInStream(kind, name, namespaces[0], r)
		}
		if len(keys) == 0 && at >= 0 {
			keys = t.data[at].keys
		}
		if len(keys) == 0 && len(t.config.Spec.CABundle) > 1 {
			return nil, fmt.Errorf("the keys of %s %q are not known: it is not in the stream and not the only entry; write them to spec.caBundle[%d].%s.keys",
				kind, name, i, strings.ToLower(kind[:1])+kind[1:])
		}
		p := &projection{Name: name, Optional: entry.Optional}
		for _, key := range keys {
			p.Items = append(p.Items, keyToPath{Key: key, Path: uniquePath(name+"-"+key, paths)})
		}
		if kind == "Secret" {
			sources = append(sources, source{Secret: p})
		} else {
			sources = append(sources, source{ConfigMap: p})
		}
	}
	return sources, nil
}

// maxFileName is the longest name of a file on Linux, in bytes.
const maxFileName = 255

// uniquePath returns the name of the file for a key: the API server refuses a
// volume with the same path twice.
func uniquePath(want string, used map[string]bool) string {
	unique := want[max(0, len(want)-maxFileName):]
	for n := 2; used[unique]; n++ {
		suffix := fmt.Sprintf("-%d", n)
		unique = want[max(0, len(want)+len(suffix)-maxFileName):] + suffix
	}
	used[unique] = true
	return unique
}

// warnNotInStream says once per object that it is somebody else's to provide.
func (t *transform) warnNotInStream(kind, name, namespace string, r report) {
	object := strings.TrimPrefix(namespace+"/"+name, "/")
	if t.missing[kind+object] {
		return
	}
	t.missing[kind+object] = true
	r.ref, r.file = &yaml.ResourceIdentifier{
		TypeMeta: yaml.TypeMeta{APIVersion: "v1", Kind: kind},
		NameMeta: yaml.NameMeta{Name: name, Namespace: namespace},
	}, nil
	r.add(framework.Warning, change{},
		"is not in the stream: it must exist before Flux starts, or the pods hang in ContainerCreating; optional: true on its entry lets them start without it")
}

// describeSources names what is trusted, for a message.
func describeSources(sources []source) string {
	names := make([]string, len(sources))
	for i, s := range sources {
		kind, p := s.object()
		names[i] = kind + " " + p.Name
	}
	return strings.Join(names, ", ")
}

// node returns the YAML of a value made of structs, lists and scalars.
func node(value any) (*yaml.Node, error) {
	n := &yaml.Node{}
	if err := n.Encode(value); err != nil {
		return nil, fmt.Errorf("encoding %T: %w", value, err)
	}
	return n, nil
}
