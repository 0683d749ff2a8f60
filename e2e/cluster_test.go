//go:build linux

package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The tests of this file apply what the function gives to a real API server.

const notInStream = configHead + "  caBundle:\n  - configMap: {name: corp-ca, keys: [ca.crt]}\n    allow: [NotInStream]\n"

// TestClusterInstalls applies every install, stock and transformed, to namespaces
// that enforce the Pod Security Standard restricted. The API server must judge the
// pods as the function has said, and a second apply must change nothing.
func TestClusterInstalls(t *testing.T) {
	function, _ := program(t, "FLUX_TRUST"), program(t, "ETCD")
	for _, file := range append([]string{
		filepath.Join(examples, "quickstart/flux-system/gotk-components.yaml"),
	}, append(corpusIfAny(t, "gotk/*.yaml"), corpusIfAny(t, "installs/*.yaml")...)...) {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			s := startAPIServer(t) // a CRD of one release cannot follow that of another
			b := newBuild(t, notInStream, read(t, file))
			b.write("transformed.yaml", b.ok(function, "config.yaml", "flux.yaml"))
			objects := parse(t, read(t, filepath.Join(b.dir, "transformed.yaml")), "flux-system")
			s.restrict(objects)

			s.mustApply(s.known(parse(t, read(t, file), "flux-system"))...) // as it was before
			known := s.known(objects)
			s.mustApply(known...)
			s.unchangedByApply(known)
			s.judge(known, reported(t, b))
		})
	}
}

// TestClusterExamples applies what every example comes to. One cluster sees them all,
// one after the other, as a cluster whose config changes does.
func TestClusterExamples(t *testing.T) {
	s := startAPIServer(t)
	files, err := filepath.Glob(filepath.Join(examples, "*", expectedFile))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		t.Run(filepath.Base(filepath.Dir(file)), func(t *testing.T) {
			switch expected := read(t, file); {
			case !strings.Contains("\n"+expected, "\nkind: Deployment\n"):
				t.Skip("SKIPPED: it holds no Deployments; they are made in the cluster")
			case strings.Contains(file, "openshift"):
				t.Skip("SKIPPED: only OpenShift fills in what the profile leaves to it")
			default:
				s.t = t
				b := newBuild(t, read(t, filepath.Join(filepath.Dir(file), configFile)), expected)
				b.write("transformed.yaml", expected)
				objects := parse(t, expected, "flux-system")
				s.restrict(objects)
				known := s.known(objects)
				s.mustApply(known...)
				s.unchangedByApply(known)
				s.judge(known, reported(t, b))
			}
		})
	}
}

// TestClusterPrivileged: the API server refuses the pods as they were, and takes
// them as the function has made them.
func TestClusterPrivileged(t *testing.T) {
	function := program(t, "FLUX_TRUST")
	s := startAPIServer(t)
	stock := read(t, filepath.Join(examples, "quickstart/flux-system/gotk-components.yaml"))
	privileged := regexp.MustCompile(`(?m)^( +)allowPrivilegeEscalation: false$`).ReplaceAllString(stock,
		"${1}privileged: true\n${1}runAsUser: 0")
	if privileged == stock {
		t.Fatal("the install has no allowPrivilegeEscalation to replace")
	}
	b := newBuild(t, notInStream, privileged)
	before, after := parse(t, privileged, ""), parse(t, b.ok(function, "config.yaml", "flux.yaml"), "")
	s.restrict(before)
	for i, o := range before {
		if text(o, "kind") != "Deployment" {
			continue
		}
		if r := s.createPod(o); r.code != http.StatusForbidden || !strings.Contains(r.message(), "privileged (container \"manager\" must not set securityContext.privileged=true)") {
			t.Errorf("%s before: %d %s", id(o), r.code, r.message())
		}
		if r := s.createPod(after[i]); r.code != http.StatusCreated {
			t.Errorf("%s after: %d %s", id(o), r.code, r.message())
		}
	}
}

// TestClusterAdmissionPolicy lets the API server make the change: the Deployments
// that it stores are those that the function gives.
func TestClusterAdmissionPolicy(t *testing.T) {
	function := program(t, "FLUX_TRUST")
	s := startAPIServer(t)
	stock := read(t, filepath.Join(examples, "quickstart/flux-system/gotk-components.yaml"))
	b := newBuild(t, inline(newAuthority(t, "root").pem(), "  securityContext: {profile: None}\n"), stock)
	policy := parse(t, b.ok(function, "patches", "config.yaml", "-o", "admission-policy"), "flux-system")
	objects := slices.DeleteFunc(parse(t, stock, ""), func(o object) bool { return text(o, "kind") != "Deployment" })
	s.restrict(objects)

	// What the API server makes of the function's Deployments, before there is a
	// policy: it fills in defaults.
	made := deployments(t, b.ok(function, "config.yaml", "flux.yaml"))
	want := map[string]string{}
	for _, o := range objects {
		data, err := json.Marshal(made[text(o, "metadata", "name")])
		if err != nil {
			t.Fatal(err)
		}
		var expected object
		if err := json.Unmarshal(data, &expected); err != nil {
			t.Fatal(err)
		}
		filled := s.do(http.MethodPatch, s.path(o)+"?fieldManager=flux&dryRun=All", "application/apply-patch+yaml", expected)
		if filled.code >= 300 || !strings.Contains(filled.text, "flux-trust-ca") {
			t.Fatalf("%s: %d %s", id(o), filled.code, filled.message())
		}
		want[id(o)] = template(t, filled)
	}

	s.mustApply(policy...)
	for _, o := range objects {
		var stored reply
		s.await("the policy", func() error { // it is compiled in the background
			stored = s.apply(o)
			if stored.code >= 300 || !strings.Contains(stored.text, "flux-trust-ca") {
				return fmt.Errorf("%s: %d %s", id(o), stored.code, stored.text)
			}
			return nil
		})
		if got := template(t, stored); got != want[id(o)] {
			t.Errorf("%s: stored is\n%s\nwant\n%s", id(o), got, want[id(o)])
		}
	}
}

// template returns the pod template that the API server has, in one spelling.
func template(t *testing.T, r reply) string {
	t.Helper()
	spec, ok := r.object(t)["spec"].(object)
	if !ok {
		t.Fatalf("no spec: %s", r.text)
	}
	sortLists(spec)
	out, err := json.MarshalIndent(spec["template"], "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// restrict makes the namespaces of the objects, which enforce restricted.
func (s *apiServer) restrict(objects []object) {
	s.t.Helper()
	names := map[string]bool{}
	for _, o := range objects {
		if text(o, "kind") == "Namespace" {
			names[text(o, "metadata", "name")] = true
		} else if namespace := text(o, "metadata", "namespace"); namespace != "" {
			names[namespace] = true
		}
	}
	for name := range names {
		r := s.do(http.MethodPatch, "/api/v1/namespaces/"+name+"?fieldManager=e2e", "application/apply-patch+yaml", object{
			"apiVersion": "v1", "kind": "Namespace",
			"metadata": object{"name": name, "labels": object{
				"pod-security.kubernetes.io/enforce": "restricted", "pod-security.kubernetes.io/enforce-version": "latest",
			}},
		})
		if r.code >= 300 {
			s.t.Fatalf("namespace %s: %d %s", name, r.code, r.message())
		}
	}
}

// known applies the CRDs among the objects and returns those of a kind that the API
// server then knows. It names the kinds that it leaves out, and takes care that no
// workload is among them.
func (s *apiServer) known(objects []object) []object {
	s.t.Helper()
	var crds, rest []object
	for _, o := range objects {
		switch text(o, "kind") {
		case "CustomResourceDefinition":
			crds = append(crds, o)
		case "Namespace": // is there, with labels of the test
		default:
			rest = append(rest, o)
		}
	}
	s.mustApply(crds...)
	for _, o := range crds {
		s.await("establish "+id(o), func() error {
			if r := s.do(http.MethodGet, s.path(o), "", nil); !strings.Contains(strings.ReplaceAll(r.text, `"type":"Established"`, `"Established"`), `"Established"`) {
				return fmt.Errorf("%d", r.code)
			}
			return nil
		})
	}
	known, unknown := crds, map[string]bool{}
	for _, o := range rest {
		if s.path(o) == "" {
			unknown[text(o, "apiVersion")+" "+text(o, "kind")] = true
			continue
		}
		known = append(known, o)
	}
	if len(unknown) > 0 {
		kinds := slices.Sorted(maps.Keys(unknown))
		s.t.Log("not applied, because their CRDs are not in the install:", kinds)
		if slices.Contains(kinds, "apps/v1 Deployment") {
			s.t.Error("the API server does not know Deployments")
		}
	}
	return known
}

// unchangedByApply applies once more: nothing may be written.
func (s *apiServer) unchangedByApply(objects []object) {
	s.t.Helper()
	for _, o := range objects {
		if text(o, "kind") != "Deployment" {
			continue // the server itself writes the status of others
		}
		before := s.do(http.MethodGet, s.path(o), "", nil)
		after := s.apply(o)
		if after.code != http.StatusOK {
			s.t.Fatalf("%s: %d %s", id(o), after.code, after.message())
		}
		for _, field := range []string{"resourceVersion", "uid"} {
			if a, b := text(before.object(s.t), "metadata", field), text(after.object(s.t), "metadata", field); a != b || a == "" {
				s.t.Errorf("%s: a second apply changes %s from %q to %q", id(o), field, a, b)
			}
		}
	}
}

// createPod creates a pod of a Deployment's template, as a dry run.
func (s *apiServer) createPod(deployment object) reply {
	s.t.Helper()
	spec, ok := deployment["spec"].(object)
	if !ok {
		s.t.Fatalf("%s has no spec", id(deployment))
	}
	data, err := json.Marshal(spec["template"])
	if err != nil {
		s.t.Fatal(err)
	}
	var pod object
	if err := json.Unmarshal(data, &pod); err != nil {
		s.t.Fatal(err)
	}
	metadata, ok := pod["metadata"].(object)
	if !ok {
		s.t.Fatalf("%s has no metadata in its template", id(deployment))
	}
	pod["apiVersion"], pod["kind"], metadata["name"] = "v1", "Pod", text(deployment, "metadata", "name")
	return s.do(http.MethodPost, "/api/v1/namespaces/"+text(deployment, "metadata", "namespace")+"/pods?dryRun=All", "application/json", pod)
}

// reported returns what the function says of each controller it validates: the
// violations that are left.
func reported(t *testing.T, b build) map[string][]string {
	t.Helper()
	var report struct {
		PodSecurity []struct {
			Name       string
			Violations []string
		}
	}
	// Exit code 1 when there are any.
	got := run(t, b.dir, program(t, "FLUX_TRUST"), "validate", "config.yaml", "transformed.yaml", "-o", "json")
	if err := json.Unmarshal([]byte(got.stdout), &report); err != nil {
		t.Fatalf("%v\n%s", err, got.stderr)
	}
	if len(report.PodSecurity) == 0 {
		t.Fatal("no controller was judged")
	}
	violations := map[string][]string{}
	for _, p := range report.PodSecurity {
		violations[p.Name] = p.Violations
	}
	return violations
}

// judge holds the API server's verdict on each controller against the function's.
func (s *apiServer) judge(objects []object, reported map[string][]string) {
	s.t.Helper()
	admitted, refused := 0, 0
	for _, o := range objects {
		violations, controller := reported[text(o, "metadata", "name")]
		if text(o, "kind") != "Deployment" || !controller {
			continue
		}
		r := s.createPod(o)
		switch {
		case len(violations) == 0 && r.code == http.StatusCreated:
			admitted++
		case len(violations) > 0 && r.code == http.StatusForbidden &&
			strings.HasSuffix(r.message(), `violates PodSecurity "restricted:latest": `+strings.Join(violations, ", ")):
			refused++
		default:
			s.t.Errorf("%s: the function reports %q, the API server says %d %s", id(o), violations, r.code, r.message())
		}
	}
	if admitted+refused != len(reported) {
		s.t.Errorf("%d pods were judged, and %d controllers reported", admitted+refused, len(reported))
	}
	s.t.Logf("%d pods admitted, %d refused as reported", admitted, refused)
}
