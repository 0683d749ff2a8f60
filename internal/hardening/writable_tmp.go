package hardening

import (
	"path"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"fluxtrust.dev/flux-trust/internal/codes"
	"fluxtrust.dev/flux-trust/internal/krm"
)

// tmpName is the name of the emptyDir for /tmp.
const tmpName = "flux-trust-tmp"

// maxVolumeName is the longest name of a volume (RFC 1123 label).
const maxVolumeName = 63

// provideTmp gives a container a writable /tmp where it has none: a controller
// with a read-only root file system fails without.
func provideTmp(p *pod, c place) {
	for _, m := range c.Items("volumeMounts") {
		if path.Clean(m.Text("mountPath")) != "/tmp" {
			continue
		}
		if readOnly := m.Boolean("readOnly"); readOnly != nil && readOnly.Value {
			p.tell(krm.Warning, codes.TmpReadOnly, krm.Difference{Path: m.Path + ".readOnly", Current: true}, "/tmp is mounted read-only; left as it is")
		}
		return
	}
	name := p.tmpVolume(c)
	mounts := c.EnsureList("volumeMounts")
	mount := newMapping()
	mount.PutText("name", name)
	mount.PutText("mountPath", "/tmp")
	mounts.Add(mount.Node)
	p.tell(krm.Info, codes.Hardened, krm.Difference{Path: mounts.Path + ".[name=" + name + "]", Proposed: "/tmp"},
		"emptyDir mounted at /tmp, because the root file system is read-only")
}

// tmpVolume returns the name of an emptyDir for /tmp of a container. Containers
// do not share one: they would see each other's files.
func (p *pod) tmpVolume(c place) string {
	name := tmpName
	if len(p.spec.Items("containers")) > 1 {
		name += "-" + c.Text("name")
		name = strings.TrimRight(name[:min(len(name), maxVolumeName)], "-")
	}
	volumes := p.spec.EnsureList("volumes")
	existing := volumes.Named(name)
	switch {
	case len(existing) == 0:
		volume := newMapping()
		volume.PutText("name", name)
		volume.Ensure("emptyDir")
		volumes.Add(volume.Node)
	case existing[0].Node.Kind != yaml.MappingNode || krm.IndexOf(existing[0].Node, "emptyDir") < 0:
		existing[0].Fail(codes.NameTaken, "a volume of this name exists and is not an emptyDir; rename it")
	}
	return name
}

func newMapping() krm.Field {
	return krm.Field{Node: &yaml.Node{Kind: yaml.MappingNode, Tag: yaml.NodeTagMap}}
}
