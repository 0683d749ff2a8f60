package transformer

import (
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/selection"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/internal/quote"
)

// source is one source of a projected volume, as in
// https://kubernetes.io/docs/reference/kubernetes-api/config-and-storage-resources/volume/#projections
type source struct {
	ConfigMap          *projection  `yaml:"configMap,omitempty"`
	Secret             *projection  `yaml:"secret,omitempty"`
	ClusterTrustBundle *trustBundle `yaml:"clusterTrustBundle,omitempty"`
	// Other holds what somebody else has added to the volume.
	Other map[string]any `yaml:",inline"`

	// settled tells that the name is that of an object that the function provides
	// or that is in the stream.
	settled bool
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

// String names what is trusted, for a message.
func (s source) String() string { return s.label(quote.Key) }

// label names what is trusted, with names shown in some way.
func (s source) label(show func(string) string) string {
	switch {
	case s.ConfigMap != nil:
		return configMapKind + " " + show(s.ConfigMap.Name)
	case s.Secret != nil:
		return secretKind + " " + show(s.Secret.Name)
	case s.ClusterTrustBundle != nil:
		return clusterTrustBundleKind + " " + show(s.ClusterTrustBundle.Name+s.ClusterTrustBundle.SignerName)
	default:
		return "the source " + strings.Join(quote.Each(show, slices.Sorted(maps.Keys(s.Other))), ", ")
	}
}

// same reports whether two sources are of the same object.
func (s source) same(other source) bool {
	raw := func(name string) string { return name }
	return s.label(raw) == other.label(raw)
}

// keys returns the selected keys, or nil for all of them.
func (s source) keys() []string {
	var keys []string
	for _, p := range []*projection{s.ConfigMap, s.Secret} {
		if p != nil {
			for _, item := range p.Items {
				keys = append(keys, item.Key)
			}
		}
	}
	return keys
}

// named returns the same source under another name.
func (s source) named(name string) source {
	switch {
	case s.ConfigMap != nil:
		renamed := *s.ConfigMap
		renamed.Name = name
		return source{ConfigMap: &renamed}
	case s.Secret != nil:
		renamed := *s.Secret
		renamed.Name = name
		return source{Secret: &renamed}
	default:
		return s
	}
}

// name returns the name of the ConfigMap or Secret, or "".
func (s source) name() string {
	switch {
	case s.ConfigMap != nil:
		return s.ConfigMap.Name
	case s.Secret != nil:
		return s.Secret.Name
	default:
		return ""
	}
}

// keepSuffix returns the source under the name that it has in an earlier
// volume, if that is the configured one with kustomize's hash suffix.
func (s source) keepSuffix(have []source) source {
	if s.settled {
		return s
	}
	for _, h := range have {
		if reflect.DeepEqual(h.named(""), s.named("")) && s.name() != "" && sameName(h.name(), s.name()) {
			return h
		}
	}
	return s
}

// files returns the names of the files that a source gives, as far as known.
func (s source) files() []string {
	var p *projection
	switch {
	case s.ConfigMap != nil:
		p = s.ConfigMap
	case s.Secret != nil:
		p = s.Secret
	default:
		return nil
	}
	files := make([]string, len(p.Items))
	for i, item := range p.Items {
		files[i] = item.Path
	}
	return files
}

// newSource returns the source of an entry with the given keys.
// Files are named after the configured name, which stays when the object gets a
// suffix.
func newSource(e *v1alpha1.CABundleEntry, name, configured string, keys []string, used map[string]bool) (source, error) {
	if c := e.ClusterTrustBundle; c != nil {
		selector, err := selectorOf(c)
		file := notInFileName.ReplaceAllString(c.Name+c.SignerName, "-") + ".crt"
		return source{ClusterTrustBundle: &trustBundle{
			Name: c.Name, SignerName: c.SignerName, LabelSelector: selector,
			Path: uniquePath(file, used), Optional: e.Optional,
		}}, err
	}
	p := &projection{Name: name, Optional: e.Optional}
	for _, key := range keys {
		p.Items = append(p.Items, keyToPath{Key: key, Path: uniquePath(configured+"-"+key, used)})
	}
	if e.Secret != nil {
		return source{Secret: p}, nil
	}
	return source{ConfigMap: p, settled: e.Inline != nil}, nil
}

// notInFileName matches what names of signers and bundles may hold and those of
// files should not.
var notInFileName = regexp.MustCompile(`[^-._a-zA-Z0-9]+`)

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
