package hardening

import (
	"strings"

	"sigs.k8s.io/kustomize/kyaml/fn/framework"
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"fluxtrust.dev/flux-trust/internal/flux"
	"fluxtrust.dev/flux-trust/internal/krm"
	"fluxtrust.dev/flux-trust/internal/quote"
)

// addExtras applies what goes beyond the profile. Each says what it needs: a pod
// that a node refuses is harder to explain than one that was never changed.
func (p *Pod) addExtras(hardened []restrictedContainer) error {
	extras := &p.Config.Extras
	if extras.RunAsUser != "" {
		for _, c := range hardened {
			if err := p.runAsImage(c); err != nil {
				return err
			}
		}
	}
	if extras.HostUsers != nil {
		if err := p.ownUsers(); err != nil {
			return err
		}
	}
	if extras.AppArmorProfile != "" {
		if err := p.addAppArmor(string(extras.AppArmorProfile)); err != nil {
			return err
		}
	}
	if policy := string(extras.SupplementalGroupsPolicy); policy != "" {
		sc, err := p.EnsureE(p.Spec, "securityContext")
		if err != nil {
			return err
		}
		if err := p.setExtra(sc, "supplementalGroupsPolicy", krm.TextNode(policy), "needs Kubernetes 1.33 and a container runtime that supports it"); err != nil {
			return err
		}
	}
	if extras.EnableServiceLinks != nil {
		if err := p.setExtra(p.Spec, "enableServiceLinks", krm.BoolNode(false), "the pod gets no env variables for Services"); err != nil {
			return err
		}
	}
	return p.limitEmptyDirs(extras.EmptyDirSizeLimit)
}

// setExtra sets a field to the stricter of its two values.
func (p *Pod) setExtra(f krm.Field, key string, want *yaml.Node, note string) error {
	current, err := f.GetE(key)
	if err != nil {
		return err
	}
	have, err := current.TextE()
	if err != nil || have == want.Value && current.Node.ShortTag() == want.Tag {
		return err
	}
	severity, c := framework.Info, krm.Change{Path: current.Path, Proposed: want.Value}
	if current.Exists() {
		severity, c.Current = framework.Warning, have
	}
	p.Put(f, key, want)
	p.Report.Did(severity, c, "set to %s: %s", want.Value, note)
	return nil
}

// runAsImage writes the user of the image into a controller, unless somebody
// has chosen one.
func (p *Pod) runAsImage(c restrictedContainer) error {
	if !c.controller {
		return nil
	}
	for _, owner := range []krm.Field{p.Spec, c.Field} {
		// A group without a user is gone by now.
		if user, err := owner.AtE("securityContext", "runAsUser"); err != nil || user.Exists() {
			return err
		}
	}
	image := c.TextOr("image")
	user, ok := flux.User(image)
	if !ok {
		p.Report.Did(framework.Warning, krm.Change{Path: c.Path + ".securityContext.runAsUser"},
			"not set: the user of the image %s is not known; write runAsUser and runAsGroup yourself", quote.Image(image))
		return nil
	}
	sc, err := p.EnsureE(c.Field, "securityContext")
	if err != nil {
		return err
	}
	for _, key := range []string{"runAsUser", "runAsGroup"} {
		if err := p.setExtra(sc, key, &yaml.Node{Kind: yaml.ScalarNode, Tag: yaml.NodeTagInt, Value: user}, "the user and group of the image"); err != nil {
			return err
		}
	}
	return nil
}

// ownUsers asks for a user namespace. Kubernetes refuses one beside the
// namespaces of the host.
func (p *Pod) ownUsers() error {
	for _, key := range []string{"hostNetwork", "hostPID", "hostIPC"} {
		host, err := p.Spec.GetE(key)
		if err != nil {
			return err
		}
		if value, err := host.BooleanE(); err != nil {
			return err
		} else if value != nil && value.Value {
			p.Report.Did(framework.Warning, krm.Change{Path: p.Spec.Path + ".hostUsers"}, "not set: it is not possible together with %s", key)
			return nil
		}
	}
	return p.setExtra(p.Spec, "hostUsers", krm.BoolNode(false), "needs Kubernetes 1.33 and nodes with user namespaces")
}

// addAppArmor sets the profile of the pod, unless somebody has chosen one in the
// field or in the annotation of old, which must not contradict each other.
func (p *Pod) addAppArmor(kind string) error {
	annotations, err := p.Template.TextsAtE("metadata", "annotations")
	if err != nil {
		return err
	}
	for key := range annotations {
		if strings.HasPrefix(key, appArmorAnnotation) {
			p.Report.Did(framework.Info, krm.Change{Path: p.Spec.Path + ".securityContext.appArmorProfile"}, "not set: the annotation %s stays", quote.Key(key))
			return nil
		}
	}
	profile, err := p.Spec.AtE("securityContext", "appArmorProfile", "type")
	if err != nil || profile.Exists() {
		return err
	}
	parent, err := p.EnsureE(p.Spec, "securityContext", "appArmorProfile")
	if err != nil {
		return err
	}
	return p.setExtra(parent, "type", krm.TextNode(kind), "a node without AppArmor refuses the pod")
}

// limitEmptyDirs gives every emptyDir without a limit one. The function's own
// volume gets its limit where it is written.
func (p *Pod) limitEmptyDirs(limit string) error {
	if limit == "" {
		return nil
	}
	volumes, err := p.Spec.EntriesE("volumes")
	if err != nil {
		return err
	}
	for _, v := range volumes {
		if v.TextOr("name") == p.OwnVolume || v.Node.Kind != yaml.MappingNode || krm.IndexOf(v.Node, "emptyDir") < 0 {
			continue
		}
		emptyDir, err := p.EnsureE(v, "emptyDir")
		if err != nil {
			return err
		}
		current, err := emptyDir.GetE("sizeLimit")
		if err != nil {
			return err
		}
		if current.Exists() {
			continue
		}
		if err := p.setExtra(emptyDir, "sizeLimit", krm.TextNode(limit), "a pod that writes more is evicted"); err != nil {
			return err
		}
	}
	return nil
}
