package hardening

import (
	"os"
	"reflect"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"fluxtrust.dev/flux-trust/internal/krm"
)

// TestFill: pods as people write them are read without the API server's decoder. That
// both read the same is TestDecode and TestRandomDecoding.
func TestFill(t *testing.T) {
	data, err := os.ReadFile("../../examples/quickstart/flux-system/gotk-components.yaml")
	if err != nil {
		t.Fatal(err)
	}
	filled := 0
	for _, text := range strings.Split(string(data), "\n---\n") {
		if !strings.Contains(text, "kind: Deployment\n") {
			continue
		}
		value, err := krm.APIValue(at(t, yaml.MustParse(text), "spec", "template").YNode())
		if err != nil {
			t.Fatal(err)
		}
		if !fill(reflect.ValueOf(&corev1.PodTemplateSpec{}).Elem(), value) {
			t.Errorf("left to the API server:\n%s", text)
		}
		filled++
	}
	if filled == 0 {
		t.Error("no Deployment")
	}
}

// TestFillLeaves: what is in doubt is left to the API server.
func TestFillLeaves(t *testing.T) {
	for what, value := range map[string]any{
		"an unknown field":       map[string]any{"spec": map[string]any{"hostnetwork": true}},
		"a field in both cases":  map[string]any{"spec": map[string]any{"hostnetwork": true, "hostNetwork": true}},
		"the name of a Go type":  map[string]any{"spec": map[string]any{"volumes": []any{map[string]any{"VolumeSource": map[string]any{}}}}},
		"a field without a name": map[string]any{"spec": map[string]any{"volumes": []any{map[string]any{"": map[string]any{}}}}},
		"a float":                map[string]any{"spec": map[string]any{"terminationGracePeriodSeconds": 1.0}},
		"a large number":         map[string]any{"spec": map[string]any{"priority": 1 << 40}},
		"a text for a number":    map[string]any{"spec": map[string]any{"priority": "1"}},
		"a broken text":          map[string]any{"spec": map[string]any{"hostname": "\xff"}},
		"a broken key":           map[string]any{"spec": map[string]any{"nodeSelector": map[string]any{"\xff": "a"}}},
		"a list for a mapping":   map[string]any{"spec": []any{}},
		"a wrong quantity":       map[string]any{"spec": map[string]any{"overhead": map[string]any{"cpu": "many"}}},
	} {
		if fill(reflect.ValueOf(&corev1.PodTemplateSpec{}).Elem(), value) {
			t.Errorf("%s is not left", what)
		}
	}
}
