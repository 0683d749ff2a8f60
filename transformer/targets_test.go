package transformer

import (
	"encoding/base64"
	"os"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
)

// TestTargets reads what every kind connects to.
func TestTargets(t *testing.T) {
	data, err := os.ReadFile("../examples/quickstart/certs/Company-Root-CA.crt")
	if err != nil {
		t.Fatal(err)
	}
	root := string(data[strings.Index(string(data), "-----BEGIN"):])
	secret := func(name string, keys map[string]string) string {
		text := "apiVersion: v1\nkind: Secret\nmetadata: {name: " + name + ", namespace: apps}\ndata:\n"
		for key, value := range keys {
			text += "  " + key + ": " + base64.StdEncoding.EncodeToString([]byte(value)) + "\n"
		}
		return text
	}
	const source, image, notification = "source.toolkit.fluxcd.io/", "image.toolkit.fluxcd.io/", "notification.toolkit.fluxcd.io/"
	proxy := secret("proxy", map[string]string{"address": "http://proxy.example.com:3128", "username": "u", "password": "s3cret"})
	deployment := func(name, tag string) string {
		return "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: " + name + ", namespace: flux-system, labels: {app.kubernetes.io/part-of: flux, app.kubernetes.io/component: " + name + "}}\n" +
			"spec: {selector: {}, template: {spec: {containers: [{name: manager, image: \"registry.example.com/fluxcd/" + name + ":" + tag + "\", volumeMounts: [{name: tmp, mountPath: /tmp}]}], volumes: [{name: tmp, emptyDir: {}}]}}}\n"
	}
	for name, tc := range map[string]struct {
		config                    string // behind caBundle
		apiVersion, kind, spec    string
		more                      []string
		want                      Target
		address, proxy, user, why string
		roots                     int
	}{
		"HelmRepository": {
			apiVersion: source + "v1", kind: "HelmRepository", spec: "{url: \"https://user:s3cret@Charts.example.com/stable?x=y\"}",
			address: "https://charts.example.com/stable?x=y", want: Target{Helm: true, Bundle: true},
		},
		"HelmRepository, no scheme": {
			apiVersion: source + "v1", kind: "HelmRepository", spec: "{url: user:s3cret@charts.example.com}",
			want: Target{Bundle: true, Problem: "spec.url has no scheme or no host; write for example https://charts.example.com or oci://registry.example.com/app"},
		},
		"OCIRepository, no scheme": {
			apiVersion: source + "v1", kind: "OCIRepository", spec: "{url: registry.example.com/app}",
			want: Target{Bundle: true, Problem: "spec.url has no scheme or no host; write for example https://charts.example.com or oci://registry.example.com/app"},
		},
		"Provider, no host": {
			apiVersion: notification + "v1beta3", kind: "Provider", spec: "{type: googlepubsub, address: my-project}",
			want: Target{Bundle: true, CAAlone: true, Skip: "spec.address is no URL of a host"},
		},
		"HelmRepository, oci": {
			apiVersion: source + "v1", kind: "HelmRepository", spec: "{type: oci, url: \"oci://registry.example.com/charts\"}",
			address: "https://registry.example.com/charts", want: Target{Registry: true, Bundle: true},
		},
		"HelmRepository, pinned": {
			apiVersion: source + "v1", kind: "HelmRepository", spec: "{url: \"https://charts.example.com\", certSecretRef: {name: ca}}",
			more:    []string{deployment("source-controller", "v1.6.2"), secret("ca", map[string]string{"ca.crt": root})},
			address: "https://charts.example.com", want: Target{Helm: true, Bundle: true, Pinned: true}, roots: 1,
		},
		"HelmRepository, no longer pinned": {
			apiVersion: source + "v1", kind: "HelmRepository", spec: "{url: \"https://charts.example.com\", certSecretRef: {name: ca}}",
			more:    []string{deployment("source-controller", "v1.7.0"), secret("ca", map[string]string{"ca.crt": root})},
			address: "https://charts.example.com", want: Target{Helm: true, Bundle: true}, roots: 1,
		},
		"set by the config": {
			config:     "  sources: [{kinds: [HelmRepository], certSecretRef: {name: made}}]\n",
			apiVersion: source + "v1", kind: "HelmRepository", spec: "{url: \"https://charts.example.com\"}",
			address: "https://charts.example.com", want: Target{Helm: true, Bundle: true}, roots: 1,
		},
		"http": {
			apiVersion: source + "v1", kind: "HelmRepository", spec: "{url: \"http://charts.example.com\"}",
			address: "https://charts.example.com", want: Target{Bundle: true, Skip: "http:// is no TLS"},
		},
		"a placeholder": {
			apiVersion: source + "v1", kind: "HelmRepository", spec: "{url: \"https://${HOST}\"}",
			why: "holds a ${…}", want: Target{Bundle: true},
		},
		"OCIRepository": {
			apiVersion: source + "v1", kind: "OCIRepository", spec: "{url: \"oci://registry.example.com:5000/team/app\", ref: {tag: v1}, proxySecretRef: {name: proxy}}",
			more:    []string{proxy},
			address: "https://registry.example.com:5000/team/app", want: Target{Registry: true, Bundle: true, Tag: "v1"}, proxy: "proxy.example.com:3128", user: "u:s3cret",
		},
		"a proxy that is not there": {
			apiVersion: source + "v1", kind: "OCIRepository", spec: "{url: \"oci://registry.example.com/app\", proxySecretRef: {name: proxy}}",
			address: "https://registry.example.com/app", want: Target{Registry: true, Bundle: true, Note: "the proxy of Secret proxy is not known (it is not in the stream): probed without it"},
		},
		"a proxy without an address": {
			apiVersion: source + "v1", kind: "OCIRepository", spec: "{url: \"oci://registry.example.com/app\", proxySecretRef: {name: proxy}}",
			more:    []string{secret("proxy", map[string]string{"username": "u"})},
			address: "https://registry.example.com/app", want: Target{Registry: true, Bundle: true, Problem: "Secret proxy has no key address, which proxySecretRef needs"},
		},
		"Bucket": {
			apiVersion: source + "v1", kind: "Bucket", spec: "{endpoint: \"minio.example.com:9000\", bucketName: x}",
			address: "https://minio.example.com:9000", want: Target{Bundle: true},
		},
		"ImageRepository": {
			apiVersion: image + "v1", kind: "ImageRepository", spec: "{image: registry.example.com/team/app, certSecretRef: {name: ca}}",
			more:    []string{secret("ca", map[string]string{"caFile": root})},
			address: "https://registry.example.com/team/app", want: Target{Registry: true, Bundle: true}, roots: 1,
		},
		"ImageRepository on Docker Hub": {
			apiVersion: image + "v1", kind: "ImageRepository", spec: "{image: fluxcd/flux-cli}",
			address: "https://index.docker.io/fluxcd/flux-cli", want: Target{Registry: true, Bundle: true},
		},
		"an official image": {
			apiVersion: image + "v1", kind: "ImageRepository", spec: "{image: alpine}",
			address: "https://index.docker.io/library/alpine", want: Target{Registry: true, Bundle: true},
		},
		"Provider": {
			apiVersion: notification + "v1beta3", kind: "Provider", spec: "{type: generic, address: \"https://hook.example.com/s3cret\", certSecretRef: {name: ca}, proxy: \"http://proxy.example.com\"}",
			more:    []string{secret("ca", map[string]string{"ca.crt": root})},
			address: "https://hook.example.com/s3cret", want: Target{Bundle: true, CAAlone: true}, roots: 1, proxy: "proxy.example.com",
		},
		"Provider, its CA is not known": {
			apiVersion: notification + "v1beta3", kind: "Provider", spec: "{type: generic, address: \"https://hook.example.com\", certSecretRef: {name: ca}}",
			address: "https://hook.example.com", why: "which the controller trusts alone", want: Target{Bundle: true, CAAlone: true, Note: "the CA of Secret ca is not known (it is not in the stream): probed without it"},
		},
		"Provider without an address": {
			apiVersion: notification + "v1beta3", kind: "Provider", spec: "{type: slack, secretRef: {name: x}}",
			why: "has no spec.address", want: Target{Bundle: true, CAAlone: true},
		},
		"GitRepository": {
			apiVersion: source + "v1", kind: "GitRepository", spec: "{url: \"https://git.example.com/x\", secretRef: {name: git}}",
			more:    []string{secret("git", map[string]string{"ca.crt": root, "password": "s3cret ${NOT_OURS}"})},
			address: "https://git.example.com/x", want: Target{Bundle: true}, roots: 1,
		},
		"GitRepository over SSH": {
			apiVersion: source + "v1", kind: "GitRepository", spec: "{url: \"ssh://git@git.example.com/x\"}",
			address: "https://git.example.com/x", want: Target{Bundle: true, Skip: "ssh:// is no TLS"},
		},
		"a bad CA": {
			apiVersion: source + "v1", kind: "OCIRepository", spec: "{url: \"oci://registry.example.com/app\", certSecretRef: {name: ca}}",
			more:    []string{secret("ca", map[string]string{"ca.crt": "s3cret"})},
			address: "https://registry.example.com/app", want: Target{Registry: true, Bundle: true, Problem: "Secret ca, key ca.crt: holds no certificate: there is no line -----BEGIN CERTIFICATE-----"},
		},
		"a controller without the bundle": {
			config:     "  controllers: {exclude: [source-controller]}\n",
			apiVersion: source + "v1", kind: "OCIRepository", spec: "{url: \"oci://registry.example.com/app\"}",
			address: "https://registry.example.com/app", want: Target{Registry: true},
		},
	} {
		t.Run(name, func(t *testing.T) {
			config, err := v1alpha1.Parse("c.yaml", []byte("apiVersion: fluxtrust.dev/v1alpha1\nkind: FluxTrust\nmetadata: {name: x}\nspec:\n  onNoControllers: Ignore\n  caBundle: [{configMap: {name: corp-ca, keys: [ca.crt]}}]\n"+tc.config))
			if err != nil {
				t.Fatal(err)
			}
			texts := append([]string{
				"apiVersion: " + tc.apiVersion + "\nkind: " + tc.kind + "\nmetadata: {name: a, namespace: apps}\nspec: " + tc.spec + "\n",
				"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: corp-ca, namespace: flux-system}\ndata:\n  ca.crt: |\n    " + strings.ReplaceAll(strings.TrimSpace(root), "\n", "\n    ") + "\n",
			}, tc.more...)
			var resources []Resource
			for _, text := range texts {
				resources = append(resources, Resource{Node: yaml.MustParse(text)})
			}
			targets, roots, unknown, outcome := Targets(config, resources, time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
			if outcome.Failed() || len(targets) != 1 || len(roots) != 1 || unknown != "" {
				t.Fatalf("%d targets, %d roots, unknown %q: %v", len(targets), len(roots), unknown, outcome.Results())
			}
			got := targets[0]
			if got.Kind != tc.kind || got.Namespace != "apps" || got.Name != "a" {
				t.Errorf("is %s %s/%s", got.Kind, got.Namespace, got.Name)
			}
			address := ""
			if got.URL != nil {
				address = got.URL.String()
			}
			if address != tc.address || len(got.CA) != tc.roots {
				t.Errorf("%s with %d roots, want %s with %d", address, len(got.CA), tc.address, tc.roots)
			}
			host, user := "", ""
			if got.Proxy != nil {
				host, user = got.Proxy.Host, got.Proxy.User.String()
			}
			if host != tc.proxy || user != tc.user {
				t.Errorf("proxy %s, %s, want %s, %s", host, user, tc.proxy, tc.user)
			}
			if tc.why != "" {
				if !strings.Contains(got.Skip, tc.why) {
					t.Errorf("skipped: %q, want %q", got.Skip, tc.why)
				}
				got.Skip = ""
			}
			if texts := got.Skip + got.Problem + got.Note; strings.Contains(texts, "s3cret") {
				t.Errorf("a secret is shown: %s", texts)
			}
			w := tc.want
			if got.Helm != w.Helm || got.Registry != w.Registry || got.Tag != w.Tag || got.Bundle != w.Bundle || got.CAAlone != w.CAAlone || got.Pinned != w.Pinned ||
				got.Skip != w.Skip || got.Problem != w.Problem || got.Note != w.Note {
				t.Errorf("got %+v\nwant %+v", got, w)
			}
		})
	}
}
