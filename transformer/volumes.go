package transformer

import (
	"path"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/fn/framework"

	"fluxtrust.dev/flux-trust/internal/krm"
	"fluxtrust.dev/flux-trust/internal/quote"
)

// reconcileVolumes brings the volumes up to date. A source that already carries
// the hash suffix of a finished build keeps it.
func (d *deployment) reconcileVolumes(p plan) error {
	volumes, err := d.pod.GetE("volumes")
	if err != nil {
		return err
	}
	own, err := volumes.NamedE(caVolume)
	if err != nil {
		return err
	}
	var have []source
	if len(own) > 0 {
		current, err := own[0].AtE("projected", "sources")
		if err != nil {
			return err
		}
		if !current.Exists() {
			return own[0].Errorf("is no projected volume any more, as flux-trust wrote it; rename it")
		}
		if err := current.Node.Decode(&have); err != nil {
			return current.Errorf("is not a list of sources: %s", quote.Reader(err))
		}
	}
	d.sources = slices.Clone(p.sources)
	for i := range d.sources {
		d.sources[i] = d.sources[i].keepSuffix(have)
	}
	d.warnDropped(volumes.Path, have)
	want := p.volumes
	if len(p.sources) > 0 {
		want = append([]any{map[string]any{"name": caVolume, "projected": map[string]any{"sources": d.sources}}}, want...)
	}
	return d.ReconcileListE(d.pod, "volumes", krm.IsNamedE(caVolume, bundleVolume), want)
}

// warnDropped names what an earlier run, or somebody since, has put into the
// volume and what is no longer trusted.
func (d *deployment) warnDropped(at string, have []source) {
	at += ".[name=" + caVolume + "].projected.sources"
	for _, h := range have {
		i := slices.IndexFunc(d.sources, func(s source) bool {
			return s.same(h) || s.name() != "" && sameName(h.name(), withoutSuffix(s.name())) && (h.Secret == nil) == (s.Secret == nil)
		})
		switch {
		case len(d.sources) == 0: // the whole bundle goes
		case i < 0:
			d.report.Did(framework.Warning, krm.Change{Path: at}, "%s is no longer trusted: the config does not name it", h)
		default:
			for _, key := range h.keys() {
				if keys := d.sources[i].keys(); keys != nil && !slices.Contains(keys, key) {
					d.report.Did(framework.Warning, krm.Change{Path: at}, "%s of %s is no longer trusted: the config does not name it", quote.Key(key), h)
				}
			}
		}
	}
}

// mountedAt returns the directory in which an earlier run mounted the bundle.
func (d *deployment) mountedAt(container krm.Field) (string, error) {
	mounts, err := container.GetE("volumeMounts")
	if err != nil {
		return "", err
	}
	for _, name := range []string{caVolume, bundleVolume} {
		own, err := mounts.NamedE(name)
		if err != nil {
			return "", err
		}
		if len(own) > 0 {
			return own[0].TextAtE("mountPath")
		}
	}
	return "", nil
}

func (d *deployment) reconcileMounts(container krm.Field, want []mount) error {
	for _, m := range want {
		if err := checkMounts(container, m); err != nil {
			return err
		}
	}
	entries := make([]any, len(want))
	for i, m := range want {
		entries[i] = m
	}
	return d.ReconcileListE(container, "volumeMounts", krm.IsNamedE(caVolume, bundleVolume), entries)
}

// checkMounts refuses a path at, in or around which another volume is mounted:
// one of the two would hide the other, or the runtime could not create the
// mount point in a read-only volume.
func checkMounts(container krm.Field, want mount) error {
	items, err := container.EntriesE("volumeMounts")
	if err != nil {
		return err
	}
	for _, m := range items {
		name, err := m.TextAtE("name")
		if err != nil {
			return err
		}
		at, err := m.TextAtE("mountPath")
		if err != nil {
			return err
		}
		at = path.Clean(at)
		if name != caVolume && name != bundleVolume && (within(want.MountPath, at) || within(at, want.MountPath)) {
			return m.Errorf("volume %s is mounted at %s, which collides with volume %s at %s; set spec.mount.path to another directory, or use another spec.mount.method",
				quote.Name(name), quote.PathList(at), want.Name, want.MountPath)
		}
	}
	return nil
}

// within tells whether a path is the directory or lies in it.
func within(file, dir string) bool {
	return file == dir || dir == "/" || strings.HasPrefix(file, dir+"/")
}
