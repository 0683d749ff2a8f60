package trust

import (
	"path"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/internal/codes"
	"fluxtrust.dev/flux-trust/internal/krm"
	"fluxtrust.dev/flux-trust/internal/quote"
)

// The method File mounts every file beside the public roots of the image.

const fileWarning = "the method File mounts with subPath: the kubelet never updates such a file, so a new root arrives with a restart only"

func fileEnv(*v1alpha1.Mount) []variable { return nil }

func planFiles(p *Pod, s *Settings, projections []Projection) plan {
	made := plan{reads: s.Mount.Path}
	for _, projection := range projections {
		for _, file := range projection.files() {
			at := path.Join(s.Mount.Path, file)
			if at == systemBundle {
				p.fail(codes.HidesPublicRoots, "the method File would hide the public roots: %s gives the file %s; rename the ConfigMap or its key", projection, quote.PathList(at))
			}
			made.mounts = append(made.mounts, mount{Name: v1alpha1.CAVolume, MountPath: at, SubPath: file, ReadOnly: true})
		}
	}
	return made
}

// checkReads refuses a directory with roots that Go does not look into.
func checkReads(container krm.Field, dir string) {
	if dir == "" {
		return
	}
	switch entry, value := envEntry(container, certDir); {
	case value == nil || *value == "":
		if !isSystemDirectory(dir) {
			container.Fail(codes.PathNotRead, "Go does not look for roots in %s; leave out spec.mount.path, or use spec.mount.method: Directory", dir)
		}
	case !lists(*value, dir):
		entry.Fail(codes.PathNotRead, "is %s, so Go does not look for roots in %s; append it to the value, or use spec.mount.method: Directory", quote.PathList(*value), dir)
	}
}
