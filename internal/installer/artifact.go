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
	tell := func(severity krm.Severity, cure string) {
		found.Add(severity, codes.OperatorPulls, i.Object, krm.At(strings.Join(i.Kind.Spec, ".")+".distribution.artifact"),
			"is pulled from %s by flux-operator itself, before there is a controller, and the FluxInstance has no field for its CA; %s", host, cure)
	}
	switch selected := inventory.Includes(c, flux.Operator); {
	case artifact == "": // it has manifests in its image
	case operator == nil:
		tell(krm.Info, "flux-operator is not in the stream, so what it trusts is not known: give its chart the values that flux-trust patches -o flux-operator-values prints, or put its manifests into the stream")
	case selected:
	case slices.Contains(c.Exclude, flux.Operator) || hasRoots(operator):
		tell(krm.Info, "spec.controllers leaves flux-operator alone, so it has to trust the host by itself")
	default:
		tell(krm.Warning, "spec.controllers.include leaves flux-operator out: add it")
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

// hasRoots reports whether a container of a workload is told where roots are.
func hasRoots(w *inventory.Workload) bool {
	for _, container := range w.In(w.Object.Before.Loose()).Items("spec", "template", "spec", "containers") {
		for _, name := range trust.RootNames() {
			if len(container.Get("env").Named(name)) > 0 {
				return true
			}
		}
	}
	return false
}
