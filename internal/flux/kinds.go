package flux

import (
	"maps"
	"slices"
)

// Kinds of Flux objects that open connections.
const (
	HelmRepository  = "HelmRepository"
	OCIRepository   = "OCIRepository"
	Bucket          = "Bucket"
	ImageRepository = "ImageRepository"
	Provider        = "Provider"
	GitRepository   = "GitRepository"
)

// SourceGroup is the group of source-controller's kinds.
const SourceGroup = "source.toolkit.fluxcd.io"

// Kustomization is the kind of the objects that say what kustomize-controller builds,
// KustomizeGroup its group.
const (
	Kustomization  = "Kustomization"
	KustomizeGroup = "kustomize.toolkit.fluxcd.io"
)

// HelmChart is the kind of what source-controller makes of a chart.
const HelmChart = "HelmChart"

// Kind is what a kind of Flux object has for its CA.
type Kind struct {
	// Name and Group of the kind.
	Name, Group string
	// Controller serves the kind.
	Controller string
	// CAKey is the first version of the controller that reads the key ca.crt of a
	// certSecretRef; before that it was caFile.
	CAKey string
	// Versions maps every version that Flux v0.41 to v2.10 serve to the first
	// version of the controller whose CRD has spec.certSecretRef: Always, Never or a
	// number.
	Versions map[string]string
	// Write is the version to use instead of one without.
	Write string
	// Address is the field with the URL or host, Required one without which the
	// object is a part of one.
	Address, Required string
}

// What says whether the CRD of a version has spec.certSecretRef.
const (
	Always = "0.0.0"
	Never  = ""
)

// Kinds returns the Flux objects that open connections, as in the CRDs of the
// releases; a test holds the table against them. A GitRepository has no
// certSecretRef, see
// https://fluxcd.io/flux/components/source/gitrepositories/#https-certificate-authority
func Kinds() []Kind {
	const image, notification = "image.toolkit.fluxcd.io", "notification.toolkit.fluxcd.io"
	return []Kind{
		{HelmRepository, SourceGroup, "source-controller", "1.1.0", map[string]string{"v1beta1": Never, "v1beta2": "1.1.0", "v1": Always}, "v1 (Flux 2.3) or v1beta2 (Flux 2.1)", "url", "url"},
		{OCIRepository, SourceGroup, "source-controller", "1.1.0", map[string]string{"v1beta2": Always, "v1": Always}, "v1 (Flux 2.6) or v1beta2", "url", "url"},
		{Bucket, SourceGroup, "source-controller", "1.4.0", map[string]string{"v1beta1": Never, "v1beta2": "1.4.0", "v1": Always}, "v1 or v1beta2 (Flux 2.4)", "endpoint", "endpoint"},
		{ImageRepository, image, "image-reflector-controller", "0.30.0", map[string]string{"v1beta1": Always, "v1beta2": Always, "v1": Always}, "v1 (Flux 2.7) or v1beta2", "image", "image"},
		{Provider, notification, "notification-controller", "1.1.0", map[string]string{"v1beta1": Always, "v1beta2": Always, "v1beta3": Always, "v1": Always}, "v1 (Flux 2.10) or v1beta3 (Flux 2.2)", "address", "type"},
		{GitRepository, SourceGroup, "source-controller", "1.1.0", map[string]string{"v1beta1": Never, "v1beta2": Never, "v1": Never}, "", "url", "url"},
	}
}

// KindOf returns the row of a kind, or false.
func KindOf(group, kind string) (Kind, bool) {
	kinds := Kinds()
	i := slices.IndexFunc(kinds, func(k Kind) bool { return k.Name == kind && k.Group == group })
	if i < 0 {
		return Kind{}, false
	}
	return kinds[i], true
}

// Newer returns the version of the table by which a newer one than those is taken, or
// "" where it is none.
func (k Kind) Newer(another string) string {
	return Newer(another, slices.Collect(maps.Keys(k.Versions)))
}
