package installer

import (
	"net/url"
	"slices"
	"strings"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/internal/codes"
	"fluxtrust.dev/flux-trust/internal/flux"
	"fluxtrust.dev/flux-trust/internal/inventory"
	"fluxtrust.dev/flux-trust/internal/krm"
	"fluxtrust.dev/flux-trust/internal/quote"
	"fluxtrust.dev/flux-trust/internal/trust"
)

// ArtifactField ends the path of what flux-operator pulls.
const ArtifactField = "distribution.artifact"

// CheckArtifact says that flux-operator pulls the manifests of an object itself, where it
// is not known to get what the config gives the controllers. It takes no CA from the
// object: https://fluxoperator.dev/docs/crd/fluxinstance/#distribution-artifact
func CheckArtifact(i *inventory.Installer, all *inventory.Inventory, c *v1alpha1.Controllers) krm.Findings {
	var found krm.Findings
	if i.Kind.Spec == nil {
		return nil
	}
	at := i.Object.Before.Loose().Get(append(slices.Clone(i.Kind.Spec), "distribution", "artifact")...)
	artifact := at.Peek()
	if !at.Exists() {
		artifact = i.Kind.Artifact
	}
	host := "a registry"
	if u, err := url.Parse(artifact); err == nil && u.Host != "" {
		host = quote.Host(u.Host)
	}
	operator := operatorIn(all, c)
	tell := func(severity krm.Severity, code krm.Code, cure string) {
		found.Add(severity, code, i.Object, krm.At(strings.Join(i.Kind.Spec, ".")+"."+ArtifactField),
			"is pulled from %s by flux-operator itself, before there is a controller, and the FluxInstance has no field for its CA; %s", host, cure)
	}
	var known, unknown []string
	selected := inventory.Includes(c, flux.Operator)
	if artifact != "" && operator != nil && !selected {
		known, unknown = rootsOf(operator, all.Stores)
	}
	switch {
	case artifact == "": // it has manifests in its image
	case operator == nil:
		tell(krm.Info, codes.OperatorPulls, "flux-operator is not in the stream, so what it trusts is not known: give its chart the values that flux-trust patches CONFIG -o flux-operator-values prints, or put its manifests into the stream")
	case selected:
	case slices.Contains(c.Exclude, flux.Operator):
		tell(krm.Info, codes.OperatorPulls, "spec.controllers leaves flux-operator alone, so it has to trust the host by itself")
	case len(known) > 0:
		tell(krm.Info, codes.OperatorPulls, "spec.controllers leaves flux-operator alone, which has roots of its own: "+strings.Join(known, ", "))
	case len(unknown) > 0:
		tell(krm.Warning, codes.Unchecked, "spec.controllers leaves flux-operator alone, and what roots it has is not known: "+strings.Join(unknown, ", ")+"; put the object into the stream, or add flux-operator to spec.controllers.include")
	default:
		tell(krm.Warning, codes.OperatorPulls, "spec.controllers.include leaves flux-operator out: add it")
	}
	return found
}

// operatorIn returns flux-operator in a stream, or nil.
func operatorIn(all *inventory.Inventory, c *v1alpha1.Controllers) *inventory.Workload {
	for _, w := range all.Workloads {
		if !w.Patch && w.Runs(flux.Operator) {
			return w
		}
	}
	for _, i := range all.Installers {
		if !i.Kind.Operator {
			continue
		}
		if w, err := Operator(i, c); err == nil {
			return w
		}
	}
	return nil
}

// rootsOf names what gives the container of flux-operator roots of its own, and what may.
func rootsOf(operator *inventory.Workload, stores *inventory.Stores) (known, unknown []string) {
	containers := operator.In(operator.Object.Before.Loose()).Items("spec", "template", "spec", "containers")
	for _, m := range flux.Find(operator.Seen) {
		if m.Controller == flux.Operator {
			some, others := trust.GivenRoots(operator, containers[m.Container], stores)
			known, unknown = append(known, some...), append(unknown, others...)
		}
	}
	return known, unknown
}
