package command

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aymanbagabas/go-udiff"
	"sigs.k8s.io/kustomize/kyaml/kio"
	"sigs.k8s.io/kustomize/kyaml/yaml"
	kubeyaml "sigs.k8s.io/yaml"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/internal/corpus"
	"fluxtrust.dev/flux-trust/internal/filter"
	"fluxtrust.dev/flux-trust/internal/krm"
	"fluxtrust.dev/flux-trust/internal/stream"
	"fluxtrust.dev/flux-trust/transformer"
)

// differ runs a config over a stream both ways, parsing what is needed and
// parsing everything, and reports every difference.
type differ struct {
	*testing.T
	config *v1alpha1.FluxTrust
	node   *yaml.RNode
	now    time.Time
	// strange tells that kyaml's reader may panic on the items.
	strange bool
}

func newDiffer(t *testing.T, config []byte) *differ {
	t.Helper()
	d := &differ{T: t, now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	var err error
	if d.node, err = yaml.Parse(string(config)); err != nil {
		t.Fatal(err)
	}
	if d.config, err = v1alpha1.FromNode(d.node); err != nil {
		t.Skip(err)
	}
	return d
}

// result is what a run over plain YAML makes.
type result struct {
	output, err string
	// outcome has no findings, which may hold errors: results has them.
	outcome transformer.Outcome
	results krm.Results
}

// look runs as the program does: it parses what is needed.
func (d *differ) look(data []byte) (r result) {
	_ = transformer.Look(func(needs transformer.NeedsFor) (transformer.Outcome, error) {
		var outcome transformer.Outcome
		r, outcome = d.runs(data, needs(d.config))
		if r.err != "" {
			return outcome, errors.New(r.err)
		}
		return outcome, nil
	})
	return r
}

func (d *differ) run(data []byte, needs stream.Needs) result {
	r, _ := d.runs(data, needs)
	return r
}

func (d *differ) runs(data []byte, needs stream.Needs) (r result, outcome transformer.Outcome) {
	documents, err := stream.Split("file", data, needs)
	if err == nil {
		var pieces stream.Pieces
		pieces, r.outcome, err = filter.Run(d.config, documents, d.now)
		r.output = string(pieces.Bytes())
	}
	if err != nil {
		r.err = err.Error()
	}
	outcome = r.outcome
	r.results = r.outcome.Results()
	r.outcome.Items, r.outcome.Added, r.outcome.Findings, r.outcome.Asked = nil, nil, nil, transformer.Asked{}
	return r, outcome
}

// plain holds plain YAML to the same bytes, results and errors. A List that is read as a
// whole is written as a whole, so its items are held to what they mean.
func (d *differ) plain(data []byte) {
	d.Helper()
	everything := func(_, _, _ []byte) bool { return true }
	fast, slow := d.look(data), d.run(data, everything)
	if fast.output != slow.output || fast.err != slow.err {
		d.Errorf("fast: %s, slow: %s\n%s", fast.err, slow.err, udiff.Unified("slow", "fast", slow.output, fast.output))
	}
	if !sameOutcome(fast, slow) || !reflect.DeepEqual(fast.results, slow.results) {
		d.Errorf("results: fast\n%v\n%v\nslow\n%v\n%v", fast.outcome, fast.results, slow.outcome, slow.results)
	}
	whole := d.run(data, nil)
	if slow.err != whole.err {
		d.Errorf("item by item: %s, whole: %s", slow.err, whole.err)
	}
	if a, b := sameCount(slow.results), sameCount(whole.results); !reflect.DeepEqual(a, b) || !sameOutcome(slow, whole) {
		d.Errorf("results: item by item\n%v\n%v\nwhole\n%v\n%v", slow.outcome, a, whole.outcome, b)
	}
	if slow.output != whole.output && !reflect.DeepEqual(d.values(slow.output), d.values(whole.output)) {
		d.Errorf("item by item and whole differ:\n%s", udiff.Unified("whole", "item by item", whole.output, slow.output))
	}
}

func sameOutcome(a, b result) bool {
	if (a.outcome.OwnCAs == nil) != (b.outcome.OwnCAs == nil) || a.outcome.OwnCAs != nil && !reflect.DeepEqual(a.outcome.OwnCAs(), b.outcome.OwnCAs()) { //nolint:govet // neither holds an error
		return false
	}
	a.outcome.OwnCAs, b.outcome.OwnCAs = nil, nil  // functions are never equal
	return reflect.DeepEqual(a.outcome, b.outcome) //nolint:govet // neither holds an error
}

// sameCount leaves out how many resources there are: a List that is read as a whole is
// one.
func sameCount(results krm.Results) krm.Results {
	same := slices.Clone(results)
	for i, r := range same {
		if _, after, ok := strings.Cut(r.Message, "no Flux controller among "); ok {
			uncounted := *r
			_, after, _ = strings.Cut(after, " resource")
			uncounted.Message = strings.TrimPrefix(after, "s")
			same[i] = &uncounted
		}
	}
	return same
}

// values returns what the resources of a stream mean, those in Lists by themselves.
func (d *differ) values(output string) []any {
	d.Helper()
	documents, err := stream.Split("output", []byte(output), nil)
	if err != nil {
		d.Fatal(err)
	}
	var values []any
	for _, document := range documents {
		if document.Resource() == nil {
			continue
		}
		objects, _ := krm.NewObjects(document.Resource().YNode(), nil)
		for _, o := range objects {
			values = append(values, value(yaml.NewRNode(o.Before.Node)))
		}
	}
	return values
}

// list holds a ResourceList to the same resources and results, and, in the fast
// way, each item that is not changed to its bytes. It tells whether there was a
// fast way.
func (d *differ) list(data []byte) bool {
	d.Helper()
	read, readErr := stream.ReadResourceList(data, needsOf(transformer.Needs))
	fast, fastOutcome, fastErr := d.process(data)
	slow, slowOutcome, slowErr := process(data, nil, d.now)
	if field := (*krm.FieldError)(nil); fastErr == nil && errors.As(slowErr, &field) && field.Code == krm.Aliases {
		return !read.Whole() // of an item that has nothing to do with it
	}
	if (fastErr == nil) != (slowErr == nil) || fastErr != nil && fastErr.Error() != slowErr.Error() {
		d.Fatalf("fast: %v, slow: %v", fastErr, slowErr)
	}
	if readErr != nil || slowErr != nil {
		return false
	}
	if !reflect.DeepEqual(fastOutcome.Results(), slowOutcome.Results()) {
		d.Errorf("results: fast\n%v\nslow\n%v", fastOutcome.Results(), slowOutcome.Results())
	}
	if _, err := (&kio.ByteReader{Reader: bytes.NewReader(data), OmitReaderAnnotations: true, AnchorsAweigh: true}).Read(); err != nil {
		d.strange = true // an item that is left as it is
	}
	got, gotResults := d.read(fast.Bytes())
	want, wantResults := d.read(slow.Bytes())
	if gotResults != wantResults {
		d.Errorf("results in the list: fast\n%s\nslow\n%s", gotResults, wantResults)
	}
	if len(got) != len(want) {
		d.Fatalf("%d items, want %d\n%s", len(got), len(want), fast.Bytes())
	}
	for i := range want {
		if g, w := value(got[i]), value(want[i]); !reflect.DeepEqual(g, w) {
			d.Errorf("item %d: fast\n%s\nslow\n%s", i, got[i].MustString(), want[i].MustString())
		}
	}
	if read.Whole() {
		return false
	}
	if outcome := fastOutcome; outcome.Changed == 0 && len(outcome.Added) == 0 && len(outcome.Findings) == 0 && !bytes.Equal(fast.Bytes(), data) {
		d.Errorf("nothing to do, but:\n%s", udiff.Unified("before", "after", string(data), string(fast.Bytes())))
	}
	before, _ := d.read(data)
	d.keepsBytes(data, fast.Bytes(), before, want)
	return true
}

// process runs over a ResourceList as the program does.
func (d *differ) process(data []byte) (output stream.Pieces, outcome transformer.Outcome, err error) {
	_ = transformer.Look(func(needs transformer.NeedsFor) (transformer.Outcome, error) {
		output, outcome, err = process(data, needsOf(needs), d.now)
		return outcome, err
	})
	return output, outcome, err
}

// keepsBytes checks that each item that is the same afterwards has its bytes, in
// its order. A list that is not indented is cut at its dashes.
func (d *differ) keepsBytes(data, output []byte, before, after []*yaml.RNode) {
	d.Helper()
	_, items, ok := bytes.Cut(data, []byte("\nitems:\n- "))
	items, _, _ = bytes.Cut(items, []byte("\nfunctionConfig:"))
	texts := bytes.Split(items, []byte("\n- "))
	if !ok || len(texts) != len(before) || len(after) < len(before) {
		return
	}
	for i, text := range texts {
		if !reflect.DeepEqual(value(before[i]), value(after[i])) {
			continue
		}
		at := bytes.Index(output, append([]byte("\n- "), text...))
		if at < 0 {
			d.Fatalf("item %d is not what it was:\n%s", i, text)
		}
		output = output[at+1:]
	}
}

// read reads a ResourceList with kyaml.
func (d *differ) read(list []byte) ([]*yaml.RNode, string) {
	d.Helper()
	if d.strange {
		whole, err := stream.ReadResourceList(list, nil)
		if err != nil {
			d.Fatalf("%v\n%s", err, list)
		}
		return whole.Items(), ""
	}
	reader := kio.ByteReader{Reader: bytes.NewReader(list), OmitReaderAnnotations: true, DisableUnwrapping: false, AnchorsAweigh: true}
	items, err := reader.Read()
	if err != nil {
		d.Fatalf("kyaml: %v\n%s", err, list)
	}
	if reader.Results == nil {
		return items, ""
	}
	return items, reader.Results.MustString()
}

// value returns what an item means, or nothing where readers disagree about that,
// such as about keys that appear twice.
func value(item *yaml.RNode) any {
	var value any
	if err := item.YNode().Decode(&value); err != nil {
		return nil
	}
	return value
}

// asList makes a ResourceList of the text of documents, without parsing them.
func asList(documents, config []byte) []byte {
	indent := func(text string) string {
		return strings.TrimRight(strings.ReplaceAll(text, "\n", "\n  "), " ")
	}
	var list strings.Builder
	list.WriteString("apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nitems:\n")
	for _, text := range strings.Split("\n"+strings.TrimPrefix(string(documents), "\ufeff"), "\n---") {
		text = strings.Trim(text, "\n")
		for strings.HasPrefix(text, "#") {
			_, text, _ = strings.Cut(text, "\n")
		}
		if text != "" {
			list.WriteString("- " + indent(text) + "\n")
		}
	}
	list.WriteString("functionConfig:\n  " + indent(string(config)) + "\n")
	return []byte(list.String())
}

// jsonOf writes the documents that can be written as JSON, one behind the other. Every
// third has a line of its own, every third some escapes.
func jsonOf(documents []byte) []byte {
	var out bytes.Buffer
	for i, text := range strings.Split("\n"+strings.TrimPrefix(string(documents), "\ufeff"), "\n---") {
		data, err := kubeyaml.YAMLToJSON([]byte(text))
		if err != nil || data[0] != '{' {
			continue
		}
		switch i % 3 {
		case 1:
			data = append(data, '\n')
		case 2:
			data = bytes.ReplaceAll(data, []byte("/"), []byte(`\/`))
		}
		out.Write(data)
	}
	return out.Bytes()
}

func TestBothWaysGolden(t *testing.T) {
	if testing.Short() {
		t.Skip("takes long: not with -short")
	}
	cases := goldenCases(t)
	fast := 0
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			d := newDiffer(t, []byte(c.config))
			for _, text := range []string{c.input, c.expected} {
				if text == "" {
					continue
				}
				d.plain([]byte(text))
				d.plain(jsonOf([]byte(text)))
				if d.list(wrap(t, readAll(t, []byte(text), c.isJSON), d.node)) {
					fast++
				}
				if d.list(asList([]byte(text), []byte(c.config))) {
					fast++
				}
			}
		})
	}
	t.Logf("%d lists were read item by item", fast)
	if fast < len(cases) {
		t.Error("too few")
	}
}

func TestBothWaysCorpus(t *testing.T) {
	if testing.Short() {
		t.Skip("takes long: not with -short")
	}
	configs := map[string]string{
		"default":   "  onNoControllers: Ignore\n  caBundle: [{configMap: {name: z-scaler-ca, keys: [ca.crt]}}]\n",
		"many":      "  onNoControllers: Warn\n  controllers: {additional: [{kind: StatefulSet, name: x}]}\n  caBundle: [{secret: {name: x}}, {configMap: {name: cluster-settings, keys: [a]}}]\n",
		"sources":   "  onNoControllers: Ignore\n  caBundle: [{configMap: {name: z-scaler-ca, keys: [ca.crt]}}]\n  sources: [{kinds: [HelmRepository], certSecretRef: {name: x}}]\n",
		"hardening": "  onNoControllers: Ignore\n  mount: {method: None}\n",
	}
	for _, file := range corpus.Files(t, "*/*", "large.yaml.gz") {
		t.Run(filepath.Base(file), func(t *testing.T) {
			data := corpus.Read(t, file)
			for name, spec := range configs {
				if name != "default" && len(data) > 400<<10 {
					continue
				}
				config := "apiVersion: fluxtrust.dev/v1alpha1\nkind: FluxTrust\nmetadata:\n  name: corporate-ca\nspec:\n" + spec
				d := newDiffer(t, []byte(config))
				d.plain(data)
				if len(data) < 1<<20 {
					d.plain(jsonOf(data))
					fast := d.list(asList(data, []byte(config)))
					t.Logf("%s: read item by item: %t", name, fast)
				}
			}
		})
	}
}

// TestBothWaysOdd: whatever hides what refers to what, or what something is called, to
// parse everything gives the same. A file of testdata/ways is a config and a stream.
func TestBothWaysOdd(t *testing.T) {
	files, err := filepath.Glob("testdata/ways/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal("no cases", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			config, stream, ok := strings.Cut(string(text), "=====\n")
			if !ok {
				t.Fatal("no line of =")
			}
			d := newDiffer(t, []byte(config))
			d.plain([]byte(stream))
			if !strings.HasPrefix(stream, "{") {
				d.list(asList([]byte(stream), []byte(config)))
			}
		})
	}
}
