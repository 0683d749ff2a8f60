package hardening

import (
	"maps"
	"slices"
	"strings"
)

// appArmorAnnotation is where AppArmor profiles stood before Kubernetes 1.30,
// followed by the name of a container.
const appArmorAnnotation = "container.apparmor.security.beta.kubernetes.io/"

func dropUnconfined(p *pod, at place) {
	sc := at.Get("securityContext")
	if sc.Text("appArmorProfile", "type") == "Unconfined" {
		p.drop(sc, "appArmorProfile", "Unconfined; the profile of the container runtime applies instead")
	}
}

// dropUnconfinedAnnotations removes those that switch AppArmor off.
func dropUnconfinedAnnotations(p *pod) {
	annotations := p.Template.Get("metadata", "annotations")
	texts := annotations.Texts()
	for _, key := range slices.Sorted(maps.Keys(texts)) {
		if strings.HasPrefix(key, appArmorAnnotation) && texts[key] == "unconfined" {
			p.drop(annotations, key, "the profile of the container runtime applies instead")
		}
	}
}
