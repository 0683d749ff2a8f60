package transformer

import (
	"encoding/base64"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// Kinds of objects that hold certificates.
const (
	configMapKind          = "ConfigMap"
	secretKind             = "Secret"
	clusterTrustBundleKind = "ClusterTrustBundle"
)

// trustBundleKey stands for the one text of a ClusterTrustBundle, which has no
// keys.
const trustBundleKey = ""

// provider is an object of the stream that provides certificates.
type provider struct {
	field
	resource          int // index of the resource in the stream
	report            report
	kind              string
	names, namespaces []string
	labels            map[string]string
	// values holds the text of each key.
	values map[string]value
	// unknown says why the content cannot be known before it is in the cluster,
	// or is "".
	unknown string
	// config is the FluxTrust that has generated the object, or "".
	config string
}

// value is the text of a key, or why it cannot be read.
type value struct {
	path string
	text []byte
	err  error
}

// keys returns the keys in their order, but for those that hold a private key by
// their name.
func (p *provider) keys() []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(p.values)), func(key string) bool { return path.Ext(key) == ".key" })
}

// actualName returns the name under which controllers must refer to the object:
// the configured one, which a build tool renames in both places, unless a
// finished build has left its suffix on the object alone.
func (p *provider) actualName(configured string) string {
	if slices.Contains(p.names, configured) {
		return configured
	}
	return p.names[0]
}

// providersIn returns the objects among the resources that provide
// certificates. What is broken is nobody's business until an entry names it.
func providersIn(resources []Resource, r report) []*provider {
	var found []*provider
	for i, resource := range resources {
		if checkSize(resource.Node) != nil {
			continue
		}
		for _, object := range flatten(field{node: resource.Node.YNode()}) {
			p, err := readProvider(object)
			if err != nil || p == nil {
				continue
			}
			p.resource, p.report = i, r.of(object, resource.File)
			found = append(found, p)
		}
	}
	return found
}

// readProvider returns nil when an object provides no certificates.
func readProvider(object field) (*provider, error) {
	p := &provider{field: object, kind: object.textOr("kind"), values: map[string]value{}}
	group, _, _ := strings.Cut(object.textOr("apiVersion"), "/")
	meta, err := object.get("metadata")
	if err != nil {
		return nil, err
	}
	if p.names, err = currentAndPrevious(meta, "name", previousNamesAnnotation); err != nil {
		return nil, err
	}
	if p.namespaces, err = currentAndPrevious(meta, "namespace", previousNamespacesAnnotation); err != nil {
		return nil, err
	}
	if p.labels, err = textsAt(meta, "labels"); err != nil {
		return nil, err
	}
	annotations, err := textsAt(meta, "annotations")
	if err != nil {
		return nil, err
	}
	p.config = annotations[configAnnotation]
	switch {
	case p.kind == configMapKind && group == "v1":
		err = p.readValues(map[string]bool{"data": false, "binaryData": true})
	case p.kind == secretKind && group == "v1":
		err = p.readValues(map[string]bool{"data": true, "stringData": false})
	case p.kind == clusterTrustBundleKind && group == "certificates.k8s.io":
		p.values[trustBundleKey] = value{path: "spec.trustBundle", text: []byte(object.textOr("spec", "trustBundle"))}
	case p.kind == "Bundle" && group == "trust.cert-manager.io":
		return p.trustManagerTarget()
	default:
		return nil, nil
	}
	p.unknown = p.whyUnknown(annotations)
	return p, err
}

// readValues reads the fields that hold keys; the map says which hold base64.
func (p *provider) readValues(fields map[string]bool) error {
	// stringData comes last: it wins over data.
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		values, err := p.get(name)
		if err != nil {
			return err
		}
		texts, err := values.texts()
		if err != nil {
			return err
		}
		for key, text := range texts {
			v := value{path: name + "." + key, text: []byte(text)}
			if fields[name] {
				if v.text, v.err = base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text), "")); v.err != nil {
					v.err, v.text = fmt.Errorf("is not valid base64; write it with: base64 < ca.crt"), []byte(text)
				}
			}
			p.values[key] = v
		}
	}
	return nil
}

// trustManagerTarget returns the ConfigMap or Secret that trust-manager writes
// for a Bundle: https://cert-manager.io/docs/trust/trust-manager/
func (p *provider) trustManagerTarget() (*provider, error) {
	for field, kind := range map[string]string{"configMap": configMapKind, "secret": secretKind} {
		key, err := p.at("spec", "target", field, "key")
		if err != nil {
			return nil, err
		}
		if !key.exists() {
			continue
		}
		p.kind, p.namespaces = kind, []string{""}
		p.values[key.textOr()] = value{}
		p.unknown = "trust-manager writes it"
		return p, nil
	}
	return nil, nil
}

// whyUnknown says who has the last word about the content of an object.
func (p *provider) whyUnknown(annotations map[string]string) string {
	const openShift = "config.openshift.io/inject-trusted-cabundle"
	if sops, err := p.get("sops"); err == nil && sops.exists() {
		return "it is encrypted with SOPS"
	}
	if p.labels[openShift] == "true" || annotations[openShift] == "true" {
		if _, ok := p.values["ca-bundle.crt"]; !ok {
			p.values["ca-bundle.crt"] = value{}
		}
		return "OpenShift fills it in"
	}
	if p.labels["trust.cert-manager.io/bundle"] != "" {
		return "trust-manager writes it"
	}
	for _, v := range p.values {
		if strings.Contains(string(v.text), "${") {
			return "it holds a ${…}, which Flux substitutes"
		}
		if strings.HasPrefix(string(v.text), "ENC[") {
			return "it is encrypted with SOPS"
		}
	}
	return ""
}

// is tells whether this is the object of that kind and name in one of the
// namespaces. An object without a namespace may be put into any.
func (p *provider) is(kind, name string, namespaces []string) bool {
	if p.kind != kind || !slices.ContainsFunc(p.names, func(own string) bool { return sameName(own, name) }) {
		return false
	}
	return kind == clusterTrustBundleKind || slices.Contains(p.namespaces, "") || slices.Contains(namespaces, "") ||
		slices.ContainsFunc(p.namespaces, func(own string) bool { return slices.Contains(namespaces, own) })
}

// hashSuffix is what kustomize's generators append to a name: ten characters
// of the alphabet of sigs.k8s.io/kustomize/api/hasher.
var hashSuffix = regexp.MustCompile(`-[2456789bcdfghkmt]{10}$`)

// sameName tells whether a name is the configured one, or the configured one
// with the suffix that a finished kustomize build has left on it.
func sameName(own, configured string) bool {
	return own == configured || withoutSuffix(own) == configured
}

func withoutSuffix(name string) string { return hashSuffix.ReplaceAllString(name, "") }

// flatten returns the object itself, or the items of a List.
func flatten(object field) []field {
	if object.node == nil || object.node.Kind != yaml.MappingNode {
		return nil
	}
	if !strings.HasSuffix(object.textOr("kind"), "List") {
		return []field{object}
	}
	list, err := object.get("items")
	if err != nil {
		return []field{object}
	}
	items, err := list.items()
	if err != nil {
		return []field{object}
	}
	var found []field
	for _, item := range items {
		// Paths in results start at the object, not at the List.
		found = append(found, flatten(field{node: item.node})...)
	}
	return found
}
