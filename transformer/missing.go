package transformer

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/fn/framework"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/internal/krm"
	"fluxtrust.dev/flux-trust/internal/quote"
)

// reportMissing says what the config names and the stream does not hold.
func (t *transform) reportMissing(resources int, deployments []string) {
	switch {
	case t.outcome.Failed():
		return
	case t.outcome.Controllers+t.outcome.Released == 0:
		t.reportNoControllers(resources, deployments)
		return
	}
	if t.config.Spec.Mount.Method == v1alpha1.File {
		t.report.Add(framework.Warning, krm.Change{}, "the method File mounts with subPath: the kubelet never updates such a file, so a new root arrives with a restart only")
	}
	for i, name := range t.config.Spec.Controllers.Include {
		if !t.seen[string(name)] {
			t.configReport().Add(framework.Warning, krm.Change{Path: fmt.Sprintf("spec.controllers.include[%d]", i)}, "the stream has no %s", name)
		}
	}
	for i := range t.config.Spec.Controllers.Additional {
		if !t.matched[i] {
			t.configReport().Add(framework.Warning, krm.Change{Path: fmt.Sprintf("spec.controllers.additional[%d]", i)}, "selects no %s of the stream", t.config.Spec.Controllers.Additional[i].Kind)
		}
	}
	for i, name := range t.config.Spec.SecurityContext.ExceptContainers {
		if !t.seen["container "+name] && t.config.Spec.SecurityContext.Profile != v1alpha1.NoProfile {
			t.configReport().Add(framework.Warning, krm.Change{Path: fmt.Sprintf("spec.securityContext.exceptContainers[%d]", i)}, "no controller has a container %s", name)
		}
	}
}

func (t *transform) reportNoControllers(resources int, deployments []string) {
	severity := framework.Error
	switch t.config.Spec.OnNoControllers {
	case v1alpha1.Ignore:
		return
	case v1alpha1.Warn:
		severity = framework.Warning
	case v1alpha1.Error:
	}
	if len(t.seen) > 0 {
		t.configReport().Add(severity, krm.Change{Path: "spec.controllers"}, "selects none of the Flux controllers in the stream (%s); change include and exclude",
			strings.Join(slices.Sorted(maps.Keys(t.seen)), ", "))
		return
	}
	found := "no Deployment"
	if len(deployments) > 0 {
		const most = 5
		found = strings.Join(quote.Each(quote.Name, deployments[:min(most, len(deployments))]), ", ")
		if len(deployments) > most {
			found += ", …"
		}
		found = fmt.Sprintf("%s (%s)", krm.Count(len(deployments), "Deployment"), found)
	}
	t.report.Add(severity, krm.Change{}, "no Flux controller among %s, %s; run the function where the manifests of Flux are built, "+
		"name other Deployments under spec.controllers.additional, or set spec.onNoControllers: Ignore", krm.Count(resources, "resource"), found)
}
