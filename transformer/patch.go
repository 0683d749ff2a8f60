package transformer

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"sigs.k8s.io/kustomize/kyaml/fn/framework"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/internal/flux"
	"fluxtrust.dev/flux-trust/internal/krm"
	"fluxtrust.dev/flux-trust/internal/patches"
	"fluxtrust.dev/flux-trust/internal/quote"
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
func Patches(config *v1alpha1.FluxTrust, resources []Resource, options PatchOptions, now time.Time) ([]patches.Patch, Outcome) {
	t := newTransform(config, resources, now)
	t.patching, t.followsNames = true, options.FollowsNames
	if len(config.Spec.Sources) > 0 {
		t.configReport().Add(framework.Warning, krm.Change{Path: "spec.sources"}, "is no part of the patches, which are for the controllers; run the function over the Flux objects themselves")
	}
	var made []patches.Patch
	var err error
	if hasTargets(resources) {
		t.run(0)
		made, err = t.exactPatches(resources)
		var others []Resource
		if len(t.instances) == 0 { // or the patches are for what is made in the cluster
			others = Namesakes(made, resources, t.outcome)
		}
		for _, r := range others {
			t.report.Of(krm.Field{Node: r.Node.YNode()}, r.File).Add(framework.Error, krm.Change{},
				"has the name of a controller and is none, and kustomize would patch it as well; build it in another folder than Flux")
		}
	} else {
		for _, r := range resources {
			t.outcome.Items = append(t.outcome.Items, r.Node)
		}
		made, err = t.stockPatches(stock{namespaces: []string{options.Namespace}, components: options.Components}, t.report)
		t.outcome.Controllers = len(t.seen)
		t.finish()
	}
	if err != nil {
		t.configReport().Fail(err)
	}
	if t.outcome.Failed() {
		return nil, t.outcome
	}
	return made, t.outcome
}

// Namesakes returns the workloads that patches would change because of their names,
// though the run that made the outcome has left them alone. A patch adds a container
// without an image to a Deployment that has none of that name.
func Namesakes(made []patches.Patch, resources []Resource, outcome Outcome) []Resource {
	var found []Resource
	for i, r := range resources {
		if outcome.Items[i] != r.Node {
			continue
		}
		for _, m := range workloads(krm.Field{Node: r.Node.YNode()}) {
			selects := func(p patches.Patch) bool {
				return p.Target.Selects(string(m.kind), m.resource.TextOr("metadata", "namespace"), m.name())
			}
			if w, err := read(m); err == nil && !w.isPatch() && len(flux.Find(w.seen)) == 0 && slices.ContainsFunc(made, selects) {
				found = append(found, r)
				break
			}
		}
	}
	return found
}

// hasTargets tells whether there is a workload or a FluxInstance.
func hasTargets(resources []Resource) bool {
	return slices.ContainsFunc(resources, func(r Resource) bool { return len(targets(krm.Field{Node: r.Node.YNode()})) > 0 })
}

// exactPatches compares every resource with what the run has made of it.
func (t *transform) exactPatches(resources []Resource) ([]patches.Patch, error) {
	var changes []patches.Change
	for i, r := range resources {
		after := t.outcome.Items[i]
		if after == nil || after == r.Node {
			continue
		}
		expanded, err := krm.Prepare(r.Node)
		if err != nil {
			return nil, err
		}
		was, is := workloads(krm.Field{Node: expanded.YNode()}), workloads(krm.Field{Node: after.YNode()})
		for j := range was {
			if is[j].isPart() {
				return nil, fmt.Errorf("%s %s takes no patches; run the function over it", quote.Kind(is[j].resource.TextOr("kind")), quote.Name(is[j].resource.TextOr("metadata", "name")))
			}
			changes = append(changes, patches.Change{Before: was[j].object.Node, After: is[j].object.Node})
		}
	}
	for _, namespace := range slices.Sorted(maps.Keys(t.namespaces)) {
		if err := t.checkReferences([]string{namespace}); err != nil {
			return nil, err
		}
	}
	made, err := patches.Of(t.config.Metadata.Name, changes)
	if err != nil {
		return nil, err
	}
	switch {
	case len(t.instances) > 0 && len(made) > 0:
		return nil, errors.New("the inputs hold Deployments of Flux and objects that make such Deployments; name one or the other")
	case len(t.instances) > 0:
		return t.instances, nil
	default:
		return made, nil
	}
}

// errPatched refuses a workload that has been changed already: a patch goes on top
// of what is built without it.
func errPatched() error {
	return &krm.FieldError{Path: "metadata.annotations." + configAnnotation, Message: "flux-trust has changed this workload already, and patches are made from what was there before; " +
		"name the manifests as they are without it, such as gotk-components.yaml"}
}
