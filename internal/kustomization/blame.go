package kustomization

import (
	"errors"
	"fmt"
	"slices"

	"sigs.k8s.io/kustomize/api/types"

	"fluxtrust.dev/flux-trust/internal/patches"
	"fluxtrust.dev/flux-trust/internal/quote"
)

// suspect is an entry of a kustomization that may undo the patches of flux-trust.
type suspect struct {
	file, field string
	// without takes it out of a layer.
	without change
	// cure says what to do about it.
	cure string
}

// suspectsIn returns the entries of a layer that kustomize applies behind its patches.
// In a layer above the folder its patches are among them.
func suspectsIn(l *layer, dir string) []suspect {
	var found []suspect
	at := func(field, cure string, drop func(*types.Kustomization)) {
		file := l.file
		found = append(found, suspect{file, field, func(l *layer) {
			if l.file == file {
				drop(&l.Kustomization)
			}
		}, cure})
	}
	for i := range l.PatchesJson6902 { //nolint:staticcheck // as people have it
		at(fmt.Sprintf("patchesJson6902[%d]", i), "kustomize applies patchesJson6902 behind all patches; run kustomize edit fix in the folder, which makes patches of them",
			func(k *types.Kustomization) {
				k.PatchesJson6902 = without(k.PatchesJson6902, i) //nolint:staticcheck // as above
			})
	}
	for i := range l.Replacements {
		at(fmt.Sprintf("replacements[%d]", i), "kustomize applies replacements behind all patches; write the value itself, as a patch, or leave the field out of the targets",
			func(k *types.Kustomization) { k.Replacements = without(k.Replacements, i) })
	}
	for i := range l.Transformers {
		at(fmt.Sprintf("transformers[%d]", i), "kustomize applies transformers behind all patches; make a patch of it",
			func(k *types.Kustomization) { k.Transformers = without(k.Transformers, i) })
	}
	for i := range l.Vars { //nolint:staticcheck // as people have it
		at(fmt.Sprintf("vars[%d]", i), "kustomize puts vars in behind all patches; write the value itself",
			func(k *types.Kustomization) { k.Vars = without(k.Vars, i) }) //nolint:staticcheck // as above
	}
	for i := range l.Images {
		at(fmt.Sprintf("images[%d]", i), "leave the controllers out of it", func(k *types.Kustomization) { k.Images = without(k.Images, i) })
	}
	for i := range l.Labels {
		at(fmt.Sprintf("labels[%d]", i), "leave it out", func(k *types.Kustomization) { k.Labels = without(k.Labels, i) })
	}
	at("commonAnnotations", "leave the annotations of flux-trust out", func(k *types.Kustomization) { k.CommonAnnotations = nil })
	at("configurations", "leave them out", func(k *types.Kustomization) { k.Configurations = nil })
	at("openapi", "leave it out", func(k *types.Kustomization) { k.OpenAPI = nil })
	at("namespace", "give the controllers and their ConfigMap one namespace", func(k *types.Kustomization) { k.Namespace = "" })
	at("namePrefix", "leave it out", func(k *types.Kustomization) { k.NamePrefix = "" })
	at("nameSuffix", "leave it out", func(k *types.Kustomization) { k.NameSuffix = "" })
	for i, p := range l.Patches {
		switch {
		case l.dir == dir:
		case patches.Owner(p.Patch) != "":
			at(fmt.Sprintf("patches[%d]", i), "it is the work of flux-trust in another layer; bring that up to date first, or take it out there: flux-trust patches CONFIG --write DIR --remove",
				func(k *types.Kustomization) { k.Patches = without(k.Patches, i) })
		case isIn(dir, l.dir):
			at(fmt.Sprintf("patches[%d]", i), "it comes behind the patches of flux-trust; write those into this layer: flux-trust patches CONFIG --write "+quote.Path(l.dir),
				func(k *types.Kustomization) { k.Patches = without(k.Patches, i) })
		}
	}
	return found
}

// without returns a list without an entry.
func without[T any](list []T, i int) []T {
	if i >= len(list) {
		return list
	}
	return slices.Delete(slices.Clone(list), i, i+1)
}

// blame finds the entry without which the comparison holds, and returns an error that
// names it. Try compares once more, under a change.
func blame(problem error, layers []*layer, dir string, try func(change) error) error {
	differ := (*DifferentError)(nil)
	if !errors.As(problem, &differ) {
		return problem
	}
	for _, l := range layers {
		for _, s := range suspectsIn(l, dir) {
			if try(s.without) == nil {
				return &UndoneError{DifferentError: differ, File: s.file, Field: s.field, Cure: s.cure}
			}
		}
	}
	return problem
}

// UndoneError says which entry of a kustomization undoes the patches of flux-trust.
type UndoneError struct {
	*DifferentError
	// File is a kustomization, Field the entry in it, Cure what to do about it.
	File, Field, Cure string
}

func (e *UndoneError) Error() string {
	return fmt.Sprintf("%s: %s: undoes what the patches of flux-trust do (%s); %s", e.File, e.Field, e.inShort(), e.Cure)
}

func (e *UndoneError) Unwrap() error { return e.DifferentError }
