package hardening

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/policy"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/internal/krm"
)

// rule is what the Pod Security Standard "restricted", or we, ask of a pod,
// https://kubernetes.io/docs/concepts/security/pod-security-standards/. A value that
// is already as strict stays as it is; one that is missing is added; one that is
// explicitly weaker is replaced, with a warning. Each rule has a file of its own.
type rule struct {
	// id is that of the check in k8s.io/pod-security-admission/policy, where there is
	// one.
	id policy.CheckID
	// repair makes a place what the rule asks for; scope says which places.
	scope  scope
	repair func(p *pod, at place)
	// finish does what depends on the whole pod.
	finish func(p *pod)
	// left returns where the pod has what the check refuses and what cannot be taken
	// away without breaking it. refuses asks the check about a part of the pod.
	left func(spec krm.Field, refuses func(corev1.PodSpec) bool) []krm.Field
	// when says which configs ask for the rule; nil stands for all.
	when func(c *v1alpha1.SecurityContext) bool
	// windows is set on rules about fields that Kubernetes allows in pods of Windows.
	windows bool
}

// applies reports whether a rule changes a pod of this kind.
func (r rule) applies(p *pod) bool {
	return (r.when == nil || r.when(p.Config)) && (r.windows || !isWindows(p.spec))
}

// rules is the table of rules, in the order in which they are applied.
func rules() []rule {
	return []rule{
		{id: "platform", scope: pods | containers, repair: leaveToPlatform, when: onOpenShift},
		{id: "privileged", scope: containers, repair: forbidPrivileged},
		{id: "allowPrivilegeEscalation", scope: containers, repair: forbidPrivilegeEscalation},
		{id: "capabilities_restricted", scope: containers, repair: dropCapabilities},
		{id: "runAsNonRoot", scope: pods | containers, repair: requireNonRoot, windows: true},
		{id: "seccompProfile_restricted", scope: pods | containers, repair: restrictSyscalls},
		{id: "runAsUser", scope: pods | containers, repair: dropRoot},
		{id: "runAsUserName", scope: pods | containers, repair: dropAdministrator, windows: true},
		{id: "runAsGroup", finish: dropGroups, when: notOnOpenShift},
		{id: "procMount_restricted", scope: containers, repair: dropProcMount},
		{id: "appArmorProfile", scope: pods | containers, repair: dropUnconfined, finish: dropUnconfinedAnnotations},
		{id: "seLinuxOptions", scope: pods | containers, repair: dropSELinuxOptions},
		{id: "windowsHostProcess", scope: pods | containers, repair: forbidHostProcess, windows: true},
		{id: "readOnlyRootFilesystem", scope: controllers, repair: requireReadOnlyRoot},
		{id: "writableTmp", scope: controllers, repair: provideTmp},

		{id: "hostNamespaces", left: hostNamespaces},
		{id: "hostPorts", left: hostPorts},
		{id: "hostProbesAndHostLifecycle", left: hostProbes},
		{id: "restrictedVolumes", left: restrictedVolumes},
		{id: "sysctls", left: forbiddenSysctls},

		{id: "extras.runAsUser", finish: runAsImage, when: wantsUser},
		{id: "extras.hostUsers", finish: requireUserNamespace, when: wantsUserNamespace},
		{id: "extras.appArmorProfile", finish: requireAppArmor, when: wantsAppArmor},
		{id: "extras.supplementalGroupsPolicy", finish: requireGroupsPolicy, when: wantsGroupsPolicy},
		{id: "extras.enableServiceLinks", finish: forbidServiceLinks, when: wantsNoServiceLinks, windows: true},
		{id: "extras.emptyDirSizeLimit", finish: limitEmptyDirs, when: wantsLimits, windows: true},
	}
}
