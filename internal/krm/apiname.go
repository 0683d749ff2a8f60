package krm

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"

	"fluxtrust.dev/flux-trust/internal/quote"
)

// Codes of names that the API server refuses.
const (
	// InvalidName is a name or a namespace that no object can have.
	InvalidName Code = "InvalidName"
	// InvalidKey is a key that no ConfigMap or Secret can have.
	InvalidKey Code = "InvalidKey"
)

// IsName reports whether an object can have a name: whether it is an RFC 1123
// subdomain of at most 253 characters.
func IsName(name string) bool { return len(validation.IsDNS1123Subdomain(name)) == 0 }

// IsLabel reports whether a namespace or a container can have a name: whether it is an
// RFC 1123 label of at most 63 characters.
func IsLabel(name string) bool { return len(validation.IsDNS1123Label(name)) == 0 }

// IsDataKey reports whether a ConfigMap or a Secret can have a key.
func IsDataKey(key string) bool { return len(validation.IsConfigMapKey(key)) == 0 }

// CheckNames refuses a name and a namespace that the API server would refuse. What Flux
// is going to substitute (${…}) is not known yet.
func (f Field) CheckNames() error {
	for _, part := range []struct {
		key     string
		is      func(string) bool
		longest int
	}{{"name", IsName, 253}, {"namespace", IsLabel, 63}} {
		name := f.Get("metadata", part.key)
		text := name.Peek()
		if f.Peek("kind") == "ClusterTrustBundle" { // the name of its signer comes first
			text = text[strings.LastIndexByte(text, ':')+1:]
		}
		if text != "" && !part.is(text) && !strings.Contains(text, "${") {
			return &FieldError{Code: InvalidName, Path: name.Path, Message: fmt.Sprintf(
				"%q is not a %s for the API server, which takes at most %d lower-case letters, digits, '-' and '.'; correct it", quote.Text(text), part.key, part.longest)}
		}
	}
	return nil
}

// CheckDataKeys refuses keys of a ConfigMap or Secret that the API server would refuse.
// Keys of exclusive fields must not stand in both.
func (f Field) CheckDataKeys(fields []string, exclusive bool) error {
	seen := map[string]bool{}
	for _, name := range fields {
		keys := make([]string, 0, 1)
		for key := range f.Texts(name) {
			keys = append(keys, key)
		}
		slices.Sort(keys)
		for _, key := range keys {
			at := name + "." + quote.Key(key)
			switch {
			case strings.Contains(key, "${"): // which Flux substitutes
			case !IsDataKey(key):
				return &FieldError{Code: InvalidKey, Path: at, Message: "is not a key for the API server, which takes at most 253 letters, digits, '-', '_' and '.'; rename it"}
			case exclusive && seen[key]:
				return &FieldError{Code: InvalidKey, Path: at, Message: "stands in " + strings.Join(fields, " and ") + ", which the API server refuses; remove one"}
			}
			seen[key] = true
		}
	}
	return nil
}
