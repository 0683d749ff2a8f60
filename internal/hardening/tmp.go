package hardening

import (
	"path"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/fn/framework"
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"fluxtrust.dev/flux-trust/internal/krm"
)

// ensureTmp gives a container a writable /tmp where it has none: a controller
// with a read-only root file system fails without.
func (p *Pod) ensureTmp(container krm.Field) error {
	mounts, err := container.GetE("volumeMounts")
	if err != nil {
		return err
	}
	items, err := mounts.ItemsE()
	if err != nil {
		return err
	}
	for _, m := range items {
		at, err := m.TextAtE("mountPath")
		if err != nil {
			return err
		}
		if path.Clean(at) == "/tmp" {
			return p.checkWritable(m)
		}
	}
	name, err := p.tmpVolume(container)
	if err != nil {
		return err
	}
	if mounts, err = p.EnsureListE(container, "volumeMounts"); err != nil {
		return err
	}
	entry, err := krm.Node(struct {
		Name      string `yaml:"name"`
		MountPath string `yaml:"mountPath"`
	}{name, "/tmp"})
	if err != nil {
		return err
	}
	p.Add(mounts, entry)
	p.Report.Did(framework.Info, krm.Change{Path: mounts.Path + ".[name=" + name + "]", Proposed: "/tmp"},
		"emptyDir mounted at /tmp, because the root file system is read-only")
	return nil
}

func (p *Pod) checkWritable(mount krm.Field) error {
	readOnly, err := mount.GetE("readOnly")
	if err != nil {
		return err
	}
	value, err := readOnly.BooleanE()
	if err == nil && value != nil && value.Value {
		p.Report.Add(framework.Warning, krm.Change{Path: readOnly.Path, Current: true}, "/tmp is mounted read-only; left as it is")
	}
	return err
}

// tmpName is the name of the emptyDir for /tmp.
const tmpName = "flux-trust-tmp"

// maxVolumeName is the longest name of a volume (RFC 1123 label).
const maxVolumeName = 63

// tmpVolume returns the name of an emptyDir for /tmp of a container. Containers
// do not share one: they would see each other's files.
func (p *Pod) tmpVolume(container krm.Field) (string, error) {
	name := tmpName
	if containers, err := p.containers("containers"); err != nil {
		return "", err
	} else if len(containers) > 1 {
		own, err := container.TextAtE("name")
		if err != nil {
			return "", err
		}
		name += "-" + own
		name = strings.TrimRight(name[:min(len(name), maxVolumeName)], "-")
	}
	volumes, err := p.EnsureListE(p.Spec, "volumes")
	if err != nil {
		return "", err
	}
	existing, err := volumes.NamedE(name)
	if err != nil {
		return "", err
	}
	if len(existing) > 0 {
		if existing[0].Node.Kind != yaml.MappingNode || krm.IndexOf(existing[0].Node, "emptyDir") < 0 {
			return "", existing[0].Errorf("a volume of this name exists and is no emptyDir; rename it")
		}
		return name, nil
	}
	added, err := krm.Node(struct {
		Name     string   `yaml:"name"`
		EmptyDir struct{} `yaml:"emptyDir"`
	}{Name: name})
	if err != nil {
		return "", err
	}
	p.Add(volumes, added)
	return name, nil
}
