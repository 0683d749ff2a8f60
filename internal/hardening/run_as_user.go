package hardening

// dropRoot removes runAsUser: 0, which runAsNonRoot makes fail. The image's own
// user applies then; a container that is excepted keeps root as its own.
func dropRoot(p *pod, at place) {
	sc := at.Get("securityContext")
	if number(sc.Get("runAsUser")) != 0 {
		return
	}
	p.handDown(at, "runAsUser")
	p.drop(sc, "runAsUser", "root; the user of the image applies instead")
}
