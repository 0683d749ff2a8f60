package transformer

import (
	"strings"

	"sigs.k8s.io/kustomize/kyaml/fn/framework"
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"fluxtrust.dev/flux-trust/controllers"
)

// addExtras applies what goes beyond the profile. Each says what it needs: a pod
// that a node refuses is harder to explain than one that was never changed.
func (d *deployment) addExtras() error {
	extras := &d.extras
	if extras.RunAsUser != "" {
		for _, i := range d.controllers {
			if err := d.runAsImage(i); err != nil {
				return err
			}
		}
	}
	if extras.HostUsers != nil {
		if err := d.ownUsers(); err != nil {
			return err
		}
	}
	if extras.AppArmorProfile != "" {
		if err := d.addAppArmor(string(extras.AppArmorProfile)); err != nil {
			return err
		}
	}
	if policy := string(extras.SupplementalGroupsPolicy); policy != "" {
		sc, err := d.ensure(d.pod, "securityContext")
		if err != nil {
			return err
		}
		if err := d.setExtra(sc, "supplementalGroupsPolicy", textNode(policy), "needs Kubernetes 1.33 and a container runtime that supports it"); err != nil {
			return err
		}
	}
	if extras.EnableServiceLinks != nil {
		if err := d.setExtra(d.pod, "enableServiceLinks", boolNode(false), "the pod gets no env variables for Services"); err != nil {
			return err
		}
	}
	return d.limitEmptyDirs(extras.EmptyDirSizeLimit)
}

// setExtra sets a field to the stricter of its two values.
func (d *deployment) setExtra(f field, key string, want *yaml.Node, note string) error {
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
	d.put(f, key, want)
	d.report.did(severity, c, "set to %s: %s", want.Value, note)
	return nil
}

// runAsImage writes the user of the image into a controller, unless somebody
// has chosen one.
func (d *deployment) runAsImage(index int) error {
	containers, err := d.containers("containers")
	if err != nil {
		return err
	}
	c := containers[index]
	for _, owner := range []field{d.pod, c} {
		for _, key := range []string{"runAsUser", "runAsGroup"} {
			if id, err := owner.at("securityContext", key); err != nil || id.exists() {
				return err
			}
		}
	}
	user, ok := controllers.User(d.seen.Containers[index].Image)
	if !ok {
		d.report.did(framework.Warning, change{path: c.path + ".securityContext.runAsUser"},
			"not set: the user of the image %s is not known; write runAsUser and runAsGroup yourself", d.seen.Containers[index].Image)
		return nil
	}
	sc, err := d.ensure(c, "securityContext")
	if err != nil {
		return err
	}
	for _, key := range []string{"runAsUser", "runAsGroup"} {
		if err := d.setExtra(sc, key, &yaml.Node{Kind: yaml.ScalarNode, Tag: yaml.NodeTagInt, Value: user}, "the user and group of the image"); err != nil {
			return err
		}
	}
	return nil
}

// ownUsers asks for a user namespace. Kubernetes refuses one beside the
// namespaces of the host.
func (d *deployment) ownUsers() error {
	for _, key := range []string{"hostNetwork", "hostPID", "hostIPC"} {
		host, err := d.pod.get(key)
		if err != nil {
			return err
		}
		if value, err := host.boolean(); err != nil {
			return err
		} else if value != nil && value.value {
			d.report.did(framework.Warning, change{path: d.pod.path + ".hostUsers"}, "not set: it is not possible together with %s", key)
			return nil
		}
	}
	return d.setExtra(d.pod, "hostUsers", boolNode(false), "needs Kubernetes 1.33 and nodes with user namespaces")
}

// addAppArmor sets the profile of the pod, unless somebody has chosen one in the
// field or in the annotation of old, which must not contradict each other.
func (d *deployment) addAppArmor(kind string) error {
	annotations, err := textsAt(d.podTemplate, "metadata", "annotations")
	if err != nil {
		return err
	}
	for key := range annotations {
		if strings.HasPrefix(key, appArmorAnnotation) {
			d.report.did(framework.Info, change{path: d.pod.path + ".securityContext.appArmorProfile"}, "not set: the annotation %s stays", key)
			return nil
		}
	}
	profile, err := d.pod.at("securityContext", "appArmorProfile", "type")
	if err != nil || profile.exists() {
		return err
	}
	parent, err := d.ensure(d.pod, "securityContext", "appArmorProfile")
	if err != nil {
		return err
	}
	return d.setExtra(parent, "type", textNode(kind), "a node without AppArmor refuses the pod")
}

// limitEmptyDirs gives every emptyDir without a limit one. The function's own
// volume gets its limit where it is written.
func (d *deployment) limitEmptyDirs(limit string) error {
	if limit == "" {
		return nil
	}
	volumes, err := d.pod.entries("volumes")
	if err != nil {
		return err
	}
	for _, v := range volumes {
		if v.textOr("name") == bundleVolume || v.node.Kind != yaml.MappingNode || indexOf(v.node, "emptyDir") < 0 {
			continue
		}
		emptyDir, err := d.ensure(v, "emptyDir")
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
		if err := d.setExtra(emptyDir, "sizeLimit", textNode(limit), "a pod that writes more is evicted"); err != nil {
			return err
		}
	}
	return nil
}
