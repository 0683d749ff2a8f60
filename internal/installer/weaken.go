package installer

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/internal/codes"
	"fluxtrust.dev/flux-trust/internal/inventory"
	"fluxtrust.dev/flux-trust/internal/krm"
	"fluxtrust.dev/flux-trust/internal/quote"
	"fluxtrust.dev/flux-trust/internal/trust"
)

// weakened returns what in a patch of somebody else is less strict than the Pod Security
// Standard restricted, as "field: value", or "". What the patch is for is not looked at:
// no object of the stream shows the pods that come of it.
func weakened(body string) string {
	n, err := yaml.Parse(body)
	if err != nil || yaml.IsMissingOrNull(n) {
		return ""
	}
	return weak(n.YNode())
}

func weak(n *yaml.Node) string {
	if n.Kind == yaml.MappingNode {
		if found := cmp.Or(weakOperation(krm.Field{Node: n}), weakField(n)); found != "" {
			return found
		}
	}
	for _, child := range n.Content {
		if found := weak(child); found != "" {
			return found
		}
	}
	return ""
}

// weakOperation reads an operation of a JSON patch.
func weakOperation(f krm.Field) string {
	op, at, value := f.Peek("op"), f.Peek("path"), f.Get("value")
	switch {
	case op == "" || !strings.HasPrefix(at, "/"):
		return ""
	case op == "remove" && strings.Contains(at, "securityContext"):
		return "remove " + quote.PathList(at)
	case value.Exists() && isWeak(path.Base(at), value.Node):
		return path.Base(at) + ": " + value.Node.Value
	default:
		return ""
	}
}

// weakField reads the fields of a mapping of a strategic merge patch.
func weakField(n *yaml.Node) string {
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i].Value, n.Content[i+1]
		switch {
		case isWeak(key, value):
			return key + ": " + value.Value
		case key == "securityContext" && value.ShortTag() == yaml.NodeTagNull:
			return "securityContext: null"
		}
	}
	return ""
}

func isWeak(key string, value *yaml.Node) bool {
	switch key {
	case "runAsNonRoot", "readOnlyRootFilesystem":
		return value.Value == "false"
	case "allowPrivilegeEscalation", "privileged", "hostNetwork", "hostPID", "hostIPC":
		return value.Value == "true"
	case "runAsUser":
		return value.Value == "0"
	default:
		return false
	}
}

// chartEnv warns of variables among the values of the chart flux2 that the function
// sets as well: its post-renderer comes later, and does not see them.
func chartEnv(i *inventory.Installer, env []string) krm.Findings {
	var found krm.Findings
	if i.Kind.Chart != "flux2" {
		return nil
	}
	values := i.Object.Before.Loose().Get("spec", "values")
	if !values.Exists() || values.Node.Kind != yaml.MappingNode {
		return nil
	}
	for at := 0; at+1 < len(values.Node.Content); at += 2 {
		component := values.Node.Content[at].Value
		for _, entry := range values.Get(component).Items("extraEnv") {
			if name := entry.Peek("name"); slices.Contains(env, name) {
				found.Add(krm.Warning, codes.PatchConflict, i.Object, krm.At(entry.Path), "is replaced: the function sets %s, too, in what the chart renders; take it out, and name %s", name, trust.Instead(name))
			}
		}
	}
	return found
}

// judged reports whether a profile asks for what a patch may weaken.
func judged(s *v1alpha1.SecurityContext) bool { return s.Profile == v1alpha1.Restricted }
