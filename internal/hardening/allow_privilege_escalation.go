package hardening

func forbidPrivilegeEscalation(p *pod, c place) {
	p.setTrueOrFalse(c, "allowPrivilegeEscalation", false, false)
}
