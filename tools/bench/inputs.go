package main

import (
	"bufio"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

const (
	stock  = "examples/quickstart/flux-system/gotk-components.yaml"
	config = "examples/quickstart/functionconfig.yaml"
	gotk   = "../shared/corpus/gotk/gotk-components-v2.9.4.yaml"
	large  = "../shared/corpus/large.yaml.gz"
)

// shop is a Deployment of others.
const shop = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: shop-%d
  labels:
    app.kubernetes.io/name: shop-%[1]d
spec:
  replicas: 2
  selector:
    matchLabels:
      app.kubernetes.io/name: shop-%[1]d
  template:
    metadata:
      labels:
        app.kubernetes.io/name: shop-%[1]d
    spec:
      containers:
      - name: web
        image: registry.example.com/shop/web-%[1]d:v1.2.3
        ports:
        - containerPort: 8080
        env:
        - name: LEVEL
          value: info`

// What flux-trust does by default, for those who do it by hand.
const (
	yqChange = `with(select(.kind == "Deployment"); .spec.template.spec.volumes += [{"name": "flux-trust-ca", "projected": {"sources": [{"configMap": {"name": "z-scaler-ca"}}]}}] |
 .spec.template.spec.containers[0].env += [{"name": "SSL_CERT_DIR", "value": "/etc/ssl/certs:/etc/ssl/flux-trust"}] |
 .spec.template.spec.containers[0].volumeMounts += [{"name": "flux-trust-ca", "mountPath": "/etc/ssl/flux-trust", "readOnly": true}])`
	patches = `resources: [resources.yaml]
patches:
- target: {kind: Deployment}
  patch: |
    - {op: add, path: /spec/template/spec/volumes/-, value: {name: flux-trust-ca, projected: {sources: [{configMap: {name: z-scaler-ca}}]}}}
    - {op: add, path: /spec/template/spec/containers/0/env/-, value: {name: SSL_CERT_DIR, value: "/etc/ssl/certs:/etc/ssl/flux-trust"}}
    - {op: add, path: /spec/template/spec/containers/0/volumeMounts/-, value: {name: flux-trust-ca, mountPath: /etc/ssl/flux-trust, readOnly: true}}
`
)

// writeInputs writes streams of small ConfigMaps with the Deployments of Flux in
// their middle, the stock manifests, and real ones where they are at hand.
func writeInputs(dir string) ([]input, error) {
	data, err := os.ReadFile(stock)
	if err != nil {
		return nil, err
	}
	settings, err := os.ReadFile(config)
	if err != nil {
		return nil, err
	}
	documents := strings.Split(strings.TrimPrefix(string(data), "---\n"), "\n---\n")
	var deployments []string
	for _, d := range documents {
		if strings.Contains("\n"+d, "\nkind: Deployment\n") {
			deployments = append(deployments, d)
		}
	}
	var inputs []input
	for _, count := range []int{10, 1_000, 10_000, 50_000} {
		in := input{name: fmt.Sprintf("%d items", count), items: count}
		if err := in.write(dir, string(settings), count, func(i int) string {
			if n := i - count/2; n >= 0 && n < len(deployments) {
				return deployments[n]
			}
			return configMap(i)
		}); err != nil {
			return nil, err
		}
		inputs = append(inputs, in)
	}
	foreign := func(i int) string {
		switch n := i - 25_000; {
		case n >= 0 && n < len(deployments):
			return deployments[n]
		case i%50 == 7:
			return fmt.Sprintf(shop, i)
		case i%50 == 9:
			return fmt.Sprintf("apiVersion: v1\nkind: Secret\nmetadata:\n  name: shop-%d\n  namespace: team-%d\ntype: Opaque\ndata:\n  password: c2VjcmV0LXt9", i, i%50)
		default:
			return configMap(i)
		}
	}
	mixed := input{name: "50000 items, 2 % Deployments and 2 % Secrets of others", few: true}
	if err := mixed.write(dir, string(settings), 50_000, foreign); err != nil {
		return nil, err
	}
	inputs = append(inputs, mixed)
	list := input{name: "kind: List of 30000 items", few: true, plain: filepath.Join(dir, "kubectl.yaml")}
	if err := writeTo(list.plain, func(out io.Writer) {
		fmt.Fprint(out, "apiVersion: v1\nitems:\n")
		for i := range 30_000 {
			fmt.Fprintf(out, "- %s\n", strings.ReplaceAll(withoutComments(foreign(i+10_000)), "\n", "\n  "))
		}
		fmt.Fprint(out, "kind: List\nmetadata:\n  resourceVersion: \"\"\n")
	}); err != nil {
		return nil, err
	}
	if info, err := os.Stat(list.plain); err == nil {
		list.bytes = info.Size()
	}
	one := input{name: "one controller", few: true}
	if err := one.write(dir, string(settings), 1, func(int) string { return deployments[0] }); err != nil {
		return nil, err
	}
	inputs = append(inputs, list, one)
	// The whole manifests, where they are at hand: those of the example lack the CRDs.
	if data, err := os.ReadFile(gotk); err == nil {
		documents = strings.Split(strings.TrimPrefix(string(data), "---\n"), "\n---\n")
	}
	in := input{name: "stock Flux"}
	if err := in.write(dir, string(settings), len(documents), func(i int) string { return documents[i] }); err != nil {
		return nil, err
	}
	inputs = append(inputs, in)
	if in, err := unpack(filepath.Join(dir, "large.yaml")); err == nil {
		inputs = append(inputs, in)
	} else {
		fmt.Fprintln(os.Stderr, "bench: SKIPPED real manifests:", err)
	}
	return inputs, nil
}

func configMap(i int) string {
	return fmt.Sprintf("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: app-%d\n  namespace: team-%d\n  labels:\n"+
		"    app.kubernetes.io/name: app-%[1]d\n    app.kubernetes.io/part-of: shop\ndata:\n  url: https://app-%[1]d.example.com\n"+
		"  level: info\n  retries: \"3\"", i, i%50)
}

// write writes the same resources as a ResourceList, as plain YAML, and for
// kustomize.
func (in *input) write(dir, settings string, count int, text func(int) string) error {
	in.folder = filepath.Join(dir, strings.ReplaceAll(in.name, " ", "-"))
	in.list, in.plain = in.folder+".list.yaml", in.folder+".yaml"
	indent := func(text string) string { return strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n  ") }
	err := writeTo(in.list, func(out io.Writer) {
		fmt.Fprint(out, "apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nitems:\n")
		for i := range count {
			fmt.Fprintf(out, "- %s\n", indent(withoutComments(text(i))))
		}
		fmt.Fprintf(out, "functionConfig:\n  %s\n", indent(withoutComments(settings)))
	})
	if err != nil {
		return err
	}
	if err := writeTo(in.plain, func(out io.Writer) {
		for i := range count {
			fmt.Fprintf(out, "---\n%s\n", strings.TrimSpace(text(i)))
		}
	}); err != nil {
		return err
	}
	info, err := os.Stat(in.list)
	if err != nil {
		return err
	}
	in.bytes = info.Size()
	for name, kustomization := range map[string]string{
		"patches": patches, "function": "resources: [resources.yaml]\ntransformers: [config.yaml]\n", "cat": "resources: [resources.yaml]\ntransformers: [config.yaml]\n",
	} {
		folder := filepath.Join(in.folder, name)
		if err := os.MkdirAll(folder, 0o700); err != nil {
			return err
		}
		if err := os.Link(in.plain, filepath.Join(folder, "resources.yaml")); err != nil {
			return err
		}
		path := "path: " + map[bool]string{true: "cat", false: "flux-trust"}[name == "cat"]
		for file, content := range map[string]string{"kustomization.yaml": kustomization, "config.yaml": strings.Replace(settings, "path: flux-trust", path, 1)} {
			if err := os.WriteFile(filepath.Join(folder, file), []byte(content), 0o600); err != nil {
				return err
			}
		}
	}
	return nil
}

// withoutComments keeps lines before the first key from ending up behind a dash.
func withoutComments(text string) string {
	text = strings.TrimSpace(text)
	for strings.HasPrefix(text, "#") {
		_, text, _ = strings.Cut(text, "\n")
	}
	return text
}

func writeTo(file string, write func(io.Writer)) error {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	out := bufio.NewWriter(f)
	write(out)
	if err := out.Flush(); err != nil {
		return err
	}
	return f.Close()
}

// unpack writes the real manifests to a file.
func unpack(file string) (input, error) {
	in, err := os.Open(large)
	if err != nil {
		return input{}, err
	}
	defer func() { _ = in.Close() }()
	unzipped, err := gzip.NewReader(in)
	if err != nil {
		return input{}, err
	}
	var n int64
	// A HelmRelease in it takes values from an object that it lacks, which is an error.
	const values = "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: flux-instance-values, namespace: flux-system}\ndata: {values.yaml: \"{}\"}\n"
	err = writeTo(file, func(out io.Writer) {
		if n, err = io.Copy(out, unzipped); err == nil {
			_, err = io.WriteString(out, values)
		}
	})
	return input{name: "real manifests", plain: file, bytes: n}, err
}
