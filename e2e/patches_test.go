package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// The tests of this file hold the patches against the function: whatever way a
// change takes, the same controllers come out.

// corpus holds real manifests that stand beside the checkout of the project.
const corpus = "../../shared/corpus"

// corpusIfAny returns the files of the corpus, if it is there.
func corpusIfAny(t *testing.T, patterns ...string) []string {
	t.Helper()
	var files []string
	for _, p := range patterns {
		found, err := filepath.Glob(filepath.Join(corpus, p))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	return files
}

func corpusFiles(t *testing.T, patterns ...string) []string {
	t.Helper()
	files := corpusIfAny(t, patterns...)
	if len(files) == 0 {
		t.Skipf("SKIPPED: no manifests in %s: this test runs beside the corpus only", corpus)
	}
	return files
}

const configHead = "apiVersion: fluxtrust.dev/v1alpha1\nkind: FluxTrust\nmetadata:\n  name: corporate-ca\n  annotations:\n" +
	"    config.kubernetes.io/function: |\n      exec:\n        path: flux-trust\nspec:\n"

// inline returns a config that holds its roots itself.
func inline(roots, more string) string {
	return configHead + "  caBundle:\n  - inline:\n      name: corp-ca\n      pem: |\n        " + strings.ReplaceAll(roots, "\n", "\n        ") + "\n" + more
}

// build is a folder that kustomize builds.
type build struct {
	t   *testing.T
	dir string
}

// newBuild writes a config and a manifest into a new folder.
func newBuild(t *testing.T, config, manifest string) build {
	t.Helper()
	b := build{t: t, dir: t.TempDir()}
	b.write("config.yaml", config)
	b.write("flux.yaml", manifest)
	return b
}

func (b build) write(file, text string) {
	b.t.Helper()
	if err := os.WriteFile(filepath.Join(b.dir, file), []byte(text), 0o600); err != nil {
		b.t.Fatal(err)
	}
}

// must runs a program that must succeed.
func (b build) must(name string, args ...string) result {
	b.t.Helper()
	got := run(b.t, b.dir, name, args...)
	if got.code != 0 {
		b.t.Fatalf("%s %s: exit code %d\n%s", name, strings.Join(args, " "), got.code, got.stderr)
	}
	return got
}

// ok runs a program that must succeed and returns its stdout.
func (b build) ok(name string, args ...string) string {
	b.t.Helper()
	return b.must(name, args...).stdout
}

// kustomize builds the folder with a kustomization.
func (b build) kustomize(kustomization string) string {
	b.t.Helper()
	b.write("kustomization.yaml", kustomization)
	return b.ok(program(b.t, "KUSTOMIZE"), pluginFlags...)
}

// byFunction builds with the function under transformers.
func (b build) byFunction() string {
	b.t.Helper()
	return b.kustomize("resources: [flux.yaml]\ntransformers: [config.yaml]\n")
}

// byFilter runs the function over the plain manifest. kustomize builds the result,
// for the sake of its style.
func (b build) byFilter() string {
	b.t.Helper()
	b.write("filtered.yaml", b.ok(program(b.t, "FLUX_TRUST"), "config.yaml", "flux.yaml"))
	return b.kustomize("resources: [filtered.yaml]\n")
}

// byPatches builds with the patches that are printed, and the objects beside them.
func (b build) byPatches(inputs ...string) string {
	b.t.Helper()
	printed := b.ok(program(b.t, "FLUX_TRUST"), append([]string{"patches", "config.yaml", "-o", "kustomization"}, inputs...)...)
	block, objects, found := strings.Cut(printed, "\n---\n")
	if !found {
		return b.kustomize("resources: [flux.yaml]\n" + block)
	}
	b.write("objects.yaml", objects)
	return b.kustomize("resources: [flux.yaml, objects.yaml]\n" + block)
}

// canonical returns the resources of a build by their ids, with the lists that
// kustomize merges sorted: it prepends to them.
func canonical(t *testing.T, text string) map[string]string {
	t.Helper()
	resources := map[string]string{}
	for _, document := range strings.Split("\n"+text, "\n---\n") {
		var r map[string]any
		if err := yaml.Unmarshal([]byte(document+"\n"), &r); err != nil {
			t.Fatal(err)
		}
		if r == nil {
			continue
		}
		sortLists(r)
		meta, ok := r["metadata"].(map[string]any)
		if !ok {
			t.Fatalf("a resource without metadata:\n%s", document)
		}
		out, err := json.MarshalIndent(r, "", " ")
		if err != nil {
			t.Fatal(err)
		}
		resources[fmt.Sprint(r["kind"], " ", meta["namespace"], "/", meta["name"])] = string(out)
	}
	return resources
}

func sortLists(value any) {
	switch v := value.(type) {
	case map[string]any:
		for key, by := range map[string]string{"env": "name", "volumes": "name", "volumeMounts": "mountPath"} {
			if list, ok := v[key].([]any); ok {
				slices.SortStableFunc(list, func(a, b any) int { return strings.Compare(member(a, by), member(b, by)) })
			}
		}
		for _, child := range v {
			sortLists(child)
		}
	case []any:
		for _, child := range v {
			sortLists(child)
		}
	}
}

func member(entry any, key string) string {
	fields, ok := entry.(map[string]any)
	if !ok {
		return ""
	}
	return fmt.Sprint(fields[key])
}

// equal holds two builds against each other.
func equal(t *testing.T, what, got, want string) {
	t.Helper()
	has, wants := canonical(t, got), canonical(t, want)
	for id, text := range wants {
		if has[id] != text {
			t.Errorf("%s: %s is\n%s\nwant\n%s", what, id, has[id], text)
			return
		}
	}
	if len(has) != len(wants) {
		t.Errorf("%s: %d resources, want %d", what, len(has), len(wants))
	}
}

// isStock tells which installs of the corpus have the names, containers and volumes
// that Flux gives them.
func isStock(file string) bool {
	name := filepath.Base(file)
	return strings.HasPrefix(name, "gotk-") || strings.HasPrefix(name, "helm-") || strings.HasPrefix(name, "kustomize-sharding")
}

// TestPatchesEqualFunction: function, filter and patches give the same, on every
// real install.
func TestPatchesEqualFunction(t *testing.T) {
	program(t, "KUSTOMIZE")
	root := newAuthority(t, "root").pem()
	for _, file := range corpusFiles(t, "gotk/*", "installs/*") {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			b := newBuild(t, inline(root, ""), read(t, file))
			want := b.byFunction()
			if !strings.Contains(want, "fluxtrust.dev/ca-bundle") {
				t.Fatal("the function has changed nothing")
			}
			equal(t, "filter", b.byFilter(), want)
			equal(t, "patches for this install", b.byPatches("flux.yaml"), want)
			if isStock(file) {
				namespace := "flux-system"
				if !strings.Contains(want, "  name: corp-ca\n  namespace: flux-system\n") {
					namespace = ""
				}
				equal(t, "patches for any install", b.byPatches("--namespace", namespace), want)
			}
		})
	}
}

// TestPatchesOfEveryMethod: the same for the other ways to mount the roots, over a
// release of Flux, five controllers in a pod, and sidecars.
func TestPatchesOfEveryMethod(t *testing.T) {
	program(t, "KUSTOMIZE")
	root := newAuthority(t, "root").pem()
	for name, spec := range map[string]string{
		"replace":        "  mount: {systemRoots: Replace}\n",
		"path":           "  mount: {path: /opt/roots}\n",
		"file":           "  mount: {method: File}\n",
		"init":           "  mount: {method: InitContainer, initContainer: {image: registry.example.com/alpine:3}}\n",
		"init and image": "  mount: {method: InitContainer}\n",
		"some":           "  controllers: {include: [source-controller, helm-controller]}\n",
		"all but":        "  controllers: {exclude: [notification-controller]}\n",
		"extras":         "  securityContext: {extras: {hostUsers: false, enableServiceLinks: false, emptyDirSizeLimit: 2Gi, appArmorProfile: RuntimeDefault}}\n",
		"openshift":      "  securityContext: {profile: OpenShift}\n",
		"trust only":     "  securityContext: {profile: None}\n",
	} {
		for _, file := range append(corpusIfAny(t, "gotk/*v2.9.4.yaml", "installs/*sasin91*"), "testdata/sidecars.yaml",
			filepath.Join(examples, "quickstart/flux-system/gotk-components.yaml"), filepath.Join(examples, "flux-aio/flux.yaml")) {
			t.Run(name+"/"+filepath.Base(file), func(t *testing.T) {
				t.Parallel()
				b := newBuild(t, inline(root, spec), read(t, file))
				want := b.byFunction()
				equal(t, "patches for this install", b.byPatches("flux.yaml"), want)
				if isStock(file) && name != "init and image" {
					equal(t, "patches for any install", b.byPatches(), want)
				}
			})
		}
	}
}

// TestPatchesRotation: with another root the patches change, and the pods with
// them; with another comment they do not.
func TestPatchesRotation(t *testing.T) {
	program(t, "KUSTOMIZE")
	before, after := newAuthority(t, "old root").pem(), newAuthority(t, "new root").pem()
	manifest := read(t, filepath.Join(examples, "quickstart/flux-system/gotk-components.yaml"))
	var outputs []string
	for _, roots := range []string{before, before + "\n" + after, after, "# a comment\n" + after} {
		b := newBuild(t, inline(roots, ""), manifest)
		out := b.byPatches()
		equal(t, "patches", out, b.byFunction())
		outputs = append(outputs, only(t, out, `fluxtrust.dev/ca-bundle: (sha256:[0-9a-f]{64})\n`, 7))
	}
	if outputs[0] == outputs[1] || outputs[1] == outputs[2] || outputs[2] != outputs[3] {
		t.Errorf("digests %v: they must change with the roots, and not with a comment", outputs)
	}
}

// TestFluxInstancePatches: the patches that the function puts into a FluxInstance
// or a HelmRelease, applied to the manifests of the controllers as flux-operator
// and helm-controller apply them, give what the function gives over those
// manifests.
func TestFluxInstancePatches(t *testing.T) {
	program(t, "KUSTOMIZE")
	root := newAuthority(t, "root").pem()
	gotk := append(corpusIfAny(t, "gotk/*v2.9.4.yaml"), filepath.Join(examples, "quickstart/flux-system/gotk-components.yaml"))[0]
	for _, file := range append(corpusIfAny(t, "fluxinstance/*"), "testdata/helmrelease-flux2.yaml",
		filepath.Join(examples, "flux-instance/fluxinstance.yaml"), filepath.Join(examples, "helmrelease/helmrelease.yaml")) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			b := newBuild(t, inline(root, ""), read(t, gotk))
			b.write("object.yaml", strings.Replace(read(t, file), "spec:\n", "# a comment\nspec:\n", 1))
			written := b.ok(program(t, "FLUX_TRUST"), "config.yaml", "object.yaml")
			b.write("again.yaml", written)
			if again := b.ok(program(t, "FLUX_TRUST"), "config.yaml", "again.yaml"); again != written {
				t.Errorf("a second run changes\n%s\ninto\n%s", written, again)
			}
			patches, components := ownPatches(t, written)
			if len(components) > 0 {
				b.write("config.yaml", inline(root, "  controllers: {include: ["+strings.Join(components, ", ")+"]}\n"))
			}
			want := b.byFunction()
			_, object, _ := strings.Cut(written, "apiVersion: v1\nkind: ConfigMap\n")
			b.write("objects.yaml", "apiVersion: v1\nkind: ConfigMap\n"+object)
			got := b.kustomize("resources: [flux.yaml, objects.yaml]\n" + patches)
			// The ConfigMap goes where the object says.
			got = strings.ReplaceAll(got, "  name: corp-ca\n---", "  name: corp-ca\n  namespace: flux-system\n---")
			equal(t, "patches in "+filepath.Base(file), got, want)
		})
	}
}

// ownPatches returns the patches of the function in an object, as a part of a
// kustomization, and the components that the object names.
func ownPatches(t *testing.T, text string) (patches string, components []string) {
	t.Helper()
	type list struct {
		Patches []map[string]any `json:"patches"`
	}
	type instance struct {
		Components []string `json:"components"`
		Kustomize  list     `json:"kustomize"`
	}
	var object struct {
		Spec struct {
			instance
			Values struct {
				Instance instance `json:"instance"`
			} `json:"values"`
			PostRenderers []struct {
				Kustomize list `json:"kustomize"`
			} `json:"postRenderers"`
		} `json:"spec"`
	}
	document, _, _ := strings.Cut(strings.TrimPrefix(text, "---\n"), "\n---\n")
	if err := yaml.Unmarshal([]byte(document), &object); err != nil {
		t.Fatal(err)
	}
	all := slices.Concat(object.Spec.Kustomize.Patches, object.Spec.Values.Instance.Kustomize.Patches)
	for _, r := range object.Spec.PostRenderers {
		all = append(all, r.Kustomize.Patches...)
	}
	own := list{Patches: slices.DeleteFunc(all, func(p map[string]any) bool {
		return !strings.HasPrefix(fmt.Sprint(p["patch"]), "# fluxtrust.dev/config: corporate-ca\n")
	})}
	if len(own.Patches) == 0 {
		t.Fatalf("no patch of the function in\n%s", text)
	}
	out, err := yaml.Marshal(own)
	if err != nil {
		t.Fatal(err)
	}
	return string(bytes.TrimSpace(out)) + "\n", slices.Concat(object.Spec.Components, object.Spec.Values.Instance.Components)
}
