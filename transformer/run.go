package transformer

import (
	"maps"
	"slices"
	"strings"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/internal/inventory"
	"fluxtrust.dev/flux-trust/internal/krm"
	"fluxtrust.dev/flux-trust/internal/sources"
	"fluxtrust.dev/flux-trust/internal/trust"
)

// options say what a run is for.
type options struct {
	trust.Options
	// patching is set where patches are to be made of what changes.
	patching bool
	// asGiven is set where pods are to be judged as they came in.
	asGiven bool
}

// result is what a run makes of the objects of a stream.
type result struct {
	config      *v1alpha1.FluxTrust
	inventory   *inventory.Inventory
	bundles     *bundles
	controllers controllers
	sources     sources.Result
	// added are objects that the function provides and the stream lacks.
	added []*krm.Object
	found krm.Findings
	// namesDeployments is set where a message names Deployments of the stream.
	namesDeployments bool
}

// run is the order of a run: what stands in the stream, the controllers in it, what
// the config names and the stream lacks, the sources, the objects that both need.
func run(c *v1alpha1.FluxTrust, s stream, o options) *result {
	r := start(c, s, o)
	for _, object := range s.objects {
		if object.IsList() { // whose items cannot be read
			r.found.Fail(object, object.Err())
		}
	}
	r.controllers = changeControllers(r, s.objects, o)
	r.found = append(r.found, missing(r, s)...)
	if !o.patching {
		var found krm.Findings
		r.sources, found = sources.Apply(r.inventory, c, r.bundles.all, o.Now)
		r.found = append(r.found, found...)
	}
	r.added = provide(r)
	return r
}

// start reads what stands in the stream.
func start(c *v1alpha1.FluxTrust, s stream, o options) *result {
	i := inventory.Of(s.objects, &c.Spec.Controllers)
	o.Versions, o.NegativeSerials = i.Versions, c.Spec.Extras.AcceptNegativeSerials
	return &result{
		config: c, inventory: i, bundles: &bundles{config: c, stores: i.Stores, options: o.Options, at: map[string]int{}},
	}
}

// bundles resolves the bundle once for every set of namespaces, since an object in
// another namespace is another one. What there is to say about it is said once.
type bundles struct {
	config  *v1alpha1.FluxTrust
	stores  *inventory.Stores
	options trust.Options
	// resolved are in the order in which they were needed, at holds their positions by
	// namespaces.
	resolved []trust.Bundle
	at       map[string]int
}

func (b *bundles) of(namespaces []string) (trust.Bundle, krm.Findings) {
	key := strings.Join(namespaces, ",")
	if i, ok := b.at[key]; ok {
		return b.resolved[i], nil
	}
	resolved, found := trust.Resolve(b.config, b.stores, namespaces, b.options)
	b.at[key] = len(b.resolved)
	b.resolved = append(b.resolved, resolved)
	return resolved, found
}

// all returns the bundle for every set of namespaces that was asked for; where there
// was none, for the one where the bundle is.
func (b *bundles) all() ([]trust.Bundle, krm.Findings) {
	var found krm.Findings
	if len(b.resolved) == 0 {
		_, found = b.of(b.namespaces())
	}
	var all []trust.Bundle
	for _, key := range slices.Sorted(maps.Keys(b.at)) {
		all = append(all, b.resolved[b.at[key]])
	}
	return all, found
}

// namespaces returns where the bundle is, in a stream without controllers.
func (b *bundles) namespaces() []string {
	for _, e := range b.config.Spec.CABundle {
		var s *inventory.Store
		switch {
		case e.ConfigMap != nil:
			s, _ = b.stores.Find(inventory.ConfigMap, e.ConfigMap.Name, []string{""})
		case e.Secret != nil:
			s, _ = b.stores.Find(inventory.Secret, e.Secret.Name, []string{""})
		}
		if s != nil {
			return s.Namespaces()
		}
	}
	return []string{""}
}
