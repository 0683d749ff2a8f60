package v1alpha1

import (
	"bytes"
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	kubeyaml "sigs.k8s.io/yaml"
)

var update = flag.Bool("update", false, "write the schema and the reference anew")

// node is a part of the schema.
type node struct {
	Schema               string           `json:"$schema,omitempty"`
	Title                string           `json:"title,omitempty"`
	Description          string           `json:"description,omitempty"`
	Type                 string           `json:"type"`
	Enum                 []string         `json:"enum,omitempty"`
	Default              any              `json:"default,omitempty"`
	Properties           map[string]*node `json:"properties,omitempty"`
	Required             []string         `json:"required,omitempty"`
	Items                *node            `json:"items,omitempty"`
	AdditionalProperties any              `json:"additionalProperties,omitempty"`
	MinItems             int              `json:"minItems,omitempty"`
	MinProperties        int              `json:"minProperties,omitempty"`
	OneOf                []map[string]any `json:"oneOf,omitempty"`

	name   string   // of the Go type
	fields []string // of Properties, in their order
}

// comments maps a type, or a type and a field, to its comment.
type comments map[string]string

func commentsOf(t *testing.T) comments {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	found := comments{}
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range file.Decls {
			general, ok := decl.(*ast.GenDecl)
			if !ok {
				continue
			}
			for _, spec := range general.Specs {
				typed, ok := spec.(*ast.TypeSpec)
				if !ok {
					continue
				}
				found[typed.Name.Name] = sentence(cmp.Or(typed.Doc, general.Doc))
				if fields, ok := typed.Type.(*ast.StructType); ok {
					for _, f := range fields.Fields.List {
						for _, name := range f.Names {
							found[typed.Name.Name+"."+name.Name] = sentence(f.Doc)
						}
					}
				}
			}
		}
	}
	return found
}

func sentence(group *ast.CommentGroup) string { return strings.Join(strings.Fields(group.Text()), " ") }

// schemaOf returns the schema of a type; value holds its defaults.
func (c comments) schemaOf(typ reflect.Type, value reflect.Value) *node {
	n := &node{name: typ.Name()}
	switch typ.Kind() {
	case reflect.Pointer:
		return c.schemaOf(typ.Elem(), reflect.Value{})
	case reflect.Bool:
		n.Type = "boolean"
	case reflect.Slice:
		n.Type, n.Items = "array", c.schemaOf(typ.Elem(), reflect.Value{})
	case reflect.Map:
		n.Type, n.AdditionalProperties = "object", c.schemaOf(typ.Elem(), reflect.Value{})
	case reflect.Struct:
		n.Type, n.AdditionalProperties, n.Properties = "object", false, map[string]*node{}
		for i := range typ.NumField() {
			f := typ.Field(i)
			key, options, _ := strings.Cut(f.Tag.Get("json"), ",")
			var field reflect.Value
			if value.IsValid() {
				field = value.Field(i)
			}
			p := c.schemaOf(f.Type, field)
			p.Description = c[typ.Name()+"."+f.Name]
			if f.Name[1:] != key[1:] { // such as CABundle for caBundle
				p.Description = strings.Replace(p.Description, f.Name, key, 1)
			}
			n.Properties[key], n.fields = p, append(n.fields, key)
			if options == "" {
				n.Required = append(n.Required, key)
			}
		}
	default:
		n.Type = "string"
		if enum, ok := reflect.Zero(typ).Interface().(interface{ values() []string }); ok {
			n.Enum = enum.values()
		}
		if value.IsValid() && value.String() != "" {
			n.Default = value.String()
		}
	}
	c.constrain(n)
	return n
}

// constrain adds what a type cannot say, and what validate.go says in words.
func (c comments) constrain(n *node) {
	switch n.name {
	case "FluxTrust":
		n.Schema, n.Title, n.Description = "https://json-schema.org/draft/2020-12/schema", Kind, c[n.name]
		n.Properties["apiVersion"].Enum, n.Properties["kind"].Enum = []string{GroupVersion}, []string{Kind}
		n.Properties["apiVersion"].Default, n.Properties["kind"].Default = nil, nil
	case "CABundleEntry":
		for _, key := range []string{"configMap", "secret", "clusterTrustBundle", "inline"} {
			n.OneOf = append(n.OneOf, map[string]any{"required": []string{key}})
		}
	case "Source":
		n.Properties["kinds"].MinItems = 1
	}
}

func generated(t *testing.T) *node {
	t.Helper()
	defaults := &FluxTrust{}
	defaults.Default()
	return commentsOf(t).schemaOf(reflect.TypeFor[FluxTrust](), reflect.ValueOf(*defaults))
}

func compareGenerated(t *testing.T, file string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is not what the types say; write it anew with: make update", file)
	}
}

func TestSchema(t *testing.T) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(generated(t)); err != nil {
		t.Fatal(err)
	}
	compareGenerated(t, "schema.json", out.Bytes())
}

// TestReference writes the reference of the config: a table per object.
func TestReference(t *testing.T) {
	var out strings.Builder
	out.WriteString("# Config reference\n\n<!-- Generated from api/v1alpha1 by make update. -->\n\n" +
		"Every field of a `FluxTrust`. A field that is not here is refused, and so is a misspelt\none. `flux-trust schema` prints the same for editors.\n")
	writeReference(&out, generated(t), Kind)
	compareGenerated(t, "../../docs/reference.md", []byte(out.String()))
}

func writeReference(out *strings.Builder, n *node, path string) {
	if n.Type == "array" {
		writeReference(out, n.Items, path+"[]")
		return
	}
	if len(n.fields) == 0 {
		return
	}
	fmt.Fprintf(out, "\n## %s\n\n| field | type | default | meaning |\n|---|---|---|---|\n", path)
	for _, key := range n.fields {
		p := n.Properties[key]
		fallback := ""
		if p.Default != nil {
			fallback = fmt.Sprintf("`%v`", p.Default)
		}
		if slices.Contains(n.Required, key) {
			fallback = "required"
		}
		fmt.Fprintf(out, "| `%s` | %s | %s | %s |\n", key, p.typeName(), fallback, strings.ReplaceAll(p.Description, "|", "\\|"))
	}
	for _, key := range n.fields {
		writeReference(out, n.Properties[key], strings.TrimPrefix(path+"."+key, Kind+"."))
	}
}

func (n *node) typeName() string {
	switch {
	case n.Type == "array":
		return "list of " + n.Items.typeName()
	case len(n.Enum) > 0:
		return "`" + strings.Join(n.Enum, "`, `") + "`"
	case n.Type == "object" && len(n.fields) == 0:
		return "strings by key"
	default:
		return n.Type
	}
}

// TestEveryFieldIsExplained: the comments become the reference, so none may be
// missing, and none may speak of Go.
func TestEveryFieldIsExplained(t *testing.T) {
	var visit func(n *node, path string)
	visit = func(n *node, path string) {
		for key, p := range n.Properties {
			if at := path + "." + key; !regexp.MustCompile(`\.$`).MatchString(p.Description) {
				t.Errorf("%s: %q is no explanation", at, p.Description)
			}
			visit(p, path+"."+key)
		}
		if n.Items != nil {
			visit(n.Items, path)
		}
	}
	visit(generated(t), Kind)
}

func TestCustomResourceDefinition(t *testing.T) {
	text, err := CustomResourceDefinition()
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(text, []byte("additionalProperties: false")) || bytes.Contains(text, []byte("$schema")) {
		t.Errorf("it is not structural:\n%s", text)
	}
	var crd struct {
		Spec struct {
			Versions []struct {
				Schema struct {
					OpenAPIV3Schema node `json:"openAPIV3Schema"`
				} `json:"schema"`
			} `json:"versions"`
		} `json:"spec"`
	}
	if err := kubeyaml.Unmarshal(text, &crd); err != nil {
		t.Fatal(err)
	}
	if spec := crd.Spec.Versions[0].Schema.OpenAPIV3Schema.Properties["spec"]; spec.Properties["mode"].Default != string(Transform) {
		t.Errorf("the schema is not in it:\n%s", text)
	}
}
