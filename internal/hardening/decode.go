package hardening

import (
	"encoding/json"
	"errors"

	corev1 "k8s.io/api/core/v1"
	cbor "k8s.io/apimachinery/pkg/runtime/serializer/cbor/direct"
	kjson "sigs.k8s.io/json"

	"fluxtrust.dev/flux-trust/internal/krm"
	"fluxtrust.dev/flux-trust/internal/quote"
)

// decode returns a pod template as the API server reads it, by YAML 1.1 and with
// names of fields that are case-sensitive, and the paths of the fields that it does
// not know.
func decode(template krm.Field) (*corev1.PodTemplateSpec, []string, error) {
	if template.Node == nil {
		return nil, nil, template.Errorf("is missing")
	}
	value, err := krm.APIValue(template.Node)
	if err != nil {
		return nil, nil, template.Errorf("cannot be judged: %s", quote.Reader(err))
	}
	// To read the binary encoding for the first time takes a third of the time of
	// JSON. Both are the API server's own, and strict: what this one refuses, the
	// other explains.
	if data, err := cbor.Marshal(value); err == nil {
		into := &corev1.PodTemplateSpec{}
		if cbor.Unmarshal(data, into) == nil {
			return into, nil, nil
		}
	}
	data, err := json.Marshal(value)
	if err != nil {
		return nil, nil, template.Errorf("cannot be judged: %s", quote.Reader(err))
	}
	into := &corev1.PodTemplateSpec{}
	strict, err := kjson.UnmarshalStrict(data, into, kjson.DisallowUnknownFields)
	if err != nil {
		return nil, nil, template.Errorf("is not what Kubernetes expects: %s", quote.Reader(err))
	}
	var unknown []string
	for _, s := range strict {
		if at := kjson.FieldError(nil); errors.As(s, &at) {
			unknown = append(unknown, template.Path+"."+at.FieldPath())
		}
	}
	return into, unknown, nil
}
