package e2e

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	kyaml "sigs.k8s.io/kustomize/kyaml/yaml"
	"sigs.k8s.io/yaml"
)

// TestSchemaAgrees holds the published schema, as a JSON schema validator reads
// it, against the function: every config that the function takes is valid, and a
// config with one field misspelt, of another type or with another value is refused
// by both.
func TestSchemaAgrees(t *testing.T) {
	function := program(t, "FLUX_TRUST")
	schema := compileSchema(t, run(t, ".", function, "schema").stdout)
	dir := t.TempDir()
	empty := filepath.Join(dir, "empty.yaml")
	write(t, empty, "{}\n")
	mutants := map[string]bool{}
	for name, text := range goldenFiles(t, "config.yaml") {
		file := filepath.Join(dir, name+".yaml")
		write(t, file, text)
		var config map[string]any
		// An editor reads YAML 1.2, in which the key "no" of spec.proxy is not a boolean.
		if err := kyaml.Unmarshal([]byte(text), &config); err != nil {
			t.Fatal(err)
		}
		// Only what is about the config itself names its file and a line.
		if err := schema.Validate(config); err != nil && !refuses(t, function, file, empty) {
			t.Errorf("the function takes %s, and the schema does not: %v", file, err)
		}
		mutate(config, "", func(what string) {
			if strings.HasPrefix(what, ".metadata.annotations.") || strings.HasPrefix(what, ".metadata.labels.") || mutants[what] {
				return
			}
			mutants[what] = true
			text, err := yaml.Marshal(config)
			if err != nil {
				t.Fatal(err)
			}
			mutant := filepath.Join(t.TempDir(), "config.yaml")
			if err := os.WriteFile(mutant, text, 0o600); err != nil {
				t.Fatal(err)
			}
			if schema.Validate(config) == nil {
				t.Errorf("%s: the schema takes %s", file, what)
			}
			if !refuses(t, function, mutant, empty) {
				t.Errorf("%s: the function takes %s", file, what)
			}
		})
	}
	if len(mutants) < 50 {
		t.Errorf("only %d kinds of mistakes tried", len(mutants))
	}
}

func refuses(t *testing.T, function, config, input string) bool {
	t.Helper()
	return strings.Contains(run(t, ".", function, config, input).stderr, "flux-trust: error: "+config)
}

func compileSchema(t *testing.T, text string) *jsonschema.Schema {
	t.Helper()
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader([]byte(text)))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("flux-trust.schema.json", document); err != nil {
		t.Fatal(err)
	}
	return compiler.MustCompile("flux-trust.schema.json")
}

// mutate makes one mistake after the other in a tree, calls try, and takes the
// mistake back.
func mutate(tree any, at string, try func(what string)) {
	switch v := tree.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			path, value := at+"."+key, v[key]
			delete(v, key)
			v[key+"X"] = value
			try(path + " misspelt")
			delete(v, key+"X")
			for what, wrong := range map[string]any{"a number": 5.0, "a list of lists": []any{[]any{}}} {
				v[key] = wrong
				try(path + " as " + what)
			}
			v[key] = value
			mutate(value, path, try)
		}
	case []any:
		for _, item := range v {
			mutate(item, at+"[]", try)
		}
	}
}
