package inventory

import (
	"bytes"
	"encoding/base64"
	"maps"
	"path"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/internal/codes"
	"fluxtrust.dev/flux-trust/internal/krm"
	"fluxtrust.dev/flux-trust/internal/quote"
)

// Kinds of objects that hold certificates.
const (
	ConfigMap          = "ConfigMap"
	Secret             = "Secret"
	ClusterTrustBundle = "ClusterTrustBundle"
	// TrustManagerBundle makes ConfigMaps and Secrets in the cluster, and so does
	// TrustManagerClusterBundle, which takes its place.
	TrustManagerBundle        = "Bundle"
	TrustManagerClusterBundle = "ClusterBundle"
)

// Why the content of a store is not known.
const (
	OpenShiftFills = "OpenShift fills it in"
	Substituted    = "it holds a ${…}, which Flux substitutes"
	encrypted      = "it is encrypted with SOPS"
	trustManager   = "trust-manager writes it"
)

// TrustBundleKey stands for the one text of a ClusterTrustBundle, which has no
// keys.
const TrustBundleKey = ""

// NotBase64 says that a value cannot be decoded.
const NotBase64 = "is not valid base64; write it with: base64 < ca.crt"

// Store is an object that holds certificates, or will.
type Store struct {
	// Object that is one, or that makes one.
	Object *krm.Object
	Kind   string
	// Labels of the object.
	Labels map[string]string
	// Values holds the text of each key.
	Values map[string]Value
	// Unknown says why the content cannot be known before it is in the cluster,
	// or is "".
	Unknown string
	// Public is set where what writes the object puts public roots beside the others.
	Public bool
	// Owner is the FluxTrust that has generated the object, or "".
	Owner string
	// Made is set on what another object makes in the cluster.
	Made bool
	// Err says why the object cannot be read.
	Err error

	substituted bool
}

// Value is the text of a key, or why it cannot be read.
type Value struct {
	// Path of the field, such as data.ca.crt.
	Path string
	Text []byte
	Err  error
}

// Namespaces returns those of the object; what trust-manager makes gets into all.
func (s *Store) Namespaces() []string {
	if s.Made {
		return []string{""}
	}
	return s.Object.Namespaces
}

// Keys returns the keys in their order, but for those that hold a private key by
// their name.
func (s *Store) Keys() []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(s.Values)), func(key string) bool { return path.Ext(key) == ".key" })
}

// UnknownValue says who has the last word about a value, or is "".
func (s *Store) UnknownValue(v Value) string {
	switch {
	case s.substituted && strings.Contains(string(v.Text), "${"):
		return Substituted
	case strings.HasPrefix(string(v.Text), "ENC["):
		return encrypted
	default:
		return ""
	}
}

// HoldsCertificate reports whether a value looks like a certificate.
func (s *Store) HoldsCertificate() bool {
	for _, v := range s.Values {
		if bytes.Contains(v.Text, []byte("-----BEGIN CERTIFICATE-----")) {
			return true
		}
	}
	return false
}

// Hashed reports whether kustomize is going to put a hash suffix on the name.
func (s *Store) Hashed() bool { return s.Object.Annotation(krm.NeedsHashSuffix) == "enabled" }

// storesOf returns what an object holds: mostly nothing.
func storesOf(o *krm.Object) []*Store {
	var stores []*Store
	for _, id := range o.Identities() {
		group := krm.Group(id.APIVersion)
		switch {
		case id.Kind == TrustManagerBundle && group == "trust.cert-manager.io", id.Kind == TrustManagerClusterBundle && group == "trust-manager.io":
			stores = append(stores, madeBy(o)...)
		case (id.Kind == ConfigMap || id.Kind == Secret) && group == "v1", id.Kind == ClusterTrustBundle && group == "certificates.k8s.io":
			stores = append(stores, readStore(o, id))
		}
	}
	return stores
}

// madeBy returns the ConfigMap and Secret that trust-manager writes for a Bundle, or for
// a ClusterBundle, which may have several keys, and other formats in some:
// https://cert-manager.io/docs/trust/trust-manager/
func madeBy(bundle *krm.Object) []*Store {
	var made []*Store
	public := slices.ContainsFunc(bundle.Before.Loose().Items("spec", "sources"), func(f krm.Field) bool { return f.Peek("useDefaultCAs") == "true" })
	for _, target := range []struct{ field, kind string }{{"configMap", ConfigMap}, {"secret", Secret}} {
		to := bundle.Before.Loose().Get("spec", "target", target.field)
		values := map[string]Value{}
		if key := to.Peek("key"); key != "" {
			values[key] = Value{}
		}
		for _, entry := range to.Items("data") {
			if key, format := entry.Peek("key"), entry.Peek("format"); key != "" && (format == "" || format == "PEM") {
				values[key] = Value{}
			}
		}
		if len(values) > 0 {
			made = append(made, &Store{Object: bundle, Kind: target.kind, Values: values, Unknown: trustManager, Public: public, Made: true})
		}
	}
	return made
}

func readStore(o *krm.Object, id krm.Identity) *Store {
	s := &Store{Object: o, Kind: id.Kind, Values: map[string]Value{}, Err: o.Err()}
	root, errs := o.Before.Aside()
	root.CheckKeys()
	s.Labels = root.Texts("metadata", "labels")
	annotations := root.Texts("metadata", "annotations")
	s.Owner = annotations[v1alpha1.ConfigAnnotation]
	s.substituted = annotations[v1alpha1.SubstituteAnnotation] != "disabled" && s.Labels[v1alpha1.SubstituteAnnotation] != "disabled"
	switch s.Kind {
	case ConfigMap:
		s.read(root, "binaryData", decoded)
		s.read(root, "data", plain)
	case Secret:
		s.read(root, "data", decoded)
		s.read(root, "stringData", plain) // which wins
	default:
		s.Values[TrustBundleKey] = Value{Path: "spec.trustBundle", Text: []byte(root.Peek("spec", "trustBundle"))}
	}
	s.Unknown = s.whyUnknown(annotations)
	if s.Err == nil {
		s.Err = errs.Err()
	}
	if s.Err == nil {
		s.Err = checkNames(o.Before, s.Kind)
	}
	if s.Err != nil { // nothing of it can be relied upon
		return &Store{Object: o.As(id), Kind: s.Kind, Err: s.Err}
	}
	return s
}

// checkNames refuses names and keys that the API server refuses.
func checkNames(object krm.Field, kind string) error {
	if err := object.CheckNames(); err != nil {
		return err
	}
	switch kind {
	case ConfigMap:
		return object.CheckDataKeys([]string{"data", "binaryData"}, true)
	case Secret:
		return object.CheckDataKeys([]string{"data", "stringData"}, false)
	default:
		return nil
	}
}

// read reads the keys of a field.
func (s *Store) read(object krm.Field, field string, value func(path, text string) Value) {
	fields := object.Get(field)
	texts := fields.Texts()
	tagged := map[string]*yaml.Node{}
	for i := 0; len(texts) > 0 && i+1 < len(fields.Node.Content); i += 2 {
		if n := krm.Resolve(fields.Node.Content[i+1]); n.Style&yaml.TaggedStyle != 0 {
			tagged[fields.Node.Content[i].Value] = n
		}
	}
	for key, text := range texts {
		path := field + "." + quote.Key(key)
		if n := tagged[key]; n != nil {
			read, err := krm.APIValue(n) // such as !!binary
			if text, _ = read.(string); err != nil || text == "" {
				s.Values[key] = Value{Path: path, Err: &krm.FieldError{Code: krm.WrongType, Path: path, Message: "is not text for the API server; write it without a tag"}}
				continue
			}
		}
		s.Values[key] = value(path, text)
	}
}

func plain(path, text string) Value { return Value{Path: path, Text: []byte(text)} }

func decoded(path, text string) Value {
	data, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text), ""))
	if err != nil {
		return Value{Path: path, Text: []byte(text), Err: &krm.FieldError{Code: codes.BadBase64, Path: path, Message: NotBase64}}
	}
	return Value{Path: path, Text: data}
}

// whyUnknown says who has the last word about the content of an object.
func (s *Store) whyUnknown(annotations map[string]string) string {
	const openShift = "config.openshift.io/inject-trusted-cabundle"
	switch {
	case s.Object.Before.Loose().Get("sops").Exists():
		return encrypted
	case s.Labels[openShift] == "true" || annotations[openShift] == "true":
		if _, ok := s.Values["ca-bundle.crt"]; !ok {
			s.Values["ca-bundle.crt"] = Value{}
		}
		s.Public = true
		return OpenShiftFills
	case s.Labels["trust.cert-manager.io/bundle"] != "", s.Labels["trust-manager.io/bundle"] != "":
		return trustManager
	default:
		return ""
	}
}
