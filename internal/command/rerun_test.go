package command

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
)

// TestEveryPairOfConfigs runs config A, then B, then A again over controllers
// of many kinds. A must give its bytes again, B must give what it gives on a
// fresh controller, and None must give the controller back.
func TestEveryPairOfConfigs(t *testing.T) {
	root := "      " + strings.ReplaceAll(strings.TrimSpace(goldenRoot(t)), "\n", "\n      ") + "\n"
	const corpCA = "  caBundle: [{configMap: {name: corp-ca, keys: [ca.crt]}}]\n"
	specs := map[string]string{
		"Directory":             corpCA,
		"Directory elsewhere":   corpCA + "  mount: {path: /ca}\n",
		"Directory, Replace":    corpCA + "  mount: {systemRoots: Replace}\n",
		"another source":        "  caBundle: [{secret: {name: other}}]\n",
		"two sources":           "  caBundle: [{configMap: {name: corp-ca, keys: [ca.crt]}}, {secret: {name: other}}]\n",
		"inline":                "  caBundle:\n  - inline:\n     name: corporate-ca\n     pem: |\n" + root,
		"inline, immutable":     "  caBundle:\n  - inline:\n     name: corporate-ca\n     immutable: true\n     pem: |\n" + root,
		"ClusterTrustBundle":    "  caBundle: [{clusterTrustBundle: {name: corp}}]\n",
		"File":                  "  caBundle: [{configMap: {name: corp-ca, keys: [a.crt, b.crt]}}]\n  mount: {method: File}\n",
		"InitContainer":         corpCA + "  mount: {method: InitContainer}\n",
		"InitContainer replace": corpCA + "  mount: {method: InitContainer, systemRoots: Replace}\n",
	}
	configs := map[string]string{}
	for name, spec := range specs {
		configs[name] = writeSpec(t, spec)
	}
	none := writeSpec(t, "  mount: {method: None}\n")

	const strict = `        securityContext:
          allowPrivilegeEscalation: false
          capabilities: {drop: [ALL]}
          readOnlyRootFilesystem: true
          runAsNonRoot: true
          seccompProfile: {type: RuntimeDefault}
`
	head := "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: source-controller\n  namespace: flux-system\n"
	body := "spec:\n  selector: {matchLabels: {app: source-controller}}\n  template:\n"
	manager := "      containers:\n      - name: manager\n        image: registry.example.com/fluxcd/source-controller:v1.9.6\n"
	tmp := "        volumeMounts:\n        - {name: tmp, mountPath: /tmp}\n"
	volumes := "      volumes:\n      - {name: tmp, emptyDir: {}}\n"
	controllers := map[string]string{
		"bare": head + body + "    spec:\n" + manager + strict + tmp + volumes,
		"own values": head + "  annotations: {team: platform}\n" + body + "    metadata:\n      annotations: {scrape: \"true\"}\n    spec:\n" +
			"      initContainers:\n      - name: wait\n        image: corp/wait:1\n" + strict + manager +
			"        env:\n        - {name: FIRST, value: x}\n        - {name: SSL_CERT_DIR, value: \"/mine:/etc/ssl/certs\"}\n        - {name: SSL_CERT_FILE, value: /mine/ca.pem}\n" +
			"        - {name: GIT_SSL_CAINFO, value: /mine/git.pem}\n        - {name: LAST, value: z}\n" + strict + tmp +
			"        - {name: tmp, mountPath: /data}\n" + volumes + "      - {name: more, emptyDir: {}}\n",
		"nothing at all": head + body + "    spec:\n" + manager,
	}
	for kind, manifest := range controllers {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			// Hardening is not part of what is taken back.
			start := mustRun(t, []byte(manifest), none)
			fresh := map[string][]byte{}
			for name, config := range configs {
				fresh[name] = mustRun(t, []byte(manifest), config)
				if back := mustRun(t, fresh[name], none); string(back) != string(start) {
					t.Errorf("%s, then None, gives\n%s\nnot\n%s", name, back, start)
				}
			}
			for a, configA := range configs {
				for b, configB := range configs {
					second := mustRun(t, fresh[a], configB)
					if got, want := sorted(t, second), sorted(t, fresh[b]); !reflect.DeepEqual(got, want) {
						t.Errorf("%s, then %s, gives\n%s\nnot\n%s", a, b, second, fresh[b])
					}
					if third := mustRun(t, second, configA); string(third) != string(fresh[a]) {
						t.Errorf("%s, %s, %s gives\n%s\nnot\n%s", a, b, a, third, fresh[a])
					}
				}
			}
		})
	}
}

func writeSpec(t *testing.T, spec string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "config.yaml")
	text := "apiVersion: fluxtrust.dev/v1alpha1\nkind: FluxTrust\nmetadata: {name: corporate-ca}\nspec:\n" + spec
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// goldenRoot returns the root of the golden tests.
func goldenRoot(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile("../../examples/quickstart/certs/Company-Root-CA.crt")
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func mustRun(t *testing.T, input []byte, config string) []byte {
	t.Helper()
	output, stderr, code := run(input, config, "-")
	if code != 0 {
		t.Fatalf("exit code %d\n%s", code, stderr)
	}
	return output
}

// sorted returns the resources of a stream with what the function writes in
// the order of names: lists that differ in order only are equal.
func sorted(t *testing.T, stream []byte) []any {
	t.Helper()
	var all []any
	for _, text := range resources(t, stream) {
		if strings.Contains(text, "kind: ConfigMap") {
			all = append(all, text)
			continue
		}
		var d appsv1.Deployment
		decode(t, text, &d)
		pod := &d.Spec.Template.Spec
		slices.SortFunc(pod.Volumes, func(a, b corev1.Volume) int { return strings.Compare(a.Name, b.Name) })
		for i := range pod.Containers {
			c := &pod.Containers[i]
			slices.SortFunc(c.Env, func(a, b corev1.EnvVar) int { return strings.Compare(a.Name, b.Name) })
			slices.SortFunc(c.VolumeMounts, func(a, b corev1.VolumeMount) int { return strings.Compare(a.MountPath, b.MountPath) })
		}
		all = append(all, d)
	}
	return all
}
