package hardening

import (
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"fluxtrust.dev/flux-trust/internal/krm"
)

// What reaches for the host stays: taking it away could break the pod.

func hostNamespaces(spec krm.Field, _ func(corev1.PodSpec) bool) []krm.Field {
	var found []krm.Field
	for _, key := range []string{"hostNetwork", "hostPID", "hostIPC"} {
		if value := spec.Boolean(key); value != nil && value.Value {
			found = append(found, spec.Get(key))
		}
	}
	return found
}

// hostPorts finds the ports of the host. On its network every port is one, see
// setHostPorts.
func hostPorts(spec krm.Field, _ func(corev1.PodSpec) bool) []krm.Field {
	if value := spec.Boolean("hostNetwork"); value != nil && value.Value {
		return []krm.Field{spec.Get("hostNetwork")}
	}
	return inContainers(spec, "hostPort", "0", "ports")
}

func hostProbes(spec krm.Field, _ func(corev1.PodSpec) bool) []krm.Field {
	return inContainers(spec, "host", "", "livenessProbe", "readinessProbe", "startupProbe", "lifecycle")
}

// inContainers finds a key wherever it stands in some fields of a container, unless
// it has the value that stands for none.
func inContainers(spec krm.Field, key, none string, fields ...string) []krm.Field {
	var found []krm.Field
	for _, list := range []string{"initContainers", "containers"} {
		for _, c := range spec.Items(list) {
			for _, field := range fields {
				found = append(found, withKey(c.Get(field), key, none)...)
			}
		}
	}
	return found
}

func withKey(f krm.Field, key, none string) []krm.Field {
	var found []krm.Field
	switch {
	case !f.Exists():
	case f.Node.Kind == yaml.SequenceNode:
		for _, item := range f.Items() {
			found = append(found, withKey(item, key, none)...)
		}
	case f.Node.Kind == yaml.MappingNode:
		for i := 0; i < len(f.Node.Content); i += 2 {
			name := f.Node.Content[i].Value
			if child := f.Get(name); name != key {
				found = append(found, withKey(child, key, none)...)
			} else if child.Exists() && child.Node.Value != none {
				found = append(found, child)
			}
		}
	}
	return found
}
