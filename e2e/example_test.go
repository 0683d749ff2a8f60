package e2e

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// example is a copy of a folder of the examples, with the others beside it.
type example struct {
	build
	name string
	// native is the way whose bytes are expected.
	native string
}

func newExample(t *testing.T, name string) example {
	t.Helper()
	e := example{build: build{t: t, dir: copyExample(t, name)}, name: name, native: "filter"}
	switch {
	case e.has("kustomization.yaml"):
		e.native = "kustomize"
	case e.has("flux-system/kustomization.yaml"): // as flux bootstrap has it
		e.native = "patches --write"
	}
	return e
}

func (e example) has(file string) bool {
	_, err := os.Stat(filepath.Join(e.dir, file))
	return err == nil
}

func (e example) read(file string) string {
	e.t.Helper()
	return read(e.t, filepath.Join(e.dir, file))
}

// check holds what came out against what is expected: in bytes and words where the
// example has it that way, and by its meaning in all others.
func (e example) check(way string, got outcome) {
	e.t.Helper()
	file := filepath.Join(examples, e.name, expectedFile)
	if way != e.native && !strings.HasPrefix(way, e.native+" ") {
		if !*update { // it is not written yet
			equal(e.t, way, got.first, read(e.t, file))
		}
		return
	}
	compare(e.t, file, got.first)
	if !strings.Contains(e.read("README.md"), "```\n"+got.said+"```\n") {
		e.t.Errorf("the README does not show\n%s", got.said)
	}
}

// manifests returns the files that hold resources.
func (e example) manifests() []string {
	e.t.Helper()
	var files []string
	err := fs.WalkDir(os.DirFS(e.dir), ".", func(path string, _ fs.DirEntry, err error) error {
		if err == nil && filepath.Ext(path) == ".yaml" && path != expectedFile && !strings.Contains(e.read(path), "\nkind: FluxTrust\n") {
			files = append(files, path)
		}
		return err
	})
	if err != nil || len(files) == 0 {
		e.t.Fatal("no manifests", err)
	}
	return files
}

// stream returns the manifests in one text.
func (e example) stream() string {
	e.t.Helper()
	var texts []string
	for _, file := range e.manifests() {
		texts = append(texts, e.read(file))
	}
	return strings.Join(texts, "---\n")
}

// kustomization returns the one of the folder, or one for its manifests, without the
// function.
func (e example) kustomization() map[string]any {
	e.t.Helper()
	if e.native != "kustomize" {
		k := map[string]any{}
		for _, file := range e.manifests() {
			k["resources"] = appended(k["resources"], file)
		}
		return k
	}
	var k map[string]any
	if err := yaml.Unmarshal([]byte(e.read("kustomization.yaml")), &k); err != nil {
		e.t.Fatal(err)
	}
	delete(k, "transformers")
	return k
}

// appended appends to a list of a kustomization that may not be there.
func appended(list any, more ...any) []any {
	entries, _ := list.([]any)
	return append(entries, more...)
}

// buildOf builds the folder with a kustomization.
func (e example) buildOf(k map[string]any) string {
	e.t.Helper()
	text, err := yaml.Marshal(k)
	if err != nil {
		e.t.Fatal(err)
	}
	return e.build.kustomize(string(text))
}

// before returns the stream without the function.
func (e example) before() string {
	e.t.Helper()
	if e.native != "kustomize" {
		return e.stream()
	}
	return e.buildOf(e.kustomization())
}

func (e example) kustomize(function string) outcome {
	configs, err := filepath.Glob(filepath.Join(e.dir, "..", "*", configFile))
	if err != nil {
		e.t.Fatal(err)
	}
	for _, file := range configs { // those of layers below, too
		setFunction(e.t, file, function)
	}
	if e.native != "kustomize" {
		e.write("kustomization.yaml", "resources: ["+strings.Join(e.manifests(), ", ")+"]\ntransformers: ["+configFile+"]\n")
	}
	got := e.must(program(e.t, "KUSTOMIZE"), pluginFlags...)
	e.write("first.yaml", got.stdout)
	again := e.build.kustomize("resources: [first.yaml]\ntransformers: [" + configFile + "]\n")
	return outcome{got.stdout, again, got.stderr}
}

// setFunction tells kustomize how to run the function.
func setFunction(t *testing.T, file, function string) {
	t.Helper()
	var config map[string]any
	if err := yaml.Unmarshal([]byte(read(t, file)), &config); err != nil {
		t.Fatal(err)
	}
	config["metadata"] = map[string]any{
		"name":        "corporate-ca",
		"annotations": map[string]string{"config.kubernetes.io/function": function},
	}
	text, err := yaml.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

func (e example) filter() outcome {
	function := program(e.t, "FLUX_TRUST")
	e.write("before.yaml", e.before())
	got := e.must(function, configFile, "before.yaml")
	e.write("first.yaml", got.stdout)
	return outcome{got.stdout, e.ok(function, configFile, "first.yaml"), got.stderr}
}

// asPackage makes a kpt package of the folder, unless it is one.
func (e example) asPackage() {
	if e.has("Kptfile") {
		return
	}
	before, config, stage := e.before(), e.read(configFile), "mutators"
	if strings.Contains(config, "\n  mode: Validate\n") {
		stage = "validators"
	}
	if err := os.RemoveAll(e.dir); err != nil {
		e.t.Fatal(err)
	}
	if err := os.Mkdir(e.dir, 0o700); err != nil {
		e.t.Fatal(err)
	}
	e.write("flux.yaml", before)
	e.write(configFile, config)
	e.write("Kptfile", "apiVersion: kpt.dev/v1\nkind: Kptfile\nmetadata: {name: flux}\npipeline:\n  "+stage+":\n  - exec: flux-trust\n    configPath: "+configFile+"\n")
}

func (e example) kptRender(function string, flags ...string) outcome {
	kpt := kpt(e.t)
	e.asPackage()
	replaceInFile(e.t, filepath.Join(e.dir, "Kptfile"), "exec: flux-trust", function)
	return e.inPlace(kpt, append([]string{"fn", "render", "."}, flags...)...)
}

func (e example) kptEval() outcome {
	kpt := kpt(e.t)
	e.asPackage()
	return e.inPlace(kpt, "fn", "eval", ".", "--exec", program(e.t, "FLUX_TRUST"), "--fn-config", configFile)
}

// inPlace runs a program twice that changes the files of the folder.
func (e example) inPlace(name string, args ...string) outcome {
	e.ok(name, args...)
	first := e.stream()
	e.ok(name, args...)
	return outcome{first: first, again: e.stream()}
}

var instance = regexp.MustCompile(`(?m)^kind: (FluxInstance|HelmRelease)$`)

// patches puts what is printed into the kustomization, once and twice: the patches,
// and those of the objects that are not there.
func (e example) patches() outcome {
	k, before := e.kustomization(), e.before()
	if match := instance.FindStringSubmatch(before); match != nil {
		return e.instancePatches(match[1], before)
	}
	e.write("before.yaml", before)
	got := e.must(program(e.t, "FLUX_TRUST"), "patches", configFile, "before.yaml", "-o", "kustomization")
	block, objects, _ := strings.Cut(got.stdout, "\n---\n")
	there := canonical(e.t, before)
	for i, object := range strings.Split(objects, "\n---\n") {
		for id := range canonical(e.t, object) {
			if there[id] == "" {
				file := fmt.Sprintf("object-%d.yaml", i)
				e.write(file, object)
				k["resources"] = appended(k["resources"], file)
			}
		}
	}
	var printed map[string]any
	if err := yaml.Unmarshal([]byte(block+"\n"), &printed); err != nil {
		e.t.Fatal(err)
	}
	var results []string
	for range 2 {
		k["patches"] = appended(k["patches"], appended(printed["patches"])...)
		results = append(results, e.buildOf(k))
	}
	return outcome{results[0], results[1], got.stderr}
}

// instancePatches puts what is printed into the object that makes the controllers.
// Over the result, the same is printed.
func (e example) instancePatches(kind, before string) outcome {
	e.write("instance.yaml", before)
	printing := []string{"patches", configFile, "instance.yaml", "-o", "flux-instance"}
	got := e.must(program(e.t, "FLUX_TRUST"), printing...)
	block, objects, _ := strings.Cut(got.stdout, "\n---\n")
	var printed struct {
		Spec map[string]struct {
			Patches []any `json:"patches"`
		} `json:"spec"`
	}
	if err := yaml.Unmarshal([]byte(block+"\n"), &printed); err != nil {
		e.t.Fatal(err)
	}
	var change []map[string]any
	if kind == "HelmRelease" {
		change = append(change, map[string]any{"op": "add", "path": "/spec/postRenderers", "value": []any{printed.Spec}})
	} else {
		for _, p := range printed.Spec["kustomize"].Patches {
			change = append(change, map[string]any{"op": "add", "path": "/spec/kustomize/patches/-", "value": p})
		}
	}
	patch, err := yaml.Marshal(change)
	if err != nil {
		e.t.Fatal(err)
	}
	e.write("objects.yaml", objects)
	first := e.buildOf(map[string]any{
		"resources": []string{"instance.yaml", "objects.yaml"},
		"patches":   []any{map[string]any{"patch": string(patch), "target": map[string]string{"kind": kind}}},
	})
	e.write("instance.yaml", first)
	if again := e.ok(program(e.t, "FLUX_TRUST"), printing...); !strings.HasPrefix(again, block) {
		e.t.Errorf("over the result, other patches are printed\n%s", again)
	}
	return outcome{first, first, got.stderr}
}

// patchesWritten writes the patches into a folder as flux bootstrap has it: the
// resources are in one file.
func (e example) patchesWritten() outcome {
	function, kustomize := program(e.t, "FLUX_TRUST"), program(e.t, "KUSTOMIZE")
	dir, result := ".", func() string { return e.ok(kustomize, "build", ".") }
	if e.native == "patches --write" {
		dir, result = "flux-system", func() string { return e.read("flux-system/kustomization.yaml") }
	} else {
		k := e.kustomization()
		e.write("gotk-components.yaml", e.buildOf(map[string]any{"resources": k["resources"]}))
		k["resources"] = []string{"gotk-components.yaml"}
		e.buildOf(k)
	}
	got := e.must(function, "patches", configFile, "--write", dir)
	first := result()
	e.ok(function, "patches", configFile, "--write", dir, "--check")
	e.ok(function, "patches", configFile, "--write", dir)
	return outcome{first, result(), got.stderr}
}
