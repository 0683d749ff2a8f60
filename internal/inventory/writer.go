package inventory

import (
	"cmp"
	"slices"

	"fluxtrust.dev/flux-trust/internal/krm"
	"fluxtrust.dev/flux-trust/internal/quote"
)

// writer is an object for which an operator writes a Secret in the cluster: what the Secret
// holds stands elsewhere.
type writer struct {
	object *krm.Object
	// names of the Secret, now and before a build tool changed that of the object, and the
	// namespaces that it is in, "" for any.
	names, namespaces []string
	// keys are those that it writes beside others, nil where it writes all.
	keys []string
}

// The kinds of such objects.
const (
	externalSecret        = "ExternalSecret"
	clusterExternalSecret = "ClusterExternalSecret"
	sealedSecret          = "SealedSecret"
	certificate           = "Certificate"
)

// WriterKinds returns the kinds of such objects.
func WriterKinds() []string {
	return []string{externalSecret, clusterExternalSecret, sealedSecret, certificate}
}

// writerOf returns what writes a Secret, or nil:
// https://external-secrets.io/latest/api/externalsecret/,
// https://github.com/bitnami-labs/sealed-secrets#sealedsecret-templates-as-a-way-to-patch-secrets,
// https://cert-manager.io/docs/reference/api-docs/#cert-manager.io/v1.CertificateSpec.
func writerOf(o *krm.Object) *writer {
	group := ""
	switch o.Kind() {
	case externalSecret, clusterExternalSecret:
		group = "external-secrets.io"
	case sealedSecret:
		group = "bitnami.com"
	case certificate:
		group = "cert-manager.io"
	}
	if group == "" || group != o.Group() {
		return nil
	}
	w := &writer{object: o, names: o.Names, namespaces: o.Namespaces}
	spec, name := o.Before.Loose().Get("spec"), ""
	switch o.Kind() {
	case sealedSecret: // the Secret has its name
	case certificate:
		if name = spec.Peek("secretName"); name == "" {
			return nil
		}
	case clusterExternalSecret:
		name, w.namespaces = spec.Peek("externalSecretName"), []string{""}
		spec = spec.Get("externalSecretSpec")
		fallthrough
	default:
		target := spec.Get("target")
		name = cmp.Or(target.Peek("name"), name)
		switch target.Peek("creationPolicy") {
		case "None":
			return nil
		case "Merge":
			w.keys = merged(spec)
		}
	}
	if name != "" {
		w.names = []string{name}
	}
	return w
}

// merged returns the keys that an ExternalSecret adds to a Secret, or nil where it does not
// say them.
func merged(spec krm.Field) []string {
	if len(spec.Items("dataFrom")) > 0 || spec.Get("target", "template").Exists() {
		return nil
	}
	keys := []string{}
	for _, d := range spec.Items("data") {
		keys = append(keys, d.Peek("secretKey"))
	}
	return keys
}

// says names the object in a sentence.
func (w *writer) says() string {
	name := quote.Name(w.object.Name())
	if namespace := w.object.Namespace(); namespace != "" {
		name = quote.Name(namespace) + "/" + name
	}
	return quote.Kind(w.object.Kind()) + " " + name + " writes it"
}

// WrittenBy says what writes some keys of a Secret in one of some namespaces, or returns "".
// Without keys, it may be any of them.
func (s *Stores) WrittenBy(kind, name string, namespaces, keys []string) string {
	for _, w := range s.writers {
		here := slices.Contains(namespaces, "") || slices.ContainsFunc(w.namespaces, func(n string) bool { return n == "" || slices.Contains(namespaces, n) })
		named := slices.ContainsFunc(w.names, func(own string) bool { return IsNamed(own, name) })
		written := w.keys == nil || len(keys) == 0 || slices.ContainsFunc(keys, func(key string) bool { return slices.Contains(w.keys, key) })
		if kind == Secret && here && named && written {
			return w.says()
		}
	}
	return ""
}
