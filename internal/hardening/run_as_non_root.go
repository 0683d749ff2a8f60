package hardening

// requireNonRoot replaces what the pod says explicitly and insecurely, and lets a
// container say it where the pod does not.
func requireNonRoot(p *pod, at place) {
	if at.scope != pods {
		p.setTrueOrFalse(at, "runAsNonRoot", true, p.saysNonRoot())
		return
	}
	if value := at.Boolean("securityContext", "runAsNonRoot"); value == nil || value.Value && !value.Quoted {
		return
	}
	p.handDown(at, "runAsNonRoot")
	p.replace(at.Get("securityContext"), "runAsNonRoot", true)
}

// saysNonRoot reports whether containers inherit it.
func (p *pod) saysNonRoot() bool {
	value := p.spec.Boolean("securityContext", "runAsNonRoot")
	return p.openShift() || value != nil && value.Value
}
