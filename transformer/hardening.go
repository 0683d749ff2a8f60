package transformer

import (
	"slices"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
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

// pod is a pod template that is being hardened.
type pod struct {
	*editor
	report report
	config *v1alpha1.SecurityContext
	// template is the pod template, spec its spec.
	template, spec field
	// controllers are the indexes of the containers that run a controller.
	controllers []int
	// own is the name of an init container that is not looked at: the function
	// writes it anew, or takes it away. ownVolume is the name of its volume.
	own, ownVolume string
	// excepted are the names of the containers that were left alone.
	excepted []string
	// left holds the fields that the evaluator refuses and that stay, by reason.
	left map[string][]string
}

func (p *pod) openShift() bool { return p.config.Profile == v1alpha1.OpenShift }

// containers returns the entries of containers or initContainers.
func (p *pod) containers(key string) ([]field, error) { return p.spec.entries(key) }

// harden applies the profile to every container that is not excepted.
func (p *pod) harden() error {
	hardened, excepted, err := p.sort()
	if err != nil {
		return err
	}
	for _, c := range excepted {
		p.excepted = append(p.excepted, c.textOr("name"))
	}
	defaults, err := p.hardenPod(excepted)
	if err != nil {
		return err
	}
	for _, c := range hardened {
		if err := p.hardenOne(c, defaults); err != nil {
			return err
		}
	}
	if !p.openShift() { // which gives every container a user
		if err := p.dropGroups(hardened); err != nil {
			return err
		}
	}
	if err := p.dropAppArmorAnnotations(); err != nil {
		return err
	}
	if err := p.addExtras(); err != nil {
		return err
	}
	return p.findLeft()
}

// sort returns the containers that are to be hardened and those that are not.
// The function's own one is neither.
func (p *pod) sort() (hardened []restrictedContainer, excepted []field, err error) {
	for _, key := range []string{"initContainers", "containers"} {
		containers, err := p.containers(key)
		if err != nil {
			return nil, nil, err
		}
		for i, c := range containers {
			name, err := c.textAt("name")
			switch {
			case err != nil:
				return nil, nil, err
			case name == p.own && p.own != "":
			case slices.Contains(p.config.ExceptContainers, name):
				excepted = append(excepted, c)
			default:
				hardened = append(hardened, restrictedContainer{field: c, controller: key == "containers" && slices.Contains(p.controllers, i)})
			}
		}
	}
	return hardened, excepted, nil
}

// hardenPod replaces what the pod says explicitly and insecurely. An excepted
// container that has inherited it gets it as its own: the others are not to
// depend on it.
func (p *pod) hardenPod(excepted []field) (podDefaults, error) {
	var defaults podDefaults
	if p.openShift() {
		if err := p.leaveToPlatform(p.spec, excepted); err != nil {
			return defaults, err
		}
		return podDefaults{runAsNonRoot: true, seccomp: true}, p.hardenPlatform(p.spec)
	}
	sc, err := p.spec.get("securityContext")
	if err != nil {
		return defaults, err
	}
	filled := sc.exists() && len(sc.node.Content) > 0
	if defaults.runAsNonRoot, err = p.hardenPodNonRoot(sc, excepted); err != nil {
		return defaults, err
	}
	if defaults.seccomp, err = p.hardenPodSeccomp(sc, excepted); err != nil {
		return defaults, err
	}
	if err := p.dropRoot(sc, excepted); err != nil {
		return defaults, err
	}
	err = p.hardenPlatform(p.spec)
	p.removeEmpty(p.spec, "securityContext", filled)
	return defaults, err
}

// hardenPodNonRoot tells whether the pod says runAsNonRoot afterwards.
func (p *pod) hardenPodNonRoot(sc field, excepted []field) (bool, error) {
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
	if err := p.handDown(excepted, "runAsNonRoot", nonRoot); err != nil {
		return false, err
	}
	p.replace(sc, "runAsNonRoot", nonRoot, true)
	return true, nil
}

// hardenPodSeccomp tells whether the pod restricts system calls afterwards.
func (p *pod) hardenPodSeccomp(sc field, excepted []field) (bool, error) {
	profile, kind, err := seccompType(sc)
	switch {
	case err != nil || !profile.exists():
		return false, err
	case restrictsSyscalls(kind):
		return true, nil
	}
	if err := p.handDown(excepted, "seccompProfile", profile); err != nil {
		return false, err
	}
	return true, p.setSeccomp(sc, profile, kind)
}

// handDown gives containers a value of the pod, unless they have their own.
func (p *pod) handDown(containers []field, key string, value field) error {
	for _, c := range containers {
		own, err := c.at("securityContext", key)
		if err != nil {
			return err
		}
		if own.exists() {
			continue
		}
		sc, err := p.ensure(c, "securityContext")
		if err != nil {
			return err
		}
		p.put(sc, key, yaml.CopyYNode(value.node))
		p.report.did(framework.Info, change{path: own.path}, "taken over from the pod, because the container is excepted")
	}
	return nil
}

// hardenOne hardens a container, and warns when it is not ours: it may need
// more than restricted allows.
func (p *pod) hardenOne(c restrictedContainer, defaults podDefaults) error {
	before := p.changed
	p.changed = false
	if err := p.hardenContainer(c, defaults); err != nil {
		return err
	}
	if p.changed && !c.controller {
		name, err := c.textAt("name")
		if err != nil {
			return err
		}
		p.report.did(framework.Warning, change{path: c.path + ".securityContext"},
			"hardened as well; if the container needs more than the Pod Security Standard restricted allows, list %s under spec.securityContext.exceptContainers", name)
	}
	p.changed = p.changed || before
	return nil
}

func (p *pod) hardenContainer(c restrictedContainer, defaults podDefaults) error {
	if p.openShift() {
		if err := p.leaveToPlatform(c.field, nil); err != nil {
			return err
		}
	}
	if err := p.setTrueOrFalse(c.field, "privileged", false, true); err != nil {
		return err
	}
	if err := p.setTrueOrFalse(c.field, "allowPrivilegeEscalation", false, false); err != nil {
		return err
	}
	if err := p.hardenCapabilities(c.field); err != nil {
		return err
	}
	if err := p.setTrueOrFalse(c.field, "runAsNonRoot", true, defaults.runAsNonRoot); err != nil {
		return err
	}
	if err := p.hardenSeccomp(c.field, defaults.seccomp); err != nil {
		return err
	}
	sc, err := c.get("securityContext")
	if err != nil {
		return err
	}
	if err := p.dropRoot(sc, nil); err != nil {
		return err
	}
	if err := p.dropProcMount(sc); err != nil {
		return err
	}
	if err := p.hardenPlatform(c.field); err != nil {
		return err
	}
	if !c.controller {
		return nil
	}
	if err := p.setTrueOrFalse(c.field, "readOnlyRootFilesystem", true, false); err != nil {
		return err
	}
	return p.ensureTmp(c.field)
}
