package transformer

import (
	"encoding/base64"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"fluxtrust.dev/flux-trust/internal/krm"
)

// Kinds of objects that hold certificates.
const (
	configMapKind          = "ConfigMap"
	secretKind             = "Secret"
	clusterTrustBundleKind = "ClusterTrustBundle"
	trustManagerKind       = "Bundle"
)

// openShiftFills says why the content of an object is not known.
const openShiftFills = "OpenShift fills it in"

// substituted says why a value is not known.
const substituted = "it holds a ${…}, which Flux substitutes"

// trustBundleKey stands for the one text of a ClusterTrustBundle, which has no
// keys.
const trustBundleKey = ""

// provider is an object of the stream that provides certificates.
type provider struct {
	krm.Field
	resource          int // index of the resource in the stream
	report            krm.Report
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
	// nested tells that the object stands in a List.
	nested bool
	// hashed tells that kustomize is going to put a hash suffix on the name.
	hashed bool
	// substituted tells that Flux may substitute in it.
	substituted bool
	// err is set when the object cannot be read.
	err error
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
// finished build has left its suffix on the object alone, and nothing follows it.
func (t *transform) actualName(p *provider, configured string) string {
	if t.followsNames || slices.Contains(p.names, configured) {
		return configured
	}
	return p.names[0]
}

// providersIn returns the objects among the resources that provide
// certificates. What is broken is nobody's business until an entry names it.
func providersIn(resources []Resource, r krm.Report) []*provider {
	var found []*provider
	for i, resource := range resources {
		if krm.CheckSize(resource.Node) != nil {
			continue
		}
		for _, object := range krm.Flatten(krm.Field{Node: resource.Node.YNode()}) {
			for _, p := range readProviders(object) {
				p.resource, p.report = i, r.Of(object, resource.File)
				p.nested = object.Node != resource.Node.YNode()
				found = append(found, p)
			}
		}
	}
	return found
}

// readProviders returns what an object provides: mostly nothing.
func readProviders(object krm.Field) []*provider {
	kind := object.TextOr("kind")
	group, _, _ := strings.Cut(object.TextOr("apiVersion"), "/")
	switch {
	case kind == trustManagerKind && group == "trust.cert-manager.io":
		return trustManagerTargets(object)
	case (kind == configMapKind || kind == secretKind) && group == "v1", kind == clusterTrustBundleKind && group == "certificates.k8s.io":
		p, err := readProvider(object)
		if err != nil { // said when an entry names it
			p = &provider{Field: object, kind: kind, err: err}
			p.names, p.namespaces = []string{object.TextOr("metadata", "name")}, []string{object.TextOr("metadata", "namespace")}
		}
		return []*provider{p}
	default:
		return nil
	}
}

func readProvider(object krm.Field) (*provider, error) {
	p := &provider{Field: object, kind: object.TextOr("kind"), values: map[string]value{}}
	meta, err := object.GetE("metadata")
	if err != nil {
		return nil, err
	}
	if p.names, err = currentAndPrevious(meta, "name", previousNamesAnnotation); err != nil {
		return nil, err
	}
	if p.namespaces, err = currentAndPrevious(meta, "namespace", previousNamespacesAnnotation); err != nil {
		return nil, err
	}
	if p.labels, err = meta.TextsAtE("labels"); err != nil {
		return nil, err
	}
	annotations, err := meta.TextsAtE("annotations")
	if err != nil {
		return nil, err
	}
	p.config = annotations[configAnnotation]
	p.hashed = annotations[needsHashAnnotation] == "enabled"
	p.substituted = annotations[SubstituteAnnotation] != "disabled" && p.labels[SubstituteAnnotation] != "disabled"
	switch p.kind {
	case configMapKind:
		err = p.readValues(map[string]bool{"data": false, "binaryData": true})
	case secretKind:
		err = p.readValues(map[string]bool{"data": true, "stringData": false})
	default:
		p.values[trustBundleKey] = value{path: "spec.trustBundle", text: []byte(object.TextOr("spec", "trustBundle"))}
	}
	p.unknown = p.whyUnknown(annotations)
	if err == nil {
		err = p.checkNames()
	}
	return p, err
}

// checkNames refuses names and keys that the API server refuses.
func (p *provider) checkNames() error {
	if err := p.CheckNames(); err != nil {
		return err
	}
	switch p.kind {
	case configMapKind:
		return p.CheckDataKeys([]string{"data", "binaryData"}, true)
	case secretKind:
		return p.CheckDataKeys([]string{"data", "stringData"}, false)
	default:
		return nil
	}
}

// readValues reads the fields that hold keys; the map says which hold base64.
func (p *provider) readValues(fields map[string]bool) error {
	// stringData comes last: it wins over data.
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		values, err := p.GetE(name)
		if err != nil {
			return err
		}
		texts, err := values.TextsE()
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

// trustManagerTargets returns the ConfigMap and Secret that trust-manager writes
// for a Bundle: https://cert-manager.io/docs/trust/trust-manager/
func trustManagerTargets(bundle krm.Field) []*provider {
	var targets []*provider
	for _, target := range []struct{ field, kind string }{{"configMap", configMapKind}, {"secret", secretKind}} {
		if key := bundle.TextOr("spec", "target", target.field, "key"); key != "" {
			targets = append(targets, &provider{
				Field: bundle, kind: target.kind, names: []string{bundle.TextOr("metadata", "name")}, namespaces: []string{""},
				values: map[string]value{key: {}}, unknown: "trust-manager writes it",
			})
		}
	}
	return targets
}

// whyUnknown says who has the last word about the content of an object.
func (p *provider) whyUnknown(annotations map[string]string) string {
	const openShift = "config.openshift.io/inject-trusted-cabundle"
	if sops, err := p.GetE("sops"); err == nil && sops.Exists() {
		return "it is encrypted with SOPS"
	}
	if p.labels[openShift] == "true" || annotations[openShift] == "true" {
		if _, ok := p.values["ca-bundle.crt"]; !ok {
			p.values["ca-bundle.crt"] = value{}
		}
		return openShiftFills
	}
	if p.labels["trust.cert-manager.io/bundle"] != "" {
		return "trust-manager writes it"
	}
	return ""
}

// unknownValue says who has the last word about a value, or "".
func (p *provider) unknownValue(v value) string {
	switch {
	case p.substituted && strings.Contains(string(v.text), "${"):
		return substituted
	case strings.HasPrefix(string(v.text), "ENC["):
		return "it is encrypted with SOPS"
	default:
		return ""
	}
}

// rank tells how well this object fits a name in one of the namespaces: 0 is the
// best, -1 is another object. An object without a namespace may be put into any.
func (p *provider) rank(kind, name string, namespaces []string) int {
	const (
		exactName, formerName, withSuffix = 0, 2, 4
		anyNamespace                      = 1
	)
	if p.kind != kind {
		return -1
	}
	var rank int
	switch {
	case p.names[0] == name:
		rank = exactName
	case slices.Contains(p.names, name):
		rank = formerName
	case slices.ContainsFunc(p.names, func(own string) bool { return sameName(own, name) }):
		rank = withSuffix
	default:
		return -1
	}
	switch {
	case kind == clusterTrustBundleKind, slices.ContainsFunc(p.namespaces, func(own string) bool { return slices.Contains(namespaces, own) }):
		return rank
	case slices.Contains(p.namespaces, ""), slices.Contains(namespaces, ""):
		return rank + anyNamespace
	default:
		return -1
	}
}

// is tells whether this is the object of that kind and name in one of the
// namespaces.
func (p *provider) is(kind, name string, namespaces []string) bool {
	return p.rank(kind, name, namespaces) >= 0
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
