package transformer

import (
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/fn/framework"
	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// The rules below are those of the Pod Security Standard "restricted",
// https://kubernetes.io/docs/concepts/security/pod-security-standards/, and of
// "baseline", which it includes. A value that is already as strict stays as it
// is; one that is missing is added; one that is explicitly weaker is replaced,
// with a warning.

// restrictedContainer is a container that is being hardened.
type restrictedContainer struct {
	field
	// controller tells whether it runs a Flux controller.
	controller bool
}

// podDefaults says what the pod's securityContext gives to containers that say
// nothing themselves.
type podDefaults struct {
	runAsNonRoot, seccomp bool
}

// harden applies the profile Restricted to every container that is not
// excepted.
func (d *deployment) harden(except []string) error {
	var hardened []restrictedContainer
	excepted := false
	for _, key := range []string{"initContainers", "containers"} {
		containers, err := d.containers(key)
		if err != nil {
			return err
		}
		for i, c := range containers {
			name, err := c.textAt("name")
			if err != nil {
				return err
			}
			if slices.Contains(except, name) {
				excepted = true
				continue
			}
			hardened = append(hardened, restrictedContainer{field: c, controller: key == "containers" && slices.Contains(d.controllers, i)})
		}
	}
	defaults, err := d.hardenPod(excepted)
	if err != nil {
		return err
	}
	for _, c := range hardened {
		if err := d.hardenContainer(c, defaults); err != nil {
			return err
		}
	}
	return d.reportHostAccess()
}

// hardenPod replaces what the pod says explicitly and insecurely. Where a
// container is excepted, it is removed instead: the others get their own
// values, and the excepted one is not forced.
func (d *deployment) hardenPod(excepted bool) (podDefaults, error) {
	var defaults podDefaults
	before := d.changed
	d.changed = false
	defer func() { d.changed = d.changed || before }()
	sc, err := d.pod.get("securityContext")
	if err != nil {
		return defaults, err
	}
	nonRoot, err := sc.get("runAsNonRoot")
	if err != nil {
		return defaults, err
	}
	switch value, err := nonRoot.boolean(); {
	case err != nil:
		return defaults, err
	case value == nil:
	case value.value && !value.quoted:
		defaults.runAsNonRoot = true
	case excepted:
		d.drop(sc, "runAsNonRoot", nonRoot, "weakens every container; the containers get their own value")
	default:
		d.replace(sc, "runAsNonRoot", nonRoot, true)
		defaults.runAsNonRoot = true
	}
	if defaults.seccomp, err = d.hardenPodSeccomp(sc, excepted); err != nil {
		return defaults, err
	}
	if err := d.dropRoot(sc); err != nil {
		return defaults, err
	}
	d.removeEmpty(d.pod, "securityContext", d.changed)
	return defaults, nil
}

func (d *deployment) hardenPodSeccomp(sc field, excepted bool) (bool, error) {
	profile, kind, err := seccompType(sc)
	switch {
	case err != nil || !profile.exists():
		return false, err
	case restrictsSyscalls(kind):
		return true, nil
	case excepted:
		d.drop(sc, "seccompProfile", profile, "weakens every container; the containers get their own value")
		return false, nil
	default:
		return true, d.setSeccomp(sc, profile, kind)
	}
}

func (d *deployment) hardenContainer(c restrictedContainer, defaults podDefaults) error {
	if err := d.setTrueOrFalse(c.field, "privileged", false, true); err != nil {
		return err
	}
	if err := d.setTrueOrFalse(c.field, "allowPrivilegeEscalation", false, false); err != nil {
		return err
	}
	if err := d.hardenCapabilities(c.field); err != nil {
		return err
	}
	if err := d.setTrueOrFalse(c.field, "runAsNonRoot", true, defaults.runAsNonRoot); err != nil {
		return err
	}
	if err := d.hardenSeccomp(c.field, defaults.seccomp); err != nil {
		return err
	}
	sc, err := c.get("securityContext")
	if err != nil {
		return err
	}
	if err := d.dropRoot(sc); err != nil {
		return err
	}
	if err := d.dropProcMount(sc); err != nil {
		return err
	}
	if !c.controller {
		return nil
	}
	if err := d.setTrueOrFalse(c.field, "readOnlyRootFilesystem", true, false); err != nil {
		return err
	}
	return d.ensureTmp(c.field)
}

// setTrueOrFalse makes a field of the securityContext of a container what the
// standard asks for. An absent one is fine where the default already is.
func (d *deployment) setTrueOrFalse(container field, key string, want, absentIsFine bool) error {
	current, err := container.at("securityContext", key)
	if err != nil {
		return err
	}
	value, err := current.boolean()
	if err != nil {
		return err
	}
	if value == nil && absentIsFine || value != nil && value.value == want && !value.quoted {
		return nil
	}
	sc, err := d.ensure(container, "securityContext")
	if err != nil {
		return err
	}
	if value != nil {
		d.replace(sc, key, current, want)
		return nil
	}
	d.putBool(sc, key, want)
	d.report.add(framework.Info, change{path: current.path, proposed: want}, "set to %t", want)
	return nil
}

// hardenCapabilities drops ALL and takes away what is added beyond
// NET_BIND_SERVICE.
func (d *deployment) hardenCapabilities(container field) error {
	add, err := container.at("securityContext", "capabilities", "add")
	if err != nil {
		return err
	}
	added, err := add.items()
	if err != nil {
		return err
	}
	for _, a := range added {
		name, err := a.text()
		if err != nil {
			return err
		}
		if name == "NET_BIND_SERVICE" {
			continue
		}
		d.removeEntry(add, a)
		own, err := container.textAt("name")
		if err != nil {
			return err
		}
		d.report.add(framework.Warning, change{path: add.path, current: name},
			"removed %s; if the container %s needs it, list it under spec.securityContext.exceptContainers", name, own)
	}
	capabilities, err := container.at("securityContext", "capabilities")
	if err != nil {
		return err
	}
	d.removeEmpty(capabilities, "add", len(added) > 0)
	return d.dropAll(container)
}

func (d *deployment) dropAll(container field) error {
	drop, err := container.at("securityContext", "capabilities", "drop")
	if err != nil {
		return err
	}
	dropped, err := drop.items()
	if err != nil {
		return err
	}
	for _, c := range dropped {
		name, err := c.text()
		if err != nil {
			return err
		}
		if name == "ALL" {
			return nil
		}
		if strings.EqualFold(name, "ALL") {
			c.node.Value = "ALL"
			d.changed = true
			d.report.add(framework.Warning, change{path: c.path, current: name, proposed: "ALL"}, "%q is not ALL for the Pod Security admission; replaced", name)
			return nil
		}
	}
	capabilities, err := d.ensure(container, "securityContext", "capabilities")
	if err != nil {
		return err
	}
	if drop, err = d.ensureList(capabilities, "drop"); err != nil {
		return err
	}
	d.add(drop, &yaml.Node{Kind: yaml.ScalarNode, Tag: yaml.NodeTagString, Value: "ALL"})
	d.report.add(framework.Info, change{path: drop.path, proposed: "ALL"}, "ALL added")
	return nil
}

func (d *deployment) hardenSeccomp(container field, inherited bool) error {
	sc, err := container.get("securityContext")
	if err != nil {
		return err
	}
	profile, kind, err := seccompType(sc)
	if err != nil {
		return err
	}
	if restrictsSyscalls(kind) || !profile.exists() && inherited {
		return nil
	}
	if sc, err = d.ensure(container, "securityContext"); err != nil {
		return err
	}
	return d.setSeccomp(sc, profile, kind)
}

// seccompType returns the seccomp profile of a securityContext and its type.
func seccompType(sc field) (profile field, kind string, err error) {
	if profile, err = sc.get("seccompProfile"); err != nil {
		return profile, "", err
	}
	kind, err = profile.textAt("type")
	return profile, kind, err
}

func restrictsSyscalls(seccompType string) bool {
	return seccompType == "RuntimeDefault" || seccompType == "Localhost"
}

func (d *deployment) setSeccomp(sc, profile field, kind string) error {
	if kind != "" {
		d.report.add(framework.Warning, change{path: profile.path + ".type", current: kind, proposed: "RuntimeDefault"}, "%s replaced by RuntimeDefault", kind)
	} else {
		d.report.add(framework.Info, change{path: profile.path + ".type", proposed: "RuntimeDefault"}, "set to RuntimeDefault")
	}
	profile, err := d.ensure(sc, "seccompProfile")
	if err != nil {
		return err
	}
	d.putText(profile, "type", "RuntimeDefault")
	d.remove(profile, "localhostProfile")
	return nil
}

// dropRoot removes runAsUser: 0, which runAsNonRoot makes fail. The image's own
// user applies then. A runAsGroup goes with it: container runtimes refuse one
// without a user.
func (d *deployment) dropRoot(sc field) error {
	user, err := sc.get("runAsUser")
	if err != nil {
		return err
	}
	uid, err := user.text()
	if err != nil || !user.exists() || uid != "0" {
		return err
	}
	d.drop(sc, "runAsUser", user, "root; the user of the image applies instead")
	group, err := sc.get("runAsGroup")
	if err != nil || !group.exists() {
		return err
	}
	d.drop(sc, "runAsGroup", group, "meaningless without runAsUser")
	return nil
}

func (d *deployment) dropProcMount(sc field) error {
	procMount, err := sc.get("procMount")
	if err != nil {
		return err
	}
	value, err := procMount.text()
	if err != nil || !procMount.exists() || value == "Default" {
		return err
	}
	d.drop(sc, "procMount", procMount, "the default masks /proc")
	return nil
}

// replace sets a field that has an insecure or unusable value.
func (d *deployment) replace(sc field, key string, current field, want bool) {
	d.report.add(framework.Warning, change{path: current.path, current: current.node.Value, proposed: want}, "%s replaced by %t", quote(current.node), want)
	d.putBool(sc, key, want)
}

// drop removes a field that has an insecure value.
func (d *deployment) drop(sc field, key string, current field, why string) {
	var value any
	if current.node.Kind == yaml.ScalarNode {
		value = current.node.Value
	}
	d.report.add(framework.Warning, change{path: current.path, current: value}, "removed: %s", why)
	d.remove(sc, key)
}

// quote shows a scalar as it stands, so that "true" and true can be told apart.
func quote(n *yaml.Node) string {
	if n.ShortTag() == yaml.NodeTagString && n.Style != 0 {
		return "the string \"" + n.Value + "\""
	}
	return n.Value
}

// reportHostAccess names what "restricted" forbids and what cannot be taken
// away without breaking the pod.
func (d *deployment) reportHostAccess() error {
	for _, key := range []string{"hostNetwork", "hostPID", "hostIPC"} {
		host, err := d.pod.get(key)
		if err != nil {
			return err
		}
		value, err := host.boolean()
		if err != nil {
			return err
		}
		if value != nil && value.value {
			d.report.add(framework.Warning, change{path: host.path, current: true}, "is not allowed by the Pod Security Standard restricted; left as it is, because the pod may need it")
		}
	}
	volumes, err := d.pod.get("volumes")
	if err != nil {
		return err
	}
	items, err := volumes.items()
	if err != nil {
		return err
	}
	for _, v := range items {
		hostPath, err := v.get("hostPath")
		if err != nil {
			return err
		}
		if hostPath.exists() {
			d.report.add(framework.Warning, change{path: hostPath.path}, "is not allowed by the Pod Security Standard restricted; left as it is, because the pod may need it")
		}
	}
	return nil
}
