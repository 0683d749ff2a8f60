package trust

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/selection"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/internal/codes"
	"fluxtrust.dev/flux-trust/internal/inventory"
	"fluxtrust.dev/flux-trust/internal/krm"
	"fluxtrust.dev/flux-trust/internal/pattern"
	"fluxtrust.dev/flux-trust/internal/quote"
)

// Projection is what goes into the projected volume for an entry, as in
// https://kubernetes.io/docs/reference/kubernetes-api/config-and-storage-resources/volume/#projections
type Projection struct {
	ConfigMap          *keysOf      `yaml:"configMap,omitempty"`
	Secret             *keysOf      `yaml:"secret,omitempty"`
	ClusterTrustBundle *trustBundle `yaml:"clusterTrustBundle,omitempty"`
	// Other holds what somebody else has added to the volume.
	Other map[string]any `yaml:",inline"`

	// settled is set where the name is that of an object that the function provides
	// or that is in the stream.
	settled bool
}

// keysOf selects keys of a ConfigMap or Secret; without items, every key.
type keysOf struct {
	Name     string      `yaml:"name"`
	Items    []keyToPath `yaml:"items,omitempty"`
	Optional bool        `yaml:"optional,omitempty"`
}

type keyToPath struct {
	Key  string `yaml:"key"`
	Path string `yaml:"path"`
}

// trustBundle selects ClusterTrustBundles.
type trustBundle struct {
	Name          string         `yaml:"name,omitempty"`
	SignerName    string         `yaml:"signerName,omitempty"`
	LabelSelector *labelSelector `yaml:"labelSelector,omitempty"`
	Path          string         `yaml:"path"`
	Optional      bool           `yaml:"optional,omitempty"`
}

// labelSelector is that of the Kubernetes API; an empty one selects everything,
// an absent one nothing.
type labelSelector struct {
	MatchExpressions []requirement `yaml:"matchExpressions,omitempty"`
}

type requirement struct {
	Key      string   `yaml:"key"`
	Operator string   `yaml:"operator"`
	Values   []string `yaml:"values,omitempty"`
}

// object returns what is projected of a ConfigMap or Secret, or nothing.
func (p Projection) object() keysOf {
	switch {
	case p.ConfigMap != nil:
		return *p.ConfigMap
	case p.Secret != nil:
		return *p.Secret
	default:
		return keysOf{}
	}
}

// String names what is trusted, for a message.
func (p Projection) String() string { return p.label(quote.Key) }

// isOf reports whether two projections are of the same object.
func (p Projection) isOf(other Projection) bool {
	raw := func(name string) string { return name }
	return p.label(raw) == other.label(raw)
}

// label names what is trusted, with names shown in some way.
func (p Projection) label(show func(string) string) string {
	switch {
	case p.ConfigMap != nil:
		return inventory.ConfigMap + " " + show(p.ConfigMap.Name)
	case p.Secret != nil:
		return inventory.Secret + " " + show(p.Secret.Name)
	case p.ClusterTrustBundle != nil:
		return inventory.ClusterTrustBundle + " " + show(p.ClusterTrustBundle.Name+p.ClusterTrustBundle.SignerName)
	default:
		return "the source " + strings.Join(quote.Each(show, slices.Sorted(maps.Keys(p.Other))), ", ")
	}
}

// keys returns the selected keys, or nil for all of them.
func (p Projection) keys() []string {
	var keys []string
	for _, item := range p.object().Items {
		keys = append(keys, item.Key)
	}
	return keys
}

// files returns the names of the files that a projection gives, as far as known.
func (p Projection) files() []string {
	var files []string
	for _, item := range p.object().Items {
		files = append(files, item.Path)
	}
	return files
}

// isOfKind reports whether two projections are of the same kind of object.
func (p Projection) isOfKind(other Projection) bool {
	return (p.Secret == nil) == (other.Secret == nil)
}

// withSuffixOf returns the projection under the name that it has in an earlier
// volume, if that is the configured one with kustomize's hash suffix.
func (p Projection) withSuffixOf(have []Projection) Projection {
	name := p.object().Name
	if p.settled || name == "" {
		return p
	}
	for _, h := range have {
		was, is := h.object(), p.object()
		was.Name, is.Name = "", ""
		if p.isOfKind(h) && reflect.DeepEqual(was, is) && inventory.IsNamed(h.object().Name, name) {
			return h
		}
	}
	return p
}

// project returns the projection of an entry with the given keys. Files are named
// after the configured name, which stays when the object gets a suffix.
func (r *resolver) project(e *entry, name, configured string, keys []string) Projection {
	p := &keysOf{Name: name, Optional: e.Optional}
	for _, key := range keys {
		p.Items = append(p.Items, keyToPath{Key: key, Path: uniqueName(configured+"-"+key, r.files)})
	}
	if e.Secret != nil {
		return Projection{Secret: p}
	}
	return Projection{ConfigMap: p}
}

// notInFileName matches what names of signers and bundles may hold and those of
// files should not.
var notInFileName = pattern.Pattern{Text: `[^-._a-zA-Z0-9]+`}

func (r *resolver) projectTrustBundle(e *entry) (Projection, error) {
	c := e.ClusterTrustBundle
	selector, err := selectorOf(c)
	if err != nil {
		return Projection{}, &krm.FieldError{Code: codes.InvalidConfig, Path: e.at + ".clusterTrustBundle.labelSelector", Message: err.Error()}
	}
	return Projection{ClusterTrustBundle: &trustBundle{
		Name: c.Name, SignerName: c.SignerName, LabelSelector: selector, Optional: e.Optional,
		Path: uniqueName(notInFileName.Get().ReplaceAllString(c.Name+c.SignerName, "-")+".crt", r.files),
	}}, nil
}

// selectorOf turns the selector of a signer from the form of kubectl -l into
// that of the API.
func selectorOf(c *v1alpha1.ClusterTrustBundleSource) (*labelSelector, error) {
	if c.SignerName == "" {
		return nil, nil
	}
	parsed, err := labels.Parse(c.LabelSelector)
	if err != nil {
		return nil, fmt.Errorf("labelSelector %q: %w", c.LabelSelector, err)
	}
	operators := map[selection.Operator]metav1.LabelSelectorOperator{
		selection.Equals: metav1.LabelSelectorOpIn, selection.DoubleEquals: metav1.LabelSelectorOpIn, selection.In: metav1.LabelSelectorOpIn,
		selection.NotEquals: metav1.LabelSelectorOpNotIn, selection.NotIn: metav1.LabelSelectorOpNotIn,
		selection.Exists: metav1.LabelSelectorOpExists, selection.DoesNotExist: metav1.LabelSelectorOpDoesNotExist,
	}
	selector := &labelSelector{}
	requirements, _ := parsed.Requirements()
	for _, r := range requirements {
		operator, ok := operators[r.Operator()]
		if !ok {
			return nil, fmt.Errorf("labelSelector %q: a ClusterTrustBundle cannot be selected with %s", c.LabelSelector, r.Operator())
		}
		selector.MatchExpressions = append(selector.MatchExpressions, requirement{
			Key: r.Key(), Operator: string(operator), Values: r.Values().List(),
		})
	}
	return selector, nil
}

// maxFileName is the longest name of a file on Linux, in bytes.
const maxFileName = 255

// uniqueName returns the name of the file for a key: the API server refuses a
// volume with the same path twice.
func uniqueName(want string, used map[string]bool) string {
	unique := want[max(0, len(want)-maxFileName):]
	for n := 2; used[unique]; n++ {
		suffix := fmt.Sprintf("-%d", n)
		unique = want[max(0, len(want)+len(suffix)-maxFileName):] + suffix
	}
	used[unique] = true
	return unique
}
