package hardening

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/kustomize/kyaml/fn/framework"

	"fluxtrust.dev/flux-trust/internal/krm"
	"fluxtrust.dev/flux-trust/internal/quote"
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

// platformFields are those of a securityContext that the SCC fills in.
func platformFields() []string {
	return []string{"seccompProfile", "runAsNonRoot", "runAsUser", "fsGroup"}
}

// leaveToPlatform takes out of the securityContext of the pod or of a container
// what the platform sets. Containers that are excepted get as their own what the
// pod loses and the platform would not give them.
func (p *Pod) leaveToPlatform(owner krm.Field, excepted []krm.Field) error {
	sc, err := owner.GetE("securityContext")
	if err != nil || !sc.Exists() {
		return err
	}
	filled := len(sc.Node.Content) > 0
	for _, key := range platformFields() {
		current, err := sc.GetE(key)
		if err != nil {
			return err
		}
		if !current.Exists() {
			continue
		}
		accepted, redundant, err := platformTakes(key, current)
		switch {
		case err != nil:
			return err
		case accepted:
		case redundant: // as good as what the platform sets, so no reason to warn
			p.Report.Did(framework.Info, krm.Change{Path: current.Path}, "removed: OpenShift sets it")
			p.Remove(sc, key)
		default:
			if err := p.handDown(excepted, key, current); err != nil {
				return err
			}
			p.drop(sc, key, current, "OpenShift sets it, and refuses another value")
		}
	}
	p.RemoveEmpty(owner, "securityContext", filled)
	return nil
}

// platformTakes tells whether the SCC accepts a value that may differ from its
// own, and whether a value is only what the SCC gives anyway.
func platformTakes(key string, current krm.Field) (accepted, redundant bool, err error) {
	switch key {
	case "seccompProfile":
		kind, err := current.TextAtE("type")
		return false, kind == "RuntimeDefault", err
	case "runAsNonRoot":
		value, err := current.BooleanE()
		return false, value != nil && value.Value && !value.Quoted, err
	default:
		id, err := number(current)
		return id >= firstPlatformID, key == "fsGroup", err
	}
}

// setPlatformDefaults fills in what the SCC restricted-v2 fills in before the Pod
// Security admission looks at a pod.
func setPlatformDefaults(pod *corev1.PodSpec) {
	yes, no := true, false
	if pod.SecurityContext == nil {
		pod.SecurityContext = &corev1.PodSecurityContext{}
	}
	if pod.SecurityContext.SeccompProfile == nil {
		pod.SecurityContext.SeccompProfile = &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault}
	}
	for _, containers := range [][]corev1.Container{pod.InitContainers, pod.Containers} {
		for i := range containers {
			c := &containers[i]
			if c.SecurityContext == nil {
				c.SecurityContext = &corev1.SecurityContext{}
			}
			if c.SecurityContext.RunAsNonRoot == nil && pod.SecurityContext.RunAsNonRoot == nil {
				c.SecurityContext.RunAsNonRoot = &yes
			}
			if c.SecurityContext.AllowPrivilegeEscalation == nil {
				c.SecurityContext.AllowPrivilegeEscalation = &no
			}
			if c.SecurityContext.Capabilities == nil {
				c.SecurityContext.Capabilities = &corev1.Capabilities{}
			}
			if drop := &c.SecurityContext.Capabilities.Drop; !slices.Contains(*drop, "ALL") {
				*drop = append(*drop, "ALL")
			}
		}
	}
}

// judgeSCC returns what the SCC restricted-v2 refuses and the Pod Security
// Standard does not. Only excepted containers can have it still.
func judgeSCC(pod *corev1.PodSpec) []string {
	var details []string
	refuse := func(container, what string) {
		details = append(details, fmt.Sprintf("container %q must not set %s", quote.Name(container), what))
	}
	for _, c := range slices.Concat(pod.InitContainers, pod.Containers) {
		sc := c.SecurityContext
		if sc.RunAsUser != nil && *sc.RunAsUser < firstPlatformID {
			refuse(c.Name, "securityContext.runAsUser")
		}
		if sc.SeccompProfile != nil && sc.SeccompProfile.Type == corev1.SeccompProfileTypeLocalhost {
			refuse(c.Name, "securityContext.seccompProfile.type=Localhost")
		}
		if o := sc.SELinuxOptions; o != nil && (o.Type != "" || o.User != "" || o.Role != "") {
			refuse(c.Name, "securityContext.seLinuxOptions")
		}
	}
	return details
}
