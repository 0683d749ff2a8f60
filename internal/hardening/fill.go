package hardening

import (
	"encoding/json"
	"reflect"
	"strings"
	"unicode/utf8"
)

// fill writes a value, as krm.APIValue returns it, into a type of the Kubernetes API, and
// reports whether it could. It takes what the API server takes beyond doubt; what it
// leaves, a field that is not known or a value that may be of the wrong type, is for the
// API server's own decoder. That one looks at every field of every type first, which
// took longer than all else that is done to a controller.
func fill(into reflect.Value, value any) bool {
	if into.CanAddr() {
		if own, ok := into.Addr().Interface().(json.Unmarshaler); ok {
			return fillOwn(own, value)
		}
	}
	switch v := value.(type) {
	case nil:
		return true // as it is
	case []any:
		if into.Kind() == reflect.Slice && into.Type().Elem().Kind() != reflect.Uint8 {
			return fillSlice(into, v)
		}
	case map[string]any:
		if into.Kind() == reflect.Map {
			return fillMap(into, v)
		}
		if into.Kind() == reflect.Struct {
			return fillFields(into, v) == len(v)
		}
	default:
		if fillScalar(into, v) {
			return true
		}
	}
	if into.Kind() == reflect.Pointer {
		into.Set(reflect.New(into.Type().Elem()))
		return fill(into.Elem(), value)
	}
	return false
}

func fillScalar(into reflect.Value, value any) bool {
	switch v := value.(type) {
	case string:
		if into.Kind() == reflect.String && utf8.ValidString(v) {
			into.SetString(v)
			return true
		}
	case bool:
		if into.Kind() == reflect.Bool {
			into.SetBool(v)
			return true
		}
	case int:
		if into.CanInt() && !into.OverflowInt(int64(v)) {
			into.SetInt(int64(v))
			return true
		}
	}
	return false
}

// fillOwn fills a type that reads itself, such as a quantity.
func fillOwn(into json.Unmarshaler, value any) bool {
	switch value.(type) {
	case nil, string, int, bool:
		text, err := json.Marshal(value)
		return err == nil && into.UnmarshalJSON(text) == nil
	}
	return false
}

func fillSlice(into reflect.Value, entries []any) bool {
	into.Set(reflect.MakeSlice(into.Type(), len(entries), len(entries)))
	for i, entry := range entries {
		if !fill(into.Index(i), entry) {
			return false
		}
	}
	return true
}

func fillMap(into reflect.Value, entries map[string]any) bool {
	t := into.Type()
	into.Set(reflect.MakeMapWithSize(t, len(entries)))
	for name, entry := range entries {
		key, value := reflect.New(t.Key()).Elem(), reflect.New(t.Elem()).Elem()
		if !fill(key, name) || !fill(value, entry) {
			return false
		}
		into.SetMapIndex(key, value)
	}
	return true
}

// fillFields fills the fields of a struct and returns how many of the values were for
// them, or -1.
func fillFields(into reflect.Value, values map[string]any) int {
	known, t := 0, into.Type()
	for i := range t.NumField() {
		field := t.Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if field.Anonymous && name == "" {
			inline := fillFields(into.Field(i), values)
			if inline < 0 {
				return -1
			}
			known += inline
			continue
		}
		value, ok := values[name]
		if !ok {
			continue
		}
		if !fill(into.Field(i), value) {
			return -1
		}
		known++
	}
	return known
}
