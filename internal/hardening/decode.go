package hardening

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"

	corev1 "k8s.io/api/core/v1"
	kjson "sigs.k8s.io/json"

	"fluxtrust.dev/flux-trust/internal/krm"
	"fluxtrust.dev/flux-trust/internal/quote"
)

// decode returns a pod template as the API server reads it, by YAML 1.1 and with
// names of fields that are case-sensitive, and the paths of the fields that it does
// not know.
func decode(template krm.Field) (*corev1.PodTemplateSpec, []string, error) {
	into := &corev1.PodTemplateSpec{}
	unknown, err := decodeInto(template, into)
	return into, unknown, err
}

// decodeInto does so with a type of the Kubernetes API.
func decodeInto(f krm.Field, into any) ([]string, error) {
	fail := func(format string, args ...any) error {
		return &krm.FieldError{Code: krm.WrongType, Path: f.Path, Message: fmt.Sprintf(format, args...)}
	}
	if !f.Exists() {
		return nil, fail("is missing")
	}
	value, err := krm.APIValue(f.Node)
	if err != nil {
		return nil, fail("cannot be judged: %s", quote.Reader(err))
	}
	fresh := reflect.New(reflect.TypeOf(into).Elem())
	if fill(fresh.Elem(), value) {
		reflect.ValueOf(into).Elem().Set(fresh.Elem())
		return nil, nil
	}
	data, err := json.Marshal(value)
	if err != nil {
		return nil, fail("cannot be judged: %s", quote.Reader(err))
	}
	strict, err := kjson.UnmarshalStrict(data, into, kjson.DisallowUnknownFields)
	if at := (*json.UnmarshalTypeError)(nil); errors.As(err, &at) {
		hint := ""
		if at.Type.Kind() == reflect.String && at.Value != "object" && at.Value != "array" {
			hint = "; put it into quotes: Kubernetes reads YAML 1.1, in which y, yes and on are true"
		}
		return nil, fail("is not what Kubernetes expects: %s must be %s and is %s%s", at.Field, kindOf(at.Type), kindOfJSON(at.Value), hint)
	}
	if err != nil {
		return nil, fail("is not what Kubernetes expects: %s", quote.Reader(err))
	}
	var unknown []string
	for _, s := range strict {
		if at := kjson.FieldError(nil); errors.As(s, &at) {
			unknown = append(unknown, f.Path+"."+at.FieldPath())
		}
	}
	return unknown, nil
}

// kindOf returns what a type of Go is in YAML.
func kindOf(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.String:
		return "a string"
	case reflect.Struct, reflect.Map, reflect.Pointer:
		return "a mapping"
	case reflect.Slice:
		return "a list"
	default:
		return "a number"
	}
}

// kindOfJSON returns what a value of JSON is in YAML. That of a number may be part
// of the text.
func kindOfJSON(value string) string {
	switch {
	case value == "object":
		return "a mapping"
	case value == "array":
		return "a list"
	case strings.HasPrefix(value, "number"):
		return "a number"
	case value == "bool":
		return "true or false"
	default:
		return "a string"
	}
}
