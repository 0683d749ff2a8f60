package transformer

import (
	"bytes"
	"maps"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"fluxtrust.dev/flux-trust/internal/corpus"
	"fluxtrust.dev/flux-trust/internal/krm"
)

// TestNamesIn: the names of a resource, and of the source of its chart, are found in the
// text of the part that has them, however it is written, and others are not.
func TestNamesIn(t *testing.T) {
	const annotations = "    internal.config.kubernetes.io/previousNames: a,b-2456789bcd\n"
	for name, c := range map[string]struct {
		part func(text []byte) []byte
		text string
		want string
	}{
		"block":               {metadata, "apiVersion: v1\nmetadata:\n  name: a\n  namespace: b\ndata:\n  name: c\n", "a"},
		"former names":        {metadata, "metadata:\n  name: c\n  annotations:\n" + annotations + "data: {name: d}\n", "a b b-2456789bcd c"},
		"comments":            {metadata, "# a\n\nmetadata:\n# b\n\n  name: 'a' # name: c\nkind: A\n", "a c"},
		"an item":             {metadata, "  -  data: {name: b}\n     metadata:\n        name: a\n     c: {name: d}\n", "a"},
		"flow":                {metadata, "metadata: {namespace: b, name: \"a\"}\ndata: {name: c}\n", "a"},
		"JSON":                {metadata, `{"metadata":{"name":"a","namespace":"b"},"data":{"name":"c"}}`, "a c"},
		"JSON, indented":      {metadata, "{\n  \"data\": {},\n  \"metadata\": {\n    \"name\": \"a\"\n  }\n}\n", "a"},
		"flow, over lines":    {metadata, "{x: \"\nmetadata:\n\", metadata: {labels: {\na: b}, name: a}}\n", "a"},
		"a name for a key":    {metadata, "metadata:\n  x: &k name\n  *k : a\n", "(any)"},
		"a quote in column 0": {metadata, "metadata:\n  x: \"b\nc\"\n  name: a\n", "a"},
		"on the next line":    {metadata, "metadata:\n  name:\n    a\n", "a"},
		"an anchor":           {metadata, "metadata:\n  name: &x a\n  namespace: *x\ndata: {name: b}\n", "a"},
		"an alias":            {metadata, "x: &x \"a\"\nmetadata:\n  name: *x\ndata: {name: b}\n", "a"},
		"an alias of two":     {metadata, "x: &x a\nmetadata:\n  name: *x\ny: &x b\n", "(any)"},
		"an alias before":     {metadata, "x: &xy a\nmetadata:\n  name: *x\n", "(any)"},
		"metadata by alias":   {metadata, "x: &x\n  name: a\nmetadata: *x\n", "a"},
		"metadata by merge":   {metadata, "x: &x\n  name: a\nmetadata:\n  <<: *x\n", "a"},
		"metadata twice":      {metadata, "- data: \"b\n  metadata:\n  c\"\n  metadata:\n    name: a\n", "a"},
		"block scalar":        {metadata, "metadata:\n  name: >-\n    a\n", "(any)"},
		"a tag":               {metadata, "metadata:\n  name: !!str a\n", "(any)"},
		"spaces alone":        {metadata, "metadata:\n  name: a\n  ", "a"},
		"a suffix":            {metadata, "metadata:\n  name: a-2456789bcd\n", "a a-2456789bcd"},
		"no metadata":         {metadata, "kind: A", ""},
		"chartRef":            {chartRef, "spec:\n  chartRef:\n    kind: A\n    name: a\n    namespace: b\n  values: {name: c}\n", "a"},
		"chartRef, flow":      {chartRef, "metadata: {name: b}\nspec:\n  chartRef: {name: a}\n  values: {name: c}\n", "a"},
		"chartRef, JSON":      {chartRef, `{"metadata":{"name":"b"},"spec":{"chartRef":{"name":"a"}}}`, "a"},
		"chartRef by alias":   {chartRef, "x: &x {name: a}\nspec:\n  chartRef: *x\n", "a"},
		"chartRef name alias": {chartRef, "metadata: {name: &x a}\nspec:\n  chartRef:\n    name: *x\n  values: {name: c}\n", "a"},
		"chartRef over lines": {chartRef, "spec: {interval: 1h, chartRef: {\n  kind: OCIRepository, name: a}}\n", "a"},
		"chartRef, tabs":      {chartRef, "{\n\t\"spec\": {\n\t\t\"chartRef\": {\n\t\t\t\"name\": \"a\"\n\t\t}\n\t}\n}\n", "a"},
		"chartRef, quoted":    {chartRef, "spec:\n  \"chartRef\":\n   name: a\n", "a"},
		"chartRef twice":      {chartRef, "# chartRef\nspec:\n  chartRef: {name: a}\n", "a"},
		"no chartRef":         {chartRef, "metadata: {name: b}\n", ""},
		"odd":                 {metadata, "metadata:\n  name: ${a}-b\n", "$"},
		"a label by alias":    {metadata, "metadata:\n  name: &app a\n  labels:\n    app: *app\ndata: {name: b}\n", "a"},
		"an alias of a list":  {metadata, "x: &x [a]\nmetadata:\n  name: b\n  labels: *x\ny: {name: c}\n", "b c"},
		"sourceRef, patches":  {sourceRef, "spec:\n  patches:\n  - patch: |\n      spec:\n        sourceRef:\n          name: b\n  sourceRef:\n    name: a\n", "a"},
		"sourceRef in quotes": {sourceRef, "spec:\n  x: \"\n  sourceRef:\n    name: b\"\n  \"sourceRef\":\n    name: a\n", "a b"},
		"sourceRef, no spec":  {sourceRef, "spec: {patches: [sourceRef: {name: b}], sourceRef: {name: a}}\n", "a b"},
		"sourceRef by alias":  {sourceRef, "x: &x\n  sourceRef: {name: b}\nspec:\n  <<: *x\n  y: sourceRef\n", "b"},
	} {
		t.Run(name, func(t *testing.T) {
			found := map[string]bool{}
			for name := range namesIn(c.part([]byte(c.text)), []byte(c.text)) {
				if name == "" {
					name = "(any)"
				}
				found[name] = true
			}
			if got := strings.Join(slices.Sorted(maps.Keys(found)), " "); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func sourceRef(text []byte) []byte { return reference(text, "sourceRef") }

// TestReferencesCorpus: whatever a real resource is called by the YAML reader, its text
// says.
func TestReferencesCorpus(t *testing.T) {
	resources := 0
	for _, file := range corpus.Files(t, "*/*", "large.yaml.gz") {
		for _, text := range bytes.Split(corpus.Read(t, file), []byte("\n---\n")) {
			var root yaml.Node
			if yaml.Unmarshal(text, &root) != nil || len(root.Content) == 0 || root.Content[0].Kind != yaml.MappingNode {
				continue
			}
			o := krm.NewObject(root.Content[0], nil)
			resources++
			checkNames(t, file, text, metadata, o.Names)
			if name := o.Before.Peek("spec", "chartRef", "name"); name != "" {
				checkNames(t, file, text, chartRef, []string{name})
			}
			if name := o.Before.Peek("spec", "sourceRef", "name"); name != "" && name == o.Name() && !appliesItself(text) {
				t.Errorf("%s: its source has the name of\n%s", file, text)
			}
		}
	}
	t.Logf("%d resources", resources)
}

func checkNames(t *testing.T, file string, text []byte, part func(text []byte) []byte, names []string) {
	t.Helper()
	found := slices.Collect(namesIn(part(text), text))
	for _, name := range names {
		if odd := strings.ContainsAny(name, notInNames); !odd && name != "" && !slices.Contains(found, name) && !slices.Contains(found, "") {
			t.Errorf("%s: %s is not in %q of\n%s", file, name, found, text)
		}
	}
}

// TestReferences: a name is asked for before or behind the resource that has it.
func TestReferences(t *testing.T) {
	text := func(name string) []byte { return []byte("metadata:\n  name: " + name + "\n") }
	var r references
	if r.need(text("before"), metadata) || r.need(text("${odd}"), metadata) {
		t.Error("needed before anybody asks")
	}
	if !r.ask("before") || r.ask("before") || r.ask("behind") || !r.ask("${odd}") {
		t.Error("what was left out is the one before, and may be the odd one")
	}
	for name, want := range map[string]bool{"behind": true, "before": true, "behind-2456789bcd": true, "*x": true, "${odd}": true, "other": false, "behind-2": false} {
		if got := r.need(text(name), metadata); got != want {
			t.Errorf("%s: %t", name, got)
		}
	}
	if !r.ask("other") {
		t.Error("what was left out since is forgotten")
	}
	r.forget()
	if !r.need(text("other"), metadata) {
		t.Error("the names are forgotten")
	}
	for range mostLeft + 1 {
		r.need(text("many"), metadata)
	}
	if !r.ask("unseen") {
		t.Error("one of many may have any name")
	}
}
