//go:build linux

package e2e

import (
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestClusterAdmissionRefuses: the API server refuses a controller that the policy
// cannot change, and leaves alone what is not Flux's.
func TestClusterAdmissionRefuses(t *testing.T) {
	function := program(t, "FLUX_TRUST")
	s := startAPIServer(t)
	stock := read(t, filepath.Join(examples, "quickstart/flux-system/gotk-components.yaml"))
	b := newBuild(t, inline(newAuthority(t, "root").pem(), "  securityContext: {profile: None}\n"), stock)
	s.restrict([]object{
		{"kind": "Namespace", "metadata": object{"name": "apps"}}, {"kind": "Namespace", "metadata": object{"name": "flux-system"}},
	})
	s.mustApply(parse(t, b.ok(function, "patches", "config.yaml", "-o", "admission-policy"), "flux-system")...)

	// with returns source-controller in a namespace, with texts replaced.
	with := func(namespace string, texts ...string) object {
		manifest := sourceController(t, stock)
		for i := 0; i < len(texts); i += 2 {
			if !strings.Contains(manifest, texts[i]) {
				t.Fatalf("the manifest has no %q", texts[i])
			}
			manifest = strings.ReplaceAll(manifest, texts[i], texts[i+1])
		}
		o := parse(t, manifest, "")[0]
		o["metadata"].(object)["namespace"] = namespace //nolint:forcetypeassert // parse has looked
		return o
	}
	try := func(o object) reply {
		return s.do(http.MethodPatch, s.path(o)+"?fieldManager=flux&dryRun=All", "application/apply-patch+yaml", o)
	}
	const ownRoots = "        env:\n        - name: SSL_CERT_DIR\n          value: /my/certs\n"
	own := []string{"        env:\n", ownRoots}

	s.await("the policies", func() error { // they are compiled in the background
		if r := try(with("flux-system")); r.code >= 300 || !strings.Contains(r.text, "flux-trust-ca") {
			return fmt.Errorf("stock: %d %s", r.code, r.text)
		}
		const want = "does not trust the CA bundle of FluxTrust corporate-ca: it needs the variable SSL_CERT_DIR to be /etc/ssl/certs:/etc/ssl/flux-trust; take its own value out"
		if r := try(with("flux-system", own...)); r.code != http.StatusUnprocessableEntity || !strings.Contains(r.message(), want) {
			return fmt.Errorf("with roots of its own: %d %s", r.code, r.text)
		}
		return nil
	})
	for name, o := range map[string]object{
		"another namespace": with("apps", own...),
		"another name":      with("flux-system", append(own, "\n  name: source-controller\n", "\n  name: my-controller\n")...),
		"no label of Flux":  with("flux-system", append(own, "\n    app.kubernetes.io/part-of: flux\n", "\n")...),
	} {
		if r := try(o); r.code >= 300 || strings.Contains(r.text, "flux-trust") {
			t.Errorf("%s: %d %s", name, r.code, r.text)
		}
	}
}

// TestClusterAdmissionFollows: a policy that is printed anew for another path changes
// what the one before has written, and a Deployment of somebody else's with a name that
// is to be generated gets through.
func TestClusterAdmissionFollows(t *testing.T) {
	function := program(t, "FLUX_TRUST")
	s := startAPIServer(t)
	stock := read(t, filepath.Join(examples, "quickstart/flux-system/gotk-components.yaml"))
	root := newAuthority(t, "root").pem()
	b := newBuild(t, inline(root, noHardening), stock)
	s.restrict([]object{{"kind": "Namespace", "metadata": object{"name": "flux-system"}}})
	controller := parse(t, sourceController(t, stock), "")[0]
	apply := func(o object) reply {
		return s.do(http.MethodPatch, s.path(o)+"?fieldManager=flux&force=true", "application/apply-patch+yaml", o)
	}
	for path, spec := range map[string]string{"/etc/ssl/flux-trust": "", "/ca": "  mount: {path: /ca}\n"} {
		b.write("config.yaml", inline(root, noHardening+spec))
		s.mustApply(parse(t, b.ok(function, "patches", "config.yaml", "-o", "admission-policy"), "flux-system")...)
		s.await("the policy for "+path, func() error {
			r := apply(controller)
			if r.code >= 300 || !strings.Contains(r.text, `"value":"/etc/ssl/certs:`+path+`"`) || strings.Count(r.text, `"mountPath":"`) != 3 {
				return fmt.Errorf("%d %s", r.code, r.text)
			}
			return nil
		})
	}
	generated := parse(t, strings.Replace(sourceController(t, stock), "\n  name: source-controller\n", "\n  generateName: my-app-\n", 1), "")[0]
	r := s.do(http.MethodPost, "/apis/apps/v1/namespaces/flux-system/deployments?dryRun=All", "application/yaml", generated)
	if r.code >= 300 || strings.Contains(r.text, "flux-trust") {
		t.Errorf("a name to be generated: %d %s", r.code, r.text)
	}
}

// TestClusterWarns: the policy that only tells warns whoever applies stock controllers,
// and nobody who applies what the function gives.
func TestClusterWarns(t *testing.T) {
	function := program(t, "FLUX_TRUST")
	s := startAPIServer(t)
	b := newBuild(t, inline(newAuthority(t, "root").pem(), noHardening), read(t, filepath.Join(examples, "quickstart/flux-system/gotk-components.yaml")))
	s.restrict([]object{{"kind": "Namespace", "metadata": object{"name": "flux-system"}}})
	s.mustApply(parse(t, b.ok(function, "patches", "config.yaml", "-o", "validating-policy"), "flux-system")...)
	stock := parse(t, sourceController(t, read(t, filepath.Join(b.dir, "flux.yaml"))), "")[0]
	changed := parse(t, sourceController(t, b.ok(function, "config.yaml", "flux.yaml")), "")[0]
	try := func(o object) reply {
		return s.do(http.MethodPatch, s.path(o)+"?fieldManager=flux&dryRun=All", "application/apply-patch+yaml", o)
	}
	s.await("the policy", func() error {
		if r := try(stock); r.code >= 300 || !strings.Contains(r.warning, "does not trust the CA bundle of FluxTrust corporate-ca") {
			return fmt.Errorf("stock: %d, warning %q", r.code, r.warning)
		}
		return nil
	})
	if r := try(changed); r.code >= 300 || strings.Contains(r.warning, "FluxTrust") {
		t.Errorf("what the function gives: %d, warning %q", r.code, r.warning)
	}
}

// TestClusterWindows: the API server takes a hardened pod of Windows, and refuses each
// field that the function says it refuses.
func TestClusterWindows(t *testing.T) {
	function := program(t, "FLUX_TRUST")
	s := startAPIServer(t)
	s.restrict([]object{{"kind": "Namespace", "metadata": object{"name": "flux-system"}}})
	const pod = `apiVersion: apps/v1
kind: Deployment
metadata: {name: tofu-controller, namespace: flux-system}
spec:
  selector: {matchLabels: {app: tofu}}
  template:
    metadata: {labels: {app: tofu}}
    spec:
      os: {name: windows}
      POD: 1
      containers:
      - name: manager
        image: registry.example.com/tofu:v1
        securityContext: {CONTAINER: 1}
`
	b := newBuild(t, configHead+"  mount: {method: None}\n  controllers: {additional: [{name: tofu-controller}]}\n", "")
	try := func(text string) reply {
		o := parse(t, text, "")[0]
		return s.do(http.MethodPatch, s.path(o)+"?fieldManager=flux&dryRun=All", "application/apply-patch+yaml", o)
	}
	with := func(inPod, inContainer string) string {
		return strings.NewReplacer("POD: 1", inPod, "CONTAINER: 1", inContainer).Replace(pod)
	}
	b.write("flux.yaml", with("restartPolicy: Always", ""))
	hardened := b.ok(function, "config.yaml", "flux.yaml")
	if r := try(hardened); r.code >= 300 || !strings.Contains(r.text, `"runAsNonRoot":true`) {
		t.Errorf("hardened: %d %s", r.code, r.text)
	}
	cases := map[string][2]string{}
	for _, f := range []string{"seLinuxOptions: {level: s0}", "seccompProfile: {type: RuntimeDefault}", "appArmorProfile: {type: RuntimeDefault}", "runAsUser: 1", "runAsGroup: 1"} {
		cases["pod "+f], cases["container "+f] = [2]string{"securityContext: {" + f + "}", ""}, [2]string{"restartPolicy: Always", f}
	}
	for _, f := range []string{"fsGroup: 1", "fsGroupChangePolicy: Always", "sysctls: [{name: a.b, value: c}]", "supplementalGroups: [1]", "supplementalGroupsPolicy: Strict", "seLinuxChangePolicy: Recursive"} {
		cases["pod "+f] = [2]string{"securityContext: {" + f + "}", ""}
	}
	for _, f := range []string{"hostUsers: false", "hostPID: true", "hostIPC: true", "shareProcessNamespace: false"} {
		cases["pod "+f] = [2]string{f, ""}
	}
	for _, f := range []string{"capabilities: {drop: [ALL]}", "readOnlyRootFilesystem: true", "privileged: false", "allowPrivilegeEscalation: false", "procMount: Default"} {
		cases["container "+f] = [2]string{"restartPolicy: Always", f}
	}
	for name, c := range cases {
		b.write("flux.yaml", with(c[0], c[1]))
		said := b.must(function, "config.yaml", "flux.yaml").stderr
		if r := try(with(c[0], c[1])); r.code != http.StatusUnprocessableEntity || !strings.Contains(said, "cannot be set for a windows pod: refused by Kubernetes") {
			t.Errorf("%s: the API server says %d %s, the function %s", name, r.code, r.message(), said)
		}
	}
}

// sourceController returns the manifest of source-controller in a stream.
func sourceController(t *testing.T, stream string) string {
	t.Helper()
	documents := strings.Split(stream, "\n---\n")
	i := slices.IndexFunc(documents, func(d string) bool {
		return strings.Contains(d, "kind: Deployment\n") && strings.Contains(d, "\n  name: source-controller\n")
	})
	if i < 0 {
		t.Fatal("no source-controller")
	}
	return documents[i] + "\n"
}
