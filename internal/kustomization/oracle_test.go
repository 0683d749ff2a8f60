package kustomization

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"reflect"
	"sort"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/kustomize/kyaml/kio"
	"sigs.k8s.io/kustomize/kyaml/yaml"
	sigsyaml "sigs.k8s.io/yaml"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/transformer"
)

// What this file has is not part of the product: kustomize's library over the files on
// the disk, the function over what it prints, and a comparison of its own.

// newRoot returns a root certificate.
func newRoot(t *testing.T, name string) string {
	t.Helper()
	public, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(10, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, public, key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

// parseConfig returns a config with a spec.
func parseConfig(t *testing.T, spec string) *v1alpha1.FluxTrust {
	t.Helper()
	c, err := v1alpha1.Parse("config.yaml", []byte("apiVersion: fluxtrust.dev/v1alpha1\nkind: FluxTrust\nmetadata: {name: corp}\nspec:\n"+spec))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// plainBuild builds a folder on the disk, as Flux does.
func plainBuild(dir string) ([]byte, error) {
	defer quiet()()
	o := krusty.MakeDefaultOptions()
	o.LoadRestrictions = types.LoadRestrictionsNone
	m, err := krusty.MakeKustomizer(o).Run(filesys.MakeFsOnDisk(), dir)
	if err != nil {
		return nil, err
	}
	return m.AsYaml()
}

// checkFolder holds a folder that has been written against the one before: its build
// must be what the function makes of the build before and the objects that are new.
func checkFolder(t *testing.T, c *v1alpha1.FluxTrust, before, after string) {
	t.Helper()
	was, err := plainBuild(before)
	if err != nil {
		t.Fatalf("before: %v", err)
	}
	is, err := plainBuild(after)
	if err != nil {
		t.Fatalf("after: %v", err)
	}
	had, has := decoded(t, was), decoded(t, is)
	var in []transformer.Resource
	add := func(o any, former string) {
		text, err := yaml.Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		n, err := yaml.Parse(string(text))
		if err != nil {
			t.Fatal(err)
		}
		if former != "" {
			if err := n.PipeE(yaml.SetAnnotation("internal.config.kubernetes.io/previousNames", former)); err != nil {
				t.Fatal(err)
			}
		}
		in = append(in, transformer.Resource{Node: n})
	}
	for _, id := range sortedKeys(had) {
		add(had[id], configuredName(c, id))
	}
	for _, id := range sortedKeys(has) {
		if had[id] == nil {
			add(has[id], configuredName(c, id))
		}
	}
	out := transformer.Run(c, in, time.Now())
	if out.Failed() {
		t.Fatalf("the function fails: %v", out.Results()[0].Message)
	}
	var text bytes.Buffer
	for _, o := range append(out.Items, out.Added...) {
		if o == nil {
			continue
		}
		if err := errors.Join(o.PipeE(yaml.ClearAnnotation("internal.config.kubernetes.io/previousNames")), yaml.ClearEmptyAnnotations(o)); err != nil {
			t.Fatal(err)
		}
		s, err := o.String()
		if err != nil {
			t.Fatal(err)
		}
		text.WriteString("---\n" + s)
	}
	want := decoded(t, text.Bytes())
	for _, m := range []map[string]any{want, has} {
		for id, o := range m {
			m[id] = named(sortedLists(o), "corp-ca")
		}
	}
	for _, id := range append(sortedKeys(want), sortedKeys(has)...) {
		if !reflect.DeepEqual(want[id], has[id]) {
			t.Errorf("%s: the folder builds\n%s\nand the function makes\n%s", id, show(t, has[id]), show(t, want[id]))
			return
		}
	}
}

func show(t *testing.T, o any) string {
	t.Helper()
	text, err := yaml.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// configuredName returns the name that a config has for a new object.
func configuredName(c *v1alpha1.FluxTrust, id string) string {
	for _, e := range c.Spec.CABundle {
		if name := nameOf(&e); strings.Contains(id, "ConfigMap") && strings.Contains(id, name) {
			return name
		}
	}
	return ""
}

func sortedKeys(m map[string]any) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}

// sortedLists sorts what kustomize puts in front.
func sortedLists(o any) any {
	switch o := o.(type) {
	case map[string]any:
		for k, v := range o {
			o[k] = sortedLists(v)
			if k == "alpha.config.kubernetes.io/transformations" {
				delete(o, k) // names the patches
			}
			list, ok := o[k].([]any)
			if !ok || k != "env" && k != "volumes" && k != "volumeMounts" {
				continue
			}
			sort.SliceStable(list, func(i, j int) bool {
				a, _ := yaml.Marshal(list[i])
				b, _ := yaml.Marshal(list[j])
				return string(a) < string(b)
			})
		}
	case []any:
		for i := range o {
			o[i] = sortedLists(o[i])
		}
	}
	return o
}

// named takes prefixes and suffixes off the name in a projected volume: that it is the
// name of the object in the build is checked by linked.
func named(o any, name string) any {
	switch o := o.(type) {
	case map[string]any:
		for k, v := range o {
			o[k] = named(v, name)
		}
		if p, ok := o["configMap"].(map[string]any); ok {
			if s, ok := p["name"].(string); ok && strings.Contains(s, name) {
				p["name"] = name
			}
		}
	case []any:
		for i := range o {
			o[i] = named(o[i], name)
		}
	}
	return o
}

// linked sees that every ConfigMap that a Deployment of a build projects is in it.
func linked(t *testing.T, dir string) {
	t.Helper()
	text, err := plainBuild(dir)
	if err != nil {
		t.Fatal(err)
	}
	objects, err := (&kio.ByteReader{Reader: bytes.NewReader(text), OmitReaderAnnotations: true}).Read()
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, o := range objects {
		names[o.GetKind()+"/"+o.GetNamespace()+"/"+o.GetName()] = true
	}
	for _, o := range objects {
		sources, err := o.Pipe(yaml.Lookup("spec", "template", "spec", "volumes", "[name=flux-trust-ca]", "projected", "sources"))
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range sources.Content() {
			name, err := yaml.NewRNode(s).GetString("configMap.name")
			if err == nil && !names["ConfigMap/"+o.GetNamespace()+"/"+name] {
				t.Errorf("%s %s projects ConfigMap %s, which is not in the build", o.GetKind(), o.GetName(), name)
			}
		}
	}
}

// snapshot returns the files below a folder.
func snapshot(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		files[path] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func anyYAML(t *testing.T, text string) any {
	t.Helper()
	var value any
	if err := sigsyaml.Unmarshal([]byte(text), &value); err != nil {
		t.Fatal(err)
	}
	return value
}
