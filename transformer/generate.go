package transformer

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/fn/framework"
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
)

// substituteAnnotation keeps Flux's substitution away from an object.
const substituteAnnotation = "kustomize.toolkit.fluxcd.io/substitute"

// inlineName returns the name of the ConfigMap of an inline entry.
func inlineName(i *v1alpha1.InlineSource) string {
	if !i.Immutable {
		return i.Name
	}
	const digits = 10
	sum := sha256.Sum256([]byte(i.PEM))
	// In kustomize's alphabet, which spells no words.
	letters := strings.NewReplacer("0", "g", "1", "h", "3", "k", "a", "m", "e", "t")
	return i.Name + "-" + letters.Replace(hex.EncodeToString(sum[:])[:digits])
}

// generated is a ConfigMap that the function provides.
type generated struct {
	namespace string
	source    *v1alpha1.InlineSource
}

// generate brings the ConfigMaps of inline entries up to date: those of an
// earlier run in their places, new ones at the end, and those that are no longer
// needed go.
func (t *transform) generate() {
	unusable := t.outcome.Failed() && !t.outcome.Validated
	if unusable || t.outcome.Controllers+t.outcome.Released == 0 {
		return
	}
	wanted := t.wantedConfigMaps()
	kept := map[int]bool{}
	for _, w := range wanted {
		p := t.generated(w)
		switch {
		case p == nil:
			t.addConfigMap(w)
		case p.config != t.config.Metadata.Name:
			p.report.fail(&fieldError{path: "metadata.name", message: "exists already, and no annotation " + configAnnotation +
				": " + t.config.Metadata.Name + " says that this config has generated it; write another name for the inline entry, or use a configMap entry"})
		default:
			kept[p.resource] = true
			t.updateConfigMap(p, w)
		}
	}
	for _, p := range t.providers {
		if p.config == t.config.Metadata.Name && p.kind == configMapKind && !kept[p.resource] {
			t.outcome.Items[p.resource] = nil
			if t.report.validate {
				p.report.differs(change{}, "must not be there: the config no longer provides it")
			}
			p.report.did(framework.Info, change{}, "removed: the config no longer provides it")
		}
	}
}

// wantedConfigMaps returns what must exist, sorted by namespace and name.
func (t *transform) wantedConfigMaps() []generated {
	var wanted []generated
	for _, namespace := range slices.Sorted(maps.Keys(t.namespaces)) {
		for i := range t.config.Spec.CABundle {
			if inline := t.config.Spec.CABundle[i].Inline; inline != nil {
				wanted = append(wanted, generated{namespace: namespace, source: inline})
			}
		}
	}
	slices.SortStableFunc(wanted, func(a, b generated) int {
		return strings.Compare(a.namespace+"/"+inlineName(a.source), b.namespace+"/"+inlineName(b.source))
	})
	return wanted
}

// generated returns the ConfigMap of an earlier run, by its very name, or nil.
func (t *transform) generated(w generated) *provider {
	for _, p := range t.providers {
		if p.is(configMapKind, inlineName(w.source), []string{w.namespace}) && slices.Contains(p.names, inlineName(w.source)) {
			return p
		}
	}
	return nil
}

func (t *transform) addConfigMap(w generated) {
	meta := map[string]any{"name": inlineName(w.source)}
	if w.namespace != "" {
		meta["namespace"] = w.namespace
	}
	n, err := node(struct {
		APIVersion string         `yaml:"apiVersion"`
		Kind       string         `yaml:"kind"`
		Metadata   map[string]any `yaml:"metadata"`
	}{"v1", configMapKind, meta})
	if err != nil {
		t.report.fail(err)
		return
	}
	object := field{node: n}
	if err := t.fill(&editor{}, object, w); err != nil {
		t.report.of(object, nil).fail(err)
		return
	}
	t.outcome.Added = append(t.outcome.Added, yaml.NewRNode(n))
	if t.report.validate {
		t.report.of(object, nil).differs(change{}, "is missing: the config provides it inline")
	}
	t.report.of(object, nil).did(framework.Info, change{}, "added, with the certificates of spec.caBundle")
}

// updateConfigMap changes a copy of a ConfigMap of an earlier run.
func (t *transform) updateConfigMap(p *provider, w generated) {
	work := t.outcome.Items[p.resource].Copy()
	object := field{node: work.YNode()}
	if object.textOr("kind") != configMapKind {
		p.report.fail(p.errorf("was generated, and now stands in a List; take it out of the List"))
		return
	}
	e := t.editor(p.report)
	if err := t.fill(e, object, w); err != nil {
		p.report.fail(err)
		return
	}
	if e.changed {
		t.outcome.Items[p.resource] = work
		p.report.did(framework.Info, change{path: "data." + v1alpha1.DefaultSecretKey}, "now holds the certificates of spec.caBundle")
	}
}

// fill writes what is the function's own into a ConfigMap.
func (t *transform) fill(e *editor, object field, w generated) error {
	annotations, err := e.ensure(object, "metadata", "annotations")
	if err != nil {
		return err
	}
	pem := strings.TrimRight(w.source.PEM, "\n") + "\n"
	for _, a := range []struct{ key, value string }{{configAnnotation, t.config.Metadata.Name}, {substituteAnnotation, "disabled"}} {
		if have, err := annotations.textAt(a.key); err != nil {
			return err
		} else if have != a.value {
			e.putText(annotations, a.key, a.value)
		}
	}
	if w.source.Immutable {
		immutable, err := object.get("immutable")
		if err != nil {
			return err
		}
		if value, err := immutable.boolean(); err != nil {
			return err
		} else if value == nil || !value.value {
			e.putBool(object, "immutable", true)
		}
	}
	values, err := e.ensure(object, "data")
	if err != nil {
		return err
	}
	if have, err := values.textAt(v1alpha1.DefaultSecretKey); err != nil || have == pem {
		return err
	}
	if e.differs != nil {
		e.differs(change{path: values.path + "." + v1alpha1.DefaultSecretKey}, "does not hold the certificates of spec.caBundle")
	}
	e.insert(values, v1alpha1.DefaultSecretKey, &yaml.Node{Kind: yaml.ScalarNode, Tag: yaml.NodeTagString, Style: yaml.LiteralStyle, Value: pem})
	return nil
}
