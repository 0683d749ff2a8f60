package flux

import (
	"slices"
	"testing"
)

func TestFind(t *testing.T) {
	stock := map[string]string{"app.kubernetes.io/component": "source-controller", "app.kubernetes.io/part-of": "flux", "control-plane": "controller"}
	fluxOnly := map[string]string{"app.kubernetes.io/part-of": "flux"}
	one := func(name, image string) []Container { return []Container{{Name: name, Image: image}} }

	for name, tc := range map[string]struct {
		w    Workload
		want []Match
	}{
		"stock": {
			Workload{Names: []string{"source-controller"}, Labels: stock, Containers: one("manager", "registry.example.com/fluxcd/source-controller:v1.9.6")},
			[]Match{{0, "source-controller"}},
		},
		"no labels yet": {
			Workload{Names: []string{"helm-controller"}, Containers: one("manager", "fluxcd/helm-controller")},
			[]Match{{0, "helm-controller"}},
		},
		"registry with a port, no tag": {
			Workload{Names: []string{"x"}, Containers: one("manager", "registry.corp:5000/mirror/kustomize-controller")},
			[]Match{{0, "kustomize-controller"}},
		},
		"registry with a port, tag and digest": {
			Workload{Names: []string{"x"}, Containers: one("manager", "registry.corp:5000/kustomize-controller:v1@sha256:00")},
			[]Match{{0, "kustomize-controller"}},
		},
		"renamed by a mirror that flattens paths": {
			Workload{Names: []string{"x"}, Containers: one("main", "registry.corp/fluxcd-notification-controller:v1")},
			[]Match{{0, "notification-controller"}},
		},
		"prefix and hardened image": {
			Workload{Names: []string{"myrel-flux-reflector-controller"}, Labels: fluxOnly, Containers: one("manager", "hardened.corp/image-reflector-controller:v1")},
			[]Match{{0, "image-reflector-controller"}},
		},
		"shard": {
			Workload{
				Names: []string{"source-controller-shard1"}, Labels: map[string]string{"sharding.fluxcd.io/role": "shard"},
				Containers: one("manager", "hardened.corp/flux/src:v1"),
			},
			[]Match{{0, "source-controller"}},
		},
		"renamed image, component label": {
			Workload{Names: []string{"x"}, Labels: stock, Containers: []Container{{"proxy", "envoy"}, {"manager", "corp/src:1"}}},
			[]Match{{1, "source-controller"}},
		},
		"labels on the pod template only": {
			Workload{Names: []string{"x"}, PodLabels: stock, Containers: one("app", "corp/src:1")},
			[]Match{{0, "source-controller"}},
		},
		"renamed image, name before a prefix was added": {
			Workload{Names: []string{"team_sc", "source-controller"}, Labels: fluxOnly, Containers: one("manager", "corp/src:1")},
			[]Match{{0, "source-controller"}},
		},
		"flux-aio": {
			Workload{Names: []string{"flux"}, Labels: fluxOnly, Containers: []Container{
				{"source-controller", "registry.example.com/fluxcd/source-controller:v1.8.0"},
				{"proxy", "envoy:1"},
				{"source-watcher", "registry.example.com/fluxcd/source-watcher:v2.1.0"},
			}},
			[]Match{{0, "source-controller"}, {2, "source-watcher"}},
		},
		"flux-operator": {
			Workload{
				Names: []string{"flux-operator"}, Labels: map[string]string{"app.kubernetes.io/name": "flux-operator"},
				Containers: one("manager", "registry.example.com/controlplaneio-fluxcd/flux-operator:v0.49.0"),
			},
			[]Match{{0, "flux-operator"}},
		},
		"flux-operator from a catalogue": {
			Workload{
				Names: []string{"flux-operator-controller-manager"}, Labels: map[string]string{"app.kubernetes.io/name": "flux-operator"},
				Containers: one("manager", "registry.corp/certified/operator@sha256:00"),
			},
			[]Match{{0, "flux-operator"}},
		},
		"placeholders of Flux's substitution": {
			Workload{Names: []string{"x"}, Containers: one("manager", "${REG:-a/b:1}/source-controller:${TAG:-v1}")},
			[]Match{{0, "source-controller"}},
		},
		"prefix and suffix, renamed image": {
			Workload{Names: []string{"pfx-source-controller-sfx"}, Labels: fluxOnly, Containers: one("manager", "corp/src:1")},
			[]Match{{0, "source-controller"}},
		},
		"MCP server of flux-operator": {w: Workload{
			Names: []string{"flux-operator-mcp"}, Labels: map[string]string{"app.kubernetes.io/name": "flux-operator-mcp"},
			Containers: one("flux-operator-mcp", "registry.example.com/controlplaneio-fluxcd/flux-operator-mcp:v0.1"),
		}},
		"a backup job beside Flux":   {w: Workload{Names: []string{"source-controller-backup"}, Containers: one("backup", "registry.example.com/fluxcd/flux-cli:v2")}},
		"an exporter beside Flux":    {w: Workload{Names: []string{"source-controller-metrics"}, Labels: fluxOnly, Containers: one("exporter", "acme/exporter:1")}},
		"a project by kubebuilder":   {w: Workload{Names: []string{"notification"}, Labels: map[string]string{"control-plane": "controller-manager"}, Containers: one("manager", "acme.io/notification-controller:v1")}},
		"a registry named like Flux": {w: Workload{Names: []string{"x"}, Containers: one("app", "notfluxcdx.io/source-controller:1")}},
		"Flux v1":                    {w: Workload{Names: []string{"flux"}, Containers: one("flux", "registry.example.com/fluxcd/flux:1.25.4")}},
		"helm-operator":              {w: Workload{Names: []string{"helm-operator"}, Containers: one("helm-operator", "registry.example.com/fluxcd/helm-operator:1.4.4")}},
		"another project's manager": {w: Workload{
			Names: []string{"ocm-controller"}, Labels: map[string]string{"app.kubernetes.io/part-of": "ocm", "control-plane": "controller"},
			Containers: one("manager", "registry.example.com/open-component-model/ocm-controller:v0.15.0"),
		}},
		"another manager in Flux's namespace": {w: Workload{Names: []string{"flux-oci-mirror"}, Labels: fluxOnly, Containers: one("manager", "mesosphere/flux-oci-mirror:v1")}},
		"k3s helm-controller":                 {w: Workload{Names: []string{"helm-controller"}, Labels: map[string]string{"app": "helm-controller"}, Containers: one("helm-controller", "rancher/helm-controller:v0.12")}},
		"another helm-controller by kubebuilder": {w: Workload{
			Names: []string{"helm-controller"}, Labels: map[string]string{"app.kubernetes.io/part-of": "acme"}, Containers: one("manager", "acme/helm-controller:v1"),
		}},
		"Knative's source controller":    {w: Workload{Names: []string{"kafka-source-controller"}, Containers: one("controller", "knative.dev/source/controller:v1")}},
		"an app that Flux has applied":   {w: Workload{Names: []string{"my-source-controller"}, Labels: map[string]string{"kustomize.toolkit.fluxcd.io/name": "apps"}, Containers: one("manager", "corp/app:1")}},
		"a kustomize patch":              {w: Workload{Names: []string{"source-controller"}, Containers: one("manager", "")}},
		"flux-operator's web sidecar":    {w: Workload{Names: []string{"web"}, Labels: fluxOnly, Containers: one("web", "corp/web:1")}},
		"no containers":                  {w: Workload{Names: []string{"source-controller"}, Labels: stock}},
		"which container cannot be told": {w: Workload{Names: []string{"x"}, Labels: stock, Containers: []Container{{"a", "a"}, {"b", "b"}}}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Find(tc.w); !slices.Equal(got, tc.want) {
				t.Errorf("Find() = %v, want %v", got, tc.want)
			}
		})
	}
}

func TestClaimed(t *testing.T) {
	w := Workload{Names: []string{"x"}, Labels: map[string]string{"app.kubernetes.io/component": "source-controller"}}
	if got := Claimed(w); got != "" {
		t.Errorf("a component label alone does not say Flux: %q", got)
	}
	w.PodLabels = map[string]string{"app.kubernetes.io/part-of": "flux"}
	if got := Claimed(w); got != "source-controller" {
		t.Errorf("component and part-of say Flux, wherever they stand: %q", got)
	}
	w = Workload{Names: []string{"team-helm-controller-blue"}, Labels: w.PodLabels}
	if got := Claimed(w); got != "helm-controller" {
		t.Errorf("name and part-of say Flux: %q", got)
	}
}
