package hardening

import (
	"slices"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"fluxtrust.dev/flux-trust/internal/krm"
)

// isWindows reports whether a pod is one of Windows. Kubernetes does not guess: a pod
// that says nothing gets the rules of Linux.
func isWindows(spec krm.Field) bool { return spec.Text("os", "name") == "windows" }

// forbiddenOnWindows returns the fields that the API server refuses in a pod of
// Windows: all of a securityContext but two, and what concerns the namespaces of
// Linux.
// https://github.com/kubernetes/kubernetes/blob/v1.37.2/pkg/apis/core/validation/validation.go (validateWindows)
func forbiddenOnWindows(spec krm.Field) []krm.Field {
	if !isWindows(spec) {
		return nil
	}
	found := forbiddenInContext(spec.Get("securityContext"))
	for _, key := range []string{"hostUsers", "hostPID", "hostIPC", "shareProcessNamespace"} {
		field := spec.Get(key)
		value := field.Boolean()
		if value != nil && (value.Value || !slices.Contains([]string{"hostPID", "hostIPC"}, key)) {
			found = append(found, field)
		}
	}
	for _, list := range []string{"initContainers", "containers"} {
		for _, c := range spec.Items(list) {
			found = append(found, forbiddenInContext(c.Get("securityContext"))...)
		}
	}
	return found
}

func forbiddenInContext(sc krm.Field) []krm.Field {
	if !sc.Exists() || sc.Node.Kind != yaml.MappingNode {
		return nil
	}
	var found []krm.Field
	for i := 0; i < len(sc.Node.Content); i += 2 {
		key := sc.Node.Content[i].Value
		field := sc.Get(key)
		if field.Exists() && key != "runAsNonRoot" && key != "windowsOptions" && (key != "sysctls" || len(field.Items()) > 0) {
			found = append(found, field)
		}
	}
	return found
}
