package kustomization

import (
	"bytes"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

var (
	cases = flag.Int("cases", 200, "how many random folders to write")
	seed  = flag.Uint64("seed", uint64(time.Now().UnixNano()), "of the random folders")
)

// random makes folders.
type random struct {
	*rand.Rand
	roots []string
}

// pick returns one of some values.
func pick[T any](r random, values ...T) T { return values[r.IntN(len(values))] }

// chance is true once in n times.
func (r random) chance(n int) bool { return r.IntN(n) == 0 }

// controller returns a Deployment as some release or chart has it.
func (r random) controller(name string) string {
	text := deployment(name)
	change := func(n int, old, with string) {
		if r.chance(n) {
			text = strings.Replace(text, old, with, 1)
		}
	}
	change(5, "    app.kubernetes.io/part-of: flux\n", "")
	change(4, "ghcr.io/fluxcd/", "example.com:5000/flux/")
	change(8, "        env:\n", "        env:\n        - name: SSL_CERT_DIR\n          value: /etc/ssl/certs:/etc/corp\n")
	change(8, "        env:\n", "        env:\n        - name: SSL_CERT_FILE\n          value: /etc/ssl/certs/ca-certificates.crt\n")
	change(6, "          seccompProfile:\n            type: RuntimeDefault\n", "")
	change(6, "          runAsNonRoot: true\n", "          runAsUser: 1000\n")
	change(6, "          capabilities:\n            drop:\n            - ALL\n", "")
	change(8, "      securityContext:\n        fsGroup: 1337\n", "")
	change(9, "      containers:\n", "      initContainers:\n      - name: wait\n        image: example.com/wait:1\n      containers:\n")
	change(9, "      containers:\n", "      containers:\n      - name: sidecar\n        image: example.com/sidecar:1\n")
	change(12, "        - name: tmp\n          mountPath: /tmp\n", "        - name: tmp\n          mountPath: /etc/ssl/flux-trust\n") // is taken
	return text
}

func (r random) controllers() string {
	var all []string
	names := []string{"source-controller", "helm-controller", "kustomize-controller", "notification-controller"}
	for _, name := range names[:1+r.IntN(len(names))] {
		all = append(all, r.controller(name))
	}
	if r.chance(8) {
		all = append(all, strings.ReplaceAll(r.controller("source-controller"), "namespace: flux-system", "namespace: tenant"))
	}
	return strings.Join(all, "---\n")
}

// patch returns an entry of patches, without indentation.
func (r random) patch(files map[string]string, dir string) string {
	name := pick(r, "source-controller", "helm-controller", ".*", "(source|helm)-controller", "nothing")
	strategic := func(body string) string {
		return "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: x\nspec:\n  template:\n" + strings.ReplaceAll(body, "@", "    ")
	}
	body := pick(r,
		"- op: add\n  path: /spec/template/spec/containers/0/args/-\n  value: --concurrent=20\n",
		"- op: replace\n  path: /spec/template/spec/containers/0/name\n  value: controller\n",
		"- op: add\n  path: /spec/template/spec/containers/0/env/-\n  value: {name: HTTPS_PROXY, value: \"http://proxy:3128\"}\n",
		"- op: add\n  path: /spec/template/spec/containers/0/env/0\n  value: {name: SSL_CERT_DIR, value: /etc/mine}\n",
		"- op: replace\n  path: /spec/template/spec/volumes/0\n  value: {name: data, persistentVolumeClaim: {claimName: gotk}}\n",
		"- op: add\n  path: /spec/template/spec/volumes/-\n  value: {name: flux-trust-ca, emptyDir: {}}\n",
		"- op: remove\n  path: /spec/template/spec/containers/0/securityContext/readOnlyRootFilesystem\n",
		strategic("@spec:\n@  containers:\n@  - name: manager\n@    securityContext:\n@      $patch: replace\n@      runAsUser: 65534\n"),
		strategic("@spec:\n@  containers:\n@  - name: manager\n@    volumeMounts:\n@    - name: corp\n@      mountPath: /etc/corp\n@  volumes:\n@  - name: corp\n@    secret: {secretName: other-ca}\n"),
		strategic("@spec:\n@  volumes:\n@  - name: tmp\n@    $patch: delete\n@  - name: tmp2\n@    emptyDir: {}\n"),
		strategic("@metadata:\n@  annotations:\n@    a: \"1\"\n@spec:\n@  hostAliases:\n@  - ip: 10.0.0.1\n@    hostnames: [git.example.com]\n"),
	)
	target := "target: {kind: Deployment, name: " + name + "}"
	if r.chance(3) {
		file := fmt.Sprintf("patch-%d.yaml", len(files))
		files[dir+file] = body
		return "path: " + file + "\n" + target + "\n"
	}
	style := pick(r, "|", "|-", "|+")
	return pick(r, "# why\n", "") + target + "\npatch: " + style + "\n  " + strings.ReplaceAll(strings.TrimSuffix(body, "\n"), "\n", "\n  ") + "\n"
}

// list writes a list of entries below a key, in a style.
func (r random) list(key string, entries []string) string {
	indent := pick(r, "", "  ")
	var out strings.Builder
	fmt.Fprintf(&out, "%s:\n", key)
	for _, e := range entries {
		lines := strings.Split(strings.TrimSuffix(e, "\n"), "\n")
		if strings.HasPrefix(lines[0], "#") {
			fmt.Fprintf(&out, "%s%s\n", indent, lines[0])
			lines = lines[1:]
		}
		fmt.Fprintf(&out, "%s- %s\n", indent, lines[0])
		for _, line := range lines[1:] {
			fmt.Fprintf(&out, "%s  %s\n", indent, line)
		}
	}
	if r.chance(4) {
		fmt.Fprintf(&out, "%s# - nothing more\n", indent)
	}
	return out.String()
}

// kustomization returns one over some resources; files beside it are added.
func (r random) kustomization(files map[string]string, dir string, resources []string, component bool) string {
	var parts []string
	if component {
		parts = append(parts, "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n")
	} else if r.chance(2) {
		parts = append(parts, "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n")
	}
	switch {
	case len(resources) == 0:
	case r.chance(3):
		parts = append(parts, "resources: ["+strings.Join(resources, ", ")+"]\n")
	default:
		parts = append(parts, r.list("resources", resources))
	}
	var own []string
	for range r.IntN(3) {
		own = append(own, r.patch(files, dir))
	}
	switch {
	case len(own) > 0:
		parts = append(parts, r.list("patches", own))
	case r.chance(3):
		parts = append(parts, pick(r, "patches: []\n", "patches: []  # none\n", "patches:\n# none yet\n", "patches: ~\n"))
	}
	for _, field := range []struct {
		chance int
		texts  []string
	}{
		{4, []string{"namePrefix: a-\n", "nameSuffix: -b\n", "namePrefix: a-\nnameSuffix: -b\n"}},
		{5, []string{"namespace: gitops\n", "namespace: flux-system\n"}},
		{6, []string{"images:\n- name: ghcr.io/fluxcd/source-controller\n  newName: example.com/mirror/source-controller\n", "commonAnnotations: {team: platform}\n", "labels:\n- pairs: {team: platform}\n"}},
		{7, []string{"replicas:\n- name: helm-controller\n  count: 1\n", "buildMetadata: [originAnnotations]\n", "sortOptions: {order: legacy}\n"}},
		{8, []string{"configMapGenerator:\n- name: mine\n  literals: [a=b]\n", "secretGenerator:\n- name: sops\n  files: [absent.agekey]\n", "configMapGenerator: []\ngeneratorOptions: {disableNameSuffixHash: true}\n"}},
		{13, []string{"patchesJson6902:\n- target: {group: apps, version: v1, kind: Deployment, name: source-controller}\n  patch: |-\n    - op: replace\n      path: /spec/template/spec/volumes/0\n      value: {name: data, persistentVolumeClaim: {claimName: gotk}}\n"}},
		{14, []string{"replacements:\n- source: {kind: Deployment, name: source-controller, fieldPath: metadata.name}\n  targets:\n  - select: {kind: Deployment}\n    fieldPaths: [metadata.annotations.of]\n    options: {create: true}\n"}},
		{15, []string{"transformers:\n- |\n  apiVersion: builtin\n  kind: PatchTransformer\n  metadata: {name: t}\n  target: {kind: Deployment}\n  patch: '[{\"op\": \"add\", \"path\": \"/metadata/annotations\", \"value\": {\"z\": \"1\"}}]'\n"}},
	} {
		if r.chance(field.chance) {
			parts = append(parts, pick(r, field.texts...))
		}
	}
	r.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
	text := pick(r, "", "", "# our Flux\n", "---\n") + strings.Join(parts, pick(r, "", "\n")) + pick(r, "", "", "", "\n# the end\n", "---\n", "...\n")
	if r.chance(6) {
		text = strings.ReplaceAll(text, "\n", "\r\n")
	}
	if r.chance(5) {
		text = strings.TrimRight(text, "\r\n")
	}
	return text
}

// folder returns the files of a folder, and the one in it that is to be written.
func (r random) folder() (files map[string]string, dir string) {
	files = map[string]string{}
	resources := func(in string) []string {
		files[in+"gotk-components.yaml"] = r.controllers()
		names := []string{"gotk-components.yaml"}
		if r.chance(6) {
			files[in+"other.yaml"] = strings.NewReplacer("namespace: flux-system", "namespace: apps", "app.kubernetes.io/", "x/", "ghcr.io/fluxcd/", "example.com/", "source-controller:", "web:", "name: manager", "name: web").Replace(deployment("source-controller"))
			names = append(names, "other.yaml")
		}
		return names
	}
	switch r.IntN(5) {
	case 0, 1:
		files["kustomization.yaml"] = r.kustomization(files, "", resources(""), false)
		return files, ""
	case 2:
		files["base/kustomization.yaml"] = r.kustomization(files, "base/", resources("base/"), false)
		files["top/kustomization.yaml"] = r.kustomization(files, "top/", []string{"../base"}, false)
	case 3:
		files["part/kustomization.yaml"] = r.kustomization(files, "part/", nil, true)
		files["top/kustomization.yaml"] = "components: [../part]\n" + strings.TrimPrefix(r.kustomization(files, "top/", resources("top/"), false), "---\n")
	default:
		files["base/kustomization.yaml"] = r.kustomization(files, "base/", resources("base/"), false)
		files["one/kustomization.yaml"] = "resources: [../base]\nnamePrefix: one-\n"
		files["two/kustomization.yaml"] = "resources: [../base]\nnamePrefix: two-\nnamespace: two\n"
		files["top/kustomization.yaml"] = r.kustomization(files, "top/", []string{"../one", "../two"}, false)
	}
	return files, "top"
}

// config returns the spec of a config, and the files that it needs in the folder.
func (r random) config() (spec string, files map[string]string) {
	root := pick(r, r.roots...)
	files = map[string]string{}
	switch r.IntN(4) {
	case 0:
		spec = inlineSpec(root)
	case 1:
		files["ca.crt"], files["more.crt"] = root, pick(r, r.roots...)
		spec = "  caBundle:\n  - configMap: {name: corp-ca, keys: [ca.crt, more.crt]}\n"
		if files["more.crt"] == root {
			files["more.crt"] += r.roots[0]
		}
	default:
		files["ca.crt"] = root
		spec = fromFile
	}
	if r.chance(3) {
		spec += pick(r, "  mount: {path: /etc/corp-ca}\n", "  mount: {method: File}\n", "  mount: {method: InitContainer}\n", "  mount: {systemRoots: Replace}\n")
	}
	if r.chance(4) {
		spec += pick(r, "  securityContext: {profile: OpenShift}\n", "  securityContext: {profile: None}\n")
	}
	if r.chance(4) {
		spec += pick(r, "  controllers: {include: [source-controller]}\n", "  controllers: {exclude: [helm-controller]}\n")
	}
	return spec, files
}

// TestRandomFolders: where nothing is said against a folder, it builds what the
// function makes of it; else every byte is as it was.
func TestRandomFolders(t *testing.T) {
	t.Logf("-seed %d", *seed)
	n := *cases
	if testing.Short() {
		n = min(n, 30)
	}
	roots := []string{newRoot(t, "one"), newRoot(t, "two")}
	done, reasons := 0, map[string]int{}
	for i := range n {
		r := random{rand.New(rand.NewPCG(*seed, uint64(i))), roots} //nolint:gosec // so that a seed gives the same again
		if t.Run(fmt.Sprint(i), func(t *testing.T) {
			if err := randomFolder(t, r); err != nil {
				reasons[reason(err)]++
			} else {
				done++
			}
		}); t.Failed() {
			t.Fatalf("again: go test ./internal/kustomization -run 'TestRandomFolders/%d$' -seed %d", i, *seed)
		}
	}
	t.Logf("%d of %d written; refused: %v", done, n, reasons)
	if done < n/4 {
		t.Errorf("%d of %d folders were written; the test shows too little", done, n)
	}
}

// reason shortens an error.
func reason(err error) string {
	for _, word := range []string{"ID conflict", "add operation does not apply", "remove operation does not apply", "replace operation does not apply", "appears twice", "undoes", "does not build what", "collides", "kustomize build", "exists, and no annotation", "no shell", "image"} {
		if strings.Contains(err.Error(), word) {
			return word
		}
	}
	return fmt.Sprintf("%.80s", err)
}

// randomFolder writes a folder and returns why it was refused, if it was.
func randomFolder(t *testing.T, r random) error {
	t.Helper()
	files, sub := r.folder()
	spec, more := r.config()
	again, _ := r.config()
	root := t.TempDir()
	dir := filepath.Join(root, sub)
	write(t, root, files)
	write(t, dir, more)
	c, o := parseConfig(t, spec), Options{Dir: dir, Namespace: "flux-system"}
	defer func() {
		if t.Failed() {
			t.Logf("config:\n%s\nfiles:", spec)
			for file, text := range files {
				t.Logf("%s:\n%s", file, text)
			}
		}
	}()
	before := copied(t, root)
	was := snapshot(t, root)
	_, err := reconciled(t, c, o)
	if err != nil {
		if !reflect.DeepEqual(snapshot(t, root), was) {
			t.Errorf("after %v files have changed", err)
		}
		return err
	}
	after := copied(t, root)
	for _, dir := range []string{before, after} {
		for file := range files {
			if strings.HasSuffix(file, "kustomization.yaml") {
				write(t, filepath.Join(dir, filepath.Dir(file)), map[string]string{"absent.agekey": ""})
			}
		}
	}
	checkFolder(t, c, filepath.Join(before, sub), filepath.Join(after, sub))
	linked(t, filepath.Join(after, sub))
	now := snapshot(t, root)
	if r, err := reconciled(t, c, o); err != nil || !reflect.DeepEqual(snapshot(t, root), now) {
		t.Errorf("a second run: %v, %v", err, r.Files)
	}
	// Another config of the same name takes over, as far as the folder allows.
	other := parseConfig(t, again)
	if _, err := reconciled(t, other, o); err == nil {
		fresh := copied(t, before)
		if _, err := reconciled(t, other, Options{Dir: filepath.Join(fresh, sub), Namespace: "flux-system"}); err != nil {
			t.Errorf("an own run of the other config: %v", err)
		}
		if is, want := meant(t, root), meant(t, fresh); !reflect.DeepEqual(is, want) {
			t.Errorf("with the other config, the folder has\n%v\nand has, written once\n%v", is, want)
		}
	}
	removed, err := Remove(c, o)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Save(removed.Files); err != nil {
		t.Fatal(err)
	}
	for file, text := range snapshot(t, root) {
		if text != was[file] {
			t.Errorf("in the end, %s is\n%q\nand was\n%q", file, text, was[file])
		}
	}
	return nil
}

// copied copies a folder.
func copied(t *testing.T, dir string) string {
	t.Helper()
	to := t.TempDir()
	if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	return to
}

// meant returns what the kustomizations of a folder mean, by their paths in it.
func meant(t *testing.T, dir string) map[string]any {
	t.Helper()
	found := map[string]any{}
	for file, text := range snapshot(t, dir) {
		if rel, err := filepath.Rel(dir, file); err == nil && filepath.Base(file) != "absent.agekey" {
			found[rel] = string(bytes.TrimSpace([]byte(text)))
			if filepath.Base(file) == "kustomization.yaml" {
				found[rel] = trimmed(anyYAML(t, text))
			}
		}
	}
	return found
}
