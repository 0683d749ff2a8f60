package transformer

import (
	"strings"

	"sigs.k8s.io/kustomize/kyaml/fn/framework"
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"fluxtrust.dev/flux-trust/controllers"
)

// addExtras applies what goes beyond the profile. Each says what it needs: a pod
// that a node refuses is harder to explain than one that was never changed.
func (p *pod) addExtras() error {
	extras := &p.config.Extras
	if extras.RunAsUser != "" {
		for _, i := range p.controllers {
			if err := p.runAsImage(i); err != nil {
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
		sc, err := p.ensure(p.spec, "securityContext")
		if err != nil {
			return err
		}
		if err := p.setExtra(sc, "supplementalGroupsPolicy", textNode(policy), "needs Kubernetes 1.33 and a container runtime that supports it"); err != nil {
			return err
		}
	}
	if extras.EnableServiceLinks != nil {
		if err := p.setExtra(p.spec, "enableServiceLinks", boolNode(false), "the pod gets no env variables for Services"); err != nil {
			return err
		}
	}
	return p.limitEmptyDirs(extras.EmptyDirSizeLimit)
}

// setExtra sets a field to the stricter of its two values.
func (p *pod) setExtra(f field, key string, want *yaml.Node, note string) error {
	current, err := f.get(key)
	if err != nil {
		return err
	}
	have, err := current.text()
	if err != nil || have == want.Value && current.node.ShortTag() == want.Tag {
		return err
	}
	severity, c := framework.Info, change{path: current.path, proposed: want.Value}
	if current.exists() {
		severity, c.current = framework.Warning, have
	}
	p.put(f, key, want)
	p.report.did(severity, c, "set to %s: %s", want.Value, note)
	return nil
}

// runAsImage writes the user of the image into a controller, unless somebody
// has chosen one.
func (p *pod) runAsImage(index int) error {
	containers, err := p.containers("containers")
	if err != nil {
		return err
	}
	c := containers[index]
	for _, owner := range []field{p.spec, c} {
		for _, key := range []string{"runAsUser", "runAsGroup"} {
			if id, err := owner.at("securityContext", key); err != nil || id.exists() {
				return err
			}
		}
	}
	image := c.textOr("image")
	user, ok := controllers.User(image)
	if !ok {
		p.report.did(framework.Warning, change{path: c.path + ".securityContext.runAsUser"},
			"not set: the user of the image %s is not known; write runAsUser and runAsGroup yourself", image)
		return nil
	}
	sc, err := p.ensure(c, "securityContext")
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
func (p *pod) ownUsers() error {
	for _, key := range []string{"hostNetwork", "hostPID", "hostIPC"} {
		host, err := p.spec.get(key)
		if err != nil {
			return err
		}
		if value, err := host.boolean(); err != nil {
			return err
		} else if value != nil && value.value {
			p.report.did(framework.Warning, change{path: p.spec.path + ".hostUsers"}, "not set: it is not possible together with %s", key)
			return nil
		}
	}
	return p.setExtra(p.spec, "hostUsers", boolNode(false), "needs Kubernetes 1.33 and nodes with user namespaces")
}

// addAppArmor sets the profile of the pod, unless somebody has chosen one in the
// field or in the annotation of old, which must not contradict each other.
func (p *pod) addAppArmor(kind string) error {
	annotations, err := textsAt(p.template, "metadata", "annotations")
	if err != nil {
		return err
	}
	for key := range annotations {
		if strings.HasPrefix(key, appArmorAnnotation) {
			p.report.did(framework.Info, change{path: p.spec.path + ".securityContext.appArmorProfile"}, "not set: the annotation %s stays", key)
			return nil
		}
	}
	profile, err := p.spec.at("securityContext", "appArmorProfile", "type")
	if err != nil || profile.exists() {
		return err
	}
	parent, err := p.ensure(p.spec, "securityContext", "appArmorProfile")
	if err != nil {
		return err
	}
	return p.setExtra(parent, "type", textNode(kind), "a node without AppArmor refuses the pod")
}

// limitEmptyDirs gives every emptyDir without a limit one. The function's own
// volume gets its limit where it is written.
func (p *pod) limitEmptyDirs(limit string) error {
	if limit == "" {
		return nil
	}
	volumes, err := p.spec.entries("volumes")
	if err != nil {
		return err
	}
	for _, v := range volumes {
		if v.textOr("name") == p.ownVolume || v.node.Kind != yaml.MappingNode || indexOf(v.node, "emptyDir") < 0 {
			continue
		}
		emptyDir, err := p.ensure(v, "emptyDir")
		if err != nil {
			return err
		}
		current, err := emptyDir.get("sizeLimit")
		if err != nil {
			return err
		}
		if current.exists() {
			continue
		}
		if err := p.setExtra(emptyDir, "sizeLimit", textNode(limit), "a pod that writes more is evicted"); err != nil {
			return err
		}
	}
	return nil
}
