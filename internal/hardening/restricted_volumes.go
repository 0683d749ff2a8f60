package hardening

import (
	corev1 "k8s.io/api/core/v1"

	"fluxtrust.dev/flux-trust/internal/krm"
)

// restrictedVolumes finds the volumes of a type that the standard does not allow.
func restrictedVolumes(spec krm.Field, refuses func(corev1.PodSpec) bool) []krm.Field {
	var found []krm.Field
	for _, v := range spec.Items("volumes") {
		volume := corev1.Volume{}
		if _, err := decodeInto(v, &volume); err != nil || !refuses(corev1.PodSpec{Volumes: []corev1.Volume{volume}}) {
			continue
		}
		for i := 0; i < len(v.Node.Content); i += 2 {
			if key := v.Node.Content[i].Value; key != "name" {
				found = append(found, v.Get(key))
			}
		}
	}
	return found
}
