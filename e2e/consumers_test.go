package e2e

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

// The tests of this file let Flux's own programs build what patches --write has
// written: the CLI of Flux a folder, that of flux-operator a FluxInstance.

// repository is a folder as flux bootstrap makes it, with the certificate in it.
func repository(t *testing.T, files map[string]string) build {
	t.Helper()
	b := build{t: t, dir: t.TempDir()}
	for file, text := range files {
		if err := os.MkdirAll(filepath.Join(b.dir, filepath.Dir(file)), 0o750); err != nil {
			t.Fatal(err)
		}
		b.write(file, text)
	}
	b.write("config.yaml", configHead+"  caBundle:\n  - configMap: {name: corp-ca, keys: [ca.crt]}\n")
	return b
}

const bootstrapped = "clusters/prod/flux-system/"

// bootstrap returns the files of a cluster; path is what Flux builds.
func bootstrap(t *testing.T, path, kustomization, sync string) map[string]string {
	t.Helper()
	return map[string]string{
		".git/HEAD":                           "ref: refs/heads/main\n",
		bootstrapped + "gotk-components.yaml": read(t, filepath.Join(examples, "bootstrap/flux-system/gotk-components.yaml")),
		bootstrapped + "kustomization.yaml":   kustomization,
		bootstrapped + "ca.crt":               newAuthority(t, "root").pem(),
		bootstrapped + "gotk-sync.yaml": "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata:\n  name: flux-system\n  namespace: flux-system\nspec:\n" +
			"  interval: 10m0s\n  path: " + path + "\n  prune: true\n  sourceRef:\n    kind: GitRepository\n    name: flux-system\n" + sync,
	}
}

// suffix is what kustomize's hash adds to the name of a ConfigMap.
var suffix = regexp.MustCompile(`corp-ca-[2456789bcdfghkmt]{10}\b`)

// TestFluxBuilds: what the CLI of Flux builds of a folder that was written is what the
// function makes of what it builds without.
func TestFluxBuilds(t *testing.T) {
	flux, function := program(t, "FLUX"), program(t, "FLUX_TRUST")
	const plain = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n- gotk-components.yaml\n- gotk-sync.yaml\n"
	own := plain + "patches:\n- target: {kind: Deployment}\n  patch: |\n    - op: add\n      path: /spec/template/spec/containers/0/env/-\n      value: {name: SSL_CERT_DIR, value: /etc/corp}\n"
	for name, tc := range map[string]struct {
		path, kustomization, sync string
		more                      map[string]string
	}{
		"the folder":                    {"./clusters/prod/flux-system", plain, "", nil},
		"the folder around it":          {"./clusters/prod", plain, "", map[string]string{"clusters/prod/apps/web.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web, namespace: apps}\ndata: {a: b}\n"}},
		"own variables and images":      {"./clusters/prod", own + "images:\n- name: ghcr.io/fluxcd/source-controller\n  newName: registry.example.com/source-controller\n", "", nil},
		"patches of the Kustomization":  {"./clusters/prod", plain, "  patches:\n  - target: {kind: Deployment}\n    patch: |\n      - op: add\n        path: /spec/template/spec/containers/0/args/-\n        value: --concurrent=20\n", nil},
		"a namespace, in a folder more": {"./clusters/prod", plain + "namespace: gitops\n", "", map[string]string{"clusters/prod/kustomization.yaml": "resources: [flux-system]\ncommonAnnotations: {team: platform}\n"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := repository(t, bootstrap(t, tc.path, tc.kustomization, tc.sync))
			for file, text := range tc.more {
				if err := os.MkdirAll(filepath.Join(b.dir, filepath.Dir(file)), 0o750); err != nil {
					t.Fatal(err)
				}
				b.write(file, text)
			}
			builds := func() string {
				return b.ok(flux, "build", "kustomization", "flux-system", "--dry-run", "--path", tc.path, "--kustomization-file", bootstrapped+"gotk-sync.yaml")
			}
			before := builds()
			if told := b.must(function, "patches", "config.yaml", "--write", bootstrapped).stderr; !strings.Contains(told, " 0 warnings\n") {
				t.Errorf("unexpected\n%s", told)
			}
			after := builds()
			object := suffix.FindString(after)
			if object == "" {
				t.Fatalf("no ConfigMap in\n%s", after)
			}
			b.write("before.yaml", before)
			for _, document := range strings.Split(after, "\n---\n") {
				if strings.Contains(document, "\nkind: ConfigMap\n") && strings.Contains(document, "\n  name: "+object+"\n") {
					b.write("ca.yaml", document+"\n")
				}
			}
			equal(t, "flux build", after, b.ok(function, "config.yaml", "before.yaml", "ca.yaml"))
			b.ok(function, "patches", "config.yaml", "--write", bootstrapped, "--check")
			b.ok(function, "patches", "config.yaml", "--write", bootstrapped, "--remove")
			if builds() != before {
				t.Error("after --remove another build")
			}
		})
	}
}

// operatorManifests returns the manifests that flux-operator builds from, as its module
// has them.
func operatorManifests(t *testing.T) string {
	t.Helper()
	row := regexp.MustCompile(`(?m)^flux-operator (\S+)`).FindStringSubmatch(read(t, "../tools/programs.txt"))
	if row == nil {
		t.Fatal("tools/programs.txt has no flux-operator")
	}
	cmd := exec.Command("go", "mod", "download", "-json", row[1]) //nolint:gosec // a module that the project names
	cmd.Dir = t.TempDir()
	out, err := cmd.Output()
	var module struct{ Dir string }
	if err != nil || json.Unmarshal(out, &module) != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return filepath.Join(module.Dir, "config", "data")
}

// registry serves a folder as an artifact of an OCI registry, and returns its address.
func registry(t *testing.T, dir string) string {
	t.Helper()
	server := httptest.NewServer(registryOf(t, dir))
	t.Cleanup(server.Close)
	return "oci://" + strings.TrimPrefix(server.URL, "http://") + "/flux:latest"
}

// registryOf is the registry with the artifact.
func registryOf(t *testing.T, dir string) http.Handler {
	t.Helper()
	var layer bytes.Buffer
	compressed := gzip.NewWriter(&layer)
	archive := tar.NewWriter(compressed)
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.Contains(path, "/v2.9.") {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		if err := archive.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(data))}); err != nil {
			return err
		}
		_, err = archive.Write(data)
		return err
	})
	if err != nil || archive.Close() != nil || compressed.Close() != nil {
		t.Fatal(err)
	}
	blobs := map[string][]byte{}
	blob := func(mediaType string, data []byte) string {
		digest := fmt.Sprintf("sha256:%x", sha256.Sum256(data))
		blobs[digest] = data
		return fmt.Sprintf(`{"mediaType": %q, "digest": %q, "size": %d}`, mediaType, digest, len(data))
	}
	config := blob("application/vnd.oci.image.config.v1+json", []byte(`{"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": []}}`))
	content := blob("application/vnd.oci.image.layer.v1.tar+gzip", layer.Bytes())
	manifest := []byte(fmt.Sprintf(`{"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "config": %s, "layers": [%s]}`, config, content))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		data := blobs[filepath.Base(r.URL.Path)]
		if strings.Contains(r.URL.Path, "/manifests/") {
			data = manifest
			w.Header().Set("Content-Type", "application/vnd.oci.image.manifest.v1+json")
		}
		w.Header().Set("Docker-Content-Digest", fmt.Sprintf("sha256:%x", sha256.Sum256(data)))
		_, _ = w.Write(data)
	})
}

// TestFluxOperatorPulls: the code by which flux-operator pulls its manifests takes the
// registry with the env and the files that its Deployment gets, or the values of its
// chart, and not without.
func TestFluxOperatorPulls(t *testing.T) {
	operator, function := program(t, "FLUX_OPERATOR"), program(t, "FLUX_TRUST")
	public, private := newAuthority(t, "public"), newAuthority(t, "private")
	artifact := strings.Replace(private.serve(t, registryOf(t, operatorManifests(t))), "https://", "oci://", 1) + "/flux:latest"
	const bare = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: flux-operator, namespace: flux-system, labels: {app.kubernetes.io/name: flux-operator}}\n" +
		"spec: {selector: {}, template: {spec: {containers: [{name: manager, image: ghcr.io/controlplaneio-fluxcd/flux-operator:v0.58.1}]}}}\n"
	b := newBuild(t, configHead+"  caBundle:\n  - configMap: {name: corp-ca, keys: [ca.crt]}\n", bare)
	b.write("ca.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: corp-ca, namespace: flux-system}\ndata:\n  ca.crt: |\n    "+strings.ReplaceAll(private.pem(), "\n", "\n    ")+"\n")
	b.write("instance.yaml", strings.Replace(read(t, filepath.Join(examples, "flux-instance/fluxinstance.yaml")), "registry.example.com/fluxcd", "ghcr.io/fluxcd", 1))

	var values struct {
		ExtraEnvs         []corev1.EnvVar
		ExtraVolumes      []corev1.Volume
		ExtraVolumeMounts []corev1.VolumeMount
	}
	if err := yaml.Unmarshal([]byte(b.ok(function, "patches", "config.yaml", "ca.yaml", "-o", "flux-operator-values")), &values); err != nil {
		t.Fatal(err)
	}
	byValues := deployments(t, bare)["flux-operator"]
	pod := &byValues.Spec.Template.Spec
	pod.Volumes = values.ExtraVolumes
	pod.Containers[0].Env, pod.Containers[0].VolumeMounts = values.ExtraEnvs, values.ExtraVolumeMounts
	for name, tc := range map[string]struct {
		deployment *appsv1.Deployment
		pulls      bool
	}{
		"as it was":                    {deployments(t, bare)["flux-operator"], false},
		"its Deployment":               {deployments(t, b.ok(function, "config.yaml", "flux.yaml", "ca.yaml"))["flux-operator"], true},
		"with the values of the chart": {byValues, true},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t, tc.deployment, public.pem())
			m.publish("corp-ca", map[string]string{"ca.crt": private.pem()})
			cmd := exec.Command(operator, "build", "instance", "-f", "instance.yaml", "--distribution-artifact", artifact)
			cmd.Dir, cmd.Env = b.dir, append(m.environment(), "HOME="+t.TempDir(), "PATH="+os.Getenv("PATH"))
			var stdout, stderr bytes.Buffer
			cmd.Stdout, cmd.Stderr = &stdout, &stderr
			err := cmd.Run()
			switch {
			case tc.pulls && (err != nil || !strings.Contains(stdout.String(), "name: source-controller")):
				t.Errorf("%v: %s", err, stderr.String())
			case !tc.pulls && (err == nil || !strings.Contains(stderr.String(), "pulling artifact "+artifact+" failed: ") || !strings.Contains(stderr.String(), unknownAuthority)):
				t.Errorf("got %v, want %s: %s", err, unknownAuthority, stderr.String())
			}
		})
	}
}

// checksCluster runs the check of docs/runbooks.md over what a cluster has of before.yaml
// and after.yaml: the second passes, the first does not. On OpenShift it passes by the
// profile of the runbook alone.
func (b build) checksCluster(isOpenShift bool) {
	b.t.Helper()
	const section, kubectl = "\n## Check a cluster\n", "\nkubectl get deployments,configmaps -n flux-system -o yaml | "
	_, text, _ := strings.Cut(read(b.t, "../docs/runbooks.md"), section)
	_, text, found := strings.Cut(text, kubectl)
	command, _, _ := strings.Cut(text, "\n")
	if !found || !strings.Contains(command, " corporate-ca.yaml -") {
		b.t.Fatalf("docs/runbooks.md checks a cluster with %q", command)
	}
	check := func(file string) result {
		b.write("cluster.yaml", kubectlGet(b.t, read(b.t, filepath.Join(b.dir, file))))
		return run(b.t, b.dir, "sh", "-c", strings.Replace(command, "corporate-ca.yaml", "config.yaml", 1)+" < cluster.yaml")
	}
	if got := check("after.yaml"); got.code != 0 || !regexp.MustCompile(`(?m)^Valid: [1-9]\d* controllers as configured`).MatchString(got.stdout) {
		b.t.Errorf("%s: exit code %d\n%s%s", command, got.code, got.stdout, got.stderr)
	}
	if got := check("before.yaml"); got.code != 1 {
		b.t.Errorf("%s, without the patches: exit code %d\n%s", command, got.code, got.stdout)
	}
	if !isOpenShift {
		return
	}
	profile := read(b.t, filepath.Join(b.dir, "config.yaml"))
	b.write("config.yaml", strings.Replace(profile, "  securityContext: {profile: OpenShift}\n", "", 1))
	if got := check("after.yaml"); got.code != 1 {
		b.t.Errorf("%s, without the profile: exit code %d\n%s", command, got.code, got.stdout)
	}
	b.write("config.yaml", profile)
}

// kubectlGet returns the Deployments and ConfigMaps of a stream as kubectl prints them: a
// List, with what the API server adds.
func kubectlGet(t *testing.T, stream string) string {
	t.Helper()
	list := map[string]any{"apiVersion": "v1", "kind": "List", "metadata": map[string]any{"resourceVersion": ""}}
	var items []any
	for _, document := range strings.Split("\n"+stream, "\n---\n") {
		var o map[string]any
		if err := yaml.Unmarshal([]byte(document), &o); err != nil {
			t.Fatal(err)
		}
		switch o["kind"] {
		case "Deployment":
			o["status"] = map[string]any{"replicas": 1, "readyReplicas": 1}
		case "ConfigMap":
		default:
			continue
		}
		if metadata, ok := o["metadata"].(map[string]any); ok {
			metadata["uid"], metadata["resourceVersion"] = "0b0c4b1e-6d7c-4a53-9f6e-2f8a2f4f7b10", "4711"
		}
		items = append(items, o)
	}
	list["items"] = items
	text, err := yaml.Marshal(list)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestFluxOperatorBuilds: what flux-operator builds of a FluxInstance in a folder that
// was written is what the function makes of what it builds without.
func TestFluxOperatorBuilds(t *testing.T) {
	operator, function, kustomize := program(t, "FLUX_OPERATOR"), program(t, "FLUX_TRUST"), program(t, "KUSTOMIZE")
	artifact := registry(t, operatorManifests(t))
	instance := strings.Replace(read(t, filepath.Join(examples, "flux-instance/fluxinstance.yaml")), "registry.example.com/fluxcd", "ghcr.io/fluxcd", 1)
	_, withoutPatches, _ := strings.Cut(strings.ReplaceAll(instance, "\n", "\x00"), "\x00  kustomize:")
	withoutPatches = strings.TrimSuffix(instance, "  kustomize:"+strings.ReplaceAll(withoutPatches, "\x00", "\n"))
	for name, files := range map[string]map[string]string{
		"with own patches":    {"flux/kustomization.yaml": "resources: [flux.yaml]\n", "flux/flux.yaml": instance},
		"without own patches": {"flux/kustomization.yaml": "resources: [flux.yaml]\n", "flux/flux.yaml": withoutPatches},
		"in a base":           {"base/kustomization.yaml": "resources: [flux.yaml]\n", "base/flux.yaml": instance, "flux/kustomization.yaml": "resources: [../base]\nnamespace: flux-system\n"},
		"on OpenShift":        {"flux/kustomization.yaml": "resources: [flux.yaml]\n", "flux/flux.yaml": withoutPatches + "  cluster: {type: openshift}\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := repository(t, files)
			b.write("flux/ca.crt", newAuthority(t, "root").pem())
			if strings.Contains(name, "OpenShift") {
				b.write("config.yaml", read(t, filepath.Join(b.dir, "config.yaml"))+"  securityContext: {profile: OpenShift}\n")
			}
			builds := func() string {
				b.write("all.yaml", b.ok(kustomize, "build", "flux"))
				for _, document := range strings.Split(read(t, filepath.Join(b.dir, "all.yaml")), "\n---\n") {
					switch {
					case strings.Contains(document, "kind: FluxInstance\n"):
						b.write("instance.yaml", document+"\n")
					case strings.Contains(document, "kind: ConfigMap\n"):
						b.write("ca.yaml", document+"\n")
					}
				}
				return b.ok(operator, "build", "instance", "-f", "instance.yaml", "--distribution-artifact", artifact)
			}
			before := builds()
			b.ok(function, "patches", "config.yaml", "--write", "flux")
			b.write("before.yaml", before)
			after := builds()
			b.write("after.yaml", after+"\n---\n"+read(t, filepath.Join(b.dir, "ca.yaml")))
			equal(t, "flux-operator", read(t, filepath.Join(b.dir, "after.yaml")), b.ok(function, "config.yaml", "before.yaml", "ca.yaml"))
			b.checksCluster(strings.Contains(name, "OpenShift"))
			b.ok(function, "patches", "config.yaml", "--write", "flux", "--check")
			b.ok(function, "patches", "config.yaml", "--write", "flux", "--remove")
			if builds() != before {
				t.Error("after --remove another build")
			}
		})
	}
}
