package transformer

import (
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/internal/flux"
	"fluxtrust.dev/flux-trust/internal/krm"
)

// Annotations in which kustomize keeps what it renamed while it builds.
const (
	previousNamesAnnotation      = "internal.config.kubernetes.io/previousNames"
	previousNamespacesAnnotation = "internal.config.kubernetes.io/previousNamespaces"
	needsHashAnnotation          = "internal.config.kubernetes.io/needsHashSuffix"
)

// manifest is where a workload stands in the stream: it is a resource itself, or
// a part of one.
type manifest struct {
	// resource has the apiVersion, kind and metadata.
	resource krm.Field
	// object has the spec.
	object krm.Field
	kind   v1alpha1.WorkloadKind
}

// name returns the name of the workload, or "".
func (m manifest) name() string {
	if m.isPart() {
		return m.object.TextOr("name")
	}
	return m.resource.TextOr("metadata", "name")
}

// isPart tells whether the workload has no metadata of its own.
func (m manifest) isPart() bool { return m.object.Path != m.resource.Path }

// workload is a Deployment, StatefulSet or DaemonSet with what can be seen of it.
type workload struct {
	manifest
	podTemplate, pod krm.Field
	// marked has the metadata that say what earlier runs have done.
	marked     krm.Field
	seen       flux.Workload
	namespaces []string
}

// workloads returns the Deployments, StatefulSets and DaemonSets in a resource:
// itself, the items of a List, or what the Operator Lifecycle Manager installs.
func workloads(resource krm.Field) []manifest {
	var found []manifest
	for _, r := range krm.Flatten(resource) {
		group, _, _ := strings.Cut(r.TextOr("apiVersion"), "/")
		switch kind := v1alpha1.WorkloadKind(r.TextOr("kind")); {
		case slices.Contains(v1alpha1.WorkloadKinds(), kind) && (group == "apps" || group == "extensions"):
			found = append(found, manifest{resource: r, object: r, kind: kind})
		case kind == clusterServiceVersion && group == "operators.coreos.com":
			found = append(found, installedBy(r)...)
		}
	}
	return found
}

// clusterServiceVersion is the kind of the objects that tell the Operator
// Lifecycle Manager what to install.
const clusterServiceVersion = "ClusterServiceVersion"

// installedBy returns the Deployments in a ClusterServiceVersion. They have a name
// and labels, and no annotations: the marks of the function are on the pod
// template. https://olm.operatorframework.io/docs/concepts/crds/clusterserviceversion/
func installedBy(csv krm.Field) []manifest {
	deployments, err := csv.AtE("spec", "install", "spec", "deployments")
	if err != nil {
		return nil // not what the Operator Lifecycle Manager would take
	}
	items, err := deployments.ItemsE()
	if err != nil {
		return nil
	}
	found := make([]manifest, len(items))
	for i, item := range items {
		found[i] = manifest{resource: csv, object: item, kind: v1alpha1.Deployment}
	}
	return found
}

// read looks at a workload.
func read(m manifest) (*workload, error) {
	w := &workload{manifest: m, marked: m.object}
	object := m.object
	meta, err := m.resource.GetE("metadata")
	if err != nil {
		return nil, err
	}
	if w.namespaces, err = currentAndPrevious(meta, "namespace", previousNamespacesAnnotation); err != nil {
		return nil, err
	}
	if m.isPart() {
		w.seen.Names = []string{m.name()}
		w.seen.Labels, err = object.TextsAtE("label")
	} else if w.seen.Names, err = currentAndPrevious(meta, "name", previousNamesAnnotation); err == nil {
		w.seen.Labels, err = meta.TextsAtE("labels")
	}
	if err != nil {
		return nil, err
	}
	if w.podTemplate, err = object.AtE("spec", "template"); err != nil {
		return nil, err
	}
	if w.pod, err = w.podTemplate.GetE("spec"); err != nil {
		return nil, err
	}
	if m.isPart() {
		w.marked = w.podTemplate
	}
	if w.seen.PodLabels, err = w.podTemplate.TextsAtE("metadata", "labels"); err != nil {
		return nil, err
	}
	containers, err := w.containers("containers")
	if err != nil {
		return nil, err
	}
	for _, c := range containers {
		name, err := c.TextAtE("name")
		if err != nil {
			return nil, err
		}
		image, err := c.TextAtE("image")
		if err != nil {
			return nil, err
		}
		w.seen.Containers = append(w.seen.Containers, flux.Container{Name: name, Image: image})
	}
	return w, nil
}

// readHead looks at the name and labels of a workload of which nothing else can
// be read.
func readHead(m manifest) *workload {
	keys := []string{"metadata", "labels"}
	if m.isPart() {
		keys = []string{"label"}
	}
	labels, err := m.object.TextsAtE(keys...)
	if err != nil {
		labels = nil
	}
	return &workload{manifest: m, pod: m.object, namespaces: []string{m.resource.TextOr("metadata", "namespace")}, seen: flux.Workload{
		Names: []string{m.name()}, Labels: labels,
	}}
}

// isPatch tells whether a Deployment is one of kustomize's patches: apps/v1
// requires a selector, and a directive is for patches only.
func (w *workload) isPatch() bool {
	selector, err := w.object.AtE("spec", "selector")
	return err == nil && !selector.Exists() && strings.HasPrefix(w.object.TextOr("apiVersion"), "apps/v1") || hasDirective(w.object.Node)
}

// hasDirective tells whether a mapping anywhere in a tree has the key $patch.
func hasDirective(n *yaml.Node) bool {
	if n.Kind == yaml.MappingNode && krm.IndexOf(n, "$patch") >= 0 {
		return true
	}
	return slices.ContainsFunc(n.Content, hasDirective)
}

// containers returns the entries of containers or initContainers.
func (w *workload) containers(key string) ([]krm.Field, error) {
	list, err := w.pod.GetE(key)
	if err != nil {
		return nil, err
	}
	return list.ItemsE()
}

// mainContainers returns the container that a controller built with kubebuilder
// runs in, or every container where there is none of that name.
func mainContainers(w *workload) []int {
	var all []int
	for i, c := range w.seen.Containers {
		if c.Name == "manager" {
			return []int{i}
		}
		all = append(all, i)
	}
	return all
}

// currentAndPrevious returns a name and those it had before kustomize changed
// it.
func currentAndPrevious(meta krm.Field, key, annotation string) ([]string, error) {
	name, err := meta.TextAtE(key)
	if err != nil {
		return nil, err
	}
	annotations, err := meta.TextsAtE("annotations")
	if err != nil {
		return nil, err
	}
	names := []string{name}
	if previous := annotations[annotation]; previous != "" {
		names = append(names, strings.Split(previous, ",")...)
	}
	return names, nil
}
