//go:build linux

package e2e

import (
	"context"
	"encoding/json"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fluxcd/pkg/ssa"
	"github.com/go-logr/logr"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"
)

// The tests of this file apply with the code of kustomize-controller, while others
// change the same Deployment.

// applier applies as a program of Flux does: kustomize-controller, or the command
// line, which is the manager flux.
type applier struct {
	t       *testing.T
	manager *ssa.ResourceManager
	name    string
}

func newApplier(t *testing.T, s *apiServer, name string) applier {
	t.Helper()
	log.SetLogger(logr.Discard())
	c, err := client.New(&rest.Config{
		Host: s.url, BearerToken: s.token, TLSClientConfig: rest.TLSClientConfig{CAFile: s.ca}, QPS: -1,
	}, client.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return applier{t, ssa.NewResourceManager(c, nil, ssa.Owner{Field: name, Group: "kustomize.toolkit.fluxcd.io"}), name}
}

// apply returns how often what has happened. kustomize-controller takes over what
// kubectl has changed; the options are those of its own code.
func (k applier) apply(objects ...object) map[ssa.Action]int {
	k.t.Helper()
	var list []*unstructured.Unstructured
	for _, o := range objects {
		list = append(list, (&unstructured.Unstructured{Object: o}).DeepCopy())
	}
	options := ssa.DefaultApplyOptions()
	if k.name == "kustomize-controller" {
		options.Cleanup = ssa.ApplyCleanupOptions{
			Annotations: []string{"kubectl.kubernetes.io/last-applied-configuration"},
			FieldManagers: []ssa.FieldManager{
				{Name: "kubectl", OperationType: metav1.ManagedFieldsOperationApply},
				{Name: "kubectl", OperationType: metav1.ManagedFieldsOperationUpdate},
				{Name: "before-first-apply", OperationType: metav1.ManagedFieldsOperationUpdate},
				{Name: k.name, OperationType: metav1.ManagedFieldsOperationUpdate},
			},
		}
	}
	changes, err := k.manager.ApplyAll(context.Background(), list, options)
	if err != nil {
		k.t.Fatal(err)
	}
	actions := map[ssa.Action]int{}
	for _, e := range changes.Entries {
		actions[e.Action]++
	}
	return actions
}

// restart does what kubectl rollout restart does, as a field manager.
func (s *apiServer) restart(o object, manager, at string) {
	s.t.Helper()
	r := s.do(http.MethodPatch, s.path(o)+"?fieldManager="+manager, "application/strategic-merge-patch+json", object{
		"spec": object{"template": object{"metadata": object{"annotations": object{"kubectl.kubernetes.io/restartedAt": at}}}},
	})
	if r.code != http.StatusOK {
		s.t.Fatalf("%d %s", r.code, r.message())
	}
}

// TestClusterOwnership: Flux writes the Deployments once and keeps them, and the
// runbooks say truly how others may change them.
func TestClusterOwnership(t *testing.T) {
	s := startAPIServer(t)
	b := newBuild(t, inline(newAuthority(t, "root").pem(), ""), read(t, filepath.Join(examples, "quickstart/flux-system/gotk-components.yaml")))
	var objects []object
	var deployment, configMap object
	for _, o := range parse(t, b.ok(program(t, "FLUX_TRUST"), "config.yaml", "flux.yaml"), "flux-system") {
		switch name := text(o, "metadata", "name"); {
		case text(o, "kind") == "Deployment":
			if name == "source-controller" {
				deployment = o
			}
		case text(o, "kind") == "ConfigMap" && name == "corp-ca":
			configMap = o
		default:
			continue
		}
		objects = append(objects, o)
	}
	s.restrict(objects)
	flux := newApplier(t, s, "kustomize-controller")
	unchanged := func(t *testing.T, when string) {
		t.Helper()
		before := s.do(http.MethodGet, s.path(deployment), "", nil)
		if got := flux.apply(objects...); got[ssa.UnchangedAction] != len(objects) {
			t.Errorf("%s Flux changes something: %v", when, got)
		}
		after := s.do(http.MethodGet, s.path(deployment), "", nil)
		if before.text != after.text {
			t.Errorf("%s Flux changes\n%s\nto\n%s", when, before.text, after.text)
		}
	}
	if got := flux.apply(objects...); got[ssa.CreatedAction] != len(objects) || len(objects) < 2 {
		t.Fatalf("%d objects: %v", len(objects), got)
	}
	unchanged(t, "at the second apply")

	t.Run("another manager", func(t *testing.T) {
		mine := object{
			"apiVersion": "apps/v1", "kind": "Deployment", "metadata": object{"name": "source-controller", "namespace": "flux-system"},
			"spec": object{"template": object{"spec": object{"containers": []any{object{
				"name": "manager", "env": []any{object{"name": "SSL_CERT_DIR", "value": "/my/certs"}},
			}}}}},
		}
		r := s.apply(mine)
		if r.code != http.StatusConflict || !strings.Contains(r.message(), `conflict with "kustomize-controller": .spec.template.spec.containers[name="manager"].env[name="SSL_CERT_DIR"].value`) {
			t.Errorf("%d %s", r.code, r.message())
		}
		unchanged(t, "after the conflict")
	})

	restarted := func(t *testing.T) string {
		t.Helper()
		spec, ok := s.do(http.MethodGet, s.path(deployment), "", nil).object(t)["spec"].(object)
		if !ok {
			t.Fatal("no spec")
		}
		return text(spec, "template", "metadata", "annotations", "kubectl.kubernetes.io/restartedAt")
	}
	t.Run("restart as Flux", func(t *testing.T) {
		if !strings.Contains(read(t, "../docs/runbooks.md"), "--field-manager=flux-client-side-apply") {
			t.Error("the runbooks name another manager")
		}
		s.restart(deployment, "flux-client-side-apply", "one")
		unchanged(t, "after a restart")
		if got := restarted(t); got != "one" {
			t.Errorf("restartedAt is %q", got)
		}
	})
	t.Run("restart as kubectl", func(t *testing.T) {
		s.restart(deployment, "kubectl-rollout", "two")
		flux.apply(objects...)
		if got := restarted(t); got != "" {
			t.Errorf("Flux leaves restartedAt: %q", got)
		}
		unchanged(t, "after it took the restart back")
	})
	t.Run("repair the ConfigMap", func(t *testing.T) {
		// kubectl apply --server-side --field-manager=kustomize-controller, as in the
		// runbooks, is no conflict, and with the same in Git nothing is left to do.
		configMap["data"] = object{"ca.crt": newAuthority(t, "new").pem()}
		r := s.do(http.MethodPatch, s.path(configMap)+"?fieldManager=kustomize-controller", "application/apply-patch+yaml", configMap)
		if r.code != http.StatusOK {
			t.Errorf("%d %s", r.code, r.message())
		}
		unchanged(t, "after the repair")
	})
}

// TestClusterTakeOut takes the change out of Git. It is gone from the cluster, unless
// flux bootstrap has applied it as well; then the command of docs/bootstrap.md helps.
func TestClusterTakeOut(t *testing.T) {
	s := startAPIServer(t)
	manifest := read(t, filepath.Join(examples, "quickstart/flux-system/gotk-components.yaml"))
	b := newBuild(t, inline(newAuthority(t, "root").pem(), ""), manifest)
	stock := parse(t, sourceController(t, manifest), "")[0]
	trusting := parse(t, sourceController(t, b.ok(program(t, "FLUX_TRUST"), "config.yaml", "flux.yaml")), "")[0]
	s.restrict([]object{stock})
	bootstrap, flux := newApplier(t, s, "flux"), newApplier(t, s, "kustomize-controller")
	trusts := func() bool {
		t.Helper()
		o := s.do(http.MethodGet, s.path(stock), "", nil).object(t)
		delete(o["metadata"].(object), "managedFields") //nolint:forcetypeassert // every object has metadata
		data, err := json.Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		return strings.Contains(string(data), "flux-trust")
	}
	for name, tc := range map[string]struct {
		first object
		stays bool
	}{
		"the change came later":    {stock, false},
		"bootstrap has applied it": {trusting, true},
	} {
		t.Run(name, func(t *testing.T) {
			bootstrap.apply(tc.first)
			flux.apply(tc.first)
			flux.apply(trusting)
			if !trusts() {
				t.Fatal("the change is not there")
			}
			flux.apply(stock)
			if got := trusts(); got != tc.stays {
				t.Errorf("after it is out of Git: the change is there: %t", got)
			}
			if doc := read(t, "../docs/bootstrap.md"); !strings.Contains(doc, "kubectl apply --server-side --force-conflicts --field-manager=flux -f -") {
				t.Error("docs/bootstrap.md has another command")
			}
			r := s.do(http.MethodPatch, s.path(stock)+"?fieldManager=flux&force=true", "application/apply-patch+yaml", stock)
			if r.code != http.StatusOK || trusts() {
				t.Errorf("after the command: %d %s", r.code, r.text)
			}
			if got := flux.apply(stock); got[ssa.UnchangedAction] != 1 {
				t.Errorf("Flux changes something: %v", got)
			}
			s.do(http.MethodDelete, s.path(stock), "application/json", nil)
		})
	}
}
