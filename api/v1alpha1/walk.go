package v1alpha1

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"fluxtrust.dev/flux-trust/internal/quote"
)

// walk holds a node against the type that it will be decoded into and collects
// what a decoder would take silently or report one at a time: unknown,
// misspelt and repeated fields, wrong types, values that are not in an enum.
// Keys are case-sensitive, as they are for the Kubernetes API.
func (p *problems) walk(n *yaml.Node, t reflect.Type, path string) {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if _, ok := p.lines[path]; !ok { // a field stands where its key stands
		p.lines[path] = n.Line
	}
	if isNull(n) {
		if strings.HasSuffix(path, "].fingerprints") { // nobody who writes it wants none
			p.add(path, noPins)
		}
		return // as in the Kubernetes API: null is a field left out
	}
	switch t.Kind() {
	case reflect.Pointer:
		p.walk(n, t.Elem(), path)
	case reflect.Struct:
		p.walkStruct(n, t, path)
	case reflect.Map:
		p.walkMap(n, t, path)
	case reflect.Slice:
		p.walkSlice(n, t, path)
	case reflect.Bool:
		if n.Kind != yaml.ScalarNode || n.ShortTag() != yaml.NodeTagBool {
			p.add(path, "expected true or false, got %s", describe(n))
		}
	default:
		p.walkString(n, t, path)
	}
}

func (p *problems) walkStruct(n *yaml.Node, t reflect.Type, path string) {
	if n.Kind != yaml.MappingNode {
		p.add(path, "expected fields (%s), got %s", strings.Join(slices.Sorted(maps.Keys(fieldsOf(t))), ", "), describe(n))
		return
	}
	fields := fieldsOf(t)
	p.eachKey(n, path, func(key string, value *yaml.Node, keyPath string) {
		field, ok := fields[key]
		if !ok {
			p.unknown(keyPath, key, value, path, fields)
			return
		}
		p.walk(value, field, keyPath)
	})
}

// unknown reports a field that does not exist. A misspelt one is looked into as
// the one that it seems to mean; a field of a neighbour was not indented.
func (p *problems) unknown(keyPath, key string, n *yaml.Node, path string, fields map[string]reflect.Type) {
	known := slices.Sorted(maps.Keys(fields))
	if meant := nearest(key, known); meant != "" {
		p.meant = append(p.meant, join(path, meant))
		p.add(keyPath, "unknown field; did you mean %q?", meant)
		p.walk(n, fields[meant], keyPath)
		return
	}
	for _, name := range known {
		t := fields[name]
		if t.Kind() == reflect.Pointer {
			t = t.Elem()
		}
		if t.Kind() != reflect.Struct {
			continue
		}
		if _, ok := fieldsOf(t)[key]; ok {
			p.meant = append(p.meant, join(join(path, name), key))
			p.add(keyPath, "belongs under %s; indent it by two spaces more than %s", name, name)
			return
		}
	}
	p.add(keyPath, "unknown field; known are %s", strings.Join(known, ", "))
}

func (p *problems) walkMap(n *yaml.Node, t reflect.Type, path string) {
	if n.Kind != yaml.MappingNode {
		p.add(path, "expected keys and values, got %s", describe(n))
		return
	}
	p.eachKey(n, path, func(_ string, value *yaml.Node, keyPath string) { p.walk(value, t.Elem(), keyPath) })
}

func (p *problems) walkSlice(n *yaml.Node, t reflect.Type, path string) {
	if n.Kind != yaml.SequenceNode {
		p.add(path, "expected a list, got %s; write %s", describe(n), asList(n))
		return
	}
	for i, item := range n.Content {
		itemPath := fmt.Sprintf("%s[%d]", path, i)
		if isNull(item) {
			p.lines[itemPath] = item.Line
			p.add(itemPath, "is empty; write a value or remove the \"-\"")
			continue
		}
		p.walk(item, t.Elem(), itemPath)
	}
}

// asList shows how a value becomes a list.
func asList(n *yaml.Node) string {
	if n.Kind == yaml.ScalarNode {
		return "it in brackets: [ ]"
	}
	return "\"- \" before each entry"
}

func (p *problems) walkString(n *yaml.Node, t reflect.Type, path string) {
	if n.Kind != yaml.ScalarNode || n.ShortTag() != yaml.NodeTagString {
		p.add(path, "expected a string, got %s", describe(n))
		return
	}
	if n.Style == 0 && yaml.IsYaml1_1NonString(n) {
		p.add(path, "%s is not a string for YAML 1.1 readers; write it in quotes", quote.Word(n.Value))
		return
	}
	enum, ok := reflect.Zero(t).Interface().(interface{ values() []string })
	if !ok || slices.Contains(enum.values(), n.Value) {
		return
	}
	if other, ok := enum.(interface{ instead(string) string }); ok && other.instead(n.Value) != "" {
		p.add(path, "%s", other.instead(n.Value))
		return
	}
	if meant := nearest(n.Value, enum.values()); meant != "" {
		p.add(path, "%s is not a value of this field; did you mean %s?", show(n.Value), meant)
		return
	}
	p.add(path, "is none of the values of this field; write one of %s", strings.Join(enum.values(), ", "))
}

// eachKey visits the fields of a mapping and reports keys that appear twice or
// are not strings.
func (p *problems) eachKey(n *yaml.Node, path string, visit func(key string, value *yaml.Node, keyPath string)) {
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		keyPath := join(path, quote.Key(key.Value))
		if key.Kind != yaml.ScalarNode || key.Tag == yaml.MergeTag {
			p.lines[path] = key.Line
			p.add(path, "merge keys and keys that are not plain words are not supported; write the fields out")
			continue
		}
		if first, ok := seen[key.Value]; ok {
			p.lines[keyPath] = key.Line
			p.add(keyPath, "appears twice (first in line %d); remove one", first)
			continue
		}
		seen[key.Value] = key.Line
		p.lines[keyPath] = key.Line
		visit(key.Value, value, keyPath)
	}
}

func join(path, field string) string {
	return strings.TrimPrefix(path+"."+field, ".")
}

// fieldsOf maps the JSON name of every field of a struct to its type.
func fieldsOf(t reflect.Type) map[string]reflect.Type {
	fields := make(map[string]reflect.Type, t.NumField())
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		fields[name] = t.Field(i).Type
	}
	return fields
}

func isNull(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && n.ShortTag() == yaml.NodeTagNull
}

// describe names a value for a message without repeating it: a config may hold
// a private key in the wrong place.
func describe(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	default:
	}
	switch n.ShortTag() {
	case yaml.NodeTagString:
		return "a string"
	case yaml.NodeTagBool:
		return "the boolean " + quote.Word(n.Value)
	case yaml.NodeTagInt, yaml.NodeTagFloat:
		return "the number " + quote.Word(n.Value)
	default:
		return "a value of another type"
	}
}
