package v1alpha1

import "strings"

// OwnMark stands in every resource that a run has changed or made, in the names of
// its annotations.
const OwnMark = "fluxtrust.dev/"

// Annotations that a run writes.
const (
	// ConfigAnnotation holds the metadata.name of the FluxTrust whose work an object
	// is.
	ConfigAnnotation = OwnMark + "config"
	// PreviousAnnotation holds the env variables of before, as JSON: per container
	// and variable the value, or null where there was none.
	PreviousAnnotation = OwnMark + "previous"
	// DigestAnnotation of a pod template holds the digest of the certificates, so
	// that a new root restarts the pods and a new comment does not.
	DigestAnnotation = OwnMark + "ca-bundle"
)

// Annotations that a ConfigMap with certificates should have where Flux applies
// it, each with the value "disabled":
// https://fluxcd.io/flux/components/kustomize/kustomizations/
const (
	// SubstituteAnnotation keeps Flux's substitution away.
	SubstituteAnnotation = "kustomize.toolkit.fluxcd.io/substitute"
	// PruneAnnotation keeps the object in the cluster when it is no longer in Git:
	// controllers that still mount it could not start again. Objects whose name
	// changes with the content do not need it.
	PruneAnnotation = "kustomize.toolkit.fluxcd.io/prune"
)

// Names that a run writes into a pod.
const (
	CAVolume          = "flux-trust-ca"
	BundleVolume      = "flux-trust-bundle"
	InitContainerName = "flux-trust-init"
)

// Within reports whether a path is the directory or lies in it.
func Within(file, dir string) bool {
	return dir == "/" || file == dir || strings.HasPrefix(file, dir+"/")
}
