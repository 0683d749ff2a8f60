package kustomization

import (
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
)

const fromFile = "  caBundle:\n  - configMap: {name: corp-ca, keys: [ca.crt]}\n"

// reconciled runs Reconcile and writes what it says.
func reconciled(t *testing.T, c *v1alpha1.FluxTrust, o Options) (Result, error) {
	t.Helper()
	o.Now = time.Now()
	if o.Namespace == "" {
		o.Namespace = "flux-system"
	}
	r, err := Reconcile(c, o)
	if err == nil && r.Outcome.Failed() {
		err = &OutcomeError{o.Dir, r.Outcome}
	}
	if err == nil {
		_, err = Save(r.Files)
	}
	return r, err
}

// roundTrip writes a folder, holds it against the oracle, checks it, and gives it
// back.
func roundTrip(t *testing.T, c *v1alpha1.FluxTrust, root string, o Options) {
	t.Helper()
	was := snapshot(t, root)
	before := t.TempDir()
	if err := os.CopyFS(before, os.DirFS(root)); err != nil {
		t.Fatal(err)
	}
	rel, err := filepath.Rel(root, o.Dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := reconciled(t, c, o); err != nil {
		t.Fatal(err)
	}
	checkFolder(t, c, filepath.Join(before, rel), o.Dir)
	linked(t, o.Dir)
	written := snapshot(t, root)
	again, err := reconciled(t, c, o)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range again.Files {
		if f.Changed() {
			t.Errorf("a second run changes %s:\n%s\ninto\n%s", f.Path, f.Before, f.After)
		}
	}
	if now := snapshot(t, root); !reflect.DeepEqual(now, written) {
		t.Error("a second run has changed files")
	}
	gone, err := Remove(c, o)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Save(gone.Files); err != nil {
		t.Fatal(err)
	}
	if now := snapshot(t, root); !reflect.DeepEqual(now, was) {
		for file := range maps.Keys(now) {
			if now[file] != was[file] {
				t.Errorf("in the end %s is\n%s\nand was\n%s", file, now[file], was[file])
			}
		}
		t.Errorf("%d files, had %d", len(now), len(was))
	}
}

// TestReconcile: every folder builds what the function makes of it, and is given back.
func TestReconcile(t *testing.T) {
	flux := deployment("source-controller") + "---\n" + deployment("helm-controller")
	more := map[string]map[string]string{
		"a prefix": {"kustomization.yaml": "resources: [gotk-components.yaml]\nnamePrefix: a-\nnameSuffix: -b\nnamespace: other\n", "gotk-components.yaml": flux},
		"a prefix below": {
			"top/kustomization.yaml": "resources: [../base]\nnamespace: other\n", "base/kustomization.yaml": "resources: [gotk-components.yaml]\nnamePrefix: a-\n", "base/gotk-components.yaml": flux,
		},
		"prefixes in layers": {
			"top/kustomization.yaml": "resources: [../base]\nnamePrefix: t-\n", "base/kustomization.yaml": "resources: [gotk-components.yaml]\nnamePrefix: a-\n", "base/gotk-components.yaml": flux,
		},
		"the ConfigMap below": {
			"top/kustomization.yaml": "resources: [../base, ca]\nnamePrefix: t-\n", "base/kustomization.yaml": "resources: [gotk-components.yaml]\n", "base/gotk-components.yaml": flux,
			"top/ca/kustomization.yaml": "namespace: flux-system\nconfigMapGenerator:\n- name: corp-ca\n  files: [ca.crt]\n", "top/ca/ca.crt": "ROOT",
		},
		"the ConfigMap in the base": {
			"top/kustomization.yaml": "resources: [../base]\nnamePrefix: t-\n", "base/kustomization.yaml": "resources: [gotk-components.yaml, cm.yaml]\n", "base/gotk-components.yaml": flux,
			"base/cm.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: corp-ca, namespace: flux-system}\ndata:\n  ca.crt: |\n    ROOT",
		},
		"the ConfigMap in the base, hashed": {
			"top/kustomization.yaml": "resources: [../base]\nnamePrefix: t-\n", "base/kustomization.yaml": "resources: [gotk-components.yaml]\nnamePrefix: b-\nconfigMapGenerator:\n- name: corp-ca\n  namespace: flux-system\n  files: [ca.crt]\n", "base/gotk-components.yaml": flux,
			"base/ca.crt": "ROOT",
		},
		"a renamed container":    {"kustomization.yaml": "resources: [gotk-components.yaml]\npatches:\n- target: {kind: Deployment}\n  patch: |\n    - op: replace\n      path: /spec/template/spec/containers/0/name\n      value: controller\n", "gotk-components.yaml": flux},
		"own variables":          {"kustomization.yaml": "resources: [gotk-components.yaml]\npatches:\n- target: {kind: Deployment, name: helm-controller}\n  patch: |\n    - op: add\n      path: /spec/template/spec/containers/0/env/-\n      value: {name: SSL_CERT_DIR, value: /etc/corp}\n", "gotk-components.yaml": flux},
		"an own securityContext": {"kustomization.yaml": "resources: [gotk-components.yaml]\npatches:\n- target: {kind: Deployment}\n  patch: |\n    apiVersion: apps/v1\n    kind: Deployment\n    metadata: {name: x}\n    spec:\n      template:\n        spec:\n          containers:\n          - name: manager\n            securityContext:\n              $patch: replace\n              runAsUser: 65534\n", "gotk-components.yaml": flux},
		"two namespaces":         {"kustomization.yaml": "resources: [gotk-components.yaml, more.yaml]\n", "gotk-components.yaml": flux, "more.yaml": strings.ReplaceAll(flux, "namespace: flux-system", "namespace: tenant")},
		"a namesake":             {"kustomization.yaml": "resources: [gotk-components.yaml, more.yaml]\n", "gotk-components.yaml": flux, "more.yaml": strings.NewReplacer("namespace: flux-system", "namespace: kube-system", "app.kubernetes.io/", "k3s.io/", "ghcr.io/fluxcd/helm-controller", "rancher/klipper-helm", "name: manager", "name: helm").Replace(deployment("helm-controller"))},
		"twice the base": {
			"top/kustomization.yaml": "resources: [one, two]\n", "top/one/kustomization.yaml": "resources: [../../base]\nnamePrefix: a-\n", "top/two/kustomization.yaml": "resources: [../../base]\nnamePrefix: b-\n",
			"base/kustomization.yaml": "resources: [gotk-components.yaml]\n", "base/gotk-components.yaml": flux,
		},
		"once as it is, once with a prefix": {
			"top/kustomization.yaml": "resources: [../base, two]\n", "top/two/kustomization.yaml": "resources: [../../base]\nnamePrefix: b-\n",
			"base/kustomization.yaml": "resources: [gotk-components.yaml]\n", "base/gotk-components.yaml": flux,
		},
		"no namespace": {"kustomization.yaml": "resources: [gotk-components.yaml]\n", "gotk-components.yaml": strings.ReplaceAll(flux, "  namespace: flux-system\n", "")},
	}
	failing := map[string]string{ // what is undone, or cannot be done
		"legacy fields": "patchesJson6902[0]: undoes", "transformers": "transformers[0]: undoes", "an own schema": "openapi: undoes",
		"generators": "spec.template.spec.volumes.flux-trust-ca.projected.sources[0].configMap.name is \"corp-ca\" and must be \"ConfigMap corp-ca-",
	}
	for _, table := range []map[string]map[string]string{layouts(), more} {
		for name, files := range table {
			if strings.HasPrefix(name, "error: ") {
				continue
			}
			t.Run(name, func(t *testing.T) {
				dir := t.TempDir()
				rootText := newRoot(t, "root")
				for file, text := range files {
					indented := "ROOT"
					if strings.HasSuffix(file, ".yaml") {
						text = strings.ReplaceAll(text, "    "+indented, "    "+strings.ReplaceAll(strings.TrimSpace(rootText), "\n", "\n    "))
					}
					write(t, dir, map[string]string{file: strings.ReplaceAll(text, "ROOT", rootText)})
				}
				if !strings.Contains(name, "ConfigMap") && name != "layers" {
					write(t, top(dir), map[string]string{"ca.crt": rootText})
				}
				c := parseConfig(t, fromFile)
				if want := failing[name]; want != "" {
					was := snapshot(t, dir)
					_, err := reconciled(t, c, Options{Dir: top(dir)})
					if err == nil || !strings.Contains(err.Error(), want) {
						t.Errorf("got %v, want %s", err, want)
					}
					if !reflect.DeepEqual(snapshot(t, dir), was) {
						t.Error("files have changed")
					}
					return
				}
				roundTrip(t, c, dir, Options{Dir: top(dir)})
			})
		}
	}
}
