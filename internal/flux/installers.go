package flux

import "slices"

// Kinds of objects from which controllers are made in the cluster.
const (
	FluxInstance = "FluxInstance"
	HelmRelease  = "HelmRelease"
	// ResourceSet may hold such objects: https://fluxoperator.dev/docs/crd/resourceset/
	ResourceSet = "ResourceSet"
)

const operatorGroup = "fluxcd.controlplane.io"

// Installer is a kind of object that installs Flux. Its controllers are in no
// stream, so the object gets patches for them.
type Installer struct {
	// Kind and Group of the object.
	Kind, Group string
	// Versions of the API that are known.
	Versions []string
	// Chart is the one that a HelmRelease must install, or "".
	Chart string
	// Spec are the keys of what says which components there are and on which
	// platform, as in a FluxInstance; nil where nothing says it.
	Spec []string
	// Patches are the keys of the mapping with the list patches. "[]" stands for
	// the entries of a list, of which a new one is appended for the function's.
	Patches []string
	// Artifact is what flux-operator pulls where the object does not say it, or "".
	Artifact string
	// Operator is set where flux-operator itself is installed: Patches are the keys of
	// the values of its chart, which take the change themselves.
	Operator bool
}

// Installers returns the kinds of objects that install Flux:
// https://fluxoperator.dev/docs/crd/fluxinstance/,
// https://fluxcd.io/flux/components/helm/helmreleases/#post-renderers. The values of
// the chart flux2 differ between its versions, and none takes annotations of the
// Deployment, so it gets a post-renderer.
func Installers() []Installer {
	const helm = "helm.toolkit.fluxcd.io"
	return []Installer{
		{Kind: FluxInstance, Group: operatorGroup, Versions: []string{"v1"}, Spec: []string{"spec"}, Patches: []string{"spec", "kustomize"}},
		{
			Kind: HelmRelease, Group: helm, Versions: releases(), Chart: "flux-instance", Spec: []string{"spec", "values", "instance"}, Patches: []string{"spec", "values", "instance", "kustomize"},
			Artifact: "oci://ghcr.io/controlplaneio-fluxcd/flux-operator-manifests:latest",
		},
		{Kind: HelmRelease, Group: helm, Versions: releases(), Chart: "flux2", Patches: []string{"spec", "postRenderers", "[]", "kustomize"}},
		{Kind: HelmRelease, Group: helm, Versions: releases(), Chart: Operator, Patches: []string{"spec", "values"}, Operator: true},
	}
}

// Charts returns the names of the charts that install Flux.
func Charts() []string {
	var charts []string
	for _, i := range Installers() {
		if i.Chart != "" {
			charts = append(charts, i.Chart)
		}
	}
	return charts
}

// IsInstaller reports whether objects of a group and a kind may install Flux.
func IsInstaller(group, kind string) bool {
	return group == operatorGroup && kind == ResourceSet ||
		slices.ContainsFunc(Installers(), func(i Installer) bool { return i.Kind == kind && i.Group == group })
}

func releases() []string { return []string{"v2beta1", "v2beta2", "v2"} }
