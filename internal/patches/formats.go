package patches

import (
	"slices"

	"fluxtrust.dev/flux-trust/internal/flux"
)

// Format is a form in which patches are printed, for one of the places that run no
// functions.
type Format struct {
	// Name is the value of the flag.
	Name string
	// Help is a line about it.
	Help string
	// FollowsNames is set where the patches and the objects that they name are built
	// together, by kustomize, which gives both the new name.
	FollowsNames bool
	// Components returns the controllers that the patches are to fit where no input says
	// which there are.
	Components func() []string
	// Print returns the patches in that form, as YAML; nil where the objects that they
	// need are printed instead.
	Print func(r Request) (string, error)
	// Alone is set where the objects must not stand behind the patches: Helm reads
	// one document.
	Alone bool
}

// Request is what is to be printed.
type Request struct {
	// Owner is the name of the config.
	Owner string
	// Namespace of the controllers where no patch knows it.
	Namespace string
	Patches   []Patch
}

// Kustomization is the name of the format that is written into folders.
const Kustomization = "kustomization"

// Formats returns the table of formats.
func Formats() []Format {
	operator := func() []string { return []string{flux.Operator} }
	return []Format{
		{Name: Kustomization, Help: "patches: of a kustomization.yaml", FollowsNames: true, Components: flux.Names, Print: below("patches")},
		{Name: "flux-kustomization", Help: "spec.patches of a Flux Kustomization", Components: flux.Names, Print: below("spec", "patches")},
		{Name: "flux-instance", Help: "spec.kustomize.patches of a FluxInstance", Components: flux.Components, Print: below("spec", "kustomize", "patches")},
		{Name: "flux-operator-values", Help: "values of the chart of flux-operator, for the operator itself", Components: operator, Print: printOperatorValues, Alone: true},
		{Name: "flux-operator-resources", Help: "the ConfigMaps that these values need", Components: operator},
		{Name: "admission-policy", Help: "a MutatingAdmissionPolicy that does it in the cluster", Components: flux.Names, Print: printAdmissionPolicy},
		{Name: "validating-policy", Help: "a ValidatingAdmissionPolicy that warns where it is missing", Components: flux.Names, Print: printValidatingPolicy},
		{Name: "kyverno", Help: "the same as policies of Kyverno, for clusters below Kubernetes 1.36", Components: flux.Names, Print: printKyvernoPolicy},
	}
}

// FindFormat returns the format of a name.
func FindFormat(name string) (Format, bool) {
	i := slices.IndexFunc(Formats(), func(f Format) bool { return f.Name == name })
	if i < 0 {
		return Format{}, false
	}
	return Formats()[i], true
}

// FormatNames returns the values of the flag.
func FormatNames() []string {
	var names []string
	for _, f := range Formats() {
		names = append(names, f.Name)
	}
	return names
}

// below prints the patches as a list below some keys.
func below(keys ...string) func(Request) (string, error) {
	return func(r Request) (string, error) { return Print(r.Patches, keys...) }
}

// namespaces returns those of the controllers.
func (r Request) namespaces() []string {
	var found []string
	for _, p := range r.Patches {
		for _, namespace := range p.Namespaces {
			if namespace == "" {
				namespace = r.Namespace
			}
			found = append(found, namespace)
		}
	}
	if len(found) == 0 {
		found = []string{r.Namespace}
	}
	slices.Sort(found)
	return slices.Compact(found)
}
