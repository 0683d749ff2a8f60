package inventory

import (
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"fluxtrust.dev/flux-trust/internal/flux"
	"fluxtrust.dev/flux-trust/internal/krm"
	"fluxtrust.dev/flux-trust/internal/pattern"
)

// Substitution is the Kustomization by which Flux installs itself, where it replaces
// variables, and all of them are known.
type Substitution struct {
	Object *krm.Object
	// defined are the variables.
	defined map[string]bool
}

// substitutionOf returns the one that an object is, or nil. flux bootstrap and
// flux-operator give the Kustomization of Flux the name of its source. Others apply
// something else, and substituteFrom may bring any variable.
func substitutionOf(o *krm.Object) *Substitution {
	if o.Kind() != flux.Kustomization || o.Group() != flux.KustomizeGroup {
		return nil
	}
	spec := o.Before.Loose().Get("spec")
	build := spec.Get("postBuild")
	if !build.Exists() || build.Get("substituteFrom").Exists() || spec.Peek("sourceRef", "name") != o.Before.Peek("metadata", "name") {
		return nil
	}
	s := &Substitution{Object: o, defined: map[string]bool{}}
	for name := range build.Texts("substitute") {
		s.defined[name] = true
	}
	if len(s.defined) == 0 && build.Peek("substituteStrategy") != "Always" { // then nothing is replaced
		return nil
	}
	return s
}

// plainVariable matches a variable without a default, and the $ in front of one that is to
// stay: https://fluxcd.io/flux/components/kustomize/kustomizations/#post-build-variable-substitution.
var plainVariable = pattern.Pattern{Text: `(\$?)\$\{([A-Za-z_][A-Za-z0-9_]*)\}`}

// Defines reports whether it defines a variable.
func (s *Substitution) Defines(name string) bool { return s.defined[name] }

// Variables returns those of a workload that have no default.
func (w *Workload) Variables() []string {
	metadata := w.Object.Before.Loose().Get("metadata")
	for _, key := range []string{"labels", "annotations"} {
		if metadata.Texts(key)[flux.KustomizeGroup+"/substitute"] == "disabled" {
			return nil
		}
	}
	return variablesIn(w.In(w.Object.Before.Loose()).Node, nil)
}

func variablesIn(n *yaml.Node, found []string) []string {
	if n.Kind == yaml.ScalarNode && strings.Contains(n.Value, "${") {
		for _, match := range plainVariable.Get().FindAllStringSubmatch(n.Value, -1) {
			if match[1] == "" {
				found = append(found, match[2])
			}
		}
	}
	for _, child := range n.Content {
		found = variablesIn(child, found)
	}
	return found
}

// strict is the first kustomize-controller to which a variable that nothing defines is an
// error.
const strict = "1.9.0"

// RefusesUndefined reports whether the kustomize-controller of the stream is known to
// take a variable that nothing defines for an error.
func (i *Inventory) RefusesUndefined() bool {
	const controller, off = "kustomize-controller", "StrictPostBuildSubstitutions=false"
	if i.Versions[controller] == nil || i.Versions.Below(controller, strict) {
		return false
	}
	for _, w := range i.Workloads {
		if !w.Runs(controller) {
			continue
		}
		for _, c := range w.In(w.Object.Before.Loose()).Items("spec", "template", "spec", "containers") {
			for _, arg := range c.Items("args") {
				if strings.Contains(arg.Peek(), off) {
					return false
				}
			}
		}
	}
	return true
}
