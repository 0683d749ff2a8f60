package transformer

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/version"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/internal/krm"
)

// gitRepository has no certSecretRef, see
// https://fluxcd.io/flux/components/source/gitrepositories/#https-certificate-authority
const gitRepository = "GitRepository"

// sourceAPI is what a kind of Flux object has for its CA.
type sourceAPI struct {
	group string
	// controller serves the kind.
	controller string
	// caKey is the first version of the controller that reads the key ca.crt of a
	// certSecretRef; before that it was caFile.
	caKey string
	// versions maps every version that Flux v0.41 to v2.9 serve to the first
	// version of the controller whose CRD has spec.certSecretRef: always, never or a
	// number.
	versions map[string]string
	// write is the version to use instead of one without.
	write string
	// address is the field with the URL or host, required one without which the
	// object is a part of one.
	address, required string
}

const always, never = "0.0.0", ""

// sourceAPIs is read from the CRDs in the manifests of the releases; a test holds
// it against them.
func sourceAPIs(kind string) (sourceAPI, bool) {
	const source, image, notification = "source.toolkit.fluxcd.io", "image.toolkit.fluxcd.io", "notification.toolkit.fluxcd.io"
	switch kind {
	case string(v1alpha1.HelmRepository):
		return sourceAPI{source, "source-controller", "1.1.0", map[string]string{"v1beta1": never, "v1beta2": "1.1.0", "v1": always}, "v1 (Flux 2.3) or v1beta2 (Flux 2.1)", "url", "url"}, true
	case string(v1alpha1.OCIRepository):
		return sourceAPI{source, "source-controller", "1.1.0", map[string]string{"v1beta2": always, "v1": always}, "v1 (Flux 2.6) or v1beta2", "url", "url"}, true
	case string(v1alpha1.Bucket):
		return sourceAPI{source, "source-controller", "1.4.0", map[string]string{"v1beta1": never, "v1beta2": "1.4.0", "v1": always}, "v1 or v1beta2 (Flux 2.4)", "endpoint", "endpoint"}, true
	case string(v1alpha1.ImageRepository):
		return sourceAPI{image, "image-reflector-controller", "0.30.0", map[string]string{"v1beta1": always, "v1beta2": always, "v1": always}, "v1 (Flux 2.7) or v1beta2", "image", "image"}, true
	case string(v1alpha1.Provider):
		return sourceAPI{notification, "notification-controller", "1.1.0", map[string]string{"v1beta1": always, "v1beta2": always, "v1beta3": always}, "v1beta3 (Flux 2.2) or v1beta2", "address", "type"}, true
	case gitRepository:
		return sourceAPI{source, "source-controller", "1.1.0", map[string]string{"v1beta1": never, "v1beta2": never, "v1": never}, "", "url", "url"}, true
	default:
		return sourceAPI{}, false
	}
}

// fluxKinds lists the kinds of sourceAPIs.
func fluxKinds() []string {
	return []string{
		string(v1alpha1.HelmRepository), string(v1alpha1.OCIRepository), string(v1alpha1.Bucket),
		string(v1alpha1.ImageRepository), string(v1alpha1.Provider), gitRepository,
	}
}

// fluxObject is a Flux object that opens connections.
type fluxObject struct {
	krm.Field
	api               sourceAPI
	kind, version     string
	names, namespaces []string
	labels            map[string]string
	// ref is spec.certSecretRef.name, owner the FluxTrust that has set it.
	ref, owner string
	// scheme and host (with its port) of what it connects to, as far as known.
	scheme, host string
}

// fluxObjects returns the Flux objects in a resource.
func fluxObjects(resource krm.Field) []krm.Field {
	return slices.DeleteFunc(krm.Flatten(resource), func(object krm.Field) bool {
		api, ok := sourceAPIs(object.TextOr("kind"))
		group, _, _ := strings.Cut(object.TextOr("apiVersion"), "/")
		return !ok || group != api.group
	})
}

func readFluxObject(object krm.Field) (*fluxObject, error) {
	o := &fluxObject{Field: object, kind: object.TextOr("kind")}
	o.api, _ = sourceAPIs(o.kind)
	_, o.version, _ = strings.Cut(object.TextOr("apiVersion"), "/")
	meta, err := object.GetE("metadata")
	if err != nil {
		return nil, err
	}
	if o.names, err = currentAndPrevious(meta, "name", previousNamesAnnotation); err != nil {
		return nil, err
	}
	if o.namespaces, err = currentAndPrevious(meta, "namespace", previousNamespacesAnnotation); err != nil {
		return nil, err
	}
	if o.labels, err = meta.TextsAtE("labels"); err != nil {
		return nil, err
	}
	if o.owner, err = meta.TextAtE("annotations", configAnnotation); err != nil {
		return nil, err
	}
	if o.ref, err = object.TextAtE("spec", "certSecretRef", "name"); err != nil {
		return nil, err
	}
	address, err := object.TextAtE("spec", o.api.address)
	if err != nil {
		return nil, err
	}
	o.scheme, o.host = o.endpoint(address)
	return o, nil
}

// endpoint returns the scheme and the host of an address, in lower case, or ""
// for what cannot be known.
func (o *fluxObject) endpoint(address string) (scheme, host string) {
	if address == "" || strings.Contains(address, "${") {
		return "", ""
	}
	switch o.kind {
	case string(v1alpha1.ImageRepository):
		// https://pkg.go.dev/github.com/distribution/reference: the first segment is
		// a host when it looks like one.
		host, rest, _ := strings.Cut(address, "/")
		if rest == "" || !strings.ContainsAny(host, ".:") && host != "localhost" {
			host = "index.docker.io"
		}
		return "https", strings.ToLower(host)
	case string(v1alpha1.Bucket):
		if !strings.Contains(address, "://") {
			address = "https://" + address
		}
	}
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return "", ""
	}
	return strings.ToLower(u.Scheme), strings.ToLower(u.Host)
}

// withoutTLS says why an object opens no TLS connection, or "".
func (o *fluxObject) withoutTLS() string {
	insecure, err := o.AtE("spec", "insecure")
	if err == nil {
		on, err := insecure.BooleanE()
		// On a HelmRepository it counts for registries alone.
		if err == nil && on != nil && on.Value && (o.kind != string(v1alpha1.HelmRepository) || o.scheme == "oci") {
			return "insecure: true connects without TLS"
		}
	}
	switch o.scheme {
	case "http", "ssh":
		return o.scheme + ":// is no TLS"
	default:
		return ""
	}
}

// isPatch tells whether the object is one of kustomize's patches.
func (o *fluxObject) isPatch() bool {
	value, err := o.AtE("spec", o.api.required)
	return err == nil && !value.Exists() || hasDirective(o.Node)
}

// versions holds the lowest version of each controller in the stream whose
// image has one.
type versions map[string]*version.Version

func (v versions) see(controller, tag string) {
	// Variants append to the version, as in v1.6.2-distroless, and would count as
	// older.
	tag, _, _ = strings.Cut(tag, "-")
	if seen, err := version.ParseSemantic(tag); err == nil && (v[controller] == nil || seen.LessThan(v[controller])) {
		v[controller] = seen
	}
}

// below tells whether the stream shows a controller older than a version.
func (v versions) below(controller, limit string) bool {
	if v[controller] == nil {
		return false
	}
	order, err := v[controller].Compare(limit)
	return err == nil && order < 0
}

// checkField says why the kind has no spec.certSecretRef in the version of the
// object, or of the controller in the stream.
func (o *fluxObject) checkField(v versions) error {
	since, known := o.api.versions[o.version]
	switch {
	case !known:
		return &krm.FieldError{Path: "apiVersion", Message: fmt.Sprintf("Flux v0.41 to v2.9 serve no %s in %s; write %s", o.kind, o.version, o.api.write)}
	case since == never:
		return &krm.FieldError{Path: "apiVersion", Message: fmt.Sprintf("a %s has no certSecretRef in %s; write %s", o.kind, o.version, o.api.write)}
	case v.below(o.api.controller, since):
		return &krm.FieldError{Path: "spec.certSecretRef", Message: fmt.Sprintf("exists in %s from %s v%s on, and the stream has v%s; upgrade Flux, or take the object out of spec.sources",
			o.version, o.api.controller, since, v[o.api.controller])}
	default:
		return nil
	}
}
