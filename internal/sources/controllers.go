package sources

import (
	"cmp"
	"slices"
	"strings"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/internal/flux"
	"fluxtrust.dev/flux-trust/internal/inventory"
	"fluxtrust.dev/flux-trust/internal/probe"
)

// controller returns what counts of a controller, as far as the stream has it.
func (r *reader) controller(name string) probe.Controller {
	env := r.environments[name]
	c := probe.Controller{
		NegativeSerials: slices.Contains(strings.Split(env["GODEBUG"], ","), "x509negativeserial=1"),
		// In the order in which Go reads them: https://pkg.go.dev/golang.org/x/net/http/httpproxy
		HTTPSProxy: cmp.Or(env["HTTPS_PROXY"], env["https_proxy"]),
		HTTPProxy:  cmp.Or(env["HTTP_PROXY"], env["http_proxy"]),
		NoProxy:    cmp.Or(env["NO_PROXY"], env["no_proxy"]),
	}
	switch {
	case r.config.Spec.Mount.Method == v1alpha1.None:
		c.Without = probe.WithoutMount
	case !inventory.Includes(&r.config.Spec.Controllers, name):
		c.Without = probe.WithoutController
	default:
		c.Bundle = true
	}
	if v := r.Versions[name]; v != nil {
		c.Version = v.String()
	}
	return c
}

// environments returns the literal variables of the containers that run controllers.
func environments(i *inventory.Inventory) map[string]map[string]string {
	found := map[string]map[string]string{}
	for _, w := range i.Workloads {
		containers := w.In(w.Object.Before.Loose()).Items("spec", "template", "spec", "containers")
		for _, m := range flux.Find(w.Seen) {
			if m.Container >= len(containers) || found[m.Controller] != nil {
				continue
			}
			env := map[string]string{}
			for _, variable := range containers[m.Container].Items("env") {
				env[variable.Peek("name")] = variable.Peek("value")
			}
			found[m.Controller] = env
		}
	}
	return found
}
