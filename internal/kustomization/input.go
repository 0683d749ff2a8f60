package kustomization

import (
	"path/filepath"
	"slices"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/transformer"
)

// Files in memory that take the place of what is to be fetched: the first holds the
// inputs, the other nothing.
const (
	inputFile   = "flux-trust-input.yaml"
	nothingFile = "flux-trust-nothing.yaml"
)

// fetch gives a build the inputs in place of the first resource that kustomize would
// fetch, and nothing in place of the others.
func (f *folder) fetch(s *source) {
	if f.fetched == nil {
		return
	}
	input, nothing := filepath.Join(f.dir, inputFile), filepath.Join(f.dir, nothingFile)
	s.edits[input], s.edits[nothing] = f.fetched, []byte{}
	first := true
	s.remote = func(*RemoteError) (string, error) {
		if !first {
			return nothing, nil
		}
		first = false
		return input, nil
	}
}

// takeInputs sees whether the folder has resources that kustomize would fetch. The
// inputs are what they build then.
func (f *folder) takeInputs() error {
	if len(f.Inputs) == 0 {
		return nil
	}
	f.fetched = []byte{}
	from, err := f.source(state{kustomization: f.clean})
	if err != nil {
		return err
	}
	found, put := false, from.remote
	from.remote = func(e *RemoteError) (string, error) {
		found = true
		return put(e)
	}
	b, err := from.build(f.dir)
	f.fetched = nil
	if !found {
		return nil // an error of the build comes back
	}
	inputs := f.released(f.Inputs)
	if err == nil { // what the folder builds by itself is not what is fetched
		inputs = slices.DeleteFunc(inputs, func(o *yaml.RNode) bool {
			return slices.ContainsFunc(b.objects, func(own *yaml.RNode) bool { return idOf(own) == idOf(o) })
		})
	}
	f.Inputs = nil
	f.fetched, err = textOf(inputs)
	return err
}

// released returns objects without what an earlier run of the config has done: they
// may be a build of the folder itself.
func (f *folder) released(objects []*yaml.RNode) []*yaml.RNode {
	resources := make([]transformer.Resource, len(objects))
	for i, o := range objects {
		resources[i] = transformer.Resource{Node: o}
	}
	outcome := transformer.Run(None(f.config), resources, f.Now)
	return slices.DeleteFunc(slices.Clone(outcome.Items), func(o *yaml.RNode) bool {
		return o == nil || o.GetKind() == "ConfigMap" && ownerOf(o) == f.config.Metadata.Name
	})
}

// None returns a config in a form that takes its work out.
func None(c *v1alpha1.FluxTrust) *v1alpha1.FluxTrust {
	config := *c
	config.Spec.CABundle, config.Spec.Proxy, config.Spec.Extras = nil, nil, v1alpha1.ControllerExtras{}
	config.Spec.Mount.Method, config.Spec.SecurityContext.Profile, config.Spec.OnNoControllers = v1alpha1.None, v1alpha1.NoProfile, v1alpha1.Ignore
	return &config
}
