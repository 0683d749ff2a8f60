package kustomization

import (
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/internal/codes"
)

const instance = `apiVersion: fluxcd.controlplane.io/v1
kind: FluxInstance
metadata:
  name: flux # ours
  namespace: flux-system
spec:
  distribution:
    version: 2.x
    registry: ghcr.io/fluxcd
`

// TestInstallers: an object from which controllers are made is changed in its own file,
// and given back.
func TestInstallers(t *testing.T) {
	for name, files := range map[string]map[string]string{
		"a FluxInstance":     {"kustomization.yaml": "resources: [flux.yaml]\n", "flux.yaml": "# Flux\n" + instance},
		"among others":       {"kustomization.yaml": "resources:\n- all.yaml\n", "all.yaml": "apiVersion: v1\nkind: Namespace\nmetadata: {name: flux-system}\n---\n" + instance + "---\n# the end\n"},
		"below":              {"top/kustomization.yaml": "resources: [../base]\nnamespace: flux-system\n", "base/kustomization.yaml": "resources: [flux.yaml]\n", "base/flux.yaml": strings.Replace(instance, "  namespace: flux-system\n", "", 1)},
		"with own patches":   {"kustomization.yaml": "resources: [flux.yaml]\n", "flux.yaml": instance + "  kustomize:\n    patches:\n    - target: {kind: Deployment}\n      patch: |\n        - op: add\n          path: /spec/template/spec/containers/0/args/-\n          value: --concurrent=5\n"},
		"beside a generator": {"kustomization.yaml": "resources: [flux.yaml]\nconfigMapGenerator:\n- name: corp-ca\n  namespace: flux-system\n  files: [ca.crt]\n  options: {disableNameSuffixHash: true}\n", "flux.yaml": instance},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, files)
			write(t, top(dir), map[string]string{"ca.crt": newRoot(t, "root")})
			roundTrip(t, parseConfig(t, fromFile), dir, Options{Dir: top(dir)})
		})
	}
}

// TestInstallerErrors: what is built is not what stands in the file.
func TestInstallerErrors(t *testing.T) {
	for name, tc := range map[string]struct {
		files map[string]string
		want  string
	}{
		"a list that replaces ours": {map[string]string{
			"kustomization.yaml": "resources: [flux.yaml]\npatches:\n- target: {kind: FluxInstance}\n  patch: |\n    - op: add\n      path: /spec/kustomize\n      value: {patches: []}\n", "flux.yaml": instance,
		}, "FluxInstance flux-system/flux: spec.kustomize.patches"},
		"two of one name": {map[string]string{
			"kustomization.yaml": "resources: [a, b]\n", "a/kustomization.yaml": "resources: [../flux.yaml]\nnamespace: x\n", "b/kustomization.yaml": "resources: [flux.yaml]\nnamespace: yy\n", "b/flux.yaml": instance, "flux.yaml": instance,
		}, "no one file of the folder has it under this name"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, tc.files)
			write(t, dir, map[string]string{"ca.crt": newRoot(t, "root")})
			was := snapshot(t, dir)
			_, err := reconciled(t, parseConfig(t, fromFile), Options{Dir: dir})
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v", err)
			}
			if !reflect.DeepEqual(snapshot(t, dir), was) {
				t.Error("files have changed")
			}
		})
	}
}

func parsed(t *testing.T, text string) []*yaml.RNode {
	t.Helper()
	var objects []*yaml.RNode
	for _, document := range strings.Split(text, "\n---\n") {
		n, err := yaml.Parse(document)
		if err != nil {
			t.Fatal(err)
		}
		objects = append(objects, n)
	}
	return objects
}

// TestRemoteInput: the inputs are what an entry builds that would be fetched; they may
// be the build of the whole folder, too.
func TestRemoteInput(t *testing.T) {
	flux := deployment("source-controller")
	local := "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: mine, namespace: flux-system}\n"
	files := map[string]string{
		"kustomization.yaml": "resources:\n- https://github.com/fluxcd/flux2/manifests/install?ref=v2.9.4\n- cm.yaml\n- github.com/example/more\npatches:\n- target: {kind: Deployment}\n  patch: |\n    - op: add\n      path: /spec/template/spec/containers/0/args/-\n      value: --concurrent=20\n",
		"cm.yaml":            local, "ca.crt": newRoot(t, "root"),
	}
	for name, input := range map[string]string{"what is fetched": flux, "the whole build": strings.Replace(flux, "        - --log-level=info\n", "        - --log-level=info\n        - --concurrent=20\n", 1) + "---\n" + local} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, files)
			c := parseConfig(t, fromFile)
			if _, err := reconciled(t, c, Options{Dir: dir}); err == nil || !strings.Contains(err.Error(), "kustomize build 'https://github.com/fluxcd/flux2/manifests/install?ref=v2.9.4' | flux-trust patches") {
				t.Errorf("without inputs: %v", err)
			}
			was := snapshot(t, dir)
			o := Options{Dir: dir, Inputs: parsed(t, input)}
			if _, err := reconciled(t, c, o); err != nil {
				t.Fatal(err)
			}
			if text := snapshot(t, dir)[filepath.Join(dir, "kustomization.yaml")]; !strings.Contains(text, "fluxtrust.dev/ca-bundle") || !strings.Contains(text, "github.com/fluxcd") || strings.Contains(text, inputFile) {
				t.Errorf("got\n%s", text)
			}
			if r, err := reconciled(t, c, o); err != nil || len(r.Files) > 0 {
				t.Errorf("again: %v, %v", r.Files, err)
			}
			gone, err := Remove(c, o)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := Save(gone.Files); err != nil || !reflect.DeepEqual(snapshot(t, dir), was) {
				t.Errorf("%v: not as it was", err)
			}
		})
	}
}

// TestBundleInput: an object of the inputs takes the place of the one that an earlier
// run has written.
func TestBundleInput(t *testing.T) {
	dir := t.TempDir()
	one, two := newRoot(t, "one"), newRoot(t, "two")
	object := func(root string) []*yaml.RNode {
		return parsed(t, "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: corp-ca\n  namespace: flux-system\ndata:\n  ca.crt: |\n    "+strings.ReplaceAll(strings.TrimSpace(root), "\n", "\n    ")+"\n")
	}
	write(t, dir, map[string]string{"kustomization.yaml": "resources: [gotk-components.yaml]\n", "gotk-components.yaml": deployment("source-controller")})
	c := parseConfig(t, fromFile)
	for _, root := range []string{one, two} {
		if _, err := reconciled(t, c, Options{Dir: dir, Inputs: object(root)}); err != nil {
			t.Fatal(err)
		}
		text := snapshot(t, dir)[filepath.Join(dir, bundleFile)]
		if !strings.Contains(text, strings.Split(root, "\n")[1]) || strings.Count(text, "BEGIN") != 1 {
			t.Errorf("got\n%s", text)
		}
		if r, err := reconciled(t, c, Options{Dir: dir, Inputs: object(root)}); err != nil || len(r.Files) > 0 {
			t.Errorf("again: %v, %v", r.Files, err)
		}
	}
}

// TestTwoConfigs: each has its patches, its objects and its own removal.
func TestTwoConfigs(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"kustomization.yaml": "resources: [gotk-components.yaml]\n", "gotk-components.yaml": deployment("source-controller") + "---\n" + deployment("helm-controller")})
	was := snapshot(t, dir)
	root := newRoot(t, "root")
	one := parseConfig(t, inlineSpec(root)+"  controllers: {include: [source-controller]}\n")
	two := parseConfig(t, strings.Replace(inlineSpec(root), "corp-ca", "more-ca", 1)+"  controllers: {include: [helm-controller]}\n")
	two.Metadata.Name = "more"
	o := Options{Dir: dir}
	if _, err := reconciled(t, one, o); err != nil {
		t.Fatal(err)
	}
	first := snapshot(t, dir)
	if _, err := reconciled(t, two, o); err != nil {
		t.Fatal(err)
	}
	both := snapshot(t, dir)
	again, err := reconciled(t, one, o)
	for _, f := range again.Files {
		t.Errorf("the first config changes\n%s\ninto\n%s", f.Before, f.After)
	}
	if err != nil || !reflect.DeepEqual(snapshot(t, dir), both) {
		t.Errorf("%v: the first config changes what both have written", err)
	}
	for _, step := range []struct {
		remove *v1alpha1.FluxTrust
		want   map[string]string
	}{{two, first}, {one, was}} {
		r, err := Remove(step.remove, Options{Dir: dir, Now: time.Now()})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Save(r.Files); err != nil || !reflect.DeepEqual(snapshot(t, dir), step.want) {
			t.Errorf("%v: not as it was before", err)
		}
	}
}

// TestSync: what Flux builds around the folder is compared, too.
func TestSync(t *testing.T) {
	sync := func(path, more string) string {
		return "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata:\n  name: flux-system\n  namespace: flux-system\nspec:\n  interval: 10m\n  path: " + path + "\n  prune: true\n  sourceRef: {kind: GitRepository, name: flux-system}\n" + more
	}
	const folder = "clusters/prod/flux-system/"
	for name, tc := range map[string]struct {
		path, more string
		files      map[string]string
		want       string // the error, or "warning: " and the warning
	}{
		"the folder itself":           {"./" + folder, "", nil, ""},
		"around, without more":        {"./clusters/prod", "", nil, ""},
		"around, with a prefix":       {"./clusters/prod", "  namePrefix: a-\n  targetNamespace: flux-system\n", nil, ""},
		"around, with others":         {"clusters/prod", "", map[string]string{"clusters/prod/apps/web.yaml": strings.ReplaceAll(deployment("kustomize-controller"), "namespace: flux-system", "namespace: apps"), "clusters/prod/.sourceignore": "*.tmpl.yaml\n", "clusters/prod/x.tmpl.yaml": "{{"}, ""},
		"a patch that undoes":         {"./clusters/prod", "  patches:\n  - target: {kind: Deployment}\n    patch: |\n      - op: remove\n        path: /spec/template/spec/volumes\n", nil, "Kustomization flux-system: spec.patches[0]: undoes"},
		"a kustomization that undoes": {"./clusters/prod", "", map[string]string{"clusters/prod/kustomization.yaml": "resources: [flux-system]\npatches:\n- target: {kind: Deployment}\n  patch: |\n    - op: remove\n      path: /spec/template/spec/volumes\n"}, "clusters/prod/kustomization.yaml: patches[0]: undoes"},
		"not in it":                   {"./clusters/prod", "", map[string]string{"clusters/prod/kustomization.yaml": "resources: [x.yaml]\n", "clusters/prod/x.yaml": "apiVersion: v1\nkind: Namespace\nmetadata: {name: x}\n"}, "warning: it does not build this folder"},
		"no such folder":              {"./elsewhere", "", nil, "warning: not in reach from here"},
		"broken":                      {"./clusters/prod", "", map[string]string{"clusters/prod/x.yaml": "a: ["}, "warning: could not be looked at"},
		"fetched":                     {"./clusters/prod", "", map[string]string{"clusters/prod/apps/kustomization.yaml": "resources: ['https://example.com/x']\n"}, "warning: is not a local file"},
	} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			write(t, root, map[string]string{
				".git/HEAD": "x", folder + "kustomization.yaml": "resources: [gotk-components.yaml, gotk-sync.yaml]\n", folder + "gotk-components.yaml": deployment("source-controller"),
				folder + "gotk-sync.yaml": sync(tc.path, tc.more), folder + "ca.crt": newRoot(t, "root"),
			})
			write(t, root, tc.files)
			was := snapshot(t, root)
			r, err := reconciled(t, parseConfig(t, fromFile), Options{Dir: filepath.Join(root, folder)})
			warning, isWarning := strings.CutPrefix(tc.want, "warning: ")
			switch {
			case tc.want == "":
				if err != nil || len(r.Outcome.Findings) > 0 && r.Outcome.Findings[0].Code == codes.Unchecked {
					t.Errorf("got %v, %v", err, r.Outcome.Findings)
				}
			case isWarning:
				found := ""
				for _, f := range r.Outcome.Findings {
					if f.Code == codes.Unchecked {
						found += f.Message
					}
				}
				if err != nil || !strings.Contains(found, warning) {
					t.Errorf("got %v, %s", err, found)
				}
			case err == nil || !strings.Contains(err.Error(), tc.want):
				t.Errorf("got %v", err)
			case !reflect.DeepEqual(snapshot(t, root), was):
				t.Error("files have changed")
			}
		})
	}
}

// TestFolderTold: what Flux will not like, and what is missing.
func TestFolderTold(t *testing.T) {
	config := "apiVersion: fluxtrust.dev/v1alpha1\nkind: FluxTrust\nmetadata: {name: corp}\nspec: {}\n"
	for name, tc := range map[string]struct {
		kustomization string
		files         map[string]string
		want          string
		fails         bool
	}{
		"a FluxTrust among the resources": {"resources: [gotk-components.yaml, ft.yaml]\n", map[string]string{"ft.yaml": config}, "is built by the folder", true},
		"one that stays here":             {"resources: [gotk-components.yaml, ft.yaml]\n", map[string]string{"ft.yaml": strings.Replace(config, "{name: corp}", "{name: corp, annotations: {config.kubernetes.io/local-config: \"true\"}}", 1)}, "", false},
		"the function":                    {"resources: [gotk-components.yaml]\ntransformers: [ft.yaml]\n", map[string]string{"ft.yaml": config}, "kustomization.yaml: transformers[0]: ft.yaml: FluxTrust of fluxtrust.dev/v1alpha1 is a function, and Flux runs no functions", true},
		"an absent key":                   {"resources: [gotk-components.yaml]\nsecretGenerator:\n- name: sops\n  files: [age.agekey]\n", nil, "age.agekey is not there, and a generator names it", false},
		"Flux is not listed":              {"resources: [ns.yaml]\n", map[string]string{"ns.yaml": "apiVersion: v1\nkind: Namespace\nmetadata: {name: x}\n"}, "gotk-components.yaml is in the folder, and not among the resources", true},
		"folders as on Windows":           {"resources: [gotk-components.yaml, '..\\apps\\web.yaml']\n", nil, `kustomization.yaml: resources[1]: ..\apps\web.yaml is not there; kustomize separates folders by / on every system: write ../apps/web.yaml`, true},
		"a missing file":                  {"resources: [gotk-components.yaml, more.yaml]\n", nil, "kustomization.yaml: resources[1]: more.yaml is not there", true},
		"no certificate":                  {"resources: [gotk-components.yaml]\n", map[string]string{"ca.crt": "", "acme.crt": "x"}, "there is acme.crt", true},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, map[string]string{"kustomization.yaml": tc.kustomization, "gotk-components.yaml": deployment("source-controller")})
			spec := fromFile
			if _, ok := tc.files["acme.crt"]; !ok {
				write(t, dir, map[string]string{"ca.crt": newRoot(t, "root")})
			} else {
				delete(tc.files, "ca.crt")
			}
			write(t, dir, tc.files)
			r, err := reconciled(t, parseConfig(t, spec), Options{Dir: dir})
			said := ""
			if err != nil {
				said = err.Error()
			}
			for _, f := range r.Outcome.Findings {
				if f.Severity != "info" {
					said += f.Message
				}
			}
			if (err != nil) != tc.fails || !strings.Contains(said, tc.want) || tc.want == "" && said != "" {
				t.Errorf("got %s", said)
			}
		})
	}
}
