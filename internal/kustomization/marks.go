package kustomization

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/resid"
	"sigs.k8s.io/kustomize/kyaml/yaml"
	sigsyaml "sigs.k8s.io/yaml"

	"fluxtrust.dev/flux-trust/internal/flux"
)

// A build gives objects other names, and its result does not say which they had. So
// objects are marked with them before: by annotations that patches in memory set, in
// front of all others. A hash suffix does not depend on annotations.
const (
	// configuredMark holds the name by which the config refers to an object.
	configuredMark = "fluxtrust.dev/configured-as"
	// patchedMark holds the namespace and the name that an object has where patches of
	// the folder meet it.
	patchedMark = "fluxtrust.dev/patched-as"
	// previousNames is where kustomize itself keeps former names while it builds.
	previousNames = "internal.config.kubernetes.io/previousNames"
)

// markPatch returns a patch that marks objects.
func markPatch(kind, namespace, name, mark, value string) (types.Patch, error) {
	body, err := sigsyaml.Marshal(map[string]any{
		"apiVersion": "v1", "kind": kind,
		"metadata": map[string]any{"name": "any", "annotations": map[string]string{mark: value}},
	})
	return types.Patch{Patch: string(body), Target: &types.Selector{ResId: resid.ResId{
		Gvk: resid.Gvk{Kind: kind}, Namespace: namespace, Name: "^" + regexp.QuoteMeta(name) + "$",
	}}}, err
}

// configuredMarks returns patches that mark the objects that a config names.
func configuredMarks(names []string) ([]types.Patch, error) {
	var marks []types.Patch
	for _, name := range names {
		for _, kind := range []string{"ConfigMap", "Secret"} {
			p, err := markPatch(kind, "", name, configuredMark, name)
			if err != nil {
				return nil, err
			}
			marks = append(marks, p)
		}
	}
	return marks, nil
}

// patchedMarks returns patches that mark workloads and installers by the names that
// they have where patches of the folder meet them. A selector looks at the first name
// of an object, too; so the longest comes last and wins: layers make names longer.
func patchedMarks(objects []*yaml.RNode) ([]types.Patch, error) {
	objects = slices.Clone(objects)
	slices.SortStableFunc(objects, func(a, b *yaml.RNode) int { return len(a.GetName()) - len(b.GetName()) })
	var marks []types.Patch
	for _, o := range objects {
		if !isPatched(o) {
			continue
		}
		p, err := markPatch(o.GetKind(), "^"+regexp.QuoteMeta(effective(o.GetNamespace()))+"$", o.GetName(), patchedMark, o.GetNamespace()+"/"+o.GetName())
		if err != nil {
			return nil, err
		}
		marks = append(marks, p)
	}
	return marks, nil
}

// effective is the namespace that kustomize takes for an object without one.
func effective(namespace string) string {
	if namespace == "" {
		return resid.DefaultNamespace
	}
	return namespace
}

// isPatched reports whether an object may be one that gets patches, or holds some.
func isPatched(o *yaml.RNode) bool {
	kinds := []string{"Deployment", "StatefulSet", "DaemonSet", flux.ResourceSet}
	for _, i := range flux.Installers() {
		kinds = append(kinds, i.Kind)
	}
	return slices.Contains(kinds, o.GetKind())
}

// takeMarks takes the marks off an object and returns them.
func takeMarks(o *yaml.RNode) (configured, patched string, err error) {
	for mark, value := range map[string]*string{configuredMark: &configured, patchedMark: &patched} {
		if *value, err = takeAnnotation(o, mark); err != nil {
			return "", "", err
		}
	}
	return configured, patched, nil
}

func takeAnnotation(o *yaml.RNode, key string) (string, error) {
	value := o.GetAnnotations()[key]
	if value == "" {
		return "", nil
	}
	if err := o.PipeE(yaml.ClearAnnotation(key)); err != nil {
		return "", fmt.Errorf("%s %s: %w", o.GetKind(), o.GetName(), err)
	}
	return value, yaml.ClearEmptyAnnotations(o)
}

// markedName splits what patchedMark holds.
func markedName(mark string) (namespace, name string) {
	namespace, name, _ = strings.Cut(mark, "/")
	return namespace, name
}
