package sources

import (
	"cmp"
	"slices"
	"strings"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/internal/flux"
	"fluxtrust.dev/flux-trust/internal/inventory"
	"fluxtrust.dev/flux-trust/internal/krm"
	"fluxtrust.dev/flux-trust/internal/probe"
	"fluxtrust.dev/flux-trust/internal/quote"
	"fluxtrust.dev/flux-trust/internal/trust"
)

// environment is what the containers that run a controller get.
type environment struct {
	values map[string]string
	// unknown says why a proxy is not known, or is "".
	unknown string
}

// controller returns what counts of a controller, as far as the stream has it. Where it
// is not in the stream, it will be what the config makes of it.
func (r *reader) controller(name string) probe.Controller {
	env := r.environment(name).values
	c := probe.Controller{
		NegativeSerials: slices.Contains(strings.Split(env["GODEBUG"], ","), trust.AcceptNegativeSerials),
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

// environment returns that of a controller, or the one that the config will give it.
func (r *reader) environment(name string) environment {
	if env, ok := r.environments[name]; ok {
		return env
	}
	env := environment{values: map[string]string{}}
	spec := &r.config.Spec
	if !inventory.Includes(&spec.Controllers, name) {
		return env
	}
	if spec.Extras.AcceptNegativeSerials {
		env.values["GODEBUG"] = trust.AcceptNegativeSerials
	}
	switch x := spec.Proxy; {
	case x == nil:
	case x.SecretRef != nil:
		env.unknown = "spec.proxy is in a Secret, and the Deployment of " + name + ", beside which it stands, is not among the inputs"
	default:
		settings := trust.SettingsOf(r.config)
		env.values["HTTPS_PROXY"], env.values["HTTP_PROXY"], env.values["NO_PROXY"] = x.HTTPS, x.HTTP, settings.NoProxy()
	}
	return env
}

// readEnvironments returns the variables of the containers that run controllers.
func (r *reader) readEnvironments() map[string]environment {
	found := map[string]environment{}
	for _, w := range r.Workloads {
		containers := w.In(w.Object.Before.Loose()).Items("spec", "template", "spec", "containers")
		for _, m := range flux.Find(w.Seen) {
			if _, ok := found[m.Controller]; ok || m.Container >= len(containers) {
				continue
			}
			env := environment{values: map[string]string{}}
			for _, variable := range containers[m.Container].Items("env") {
				name := variable.Peek("name")
				env.values[name] = variable.Peek("value")
				if slices.Contains(trust.ProxyNames(), name) && variable.Get("valueFrom").Exists() {
					r.fromElsewhere(w.Object, m.Controller, variable, &env)
				}
			}
			found[m.Controller] = env
		}
	}
	return found
}

// fromElsewhere reads the variable of a proxy whose value stands in a Secret.
func (r *reader) fromElsewhere(o *krm.Object, controller string, variable krm.Field, env *environment) {
	name := variable.Peek("name")
	ref := variable.Get("valueFrom", "secretKeyRef")
	key := ref.Peek("key")
	secret := r.secret(o, ref.Peek("name"), []string{key})
	switch {
	case secret == nil:
		env.unknown = name + " of " + controller + " comes from something else than a Secret"
	case secret.Unknown != "":
		env.unknown = name + " of " + controller + " comes from Secret " + quote.Name(secret.Name) + ", which is not known: " + secret.Unknown
	default:
		env.values[name] = strings.TrimSpace(string(secret.Data[key]))
	}
}
