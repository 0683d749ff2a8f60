package hardening

import (
	"fluxtrust.dev/flux-trust/internal/codes"
	"fluxtrust.dev/flux-trust/internal/krm"
	"fluxtrust.dev/flux-trust/internal/quote"
)

// restrictSyscalls gives a place the seccomp profile of the container runtime, where
// it has none that restricts system calls. A pod without any says nothing: the
// containers do.
func restrictSyscalls(p *pod, at place) {
	profile := at.Get("securityContext", "seccompProfile")
	kind := profile.Text("type")
	inherited := at.scope == pods || p.openShift() || restrictsSyscalls(p.spec.Text("securityContext", "seccompProfile", "type"))
	if restrictsSyscalls(kind) || !profile.Exists() && inherited {
		return
	}
	p.handDown(at, "seccompProfile")
	d := krm.Difference{Path: profile.Path + ".type", Proposed: "RuntimeDefault"}
	if kind != "" {
		d.Current = kind
		p.tell(krm.Warning, codes.Hardened, d, "%s replaced by RuntimeDefault", quote.Word(kind))
	} else {
		p.tell(krm.Info, codes.Hardened, d, "set to RuntimeDefault")
	}
	profile = at.Ensure("securityContext", "seccompProfile")
	profile.PutText("type", "RuntimeDefault")
	profile.Remove("localhostProfile")
}

func restrictsSyscalls(seccompType string) bool {
	return seccompType == "RuntimeDefault" || seccompType == "Localhost"
}
