package trust

import (
	"path"
	"slices"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/internal/codes"
	"fluxtrust.dev/flux-trust/internal/inventory"
	"fluxtrust.dev/flux-trust/internal/krm"
	"fluxtrust.dev/flux-trust/internal/quote"
)

// reconcileVolumes brings the volumes up to date, and returns the projections as they
// are written: one that already carries the hash suffix of a finished build keeps it.
func (p *Pod) reconcileVolumes(projections []Projection, others []any) []Projection {
	have := p.projected()
	projections = slices.Clone(projections)
	for i := range projections {
		projections[i] = projections[i].withSuffixOf(have)
	}
	p.warnDropped(have, projections)
	want := others
	if len(projections) > 0 {
		want = append([]any{map[string]any{"name": v1alpha1.CAVolume, "projected": map[string]any{"sources": projections}}}, want...)
	}
	p.spec.Reconcile("volumes", krm.IsNamed(v1alpha1.CAVolume, v1alpha1.BundleVolume), want)
	return projections
}

// projected returns what an earlier run, or somebody since, has put into the volume.
func (p *Pod) projected() []Projection {
	own := p.spec.Get("volumes").Named(v1alpha1.CAVolume)
	if len(own) == 0 {
		return nil
	}
	sources := own[0].Get("projected", "sources")
	if !sources.Exists() {
		own[0].Fail(codes.VolumeEdited, "is no longer a projected volume, as flux-trust wrote it; rename it")
		return nil
	}
	var have []Projection
	if err := sources.Node.Decode(&have); err != nil {
		sources.Fail(codes.VolumeEdited, "is not a list of sources: %s", quote.Reader(err))
	}
	return have
}

// warnDropped names what is no longer trusted.
func (p *Pod) warnDropped(have, projections []Projection) {
	at := krm.At(p.volumePath() + ".projected.sources")
	for _, h := range have {
		i := slices.IndexFunc(projections, func(want Projection) bool {
			name := want.object().Name
			return want.isOf(h) || name != "" && inventory.IsNamed(h.object().Name, inventory.WithoutSuffix(name)) && want.isOfKind(h)
		})
		switch {
		case len(projections) == 0: // the whole bundle goes
		case i < 0:
			p.found.Add(krm.Warning, codes.RootsDropped, p.object, at, "%s is no longer trusted: the config does not name it", h)
		default:
			for _, key := range h.keys() {
				if keys := projections[i].keys(); keys != nil && !slices.Contains(keys, key) {
					p.found.Add(krm.Warning, codes.RootsDropped, p.object, at, "%s of %s is no longer trusted: the config does not name it", quote.Key(key), h)
				}
			}
		}
	}
}

// mountedAt returns the directory in which an earlier run mounted the bundle.
func mountedAt(container krm.Field) string {
	for _, name := range []string{v1alpha1.CAVolume, v1alpha1.BundleVolume} {
		if own := container.Get("volumeMounts").Named(name); len(own) > 0 {
			return own[0].Text("mountPath")
		}
	}
	return ""
}

func reconcileMounts(container krm.Field, want []mount) {
	entries := make([]any, len(want))
	for i, m := range want {
		checkMounts(container, m)
		entries[i] = m
	}
	container.Reconcile("volumeMounts", krm.IsNamed(v1alpha1.CAVolume, v1alpha1.BundleVolume), entries)
}

// checkMounts refuses a path at, in or around which another volume is mounted:
// one of the two would hide the other, or the runtime could not create the
// mount point in a read-only volume.
func checkMounts(container krm.Field, want mount) {
	for _, m := range container.Items("volumeMounts") {
		name, at := m.Text("name"), path.Clean(m.Text("mountPath"))
		if name != v1alpha1.CAVolume && name != v1alpha1.BundleVolume && (v1alpha1.Within(want.MountPath, at) || v1alpha1.Within(at, want.MountPath)) {
			m.Fail(codes.PathTaken, "volume %s is mounted at %s, which collides with volume %s at %s; set spec.mount.path to another directory, or use another spec.mount.method",
				quote.Name(name), quote.PathList(at), want.Name, want.MountPath)
		}
	}
}
