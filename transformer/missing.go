package transformer

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/internal/codes"
	"fluxtrust.dev/flux-trust/internal/flux"
	"fluxtrust.dev/flux-trust/internal/krm"
	"fluxtrust.dev/flux-trust/internal/quote"
	"fluxtrust.dev/flux-trust/internal/trust"
)

// missing says what the config names and the stream does not hold.
func missing(r *result, s stream) krm.Findings {
	var found krm.Findings
	if r.found.Failed() {
		return nil
	}
	if len(r.config.Spec.Controllers.Include) == 0 {
		for _, w := range r.inventory.Unknown {
			found.Add(krm.Warning, codes.UnknownName, w.Object, krm.Difference{Path: "metadata.labels"},
				"looks like a controller of Flux that this release of flux-trust does not know (%s), and is left alone; name it under spec.controllers.additional, or look for a newer flux-trust", quote.Name(flux.Unknown(w.Seen)))
		}
	}
	for _, w := range r.inventory.NoDeployments {
		found.Add(krm.Warning, codes.NoDeployment, w.Object, krm.Difference{},
			"runs a controller of Flux (%s), and is left alone, because Flux runs its controllers as Deployments; name it under spec.controllers.additional, with kind: %s", flux.Find(w.Seen)[0].Controller, w.Kind)
	}
	if r.controllers.count+r.controllers.released == 0 {
		noControllers(&found, r, s)
		return found
	}
	if warning, ok := trust.Warning(r.config.Spec.Mount.Method); ok {
		found = append(found, warning)
	}
	selectsNothing := func(path, format string, args ...any) {
		found.Add(krm.Warning, codes.SelectsNothing, trust.About(r.config), krm.At(path), format, args...)
	}
	spec := &r.config.Spec
	for i, name := range spec.Controllers.Include {
		if !r.inventory.Controllers[string(name)] {
			selectsNothing(fmt.Sprintf("spec.controllers.include[%d]", i), "the stream has no %s", name)
		}
	}
	for i, a := range spec.Controllers.Additional {
		if !r.inventory.Additional[i] {
			selectsNothing(fmt.Sprintf("spec.controllers.additional[%d]", i), "selects no %s of the stream", a.Kind)
		}
	}
	for i, name := range spec.SecurityContext.ExceptContainers {
		if !r.controllers.excepted[name] && spec.SecurityContext.Profile != v1alpha1.NoProfile {
			selectsNothing(fmt.Sprintf("spec.securityContext.exceptContainers[%d]", i), "no controller has a container %s", quote.Name(name))
		}
	}
	return found
}

func noControllers(found *krm.Findings, r *result, s stream) {
	severity := krm.Error
	switch r.config.Spec.OnNoControllers {
	case v1alpha1.Ignore:
		return
	case v1alpha1.Warn:
		severity = krm.Warning
	case v1alpha1.Error:
	}
	c := &r.config.Spec.Controllers
	if len(r.inventory.Controllers) > 0 && len(c.Include)+len(c.Exclude) == 0 {
		found.Add(severity, codes.NoControllers, nil, krm.Difference{}, "the stream has patches for Flux controllers (%s), and no controller; run the function over the result of the build: kustomize build DIR | flux-trust CONFIG -",
			strings.Join(slices.Sorted(maps.Keys(r.inventory.Controllers)), ", "))
		return
	}
	if len(r.inventory.Controllers) > 0 {
		found.Add(severity, codes.NoControllers, trust.About(r.config), krm.At("spec.controllers"), "selects none of the Flux controllers in the stream (%s); change include and exclude",
			strings.Join(slices.Sorted(maps.Keys(r.inventory.Controllers)), ", "))
		return
	}
	resources := s.skipped
	for _, o := range s.objects {
		if !o.IsList() {
			resources++
		}
	}
	if resources == 0 {
		found.Add(severity, codes.NoControllers, nil, krm.Difference{}, "the input holds no resource, with apiVersion and kind; look at what wrote it: a list of patches holds none, and kubectl prints an empty list where -n or --context names another place than that of Flux")
		return
	}
	found.Add(severity, codes.NoControllers, nil, krm.Difference{}, "no Flux controller among %s, %s; run the function over the manifests of Flux as they are built (kustomize build DIR | flux-trust CONFIG -), "+
		"name other Deployments under spec.controllers.additional, or set spec.onNoControllers: Ignore", krm.Count(resources, "resource"), deployments(r))
}

// deployments names some Deployments of the stream.
func deployments(r *result) string {
	const most = 5
	r.namesDeployments = true
	var names []string
	for _, w := range r.inventory.Workloads {
		if w.Kind == v1alpha1.Deployment {
			names = append(names, quote.Name(w.Name()))
		}
	}
	switch {
	case len(names) == 0:
		return "no Deployment"
	case len(names) > most:
		return fmt.Sprintf("%s (%s, …)", krm.Count(len(names), "Deployment"), strings.Join(names[:most], ", "))
	default:
		return fmt.Sprintf("%s (%s)", krm.Count(len(names), "Deployment"), strings.Join(names, ", "))
	}
}
