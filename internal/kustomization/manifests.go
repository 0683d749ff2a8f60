package kustomization

import (
	"path/filepath"
	"strings"

	"sigs.k8s.io/kustomize/api/konfig"

	"fluxtrust.dev/flux-trust/internal/codes"
	"fluxtrust.dev/flux-trust/internal/krm"
)

// Some folders have no kustomization of their own: Flux makes one of all their manifests, or
// one above names them.

// OwnFiles returns the names of files that a new kustomization lists, whatever is in them.
func OwnFiles() []string { return []string{syncFile, bundleFile} }

// Unseen tells which manifests of a folder without a kustomization Flux may not get: those
// that are links, that git or Flux ignores, or that a kustomization above does not list. A
// link out of the repository is an error.
func Unseen(o Options, manifests []string) (krm.Findings, error) {
	f := &folder{Options: o, dir: Resolved(o.Dir), inMemory: inMemory{pending: map[string][]byte{}}}
	f.file, f.root = filepath.Join(f.dir, konfig.DefaultKustomizationFileName()), f.findRoot()
	b := &built{survey: newSurvey(source{texts: f.pending})}
	for _, path := range manifests {
		file := filepath.Join(f.dir, filepath.Base(path))
		f.pending[file], b.used[file] = nil, true
	}
	if err := f.checkRoot(); err != nil {
		return nil, f.shown(err)
	}
	f.tellLinks(b)
	f.tellIgnored(b)
	return f.findings, f.tellAbove(manifests)
}

// tellAbove names the manifests that the nearest kustomization above does not list, where it
// lists others of the folder. Without a repository nobody knows how far up that may be.
func (f *folder) tellAbove(manifests []string) error {
	if f.root == filepath.Dir(f.root) || f.dir == f.root {
		return nil
	}
	above := filepath.Dir(f.dir)
	for ; !hasKustomization(above, nil); above = filepath.Dir(above) {
		if above == f.root {
			return nil
		}
	}
	from, err := newSource(f.root)
	if err != nil {
		return err
	}
	b := &built{survey: newSurvey(from)}
	if err := b.visit(above, false); err != nil {
		f.findings.Add(krm.Warning, codes.Unchecked, nil, krm.Difference{}, "whether the kustomization in %s builds these manifests could not be looked at: %s", f.path(above), f.shown(from.screened(err)))
		return nil
	}
	var missing []string
	for _, path := range manifests {
		if !b.read[filepath.Join(f.dir, filepath.Base(path))] {
			missing = append(missing, path)
		}
	}
	if len(missing) > 0 && len(missing) < len(manifests) {
		f.findings.Add(krm.Warning, codes.Unchecked, nil, krm.Difference{}, "%s is not among the resources of %s, which lists others of %s: where Flux builds that, list it there", strings.Join(missing, " and "), f.path(b.layers[0].file), f.Dir)
	}
	return nil
}
