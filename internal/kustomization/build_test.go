package kustomization

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/kustomize/kyaml/yaml"
	sigsyaml "sigs.k8s.io/yaml"

	"fluxtrust.dev/flux-trust/internal/corpus"
)

// program returns the path of kustomize, which make builds.
func program(t *testing.T) string {
	t.Helper()
	path := os.Getenv("KUSTOMIZE")
	if path == "" {
		path = "../../bin/kustomize"
	}
	if _, err := os.Stat(path); err != nil {
		t.Skip("SKIPPED: no bin/kustomize to compare with: make bin/kustomize")
	}
	return path
}

// kustomize builds a folder with the program, under the load restrictions of Flux.
func kustomize(t *testing.T, dir string) (map[string]any, error) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd := exec.Command(program(t), "build", dir, "--load-restrictor=LoadRestrictionsNone")
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return nil, errors.New(stderr.String())
	}
	return decoded(t, stdout.Bytes()), nil
}

// decoded returns the objects of a build by what tells them apart.
func decoded(t *testing.T, text []byte) map[string]any {
	t.Helper()
	found := map[string]any{}
	for _, document := range strings.Split("\n"+string(text), "\n---\n") {
		var object map[string]any
		if err := sigsyaml.Unmarshal([]byte(document+"\n"), &object); err != nil {
			t.Fatal(err)
		}
		if object != nil {
			meta, _ := object["metadata"].(map[string]any)
			id, err := json.Marshal([]any{object["apiVersion"], object["kind"], meta["namespace"], meta["name"]})
			if err != nil {
				t.Fatal(err)
			}
			found[string(id)] = object
		}
	}
	return found
}

// written returns objects as they would be printed.
func written(t *testing.T, objects []*yaml.RNode) map[string]any {
	t.Helper()
	var out bytes.Buffer
	for _, o := range objects {
		text, err := o.String()
		if err != nil {
			t.Fatal(err)
		}
		out.WriteString("---\n" + text)
	}
	return decoded(t, out.Bytes())
}

// write writes the files of a folder.
func write(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func sourceOf(t *testing.T, root string) source {
	t.Helper()
	s, err := newSource(root)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// deployment is a controller as Flux has it.
func deployment(name string) string {
	return `apiVersion: apps/v1
kind: Deployment
metadata:
  name: ` + name + `
  namespace: flux-system
  labels:
    app.kubernetes.io/component: ` + name + `
    app.kubernetes.io/part-of: flux
spec:
  selector:
    matchLabels:
      app: ` + name + `
  template:
    metadata:
      labels:
        app: ` + name + `
    spec:
      containers:
      - name: manager
        image: ghcr.io/fluxcd/` + name + `:v1.9.6
        args:
        - --log-level=info
        env:
        - name: RUNTIME_NAMESPACE
          valueFrom:
            fieldRef:
              fieldPath: metadata.namespace
        securityContext:
          allowPrivilegeEscalation: false
          capabilities:
            drop:
            - ALL
          readOnlyRootFilesystem: true
          runAsNonRoot: true
          seccompProfile:
            type: RuntimeDefault
        volumeMounts:
        - name: data
          mountPath: /data
        - name: tmp
          mountPath: /tmp
      securityContext:
        fsGroup: 1337
      volumes:
      - name: data
        emptyDir: {}
      - name: tmp
        emptyDir: {}
`
}

// layouts are folders of all kinds; the build begins in the folder top, or in the
// one that holds them.
func layouts() map[string]map[string]string {
	flux := deployment("source-controller") + "---\n" + deployment("helm-controller")
	byIndex := "- op: replace\n  path: /spec/template/spec/volumes/0\n  value: {name: data, persistentVolumeClaim: {claimName: gotk}}\n"
	strategic := "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: helm-controller\n  namespace: flux-system\nspec:\n  replicas: 2\n"
	return map[string]map[string]string{
		"plain":   {"kustomization.yaml": "resources: [gotk-components.yaml]\n", "gotk-components.yaml": flux},
		"yml":     {"kustomization.yml": "resources: [gotk-components.yaml]\n", "gotk-components.yaml": flux},
		"no kind": {"Kustomization": "resources:\n- gotk-components.yaml\n---\n", "gotk-components.yaml": flux},
		"case":    {"kustomization.yaml": "Resources: [gotk-components.yaml]\n", "gotk-components.yaml": flux},
		"patches": {
			"kustomization.yaml": "resources: [gotk-components.yaml]\npatches:\n- path: one.yaml\n  target: {kind: Deployment}\n- patch: |\n    apiVersion: apps/v1\n    kind: Deployment\n    metadata: {name: helm-controller, namespace: flux-system}\n    spec: {replicas: 3}\n",
			"one.yaml":           byIndex, "gotk-components.yaml": flux,
		},
		"legacy fields": {
			"kustomization.yaml":        "bases: [base]\npatchesStrategicMerge: [two.yaml]\npatchesJson6902:\n- target: {group: apps, version: v1, kind: Deployment, name: source-controller, namespace: flux-system}\n  path: one.yaml\ncommonLabels: {a: b}\n",
			"base/kustomization.yaml":   "resources: [gotk-components.yaml]\nnamePrefix: x-\n",
			"base/gotk-components.yaml": flux, "one.yaml": byIndex, "two.yaml": strategic,
		},
		"layers": {
			"top/kustomization.yaml":    "resources: [../base]\ncomponents: [../part]\nnamespace: other\nnamePrefix: p-\nnameSuffix: -s\nimages:\n- name: ghcr.io/fluxcd/source-controller\n  newName: example.com/source-controller\nreplicas:\n- name: helm-controller\n  count: 4\nlabels:\n- pairs: {a: b}\n",
			"base/kustomization.yaml":   "resources: [gotk-components.yaml, ../ca/cm.yaml]\n",
			"base/gotk-components.yaml": flux,
			"ca/cm.yaml":                "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: corp-ca, namespace: flux-system}\ndata:\n  ca.crt: |\n    ROOT",
			"part/kustomization.yaml":   "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\npatches:\n- path: two.yaml\n",
			"part/two.yaml":             strategic,
		},
		"generators": {
			"kustomization.yaml":   "resources: [gotk-components.yaml]\ngenerators: [g.yaml]\nconfigMapGenerator:\n- name: corp-ca\n  files: [ca.crt, other.crt=ca.crt]\n  envs: [x.env]\n- name: two\n  literals: [a=b]\nsecretGenerator:\n- name: s\n  envs: [x.env]\n",
			"gotk-components.yaml": flux, "ca.crt": "x\n", "x.env": "A=b\n",
			"g.yaml": "apiVersion: builtin\nkind: ConfigMapGenerator\nmetadata: {name: x}\nname: made\nfiles: [ca.crt]\n",
		},
		"transformers": {
			"kustomization.yaml":    "resources: [gotk-components.yaml]\ntransformers:\n- t.yaml\n- tt\n- |\n  apiVersion: builtin\n  kind: PrefixTransformer\n  metadata: {name: p}\n  prefix: pp-\n  fieldSpecs: [{path: metadata/name}]\n",
			"t.yaml":                "apiVersion: builtin\nkind: PatchTransformer\nmetadata: {name: p}\npath: one.yaml\ntarget: {kind: Deployment}\n",
			"tt/kustomization.yaml": "resources: [t.yaml]\n", "tt/t.yaml": "apiVersion: builtin\nkind: AnnotationsTransformer\nmetadata: {name: a}\nannotations: {see: \"https://example.com\"}\nfieldSpecs: [{path: metadata/annotations, create: true}]\n",
			"one.yaml": byIndex, "gotk-components.yaml": flux,
		},
		"replacements": {
			"kustomization.yaml":   "resources: [gotk-components.yaml, cm.yaml]\nreplacements:\n- path: r.yaml\n- source: {kind: ConfigMap, name: values, fieldPath: data.replicas}\n  targets:\n  - select: {kind: Deployment}\n    fieldPaths: [metadata.annotations.replicas]\n    options: {create: true}\n",
			"r.yaml":               "source: {kind: ConfigMap, name: values, fieldPath: data.level}\ntargets:\n- select: {kind: Deployment}\n  fieldPaths: [\"spec.template.spec.containers.[name=manager].args.0\"]\n",
			"cm.yaml":              "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: values, namespace: flux-system}\ndata: {level: --log-level=debug, replicas: x}\n",
			"gotk-components.yaml": flux,
		},
		"sorted, with origins":  {"kustomization.yaml": "resources: [gotk-components.yaml]\nbuildMetadata: [originAnnotations, transformerAnnotations]\nsortOptions: {order: legacy}\n", "gotk-components.yaml": flux},
		"vars":                  {"kustomization.yaml": "resources: [gotk-components.yaml]\nvars:\n- name: V\n  objref: {kind: Deployment, name: helm-controller, apiVersion: apps/v1}\n", "gotk-components.yaml": flux},
		"an empty resource":     {"kustomization.yaml": "resources: [gotk-components.yaml, empty.yaml]\n", "gotk-components.yaml": flux, "empty.yaml": ""},
		"an own schema":         {"kustomization.yaml": "resources: [gotk-components.yaml]\nopenapi: {path: schema.json}\npatches:\n- path: two.yaml\n", "gotk-components.yaml": flux, "two.yaml": strategic, "schema.json": `{"definitions": {}}`},
		"local config":          {"kustomization.yaml": "resources: [gotk-components.yaml, c.yaml]\n", "gotk-components.yaml": flux, "c.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: l, annotations: {config.kubernetes.io/local-config: \"true\"}}\n"},
		"CRLF and a BOM":        {"kustomization.yaml": "\ufeffresources:\r\n- gotk-components.yaml\r\n", "gotk-components.yaml": strings.ReplaceAll(flux, "\n", "\r\n")},
		"patches twice":         {"kustomization.yaml": "resources: [gotk-components.yaml]\npatches: []\npatches: [{path: two.yaml}]\n", "two.yaml": strategic, "gotk-components.yaml": flux},
		"error: broken":         {"kustomization.yaml": "resources: [gotk-components.yaml]\n", "gotk-components.yaml": "a: [\n"},
		"error: missing":        {"kustomization.yaml": "resources: [gotk-components.yaml]\n"},
		"error: two files":      {"kustomization.yaml": "resources: [a.yaml]\n", "kustomization.yml": "resources: [a.yaml]\n", "a.yaml": flux},
		"error: unknown field":  {"kustomization.yaml": "resource: [gotk-components.yaml]\n", "gotk-components.yaml": flux},
		"error: a function":     {"kustomization.yaml": "resources: [gotk-components.yaml]\ntransformers: [f.yaml]\n", "gotk-components.yaml": flux, "f.yaml": "apiVersion: fluxtrust.dev/v1alpha1\nkind: FluxTrust\nmetadata: {name: x, annotations: {config.kubernetes.io/function: \"exec: {path: /bin/true}\"}}\n"},
		"error: a cycle":        {"top/kustomization.yaml": "resources: [../base]\n", "base/kustomization.yaml": "resources: [../top]\n"},
		"error: no such target": {"kustomization.yaml": "resources: [gotk-components.yaml]\npatches:\n- path: two.yaml\n", "gotk-components.yaml": deployment("source-controller"), "two.yaml": strategic},
		"error: twice":          {"kustomization.yaml": "resources: [a.yaml, b.yaml]\n", "a.yaml": flux, "b.yaml": flux},
		"error: helm":           {"kustomization.yaml": "resources: [gotk-components.yaml]\nhelmCharts: [{name: x, version: \"1\"}]\n", "gotk-components.yaml": flux},
	}
}

// top returns the folder that is built.
func top(dir string) string {
	if _, err := os.Stat(filepath.Join(dir, "top")); err == nil {
		return filepath.Join(dir, "top")
	}
	return dir
}

// TestBuild holds the build against that of kustomize.
func TestBuild(t *testing.T) {
	for name, files := range layouts() {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, files)
			sameBuild(t, dir, top(dir), strings.HasPrefix(name, "error: "))
		})
	}
}

func sameBuild(t *testing.T, root, dir string, fails bool) {
	t.Helper()
	want, wantErr := kustomize(t, dir)
	got, err := sourceOf(t, root).build(dir)
	if (err != nil) != (wantErr != nil) || (err != nil) != fails {
		t.Fatalf("got error %v, kustomize %v", err, wantErr)
	}
	if err == nil && !reflect.DeepEqual(written(t, got.objects), want) {
		t.Errorf("got %v\nwant %v", written(t, got.objects), want)
	}
}

// TestBuildCases builds real folders.
func TestBuildCases(t *testing.T) {
	var found int
	err := filepath.WalkDir("../../../shared/cases/real", func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Name() == "kustomization.yaml" {
			dir := filepath.Dir(path)
			if _, broken := kustomize(t, dir); broken == nil {
				found++
				t.Run(dir, func(t *testing.T) { sameBuild(t, dir, dir, false) })
			}
		}
		return nil
	})
	if err != nil || found == 0 {
		t.Skipf("SKIPPED: no folders in ../shared/cases (%v)", err)
	}
}

// TestBuildCorpus puts real manifests of Flux below a real kustomization.
func TestBuildCorpus(t *testing.T) {
	kustomizations := corpus.Files(t, "overlays/*kustomization.yaml")
	for _, components := range corpus.Files(t, "gotk/*v2.7*", "gotk/*v2.9*") {
		for _, file := range kustomizations {
			text := string(corpus.Read(t, file))
			if strings.Contains(text, "- https://") {
				continue
			}
			dir := t.TempDir()
			write(t, dir, map[string]string{
				"kustomization.yaml": text, "gotk-components.yaml": string(corpus.Read(t, components)), "gotk-sync.yaml": "",
				"lockdown-patches.yaml": string(corpus.Read(t, corpus.Files(t, "overlays/*lockdown*")[0])),
			})
			t.Run(filepath.Base(file)+" "+filepath.Base(components), func(t *testing.T) { sameBuild(t, dir, dir, false) })
		}
	}
}

// TestRemote: nothing is fetched, whatever field names it.
func TestRemote(t *testing.T) {
	flux := deployment("source-controller")
	plugin := func(kind, more string) string {
		return "apiVersion: builtin\nkind: " + kind + "\nmetadata: {name: p}\n" + more + "\n"
	}
	for name, files := range map[string]map[string]string{
		"resources[1]":                {"kustomization.yaml": "resources: [a.yaml, 'https://127.0.0.1:1/x']\n"},
		"resources[0]":                {"kustomization.yaml": "resources: ['ssh://git@127.0.0.1/x//y?ref=a']\n"},
		"resources[2]":                {"kustomization.yaml": "resources: [a.yaml, b.yaml, 'git@127.0.0.1:x/y.git']\n"},
		"components[0]":               {"kustomization.yaml": "components: ['github.com/x/y']\n"},
		"resources[3]":                {"kustomization.yaml": "RESOURCES: [a.yaml, b.yaml, c.yaml, 'file:///x/y']\n"},
		"resources[4]":                {"kustomization.yaml": "resources: [a.yaml, b.yaml, c.yaml, d.yaml]\nbases: ['GIT::https://127.0.0.1:1/x']\n"},
		"patches[0].path":             {"kustomization.yaml": "patches: [{path: 'https://127.0.0.1:1/x'}]\n"},
		"patchesJson6902[0].path":     {"kustomization.yaml": "patchesJson6902: [{path: 'https://127.0.0.1:1/x'}]\n"},
		"patchesStrategicMerge[0]":    {"kustomization.yaml": "patchesStrategicMerge: ['http://127.0.0.1:1/x']\n"},
		"replacements[0].path":        {"kustomization.yaml": "replacements: [{path: 'http://127.0.0.1:1/x'}]\n"},
		"crds[0]":                     {"kustomization.yaml": "crds: ['http://127.0.0.1:1/x']\n"},
		"configurations[0]":           {"kustomization.yaml": "configurations: ['HTTP://127.0.0.1:1/x']\n"},
		"openapi.path":                {"kustomization.yaml": "openapi: {path: 'http://127.0.0.1:1/x'}\n"},
		"configMapGenerator[0]":       {"kustomization.yaml": "configMapGenerator: [{name: x, files: ['a=https://127.0.0.1:1/x']}]\n"},
		"secretGenerator[0]":          {"kustomization.yaml": "secretGenerator: [{name: x, env: 'https://127.0.0.1:1/x'}]\n"},
		"generators[0]: g.yaml":       {"kustomization.yaml": "generators: [g.yaml]\n", "g.yaml": plugin("ConfigMapGenerator", "name: x\nFILES: ['a=http://127.0.0.1:1/x']")},
		"transformers[0]":             {"kustomization.yaml": "transformers: ['{apiVersion: builtin, kind: PatchTransformer, metadata: {name: x}, path: \"http://127.0.0.1:1/x\"}']\n"},
		"transformers[0]: t.yaml":     {"kustomization.yaml": "transformers: [t.yaml]\n", "t.yaml": plugin("ReplacementTransformer", "replacements: [{path: 'http://127.0.0.1:1/x'}]")},
		"validators[0]":               {"kustomization.yaml": "validators: ['https://127.0.0.1:1/x']\n"},
		"base/kustomization.yaml":     {"kustomization.yaml": "resources: [base]\n", "base/kustomization.yaml": "resources: ['https://127.0.0.1:1/x']\n"},
		"t/kustomization.yaml":        {"kustomization.yaml": "transformers: [t]\n", "t/kustomization.yaml": "resources: [t.yaml]\n", "t/t.yaml": plugin("PatchTransformer", "path: 'http://127.0.0.1:1/x'")},
		"t/kustomization.yaml: patch": {"kustomization.yaml": "transformers: [t]\n", "t/kustomization.yaml": "resources: [t.yaml]\npatches: [{path: p.yaml}]\n", "t/t.yaml": plugin("PatchTransformer", "path: a.yaml")},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, files)
			write(t, dir, map[string]string{"a.yaml": flux, "b.yaml": "", "c.yaml": "", "d.yaml": ""})
			_, err := sourceOf(t, dir).build(dir)
			want := name
			if !strings.Contains(name, "yaml: ") && !strings.HasSuffix(name, "kustomization.yaml") {
				want += ": "
			}
			if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "fetch") {
				t.Errorf("got %v", err)
			}
		})
	}
}

// TestGeneratorFiles: files that are not there do not end a build, and what lies in a
// Secret is not looked at unless it is asked for.
func TestGeneratorFiles(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{
		"kustomization.yaml": "secretGenerator:\n- name: sops\n  files: [age.agekey, absent.agekey]\n- name: corp-ca\n  files: [ca.crt]\nconfigMapGenerator:\n- name: x\n  files: [gone]\n  envs: [gone.env]\n",
		"age.agekey":         "PRIVATE", "ca.crt": "ca",
	})
	s := sourceOf(t, dir)
	s.secrets = []string{"corp-ca"}
	b, err := s.build(dir)
	if err != nil {
		t.Fatal(err)
	}
	var absent []string
	for _, file := range b.absent {
		absent = append(absent, filepath.Base(file))
	}
	if want := []string{"absent.agekey", "gone", "gone.env"}; !slices.Equal(slices.Sorted(slices.Values(absent)), want) {
		t.Errorf("absent: got %v, want %v", absent, want)
	}
	for _, o := range b.objects {
		key := map[string]string{"sops": "age.agekey", "corp": "ca.crt", "x-": "gone"}
		for prefix, name := range key {
			if !strings.HasPrefix(o.GetName(), prefix) {
				continue
			}
			want := map[string]string{"ca.crt": "Y2E="}[name]
			if got := o.GetDataMap()[name]; got != want {
				t.Errorf("%s: %s: got %q, want %q", o.GetName(), name, got, want)
			}
		}
	}
}

// TestRoot: nothing outside of the root is read.
func TestRoot(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"in/kustomization.yaml": "resources: [../out.yaml]\n", "out.yaml": deployment("source-controller")})
	if _, err := sourceOf(t, filepath.Join(dir, "in")).build(filepath.Join(dir, "in")); err == nil || !strings.Contains(err.Error(), "is not in or below") {
		t.Errorf("got %v", err)
	}
	if _, err := sourceOf(t, dir).build(filepath.Join(dir, "in")); err != nil {
		t.Error(err)
	}
}
