package hardening

import (
	corev1 "k8s.io/api/core/v1"

	"fluxtrust.dev/flux-trust/internal/krm"
)

func forbiddenSysctls(spec krm.Field, refuses func(corev1.PodSpec) bool) []krm.Field {
	var found []krm.Field
	for _, s := range spec.Items("securityContext", "sysctls") {
		sysctls := []corev1.Sysctl{{Name: s.Text("name")}}
		if refuses(corev1.PodSpec{SecurityContext: &corev1.PodSecurityContext{Sysctls: sysctls}}) {
			found = append(found, s)
		}
	}
	return found
}
