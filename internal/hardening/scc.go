package hardening

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"fluxtrust.dev/flux-trust/internal/quote"
)

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

// judgeSCC returns what the SCC restricted-v2 refuses and the Pod Security Standard
// does not: users and groups that are not those of the namespace, and what the SCC
// sets to something else.
func judgeSCC(pod *corev1.PodSpec) []string {
	var details []string
	all := slices.Concat(pod.InitContainers, pod.Containers)
	if sc := pod.SecurityContext; sc != nil {
		user := sc.RunAsUser
		if !slices.ContainsFunc(all, func(c corev1.Container) bool { return c.SecurityContext == nil || c.SecurityContext.RunAsUser == nil }) {
			user = nil // no container inherits it
		}
		details = append(details, judgeContext("the pod", user, sc.SeccompProfile, sc.SELinuxOptions)...)
		if isForeign(sc.FSGroup) {
			details = append(details, "the pod must not set securityContext.fsGroup")
		}
	}
	for _, c := range all {
		if sc := c.SecurityContext; sc != nil {
			details = append(details, judgeContext(fmt.Sprintf("container %q", quote.Name(c.Name)), sc.RunAsUser, sc.SeccompProfile, sc.SELinuxOptions)...)
		}
	}
	return details
}

// judgeContext judges what pods and containers have in common.
func judgeContext(who string, user *int64, seccomp *corev1.SeccompProfile, se *corev1.SELinuxOptions) []string {
	var details []string
	if isForeign(user) {
		details = append(details, who+" must not set securityContext.runAsUser")
	}
	if seccomp != nil && seccomp.Type == corev1.SeccompProfileTypeLocalhost {
		details = append(details, who+" must not set securityContext.seccompProfile.type=Localhost")
	}
	if se != nil && (se.Type != "" || se.User != "" || se.Role != "") {
		details = append(details, who+" must not set securityContext.seLinuxOptions")
	}
	return details
}

// isForeign reports whether a user or group is not one that OpenShift gives.
func isForeign(id *int64) bool { return id != nil && *id < firstPlatformID }
