package setup

import (
	"slices"
	"strings"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/internal/filter"
	"fluxtrust.dev/flux-trust/internal/inventory"
	"fluxtrust.dev/flux-trust/internal/krm"
	"fluxtrust.dev/flux-trust/internal/kustomization"
	"fluxtrust.dev/flux-trust/internal/stream"
	"fluxtrust.dev/flux-trust/transformer"
)

// manifests plans a folder with Flux in its files, over which the function is run.
func (o *Options) manifests(c *config, given []Root) (*Plan, error) {
	files, err := manifestsIn(o.Dir, c.path)
	if err != nil {
		return nil, err
	}
	store, t, after, outcome, err := o.run(c, files, given)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(files, store.Path) {
		files = append(files, store.Path)
	}
	found, err := unseen(kustomization.Options{Dir: o.Dir, Root: o.Root}, files)
	if err != nil {
		return nil, err
	}
	outcome.Findings = append(outcome.Findings, found...)
	p := o.planOf(Manifests, c, t, outcome)
	return p, p.settle(given, c, t, append([]kustomization.File{store, c.file()}, after...)...)
}

// run runs the function over files and the ConfigMap of the config, and returns that and
// the files that the function changes.
func (o *Options) run(c *config, paths []string, given []Root) (store kustomization.File, t trusted, after []kustomization.File, outcome transformer.Outcome, err error) {
	files, err := readAll(paths)
	if err != nil {
		return store, t, nil, outcome, err
	}
	namespaces, err := o.namespaces(files)
	if err != nil {
		return store, t, nil, outcome, err
	}
	if store, t, err = o.configMap(c, paths, given, namespaces); err != nil {
		return store, t, nil, outcome, err
	}
	work := slices.Clone(files)
	at := slices.IndexFunc(work, func(f filter.File) bool { return f.Path == store.Path })
	if at < 0 {
		work = append(work, filter.File{Path: store.Path})
		at = len(work) - 1
	}
	work[at].Text = store.After
	now, outcome, err := filter.InPlace(c.FluxTrust, work, o.Now)
	if err != nil {
		return store, t, nil, outcome, err
	}
	if i := indexOf(now, store.Path); i >= 0 { // which holds controllers as well
		store.After = now[i].Text
		now = slices.Delete(now, i, i+1)
	}
	return store, t, changed(files, now), outcome, nil
}

// readAll reads files.
func readAll(paths []string) ([]filter.File, error) {
	var files []filter.File
	for _, path := range paths {
		data, err := stream.ReadRegular(path)
		if err != nil {
			return nil, err
		}
		files = append(files, filter.File{Path: path, Text: data})
	}
	return files, nil
}

// changed returns files that are to be others than before.
func changed(before, after []filter.File) []kustomization.File {
	files := make([]kustomization.File, len(after))
	for i, f := range after {
		files[i] = kustomization.File{Path: f.Path, Before: before[indexOf(before, f.Path)].Text, After: f.Text}
	}
	return files
}

func indexOf(files []filter.File, path string) int {
	return slices.IndexFunc(files, func(f filter.File) bool { return f.Path == path })
}

// namespaces returns those of the controllers in files.
func (o *Options) namespaces(files []filter.File) ([]string, error) {
	var objects []*krm.Object
	for _, f := range files {
		documents, err := stream.Split(f.Path, f.Text, nil)
		if err != nil {
			return nil, err
		}
		objects = append(objects, objectsIn(f.Path, documents)...)
	}
	found := inventory.Of(objects, &v1alpha1.Controllers{})
	var namespaces []string
	for _, w := range found.Workloads {
		if len(w.Selected) > 0 {
			namespaces = append(namespaces, w.Object.Namespace())
		}
	}
	for _, i := range found.Installers {
		namespaces = append(namespaces, i.Namespaces[0])
	}
	for i, namespace := range namespaces {
		if namespace == "" {
			namespaces[i] = o.Namespace
		}
	}
	// What a template or a variable stands for is known later.
	namespaces = slices.DeleteFunc(namespaces, func(n string) bool { return strings.Trim(n, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" })
	slices.Sort(namespaces)
	if namespaces = slices.Compact(namespaces); len(namespaces) == 0 {
		namespaces = []string{o.Namespace}
	}
	return namespaces, nil
}
