package transformer

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/internal/hardening"
	"fluxtrust.dev/flux-trust/internal/inventory"
	"fluxtrust.dev/flux-trust/internal/krm"
	"fluxtrust.dev/flux-trust/internal/trust"
)

// File is where a resource stands.
type File = krm.File

// Resource is one resource of a stream and, where it is known, its file.
type Resource struct {
	Node *yaml.RNode
	File *File
}

// Outcome is what a run makes of a stream.
type Outcome struct {
	// Items are the resources in their order. One that was changed is a new
	// node, one that was taken away is nil; all others are the nodes that came in.
	// After an error, all are.
	Items []*yaml.RNode
	// Added are resources that the function adds at the end of the stream.
	Added []*yaml.RNode
	// Findings say what was changed and what could not be, each with its
	// severity.
	Findings krm.Findings
	// Controllers and Changed count Deployments: those that count as
	// controllers, and those among them that were not yet as configured.
	Controllers, Changed int
	// Released counts Deployments that an earlier run had changed and that are no
	// longer selected.
	Released int
	// Namespaces are those in which controllers trust the bundle, sorted; "" stands for
	// controllers whose manifests have none.
	Namespaces []string
	// Sources counts the Flux objects that spec.sources selects, SourcesChanged
	// those that were changed, SourcesReleased those that an earlier run had changed
	// and that are no longer selected.
	Sources, SourcesChanged, SourcesReleased int
	// Validated is set where nothing was to be changed: Changed counts controllers
	// that are not as configured, with an error for each thing.
	Validated bool
	// Roots are the certificates of the bundle whose content is known.
	Roots []trust.Root
	// Unknown says why Roots may not be all, or is "".
	Unknown string
	// Verdicts are those of the Pod Security admission, per controller: as it is to be,
	// or as it came in where that was to be validated.
	Verdicts []hardening.Verdict
	// Exceptions are the findings that the config allows.
	Exceptions []string
	// OwnCAs returns the Secrets in which sources of the stream may have a CA of their own.
	OwnCAs func() []inventory.OwnCA
	// Asked is for Look.
	Asked Asked
}

// Failed reports whether a finding is an error.
func (o Outcome) Failed() bool { return o.Findings.Failed() }

// Run applies a config to the resources of a stream at a time, which changes
// findings only. In the mode Validate nothing is changed. The config must have been
// decoded by v1alpha1, which validates it and fills in the defaults.
func Run(config *v1alpha1.FluxTrust, resources []Resource, now time.Time) Outcome {
	return RunNeeded(config, resources, 0, now)
}

// RunNeeded is Run over a stream without some resources that the config does not
// need, see Needs.
func RunNeeded(config *v1alpha1.FluxTrust, resources []Resource, skipped int, now time.Time) Outcome {
	s := newStream(resources, skipped)
	if config.Spec.Mode == v1alpha1.Validate {
		return validate(config, s, now)
	}
	return outcomeOf(s, run(config, s, options{Options: trust.Options{Now: now}}))
}

// outcomeOf returns what a run has made of a stream, or the stream as it came in after
// an error.
func outcomeOf(s stream, r *result) Outcome {
	o := Outcome{
		Asked: askedOf(r), OwnCAs: r.inventory.OwnCAs,
		Findings: r.found, Controllers: r.controllers.count, Changed: r.controllers.changed, Released: r.controllers.released,
		Namespaces: slices.Sorted(maps.Keys(r.controllers.namespaces)),
		Sources:    r.sources.Selected, SourcesChanged: r.sources.Changed, SourcesReleased: r.sources.Released, Verdicts: r.controllers.verdicts,
	}
	for _, b := range r.bundles.resolved {
		o.Roots = append(o.Roots, b.Roots...)
		if o.Unknown = cmp.Or(o.Unknown, b.Unknown); o.Unknown == "" && b.Digest == "" && len(b.Projections) > 0 {
			o.Unknown = "an entry of spec.caBundle has an error"
		}
		o.Exceptions = append(o.Exceptions, b.Exceptions...)
	}
	if len(r.bundles.resolved) == 0 {
		o.Unknown = "no controller was found that is to trust it"
	}
	if o.Failed() {
		o.Items = s.before()
		return o
	}
	o.Items = s.after()
	for _, object := range r.added {
		o.Added = append(o.Added, yaml.NewRNode(object.After().Node))
	}
	return o
}
