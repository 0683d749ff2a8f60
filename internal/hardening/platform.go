package hardening

import (
	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/internal/codes"
	"fluxtrust.dev/flux-trust/internal/krm"
)

// The profile OpenShift leaves to the platform what its SecurityContextConstraints
// (SCC) restricted-v2 set, and refuse when it is set to something else: the user,
// the groups of the volumes, the SELinux context and the seccomp profile.
// https://github.com/openshift/cluster-kube-apiserver-operator/blob/master/bindata/bootkube/scc-manifests/0000_20_kube-apiserver-operator_00_scc-restricted-v2.yaml
//
// Flux's own overlay for OpenShift and flux-operator remove the same.

// sccName is the SCC that every user of OpenShift may use.
const sccName = "restricted-v2"

// firstPlatformID is the lowest user and group that OpenShift gives to a
// namespace; every namespace gets 10,000 of its own. Others are refused.
// https://github.com/openshift/api/blob/master/openshiftcontrolplane/v1/types.go
const firstPlatformID = 1_000_000_000

func onOpenShift(c *v1alpha1.SecurityContext) bool { return c.Profile == v1alpha1.OpenShift }

// notOnOpenShift is for rules about users and groups, which OpenShift gives to every
// container.
func notOnOpenShift(c *v1alpha1.SecurityContext) bool { return !onOpenShift(c) }

// leaveToPlatform takes out of a securityContext what the platform sets. Containers
// that are excepted get as their own what the pod loses and the platform would not
// give them.
func leaveToPlatform(p *pod, at place) {
	sc := at.Get("securityContext")
	if !sc.Exists() {
		return
	}
	for _, key := range []string{"seccompProfile", "runAsNonRoot", "runAsUser", "fsGroup"} {
		current := sc.Get(key)
		if !current.Exists() {
			continue
		}
		switch accepted, redundant := platformTakes(key, current); {
		case accepted:
		case redundant: // as good as what the platform sets, so no reason to warn
			p.tell(krm.Info, codes.Hardened, krm.At(current.Path), "removed: OpenShift sets it")
			sc.Remove(key)
		default:
			p.handDown(at, key)
			p.drop(sc, key, "OpenShift sets it, and refuses another value")
		}
	}
}

// platformTakes reports whether the SCC accepts a value that may differ from its
// own, and whether a value is only what the SCC gives anyway.
func platformTakes(key string, current krm.Field) (accepted, redundant bool) {
	switch key {
	case "seccompProfile":
		return false, current.Text("type") == "RuntimeDefault"
	case "runAsNonRoot":
		value := current.Boolean()
		return false, value != nil && value.Value && !value.Quoted
	default:
		return number(current) >= firstPlatformID, key == "fsGroup"
	}
}
