package command

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/aymanbagabas/go-udiff"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
	"sigs.k8s.io/kustomize/kyaml/yaml"
	kubeyaml "sigs.k8s.io/yaml"

	"fluxtrust.dev/flux-trust/internal/corpus"
	"fluxtrust.dev/flux-trust/internal/stream"
)

func writeConfig(t *testing.T, spec string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "config.yaml")
	text := "apiVersion: fluxtrust.dev/v1alpha1\nkind: FluxTrust\nmetadata: {name: corporate-ca}\nspec:\n" +
		"  caBundle:\n  - configMap: {name: z-scaler-ca, keys: [Company-Root-CA.crt]}\n" + spec
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestCorpusInstalls runs the three-line config over every real install.
func TestCorpusInstalls(t *testing.T) {
	// How many Deployments and how many containers in them are controllers. A
	// file that is not named here has six of one container each.
	want := map[string][2]int{
		"flux-aio-cozystack.yaml":                {1, 5},
		"helm-flux-operator-default.yaml":        {1, 1},
		"kustomize-greenhouse-ca-v2.7.5.yaml":    {4, 4},
		"kustomize-sasin91.yaml":                 {4, 4},
		"kustomize-sharding-derived-v2.9.4.yaml": {9, 9},
		"kustomize-usa-reddragon.yaml":           {4, 4},
		"01-bom-gotk-components-v2.8.8.yaml":     {4, 4},
	}
	// What Pod Security refuses still, because it cannot be repaired.
	leftover := map[string]string{
		"flux-aio-cozystack.yaml": "host namespaces",
	}
	config := writeConfig(t, "")
	for _, file := range corpus.Files(t, "gotk/*", "installs/*", "odd/01*") {
		name := filepath.Base(file)
		t.Run(name, func(t *testing.T) {
			input, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			output, stderr, code := run(nil, config, file)
			if code != 0 {
				t.Fatalf("exit code %d\n%s", code, stderr)
			}
			if again, _, code := run(output, config, "-"); code != 0 || !bytes.Equal(again, output) {
				t.Errorf("a second run gives exit code %d or changes bytes", code)
			}
			if line := missingLine(string(input), string(output)); line != "" {
				t.Errorf("lines were not only added: %q is gone or has moved", line)
			}
			counts, ok := want[name]
			if !ok {
				counts = [2]int{6, 6}
			}
			found := checkDocuments(t, input, output, leftover[name])
			if found != counts {
				t.Errorf("%d Deployments with %d controllers, want %v", found[0], found[1], counts)
			}
			report, _, code := run(output, "validate", config, "-")
			if (code == 0) != (leftover[name] == "") || !bytes.Contains(report, []byte(leftover[name])) {
				t.Errorf("validate: exit code %d, want a complaint about %q only\n%s", code, leftover[name], report)
			}
			t.Logf("%d Deployments, %d containers trust the bundle; %d lines added", found[0], found[1], bytes.Count(output, []byte("\n"))-bytes.Count(input, []byte("\n")))
		})
	}
}

// missingLine returns the first line of before that after does not have, in its
// order.
func missingLine(before, after string) string {
	rest := strings.Split(after, "\n")
	for line := range strings.SplitSeq(before, "\n") {
		i := slices.Index(rest, line)
		if i < 0 {
			return line
		}
		rest = rest[i+1:]
	}
	return ""
}

// checkDocuments compares the documents before and after. It returns how many
// Deployments and containers trust the bundle.
func checkDocuments(t *testing.T, input, output []byte, leftover string) [2]int {
	t.Helper()
	before, after := resources(t, input), resources(t, output)
	if len(before) != len(after) {
		t.Fatalf("%d resources became %d", len(before), len(after))
	}
	var found [2]int
	for i := range before {
		if !strings.Contains(after[i], "fluxtrust.dev/config") {
			if before[i] != after[i] {
				t.Errorf("resource %d is not a controller and changed", i)
			}
			continue
		}
		var was, is appsv1.Deployment
		decode(t, before[i], &was)
		decode(t, after[i], &is)
		found[0]++
		found[1] += undo(t, &is)
		if !reflect.DeepEqual(was, is) {
			t.Errorf("%s: more than the trust changed:\n%s", is.Name, udiff.Unified("before", "after", asJSON(t, was), asJSON(t, is)))
		}
		decode(t, after[i], &is)
		if got := violations(t, &is.Spec.Template); got != leftover {
			t.Errorf("%s: Pod Security says %q, want %q", is.Name, got, leftover)
		}
	}
	return found
}

// undo takes the trust out of a Deployment again, fails when a part of it is
// missing, and returns how many containers had it.
func undo(t *testing.T, d *appsv1.Deployment) int {
	t.Helper()
	delete(d.Annotations, "fluxtrust.dev/config")
	delete(d.Annotations, "fluxtrust.dev/previous")
	if len(d.Annotations) == 0 {
		d.Annotations = nil
	}
	pod := &d.Spec.Template.Spec
	volumes := len(pod.Volumes)
	pod.Volumes = slices.DeleteFunc(pod.Volumes, func(v corev1.Volume) bool {
		return v.Name == "flux-trust-ca" && v.Projected.Sources[0].ConfigMap.Name == "z-scaler-ca" &&
			v.Projected.Sources[0].ConfigMap.Items[0].Key == "Company-Root-CA.crt"
	})
	if len(pod.Volumes) != volumes-1 {
		t.Errorf("%s: no volume flux-trust-ca", d.Name)
	}
	trusting := 0
	for i := range pod.Containers {
		c := &pod.Containers[i]
		mounts, envs := len(c.VolumeMounts), len(c.Env)
		c.VolumeMounts = slices.DeleteFunc(c.VolumeMounts, func(m corev1.VolumeMount) bool {
			return reflect.DeepEqual(m, corev1.VolumeMount{Name: "flux-trust-ca", MountPath: "/etc/ssl/flux-trust", ReadOnly: true})
		})
		c.Env = slices.DeleteFunc(c.Env, func(e corev1.EnvVar) bool {
			return e.Name == "SSL_CERT_DIR" && e.Value == "/etc/ssl/certs:/etc/ssl/flux-trust"
		})
		if len(c.Env) == 0 {
			c.Env = nil
		}
		switch {
		case len(c.VolumeMounts) == mounts-1 && len(c.Env) == envs-1:
			trusting++
		case len(c.VolumeMounts) != mounts || len(c.Env) != envs:
			t.Errorf("%s: container %s has %d mounts and %d env variables too many", d.Name, c.Name, mounts-len(c.VolumeMounts), envs-len(c.Env))
		}
	}
	return trusting
}

// violations returns what the Pod Security admission has against a pod at the
// level restricted.
func violations(t *testing.T, template *corev1.PodTemplateSpec) string {
	t.Helper()
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		t.Fatal(err)
	}
	level := api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}
	result := policy.AggregateCheckResults(evaluator.EvaluatePod(level, &template.ObjectMeta, &template.Spec))
	return result.ForbiddenReason()
}

// resources returns the text of each resource of a stream.
func resources(t *testing.T, data []byte) []string {
	t.Helper()
	documents, err := stream.Split("test", data, nil)
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	for _, d := range documents {
		if d.Resource() != nil {
			texts = append(texts, d.Resource().MustString())
		}
	}
	return texts
}

func decode(t *testing.T, text string, into *appsv1.Deployment) {
	t.Helper()
	*into = appsv1.Deployment{}
	if err := kubeyaml.UnmarshalStrict([]byte(text), into); err != nil {
		t.Fatal(err)
	}
}

func asJSON(t *testing.T, value any) string {
	t.Helper()
	text, err := json.MarshalIndent(value, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestCorpusNegative runs over what looks like Flux v2 and is not.
func TestCorpusNegative(t *testing.T) {
	strict, ignore := writeConfig(t, ""), writeConfig(t, "  onNoControllers: Ignore\n")
	for _, file := range corpus.Files(t, "negative/*", "odd/0[2-9]*", "odd/[12]*") {
		t.Run(filepath.Base(file), func(t *testing.T) {
			input, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			output, stderr, code := run(nil, strict, file)
			if code != 1 || len(output) > 0 || !strings.Contains(string(stderr), "no Flux controller among") {
				t.Errorf("exit code %d, %d bytes on stdout\n%s", code, len(output), stderr)
			}
			output, stderr, code = run(nil, ignore, file)
			if code != 0 || !bytes.Equal(output, input) {
				t.Errorf("Ignore: exit code %d, or the stream changed\n%s", code, stderr)
			}
		})
	}
}

// TestCorpusPatches runs over kustomizations and patches, which hold partial
// Deployments.
func TestCorpusPatches(t *testing.T) {
	config := writeConfig(t, "  onNoControllers: Ignore\n")
	for _, file := range corpus.Files(t, "overlays/*") {
		input, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		output, stderr, code := run(nil, config, file)
		if code != 0 || !bytes.Equal(output, input) {
			t.Errorf("%s: exit code %d, or the stream changed\n%s", file, code, stderr)
		}
	}
}

// TestCorpusFluxInstances runs over FluxInstances and a HelmRelease of one. What
// others have written stays as it is, line by line; an empty list is the one thing
// that gives way.
func TestCorpusFluxInstances(t *testing.T) {
	config := writeConfig(t, "")
	for _, file := range corpus.Files(t, "fluxinstance/*") {
		t.Run(filepath.Base(file), func(t *testing.T) {
			input, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			output, stderr, code := run(nil, config, file)
			if code != 0 || !strings.Contains(string(output), "# fluxtrust.dev/config: corporate-ca") {
				t.Fatalf("exit code %d, or no patch is ours\n%s", code, stderr)
			}
			kept := strings.ReplaceAll(string(input), "patches: []", "patches:")
			if line := missingLine(kept, string(output)); line != "" {
				t.Errorf("more than our patches differs: %q is gone or has moved", line)
			}
			if again, _, code := run(output, config, "-"); code != 0 || !bytes.Equal(again, output) {
				t.Errorf("a second run gives exit code %d or changes bytes", code)
			}
			changed := writeConfig(t, "  mount: {path: /ca}\n")
			other, _, code := run(output, changed, "-")
			if code != 0 || strings.Contains(string(other), "/etc/ssl/flux-trust") {
				t.Errorf("exit code %d, or another config leaves work of the first", code)
			}
			if back, _, code := run(other, config, "-"); code != 0 || !bytes.Equal(back, output) {
				t.Errorf("the first config again gives exit code %d or other bytes", code)
			}
		})
	}
}

// TestCorpusAsResourceList holds the ResourceList way against the plain way.
func TestCorpusAsResourceList(t *testing.T) {
	configFile := writeConfig(t, "")
	config, err := yaml.ReadFile(configFile)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range corpus.Files(t, "gotk/*v2.9.4.yaml", "installs/*", "odd/01*") {
		t.Run(filepath.Base(file), func(t *testing.T) {
			plain, stderr, code := run(nil, configFile, file)
			if code != 0 {
				t.Fatalf("%s", stderr)
			}
			list, stderr, code := run(wrap(t, readResources(t, file), config))
			if code != 0 {
				t.Fatalf("%s", stderr)
			}
			out, err := stream.ReadResourceList(list, nil)
			if err != nil {
				t.Fatal(err)
			}
			want := resources(t, plain)
			got := out.Items()
			if len(got) != len(want) {
				t.Fatalf("%d items, want %d", len(got), len(want))
			}
			for i := range want {
				if g := got[i].MustString(); g != want[i] && canonical(t, g) != canonical(t, want[i]) {
					t.Errorf("item %d differs:\n%s", i, udiff.Unified("plain", "list", want[i], g))
				}
			}
		})
	}
}

func canonical(t *testing.T, text string) string {
	t.Helper()
	data, err := kubeyaml.YAMLToJSON([]byte(text))
	if err != nil {
		t.Fatal(fmt.Errorf("%w\n%s", err, text))
	}
	return string(data)
}
