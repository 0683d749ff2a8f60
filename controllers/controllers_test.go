package controllers

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
			Workload{Names: []string{"source-controller"}, Labels: stock, Containers: one("manager", "ghcr.io/fluxcd/source-controller:v1.9.6")},
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
				{"source-controller", "ghcr.io/fluxcd/source-controller:v1.8.0"},
				{"proxy", "envoy:1"},
				{"source-watcher", "ghcr.io/fluxcd/source-watcher:v2.1.0"},
			}},
			[]Match{{0, "source-controller"}, {2, "source-watcher"}},
		},
		"flux-operator": {
			Workload{
				Names: []string{"flux-operator"}, Labels: map[string]string{"app.kubernetes.io/name": "flux-operator"},
				Containers: one("manager", "ghcr.io/controlplaneio-fluxcd/flux-operator:v0.49.0"),
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
		"Flux v1":       {w: Workload{Names: []string{"flux"}, Containers: one("flux", "docker.io/fluxcd/flux:1.25.4")}},
		"helm-operator": {w: Workload{Names: []string{"helm-operator"}, Containers: one("helm-operator", "docker.io/fluxcd/helm-operator:1.4.4")}},
		"another project's manager": {w: Workload{
			Names: []string{"ocm-controller"}, Labels: map[string]string{"app.kubernetes.io/part-of": "ocm", "control-plane": "controller"},
			Containers: one("manager", "ghcr.io/open-component-model/ocm-controller:v0.15.0"),
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

func TestLabelled(t *testing.T) {
	w := Workload{Labels: map[string]string{"app.kubernetes.io/component": "source-controller"}}
	if Labelled(w) {
		t.Error("a component label alone does not say Flux")
	}
	w.PodLabels = map[string]string{"app.kubernetes.io/part-of": "flux"}
	if !Labelled(w) {
		t.Error("component and part-of say Flux, wherever they stand")
	}
}
