package setup

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/internal/codes"
	"fluxtrust.dev/flux-trust/internal/filter"
	"fluxtrust.dev/flux-trust/internal/krm"
	"fluxtrust.dev/flux-trust/internal/kustomization"
	"fluxtrust.dev/flux-trust/internal/quote"
)

// Reconcile says what a folder has to be for its controllers to be as a config says:
// kustomization.Reconcile where it has a kustomization, or is to get one. Where Flux stands in
// manifests without one, they are what the function makes of them.
func Reconcile(config *v1alpha1.FluxTrust, o kustomization.Options) (kustomization.Result, error) {
	inPlace, err := isInPlace(o)
	switch {
	case err != nil:
		return kustomization.Result{}, err
	case inPlace:
		return reconcileInPlace(config, o)
	default:
		return kustomization.Reconcile(config, o)
	}
}

// Remove says what a folder is without the work of a config.
func Remove(config *v1alpha1.FluxTrust, o kustomization.Options) (kustomization.Result, error) {
	inPlace, err := isInPlace(o)
	switch {
	case err != nil:
		return kustomization.Result{}, err
	case inPlace:
		return reconcileInPlace(kustomization.None(config), o)
	default:
		return kustomization.Remove(config, o)
	}
}

// isInPlace reports whether the manifests of a folder themselves hold the change. A folder
// that has no place for it is an error.
func isInPlace(o kustomization.Options) (bool, error) {
	kind := kindOf(o.Dir)
	if hasKustomization(o.Dir) || kind == Bootstrap || !isFolder(o.Dir) {
		return false, nil // or is refused there
	}
	dir, config := quote.Path(o.Dir), quote.Path(o.ConfigFile)
	switch kind {
	case Manifests:
		return true, nil
	case Package:
		return false, fmt.Errorf("%s: is a kpt package, which gets the function and no patches; render it, and look at the result: kpt fn render %s --allow-exec && kpt fn source %s -o unwrap | flux-trust validate %s -",
			o.Dir, dir, dir, config)
	default:
	}
	files, err := manifestsIn(o.Dir, o.ConfigFile)
	if err != nil {
		return false, err
	}
	files = slices.DeleteFunc(files, func(path string) bool { return slices.Contains(kustomization.OwnFiles(), filepath.Base(path)) })
	switch {
	case len(files) == 0 && len(below(o.Dir)) == 0:
		return false, nil // Flux is to come
	case len(files) > 0 && !slices.ContainsFunc(files, func(path string) bool { return !isOurs(path) }):
		return false, fmt.Errorf("%s: holds what init has written for a Flux that is built elsewhere; look at what is built there: flux-trust validate %s %s FILE…",
			o.Dir, config, strings.Join(quote.Each(quote.Path, files), " "))
	default:
		return false, notHere(o.Dir)
	}
}

// unseen tells which manifests of a folder Flux may not get, and where else Flux is below it.
func unseen(o kustomization.Options, manifests []string) (krm.Findings, error) {
	found, err := kustomization.Unseen(o, manifests)
	for _, dir := range below(o.Dir) {
		found.Add(krm.Warning, codes.Unchecked, nil, krm.Difference{}, "%s: Flux is there as well, and that folder was not looked at; name it, too", dir)
	}
	return found, err
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// manifestsIn returns the files with YAML of a folder, but for the config.
func manifestsIn(dir, config string) ([]string, error) {
	files, err := yamlFiles(dir)
	config = kustomization.Resolved(config)
	return slices.DeleteFunc(files, func(path string) bool { return kustomization.Resolved(path) == config }), err
}

// reconcileInPlace runs the function over the manifests of a folder. It sees the inputs, too,
// and changes none of them.
func reconcileInPlace(config *v1alpha1.FluxTrust, o kustomization.Options) (r kustomization.Result, err error) {
	r.InPlace = true
	paths, err := manifestsIn(o.Dir, o.ConfigFile)
	if err != nil {
		return r, err
	}
	before, err := readAll(paths)
	if err != nil {
		return r, err
	}
	files := before
	for _, object := range o.Inputs {
		text, err := object.String()
		if err != nil {
			return r, err
		}
		files = append(files, filter.File{Path: fmt.Sprintf("INPUT[%d]", len(files)-len(before)), Text: []byte(text)})
	}
	found, err := unseen(o, paths)
	if err != nil {
		return r, err
	}
	after, outcome, err := filter.InPlace(config, files, o.Now)
	if r.Outcome = outcome; err != nil || outcome.Failed() {
		return r, err
	}
	for _, f := range after {
		if indexOf(before, f.Path) < 0 {
			return r, fmt.Errorf("%s: Flux is in this folder and among the inputs; name the folder alone, or the inputs: flux-trust CONFIG INPUT…", o.Dir)
		}
	}
	r.Files = changed(before, after)
	r.Outcome.Findings = append(r.Outcome.Findings, found...)
	return r, nil
}
