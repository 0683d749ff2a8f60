package kustomization

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"fluxtrust.dev/flux-trust/internal/codes"
	"fluxtrust.dev/flux-trust/internal/krm"
)

// checkRoot refuses a folder outside of the root, and files that a link leads out of it:
// what is there is not part of the repository.
func (f *folder) checkRoot() error {
	if !isIn(f.dir, f.root) {
		return fmt.Errorf("--root %s: %s is not in it; name a folder above that", f.Root, f.Dir)
	}
	files := slices.Collect(maps.Keys(f.pending))
	for _, file := range slices.Sorted(slices.Values(append(files, f.file, filepath.Join(f.dir, bundleFile)))) {
		if !isIn(Resolved(file), f.root) {
			return fmt.Errorf("%s: is a symbolic link that leads out of the repository, %s; put the file itself there", file, f.root)
		}
	}
	return nil
}

// tellLinks names the files of a build that Flux does not have: it leaves symbolic links
// out of every artifact.
func (f *folder) tellLinks(b *built) {
	files := append(slices.Collect(maps.Keys(b.texts)), f.file)
	slices.Sort(files)
	for _, file := range slices.Compact(files) {
		if info, err := os.Lstat(file); err == nil && info.Mode().Type() == os.ModeSymlink { //nolint:gosec // a file of the build, which is not opened
			f.findings.Add(krm.Warning, codes.Unchecked, nil, krm.Difference{}, "%s is a symbolic link, and Flux leaves those out of what it fetches: its build may differ; put the file itself there", f.path(file))
		}
	}
}
