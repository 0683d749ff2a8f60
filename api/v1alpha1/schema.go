package v1alpha1

import (
	_ "embed"
	"encoding/json"
	"fmt"

	kubeyaml "sigs.k8s.io/yaml"
)

// schemaJSON is generated from the types, their comments and their defaults by a
// test of this package: make update.
//
//go:embed schema.json
var schemaJSON []byte

// Schema returns the JSON schema of a FluxTrust (draft 2020-12), for editors and
// other tools. The function itself walks the types, from which the schema is made,
// so that its messages can say more than a schema can.
func Schema() []byte { return schemaJSON }

// CustomResourceDefinition returns the schema in the shape of a
// CustomResourceDefinition, as YAML: some editors and linters take no other. It is
// not meant to be applied: a FluxTrust is the config of a function and never
// lives in a cluster.
func CustomResourceDefinition() ([]byte, error) {
	var schema map[string]any
	if err := json.Unmarshal(schemaJSON, &schema); err != nil {
		return nil, fmt.Errorf("reading the schema: %w", err)
	}
	structural(schema)
	if properties, ok := schema["properties"].(map[string]any); ok {
		properties["metadata"] = map[string]any{"type": "object"}
	}
	const group, plural = "fluxtrust.dev", "fluxtrusts"
	return kubeyaml.Marshal(map[string]any{
		"apiVersion": "apiextensions.k8s.io/v1",
		"kind":       "CustomResourceDefinition",
		"metadata":   map[string]any{"name": plural + "." + group},
		"spec": map[string]any{
			"group": group,
			"names": map[string]any{"kind": Kind, "listKind": Kind + "List", "plural": plural, "singular": "fluxtrust"},
			"scope": "Namespaced",
			"versions": []any{map[string]any{
				"name": "v1alpha1", "served": true, "storage": true,
				"schema": map[string]any{"openAPIV3Schema": schema},
			}},
		},
	})
}

// structural removes what a structural schema of Kubernetes does not know:
// https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#specifying-a-structural-schema
func structural(schema map[string]any) {
	delete(schema, "$schema")
	if schema["additionalProperties"] == false {
		delete(schema, "additionalProperties")
	}
	for _, value := range schema {
		switch v := value.(type) {
		case map[string]any:
			structural(v)
		case []any:
			for _, item := range v {
				if m, ok := item.(map[string]any); ok {
					structural(m)
				}
			}
		}
	}
}
