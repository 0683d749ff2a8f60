package transformer

import (
	"cmp"
	"encoding/base64"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/internal/bundle"
	"fluxtrust.dev/flux-trust/internal/codes"
	"fluxtrust.dev/flux-trust/internal/inventory"
	"fluxtrust.dev/flux-trust/internal/krm"
	"fluxtrust.dev/flux-trust/internal/trust"
)

// provided is a ConfigMap or Secret that the function provides.
type provided struct {
	kind, namespace, name string
	keys                  []string // all with the same PEM
	pem                   string
	immutable             bool
}

// provide brings the objects that the function provides up to date: those of an
// earlier run in their places, and those that are no longer needed go. It returns new
// ones.
func provide(r *result) []*krm.Object {
	if r.found.Failed() {
		return nil
	}
	var wanted []provided
	var kinds []string // that this run knows all about
	if r.sources.Selected+r.sources.Released > 0 {
		kinds = append(kinds, inventory.Secret)
	}
	for _, s := range r.sources.Secrets {
		wanted = append(wanted, provided{kind: inventory.Secret, namespace: s.Namespace, name: s.Name, keys: s.Keys, pem: s.PEM})
	}
	if r.controllers.count+r.controllers.released > 0 {
		wanted, kinds = append(wanted, configMaps(r)...), append(kinds, inventory.ConfigMap)
	}
	slices.SortFunc(wanted, func(a, b provided) int {
		return cmp.Or(strings.Compare(a.namespace, b.namespace), strings.Compare(a.kind, b.kind), strings.Compare(a.name, b.name))
	})
	p := &provider{result: r, kept: map[*inventory.Store]bool{}, used: map[*inventory.Store]bool{}}
	for _, s := range r.sources.Kept {
		p.kept[s] = true
	}
	for _, b := range r.bundles.resolved {
		for _, s := range b.Stores {
			p.used[s] = true
		}
	}
	for _, w := range wanted {
		p.provide(w)
	}
	for _, s := range r.inventory.Stores.All {
		if s.Owner == r.config.Metadata.Name && slices.Contains(kinds, s.Kind) && !p.kept[s] {
			p.drop(s)
		}
	}
	return p.added
}

// configMaps returns what inline entries need.
func configMaps(r *result) []provided {
	var wanted []provided
	for namespace := range r.controllers.namespaces {
		for _, e := range r.config.Spec.CABundle {
			if e.Inline != nil {
				wanted = append(wanted, provided{
					kind: inventory.ConfigMap, namespace: namespace, name: trust.InlineName(e.Inline), keys: []string{v1alpha1.DefaultSecretKey},
					pem: strings.TrimRight(e.Inline.PEM, "\n") + "\n", immutable: e.Inline.Immutable,
				})
			}
		}
	}
	return wanted
}

// provider provides objects.
type provider struct {
	*result
	// used are the objects that entries of the config name, kept those that stay.
	used, kept map[*inventory.Store]bool
	added      []*krm.Object
}

func (p *provider) provide(w provided) {
	s, foreign := p.find(w)
	if s != nil {
		p.kept[s] = true
	}
	switch {
	case foreign != nil:
		p.found.Add(krm.Error, codes.NameExists, foreign.Object, krm.At("metadata.name"), "exists already, and no annotation %s: %s says that this config has generated it; "+
			"write another name for the inline entry, or use a configMap entry", v1alpha1.ConfigAnnotation, p.config.Metadata.Name)
	case s == nil:
		p.add(w)
	default:
		p.update(s.Object, w)
	}
}

// find returns the object of an earlier run that holds what is to be provided, and one
// of somebody else that the cluster could take for it, or nil. What has no namespace may
// get into any.
func (p *provider) find(w provided) (own, foreign *inventory.Store) {
	for _, s := range p.inventory.Stores.Having(w.kind, w.name, w.namespace, "") {
		isThere := slices.Contains(s.Namespaces(), w.namespace)
		switch {
		case s.Owner != p.config.Metadata.Name && (isThere || w.kind == inventory.ConfigMap && s.Namespaces()[0] == ""):
			foreign = s
		case isThere && own == nil:
			own = s
		}
	}
	return own, foreign
}

func (p *provider) add(w provided) {
	object := krm.Reference("v1", w.kind, w.namespace, w.name)
	if w.kind == inventory.Secret {
		object.Edit().PutText("type", "Opaque")
	}
	p.fill(object.Edit(), w)
	p.found.Fail(object, object.Err())
	p.added = append(p.added, object)
	p.found.Add(krm.Info, codes.Added, object, krm.Difference{}, "added, with the certificates of spec.caBundle")
}

// update changes an object of an earlier run.
func (p *provider) update(object *krm.Object, w provided) {
	p.warnReplaced(object, w)
	p.fill(object.Edit(), w)
	switch {
	case object.Err() != nil:
		p.found.Fail(object, object.Err())
	case object.Changed():
		p.found.Add(krm.Info, codes.Updated, object, krm.At("data."+v1alpha1.DefaultSecretKey), "now holds the certificates of spec.caBundle")
	}
}

// warnReplaced names the roots that an object holds and will not hold any more.
func (p *provider) warnReplaced(object *krm.Object, w provided) {
	wanted, _ := bundle.Parse([]byte(w.pem))
	for _, s := range p.inventory.Stores.All {
		if s.Object != object {
			continue
		}
		for _, key := range w.keys {
			held, _ := bundle.Parse(s.Values[key].Text)
			for _, c := range held {
				if !slices.ContainsFunc(wanted, func(w bundle.Certificate) bool { return w.Equal(c.Certificate) }) {
					p.found.Add(krm.Warning, codes.RootsDropped, object, krm.At(s.Values[key].Path), "%s (%s) is no longer trusted: the config does not hold it", c.Name(), bundle.Fingerprint(c.Certificate))
				}
			}
		}
	}
}

// drop takes away an object that an earlier run has generated. One that an entry
// names now is kept, as the user's own.
func (p *provider) drop(s *inventory.Store) {
	if p.used[s] {
		s.Object.Edit().Get("metadata", "annotations").Remove(v1alpha1.ConfigAnnotation)
		p.found.Add(krm.Info, codes.Updated, s.Object, krm.At("metadata.annotations."+v1alpha1.ConfigAnnotation), "is no longer the work of this config, which names it as an object of yours")
		return
	}
	s.Object.Remove()
	p.found.Add(krm.Warning, codes.Removed, s.Object, krm.Difference{}, "removed: the config no longer provides it")
}

// fill writes what is the function's own into an object.
func (p *provider) fill(object krm.Field, w provided) {
	annotations := object.Ensure("metadata", "annotations")
	annotations.PutText(v1alpha1.ConfigAnnotation, p.config.Metadata.Name)
	annotations.PutText(v1alpha1.SubstituteAnnotation, "disabled")
	if w.kind == inventory.ConfigMap && !w.immutable {
		annotations.PutText(v1alpha1.PruneAnnotation, "disabled")
	}
	if w.immutable {
		if immutable := object.Boolean("immutable"); immutable == nil || !immutable.Value {
			object.PutBool("immutable", true)
		}
	}
	for _, key := range w.keys {
		fillKey(object, w, key)
	}
}

// fillKey writes the certificates under a key: as text, unless a Secret has them
// in base64 already.
func fillKey(object krm.Field, w provided, key string) {
	field, value, style := "data", w.pem, yaml.LiteralStyle
	if w.kind == inventory.Secret {
		field = "stringData"
		if object.Text("data", key) != "" {
			field, value, style = "data", base64.StdEncoding.EncodeToString([]byte(w.pem)), 0
		}
	}
	values := object.Ensure(field)
	if values.Text(key) != value {
		values.Put(key, &yaml.Node{Kind: yaml.ScalarNode, Tag: yaml.NodeTagString, Style: style, Value: value})
	}
}
