package kustomization

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/internal/pattern"
	"fluxtrust.dev/flux-trust/internal/stream"
)

// header stands above the objects of a config in the file with the bundle.
func header(owner string) string {
	return "# Written by flux-trust patches for FluxTrust " + owner + ".\n"
}

var anyHeader = pattern.Pattern{Text: `(?m)^# Written by flux-trust patches for FluxTrust (.+)\.\r?\n`}

// bundle is the file with the ConfigMaps that no generator makes, by their owners.
// Several configs may share it.
type bundle map[string][]*yaml.RNode

// readBundle reads the file. What flux-trust has not written is an error.
func readBundle(file string, data []byte) (bundle, error) {
	if len(strings.TrimSpace(string(data))) == 0 {
		return bundle{}, nil
	}
	foreign := fmt.Errorf("%s: was not written by flux-trust, which keeps its ConfigMaps in a file of this name; rename yours, also under resources", file)
	documents, err := stream.Split(file, data, nil)
	if err != nil {
		return nil, err
	}
	owner := ""
	if m := anyHeader.Get().FindSubmatch(data); m != nil {
		owner = string(m[1])
	}
	b := bundle{}
	for _, d := range documents {
		o := d.Resource()
		if o == nil {
			continue
		}
		by := ownerOf(o)
		if by == "" {
			by = owner
		}
		if by == "" || o.GetKind() != "ConfigMap" {
			return nil, foreign
		}
		b[by] = append(b[by], o)
	}
	if len(b) == 0 && owner == "" {
		return nil, foreign
	}
	return b, nil
}

// ownerOf returns the config that has made an object, or "".
func ownerOf(o *yaml.RNode) string {
	annotations := o.GetAnnotations()
	return cmp.Or(annotations[generatorMark], annotations[v1alpha1.ConfigAnnotation])
}

// text returns the file, or nil where it is to hold nothing.
func (b bundle) text() ([]byte, error) {
	var out strings.Builder
	var owners []string
	for owner, objects := range b {
		if len(objects) > 0 {
			owners = append(owners, owner)
		}
	}
	slices.Sort(owners)
	for _, owner := range owners {
		for i, o := range b[owner] {
			if out.Len() > 0 {
				out.WriteString("---\n")
			}
			if i == 0 {
				out.WriteString(header(owner))
			}
			text, err := o.String()
			if err != nil {
				return nil, err
			}
			out.WriteString(anyHeader.Get().ReplaceAllString(text, ""))
		}
	}
	if out.Len() == 0 {
		return nil, nil
	}
	return []byte(out.String()), nil
}
