package hardening

import "fluxtrust.dev/flux-trust/internal/krm"

// dropGroups removes a runAsGroup that applies to a container without a runAsUser,
// at whichever level each stands: container runtimes refuse it. Containers that have
// inherited it from the pod and are in order keep it as their own.
func dropGroups(p *pod) {
	pod := p.spec.Get("securityContext")
	user := func(c krm.Field) bool {
		return c.Get("securityContext", "runAsUser").Exists() || pod.Get("runAsUser").Exists()
	}
	const why = "container runtimes refuse it without runAsUser"
	for _, c := range p.containers {
		if user(c.Field) {
			continue
		}
		if own := c.Get("securityContext"); own.Get("runAsGroup").Exists() {
			p.drop(own, "runAsGroup", why)
		}
		if !pod.Get("runAsGroup").Exists() {
			continue
		}
		p.handDownTo(p.excepted, "because the container is excepted", "runAsGroup")
		for _, other := range p.containers {
			if user(other.Field) {
				p.handDownTo([]krm.Field{other.Field}, "because the container has a runAsUser", "runAsGroup")
			}
		}
		p.drop(pod, "runAsGroup", why)
		p.spec.RemoveEmpty("securityContext", true)
	}
}
