package transformer

import (
	"path"
	"reflect"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/fn/framework"
	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// Names of the volumes that the function writes.
const (
	caVolume  = "flux-trust-ca"
	tmpVolume = "flux-trust-tmp"
)

// projectVolume adds the volume with the CA bundle, or brings that of an
// earlier run up to date.
func (d *deployment) projectVolume(want []source) error {
	volumes, err := d.ensureList(d.pod, "volumes")
	if err != nil {
		return err
	}
	own, err := volumes.named(caVolume)
	if err != nil {
		return err
	}
	switch {
	case len(own) > 1:
		return volumes.errorf("lists %s twice; remove one", caVolume)
	case len(own) == 1 && !d.claimed:
		return own[0].errorf("a volume of this name exists, and no annotation %s says that flux-trust wrote it; rename that volume", configAnnotation)
	case len(own) == 0:
		volume, err := node(map[string]any{"name": caVolume})
		if err != nil {
			return err
		}
		d.add(volumes, volume)
		own = []field{{path: volumes.path + ".[name=" + caVolume + "]", node: volume}}
	}
	return d.updateSources(own[0], want)
}

// updateSources makes the sources of the volume those of the config. A source
// that already carries the hash suffix of a finished build keeps it.
func (d *deployment) updateSources(volume field, want []source) error {
	current, err := volume.at("projected", "sources")
	if err != nil {
		return err
	}
	var have []source
	if current.exists() {
		if err := current.node.Decode(&have); err != nil {
			return current.errorf("is not a list of sources: %v", err)
		}
	}
	want = slices.Clone(want)
	for i := range want {
		want[i] = want[i].keepSuffix(have)
	}
	if d.sources = want; reflect.DeepEqual(have, want) {
		return nil
	}
	for _, h := range have {
		if !slices.ContainsFunc(want, h.sameObject) {
			kind, p := h.object()
			if p != nil {
				d.report.add(framework.Warning, change{path: current.path},
					"%s %s of an earlier run is no longer trusted: the config does not name it any more", kind, p.Name)
			}
		}
	}
	projected, err := d.ensure(volume, "projected")
	if err != nil {
		return err
	}
	sources, err := node(want)
	if err != nil {
		return err
	}
	d.put(projected, "sources", sources)
	return nil
}

// keepSuffix returns the source under the name that it has in the volume, if
// that is the configured one with kustomize's hash suffix.
func (s source) keepSuffix(have []source) source {
	kind, p := s.object()
	for _, h := range have {
		haveKind, haveP := h.object()
		if haveP == nil || haveKind != kind || !sameName(haveP.Name, p.Name) {
			continue
		}
		renamed := *p
		renamed.Name = haveP.Name
		if kind == "Secret" {
			return source{Secret: &renamed}
		}
		return source{ConfigMap: &renamed}
	}
	return s
}

func (s source) sameObject(other source) bool {
	kind, p := s.object()
	otherKind, otherP := other.object()
	return kind == otherKind && p != nil && otherP != nil && p.Name == otherP.Name
}

// mount mounts the bundle into a container.
func (d *deployment) mount(container field, mountPath string) error {
	if err := checkMounts(container, mountPath); err != nil {
		return err
	}
	mounts, err := d.ensureList(container, "volumeMounts")
	if err != nil {
		return err
	}
	own, err := mounts.named(caVolume)
	if err != nil {
		return err
	}
	if len(own) == 0 {
		entry, err := node(struct {
			Name      string `yaml:"name"`
			MountPath string `yaml:"mountPath"`
			ReadOnly  bool   `yaml:"readOnly"`
		}{caVolume, mountPath, true})
		if err != nil {
			return err
		}
		d.add(mounts, entry)
		return nil
	}
	for _, extra := range own[1:] {
		d.removeEntry(mounts, extra)
	}
	if have, err := own[0].textAt("mountPath"); err != nil {
		return err
	} else if have != mountPath {
		d.putText(own[0], "mountPath", mountPath)
	}
	readOnly, err := own[0].get("readOnly")
	if err != nil {
		return err
	}
	if value, err := readOnly.boolean(); err != nil {
		return err
	} else if value == nil || !value.value || value.quoted {
		d.putBool(own[0], "readOnly", true)
	}
	return nil
}

// checkMounts refuses a path at, in or around which another volume is mounted:
// one of the two would hide the other, or the runtime could not create the
// mount point in a read-only volume.
func checkMounts(container field, mountPath string) error {
	mounts, err := container.get("volumeMounts")
	if err != nil {
		return err
	}
	items, err := mounts.items()
	if err != nil {
		return err
	}
	for _, m := range items {
		name, err := m.textAt("name")
		if err != nil {
			return err
		}
		at, err := m.textAt("mountPath")
		if err != nil {
			return err
		}
		if at = path.Clean(at); name != caVolume && (within(mountPath, at) || within(at, mountPath)) {
			return m.errorf("volume %s is mounted at %s, which collides with volume %s at %s; set spec.mount.path to another directory", name, at, caVolume, mountPath)
		}
	}
	return nil
}

// within tells whether a path is the directory or lies in it.
func within(file, dir string) bool {
	return file == dir || dir == "/" || strings.HasPrefix(file, dir+"/")
}

// unmount takes the bundle out of a container and returns where it was mounted.
func (d *deployment) unmount(container field) (string, error) {
	mounts, err := container.get("volumeMounts")
	if err != nil {
		return "", err
	}
	own, err := mounts.named(caVolume)
	if err != nil {
		return "", err
	}
	var mountPath string
	for _, m := range own {
		if mountPath, err = m.textAt("mountPath"); err != nil {
			return "", err
		}
		d.removeEntry(mounts, m)
	}
	d.removeEmpty(container, "volumeMounts", len(own) > 0)
	return mountPath, nil
}

// dropVolume takes the volume with the bundle out of the pod.
func (d *deployment) dropVolume() error {
	volumes, err := d.pod.get("volumes")
	if err != nil {
		return err
	}
	own, err := volumes.named(caVolume)
	if err != nil {
		return err
	}
	for _, v := range own {
		d.removeEntry(volumes, v)
	}
	d.removeEmpty(d.pod, "volumes", len(own) > 0)
	return nil
}

// removeEmpty removes a list or mapping that the function has just emptied.
func (d *deployment) removeEmpty(f field, key string, emptied bool) {
	if child, err := f.get(key); err == nil && emptied && child.exists() && len(child.node.Content) == 0 {
		d.remove(f, key)
	}
}

// ensureTmp gives a container a writable /tmp where it has none: a controller
// with a read-only root file system fails without.
func (d *deployment) ensureTmp(container field) error {
	mounts, err := container.get("volumeMounts")
	if err != nil {
		return err
	}
	items, err := mounts.items()
	if err != nil {
		return err
	}
	for _, m := range items {
		at, err := m.textAt("mountPath")
		if err != nil {
			return err
		}
		if path.Clean(at) == "/tmp" {
			return d.checkWritable(m)
		}
	}
	volume, err := d.tmpVolume(container)
	if err != nil {
		return err
	}
	if mounts, err = d.ensureList(container, "volumeMounts"); err != nil {
		return err
	}
	entry, err := node(struct {
		Name      string `yaml:"name"`
		MountPath string `yaml:"mountPath"`
	}{volume, "/tmp"})
	if err != nil {
		return err
	}
	d.add(mounts, entry)
	d.report.add(framework.Info, change{path: mounts.path + ".[name=" + volume + "]", proposed: "/tmp"},
		"emptyDir mounted at /tmp, because the root file system is read-only")
	return nil
}

func (d *deployment) checkWritable(mount field) error {
	readOnly, err := mount.get("readOnly")
	if err != nil {
		return err
	}
	value, err := readOnly.boolean()
	if err == nil && value != nil && value.value {
		d.report.add(framework.Warning, change{path: readOnly.path, current: true}, "/tmp is mounted read-only; left as it is")
	}
	return err
}

// tmpVolume returns the name of an emptyDir for /tmp of a container. Containers
// do not share one: they would see each other's files.
func (d *deployment) tmpVolume(container field) (string, error) {
	name := tmpVolume
	if len(d.seen.Containers) > 1 {
		own, err := container.textAt("name")
		if err != nil {
			return "", err
		}
		name += "-" + own
	}
	volumes, err := d.ensureList(d.pod, "volumes")
	if err != nil {
		return "", err
	}
	existing, err := volumes.named(name)
	if err != nil {
		return "", err
	}
	if len(existing) > 0 {
		if existing[0].node.Kind != yaml.MappingNode || indexOf(existing[0].node, "emptyDir") < 0 {
			return "", existing[0].errorf("a volume of this name exists and is no emptyDir; rename it")
		}
		return name, nil
	}
	volume, err := node(struct {
		Name     string   `yaml:"name"`
		EmptyDir struct{} `yaml:"emptyDir"`
	}{Name: name})
	if err != nil {
		return "", err
	}
	d.add(volumes, volume)
	return name, nil
}
