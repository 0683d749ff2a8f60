package transformer

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/internal/codes"
	"fluxtrust.dev/flux-trust/internal/flux"
	"fluxtrust.dev/flux-trust/internal/installer"
	"fluxtrust.dev/flux-trust/internal/inventory"
	"fluxtrust.dev/flux-trust/internal/krm"
	"fluxtrust.dev/flux-trust/internal/patches"
	"fluxtrust.dev/flux-trust/internal/quote"
	"fluxtrust.dev/flux-trust/internal/trust"
)

// PatchOptions say where patches are going to be.
type PatchOptions struct {
	// FollowsNames tells that the patches and the objects that they name are built
	// together, by kustomize, which gives both the new name.
	FollowsNames bool
	// Namespace of the controllers where no workload says it.
	Namespace string
	// Components are the controllers where no workload says which there are.
	Components []string
}

// Patches returns what a config changes, as patches instead of changed
// resources. They are made for the workloads and the FluxInstances among the
// resources: exactly, controller by controller. Where there is neither, they
// are made for any stock install of Flux.
//
// The outcome is that of Run: its items and what it adds hold the ConfigMaps that
// the patches need. The config must be in mode Transform.
func Patches(config *v1alpha1.FluxTrust, resources []Resource, o PatchOptions, now time.Time) ([]patches.Patch, Outcome) {
	s := newStream(resources, 0)
	run := patchesForAny
	if hasTargets(s) {
		run = patchesFor
	}
	about := trust.About(config)
	made, r := run(config, s, o, options{Options: trust.Options{Now: now, FollowsNames: o.FollowsNames}, patching: true}, about)
	if len(config.Spec.Sources) > 0 {
		first := krm.Finding{
			Code: codes.SourcesNotPatched, Severity: krm.Warning, Object: about, Difference: krm.At("spec.sources"),
			Message: "is not part of the patches, which are for the controllers; run the function over the Flux objects themselves",
		}
		r.found = append(krm.Findings{first}, r.found...)
	}
	outcome := outcomeOf(s, r)
	if outcome.Failed() {
		return nil, outcome
	}
	return made, outcome
}

// hasTargets reports whether there is a workload, or an object that may install some.
func hasTargets(s stream) bool {
	return slices.ContainsFunc(s.objects, func(o *krm.Object) bool {
		return inventory.HoldsWorkloads(o) || flux.IsInstaller(o.Group(), o.Kind())
	})
}

// patchesForAny makes patches for any install.
func patchesForAny(config *v1alpha1.FluxTrust, s stream, p PatchOptions, o options, about *krm.Object) ([]patches.Patch, *result) {
	r := start(config, s, o)
	c := newChanger(r, o)
	made, err := c.patchesOf(installer.Stock{Namespaces: []string{p.Namespace}, Components: p.Components}, nil)
	r.controllers = c.done
	r.controllers.count = len(slices.DeleteFunc(flux.Names(), func(name string) bool { return !slices.Contains(p.Components, name) }))
	r.found.Fail(about, err)
	for i, a := range config.Spec.Controllers.Additional {
		r.found.Add(krm.Warning, codes.SelectsNothing, about, krm.At(fmt.Sprintf("spec.controllers.additional[%d]", i)),
			"is not part of these patches, which are for any install of Flux: name the manifest of its %s as INPUT, together with those of Flux", a.Kind)
	}
	r.added = provide(r)
	return made, r
}

// patchesFor makes patches of what a run changes.
func patchesFor(config *v1alpha1.FluxTrust, s stream, _ PatchOptions, o options, about *krm.Object) ([]patches.Patch, *result) {
	r := run(config, s, o)
	made := exactPatches(r, o, about)
	if len(r.controllers.patches) == 0 { // or the patches are for what is made in the cluster
		for _, w := range r.inventory.Workloads {
			if isNamesake(w, made) {
				r.found.Add(krm.Error, codes.Namesake, w.Object, krm.Difference{}, "has the name of a controller and is none, and kustomize would patch it as well; build it in another folder than Flux")
			}
		}
	}
	r.found.Fail(about, about.Err())
	return made, r
}

// exactPatches compares every workload with what the run has made of it.
func exactPatches(r *result, o options, about *krm.Object) []patches.Patch {
	if r.found.Failed() {
		return nil
	}
	var changes []patches.Change
	for _, w := range r.inventory.Workloads {
		if !w.Changed() {
			continue
		}
		if w.IsPart() {
			about.Fail(&krm.FieldError{Code: codes.TakesNoPatches, Message: w.Object.Kind() + " " + quote.Name(w.Object.Name()) + " takes no patches; run the function over it"})
			return nil
		}
		changes = append(changes, patches.Change{Before: w.Object.Before.Node, After: w.Object.After().Node})
	}
	for _, namespace := range slices.Sorted(maps.Keys(r.controllers.namespaces)) {
		if !o.FollowsNames {
			about.Fail(installer.CheckReferences(r.config, r.inventory.Stores, []string{namespace}))
		}
	}
	made, err := patches.Of(r.config.Metadata.Name, changes)
	about.Fail(err)
	switch {
	case len(r.controllers.patches) > 0 && len(made) > 0:
		about.Fail(&krm.FieldError{Code: codes.PatchesOfBoth, Message: "the inputs hold Deployments of Flux and objects that make such Deployments; name one or the other"})
		return nil
	case len(r.controllers.patches) > 0:
		return r.controllers.patches
	default:
		return made
	}
}

// isNamesake reports whether patches would change a workload because of its name,
// though it is not a controller and was left alone. A patch adds a container without an
// image to a Deployment that has none of that name.
func isNamesake(w *inventory.Workload, made []patches.Patch) bool {
	return w.Err == nil && !w.Patch && !w.Changed() && len(flux.Find(w.Seen)) == 0 && slices.ContainsFunc(made, func(p patches.Patch) bool {
		return p.Target.Selects(string(w.Kind), w.Object.Namespace(), w.Name())
	})
}
