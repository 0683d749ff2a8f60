package transformer

import (
	"slices"

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

// harden applies the profile to every container that is not excepted, and
// returns the names of those that are.
func (d *deployment) harden(t *transform) (exceptedNames []string, err error) {
	hardened, excepted, err := d.sort(t.config.Spec.SecurityContext.ExceptContainers)
	if err != nil {
		return nil, err
	}
	for _, c := range excepted {
		name := c.textOr("name")
		t.seen["container "+name] = true
		exceptedNames = append(exceptedNames, name)
	}
	defaults, err := d.hardenPod(excepted)
	if err != nil {
		return nil, err
	}
	for _, c := range hardened {
		if err := d.hardenOne(c, defaults); err != nil {
			return nil, err
		}
	}
	if !d.openShift { // which gives every container a user
		if err := d.dropGroups(hardened); err != nil {
			return nil, err
		}
	}
	if err := d.dropAppArmorAnnotations(); err != nil {
		return nil, err
	}
	if err := d.addExtras(); err != nil {
		return nil, err
	}
	return exceptedNames, d.findLeft()
}

// sort returns the containers that are to be hardened and those that are not.
// The function's own one is neither: it is written anew, or goes.
func (d *deployment) sort(except []string) (hardened []restrictedContainer, excepted []field, err error) {
	for _, key := range []string{"initContainers", "containers"} {
		containers, err := d.containers(key)
		if err != nil {
			return nil, nil, err
		}
		for i, c := range containers {
			name, err := c.textAt("name")
			switch {
			case err != nil:
				return nil, nil, err
			case name == initContainer && d.claimed:
			case slices.Contains(except, name):
				excepted = append(excepted, c)
			default:
				hardened = append(hardened, restrictedContainer{field: c, controller: key == "containers" && slices.Contains(d.controllers, i)})
			}
		}
	}
	return hardened, excepted, nil
}

// hardenPod replaces what the pod says explicitly and insecurely. An excepted
// container that has inherited it gets it as its own: the others are not to
// depend on it.
func (d *deployment) hardenPod(excepted []field) (podDefaults, error) {
	var defaults podDefaults
	if d.openShift {
		if err := d.leaveToPlatform(d.pod, excepted); err != nil {
			return defaults, err
		}
		return podDefaults{runAsNonRoot: true, seccomp: true}, d.hardenPlatform(d.pod)
	}
	sc, err := d.pod.get("securityContext")
	if err != nil {
		return defaults, err
	}
	filled := sc.exists() && len(sc.node.Content) > 0
	if defaults.runAsNonRoot, err = d.hardenPodNonRoot(sc, excepted); err != nil {
		return defaults, err
	}
	if defaults.seccomp, err = d.hardenPodSeccomp(sc, excepted); err != nil {
		return defaults, err
	}
	if err := d.dropRoot(sc, excepted); err != nil {
		return defaults, err
	}
	err = d.hardenPlatform(d.pod)
	d.removeEmpty(d.pod, "securityContext", filled)
	return defaults, err
}

// hardenPodNonRoot tells whether the pod says runAsNonRoot afterwards.
func (d *deployment) hardenPodNonRoot(sc field, excepted []field) (bool, error) {
	nonRoot, err := sc.get("runAsNonRoot")
	if err != nil {
		return false, err
	}
	value, err := nonRoot.boolean()
	switch {
	case err != nil || value == nil:
		return false, err
	case value.value && !value.quoted:
		return true, nil
	}
	if err := d.handDown(excepted, "runAsNonRoot", nonRoot); err != nil {
		return false, err
	}
	d.replace(sc, "runAsNonRoot", nonRoot, true)
	return true, nil
}

// hardenPodSeccomp tells whether the pod restricts system calls afterwards.
func (d *deployment) hardenPodSeccomp(sc field, excepted []field) (bool, error) {
	profile, kind, err := seccompType(sc)
	switch {
	case err != nil || !profile.exists():
		return false, err
	case restrictsSyscalls(kind):
		return true, nil
	}
	if err := d.handDown(excepted, "seccompProfile", profile); err != nil {
		return false, err
	}
	return true, d.setSeccomp(sc, profile, kind)
}

// handDown gives containers a value of the pod, unless they have their own.
func (d *deployment) handDown(containers []field, key string, value field) error {
	for _, c := range containers {
		own, err := c.at("securityContext", key)
		if err != nil {
			return err
		}
		if own.exists() {
			continue
		}
		sc, err := d.ensure(c, "securityContext")
		if err != nil {
			return err
		}
		d.put(sc, key, yaml.CopyYNode(value.node))
		d.report.did(framework.Info, change{path: own.path}, "taken over from the pod, because the container is excepted")
	}
	return nil
}

// hardenOne hardens a container, and warns when it is not ours: it may need
// more than restricted allows.
func (d *deployment) hardenOne(c restrictedContainer, defaults podDefaults) error {
	before := d.changed
	d.changed = false
	if err := d.hardenContainer(c, defaults); err != nil {
		return err
	}
	if d.changed && !c.controller {
		name, err := c.textAt("name")
		if err != nil {
			return err
		}
		d.report.did(framework.Warning, change{path: c.path + ".securityContext"},
			"hardened as well; if the container needs more than the Pod Security Standard restricted allows, list %s under spec.securityContext.exceptContainers", name)
	}
	d.changed = d.changed || before
	return nil
}

func (d *deployment) hardenContainer(c restrictedContainer, defaults podDefaults) error {
	if d.openShift {
		if err := d.leaveToPlatform(c.field, nil); err != nil {
			return err
		}
	}
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
	if err := d.dropRoot(sc, nil); err != nil {
		return err
	}
	if err := d.dropProcMount(sc); err != nil {
		return err
	}
	if err := d.hardenPlatform(c.field); err != nil {
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
