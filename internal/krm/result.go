package krm

import "sigs.k8s.io/kustomize/kyaml/yaml"

// Result is a finding as it stands in a ResourceList. It is that of kyaml's framework,
// field by field: to import the framework costs a program half of its start-up, for
// formats that a schema may name.
type Result struct {
	Message  string   `yaml:"message,omitempty" json:"message,omitempty"`
	Severity Severity `yaml:"severity,omitempty" json:"severity,omitempty"`
	// ResourceRef has at least apiVersion, kind and name.
	ResourceRef *yaml.ResourceIdentifier `yaml:"resourceRef,omitempty" json:"resourceRef,omitempty"`
	Field       *ResultField             `yaml:"field,omitempty" json:"field,omitempty"`
	File        *File                    `yaml:"file,omitempty" json:"file,omitempty"`
}

// ResultField is the field of a resource that a result is about.
type ResultField struct {
	Path          string `yaml:"path,omitempty" json:"path,omitempty"`
	CurrentValue  any    `yaml:"currentValue,omitempty" json:"currentValue,omitempty"`
	ProposedValue any    `yaml:"proposedValue,omitempty" json:"proposedValue,omitempty"`
}

// Results are those of one function.
type Results []*Result
