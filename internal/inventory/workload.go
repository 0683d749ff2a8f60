package inventory

import (
	"cmp"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/internal/flux"
	"fluxtrust.dev/flux-trust/internal/krm"
)

// Workload is a Deployment, StatefulSet or DaemonSet: an object, or a part of one
// that the Operator Lifecycle Manager makes it from.
type Workload struct {
	Object *krm.Object
	Kind   v1alpha1.WorkloadKind
	// Seen is what tells whether it runs a controller.
	Seen flux.Workload
	// Selected are the indexes of the containers that the config is about.
	Selected []int
	// Owner is the FluxTrust whose work it is, or "".
	Owner string
	// Patch is set on what looks like a patch of kustomize.
	Patch bool
	// Concerned is set where the config is about the workload, also where it cannot
	// be read.
	Concerned bool
	// Err says why it cannot be changed.
	Err error

	// part is the index among the Deployments of a ClusterServiceVersion, or -1.
	part int
}

// ClusterServiceVersion is the kind of the objects that tell the Operator
// Lifecycle Manager what to install.
const ClusterServiceVersion = "ClusterServiceVersion"

// HoldsWorkloads reports whether an object is a workload, or holds some.
func HoldsWorkloads(o *krm.Object) bool { return len(workloadsOf(o)) > 0 }

// workloadsOf returns the workloads that an object is, or holds.
func workloadsOf(o *krm.Object) []*Workload {
	switch kind, group := v1alpha1.WorkloadKind(o.Kind()), o.Group(); {
	case slices.Contains(v1alpha1.WorkloadKinds(), kind) && (group == "apps" || group == "extensions"):
		return []*Workload{readWorkload(o, kind, -1)}
	case kind == ClusterServiceVersion && group == "operators.coreos.com":
		var found []*Workload
		for part := range deploymentsOf(o.Before.Loose()) {
			found = append(found, readWorkload(o, v1alpha1.Deployment, part))
		}
		return found
	default:
		return nil
	}
}

// deploymentsOf returns the Deployments in a ClusterServiceVersion. They have a name
// and labels, and no annotations: the marks of the function are on the pod
// template. https://olm.operatorframework.io/docs/concepts/crds/clusterserviceversion/
func deploymentsOf(csv krm.Field) []krm.Field {
	return csv.Items("spec", "install", "spec", "deployments")
}

// IsPart reports whether the workload is a part of an object.
func (w *Workload) IsPart() bool { return w.part >= 0 }

// Name returns the present name of the workload, or "".
func (w *Workload) Name() string { return w.Seen.Names[0] }

// In returns the workload in its object, before or after: the field with its spec.
func (w *Workload) In(object krm.Field) krm.Field {
	if w.part < 0 {
		return object
	}
	return deploymentsOf(object)[w.part]
}

// Marked returns the field whose metadata say what earlier runs have done.
func (w *Workload) Marked(object krm.Field) krm.Field {
	if w.part < 0 {
		return object
	}
	return w.In(object).Get("spec", "template")
}

// Runs reports whether a container of the workload runs a controller of Flux of a name.
func (w *Workload) Runs(controller string) bool {
	return slices.ContainsFunc(flux.Find(w.Seen), func(m flux.Match) bool { return m.Controller == controller })
}

// Changed reports whether the workload is to be another than it was.
func (w *Workload) Changed() bool {
	return !krm.Equal(w.In(w.Object.Before.Loose()).Node, w.In(w.Object.After().Loose()).Node)
}

func readWorkload(o *krm.Object, kind v1alpha1.WorkloadKind, part int) *Workload {
	w := &Workload{Object: o, Kind: kind, part: part}
	root, errs := o.Before.Aside()
	w.Err = o.Err()
	object := w.In(root)
	if part < 0 {
		w.Seen.Names, w.Seen.Labels = o.Names, root.Texts("metadata", "labels")
	} else {
		w.Seen.Names, w.Seen.Labels = []string{object.Text("name")}, object.Texts("label")
	}
	template := object.Get("spec", "template")
	w.Seen.PodLabels = template.Texts("metadata", "labels")
	for _, c := range template.Items("spec", "containers") {
		w.Seen.Containers = append(w.Seen.Containers, flux.Container{Name: c.Text("name"), Image: c.Text("image")})
	}
	w.Owner = w.Marked(root.Loose()).Peek("metadata", "annotations", v1alpha1.ConfigAnnotation)
	w.Patch = part < 0 && !object.Loose().Get("spec", "selector").Exists() && strings.HasPrefix(object.Peek("apiVersion"), "apps/v1") || hasDirective(object.Node)
	if err := errs.Err(); err != nil {
		w.Err = cmp.Or(w.Err, err)
		// So that the name and labels say whether the config is about it.
		w.Seen.Containers, w.Seen.PodLabels = nil, nil
	}
	return w
}

// hasDirective reports whether a mapping anywhere in a tree has the key $patch.
func hasDirective(n *yaml.Node) bool {
	if n.Kind == yaml.MappingNode && krm.IndexOf(n, "$patch") >= 0 {
		return true
	}
	return slices.ContainsFunc(n.Content, hasDirective)
}

// mainContainers returns the container that a controller built with kubebuilder
// runs in, or every container where there is none of that name.
func mainContainers(w *Workload) []int {
	var all []int
	for i, c := range w.Seen.Containers {
		if c.Name == "manager" {
			return []int{i}
		}
		all = append(all, i)
	}
	return all
}
