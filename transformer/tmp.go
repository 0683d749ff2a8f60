package transformer

import (
	"path"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/fn/framework"
	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// ensureTmp gives a container a writable /tmp where it has none: a controller
// with a read-only root file system fails without.
func (p *pod) ensureTmp(container field) error {
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
			return p.checkWritable(m)
		}
	}
	name, err := p.tmpVolume(container)
	if err != nil {
		return err
	}
	if mounts, err = p.ensureList(container, "volumeMounts"); err != nil {
		return err
	}
	entry, err := node(struct {
		Name      string `yaml:"name"`
		MountPath string `yaml:"mountPath"`
	}{name, "/tmp"})
	if err != nil {
		return err
	}
	p.add(mounts, entry)
	p.report.did(framework.Info, change{path: mounts.path + ".[name=" + name + "]", proposed: "/tmp"},
		"emptyDir mounted at /tmp, because the root file system is read-only")
	return nil
}

func (p *pod) checkWritable(mount field) error {
	readOnly, err := mount.get("readOnly")
	if err != nil {
		return err
	}
	value, err := readOnly.boolean()
	if err == nil && value != nil && value.value {
		p.report.add(framework.Warning, change{path: readOnly.path, current: true}, "/tmp is mounted read-only; left as it is")
	}
	return err
}

// maxVolumeName is the longest name of a volume (RFC 1123 label).
const maxVolumeName = 63

// tmpVolume returns the name of an emptyDir for /tmp of a container. Containers
// do not share one: they would see each other's files.
func (p *pod) tmpVolume(container field) (string, error) {
	name := tmpVolume
	if containers, err := p.containers("containers"); err != nil {
		return "", err
	} else if len(containers) > 1 {
		own, err := container.textAt("name")
		if err != nil {
			return "", err
		}
		name += "-" + own
		name = strings.TrimRight(name[:min(len(name), maxVolumeName)], "-")
	}
	volumes, err := p.ensureList(p.spec, "volumes")
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
	added, err := node(struct {
		Name     string   `yaml:"name"`
		EmptyDir struct{} `yaml:"emptyDir"`
	}{Name: name})
	if err != nil {
		return "", err
	}
	p.add(volumes, added)
	return name, nil
}
