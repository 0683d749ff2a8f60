package hardening

import (
	"slices"

	"sigs.k8s.io/kustomize/kyaml/fn/framework"
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/internal/krm"
	"fluxtrust.dev/flux-trust/internal/quote"
)

// The rules below are those of the Pod Security Standard "restricted",
// https://kubernetes.io/docs/concepts/security/pod-security-standards/, and of
// "baseline", which it includes. A value that is already as strict stays as it
// is; one that is missing is added; one that is explicitly weaker is replaced,
// with a warning.

// restrictedContainer is a container that is being hardened.
type restrictedContainer struct {
	krm.Field
	// controller tells whether it runs a Flux controller.
	controller bool
}

// podDefaults says what the pod's securityContext gives to containers that say
// nothing themselves.
type podDefaults struct {
	runAsNonRoot, seccomp bool
}

// Pod is a pod template that is being hardened.
type Pod struct {
	*krm.Editor
	Report krm.Report
	Config *v1alpha1.SecurityContext
	// Template is the pod template, spec its spec.
	Template, Spec krm.Field
	// Controllers are the indexes of the containers that run a controller.
	Controllers []int
	// Own is the name of an init container that is not looked at: the function
	// writes it anew, or takes it away. ownVolume is the name of its volume.
	Own, OwnVolume string
	// Excepted are the names of the containers that were left alone.
	Excepted []string
	// left holds the fields that the evaluator refuses and that stay, by reason.
	left map[string][]string
}

func (p *Pod) openShift() bool { return p.Config.Profile == v1alpha1.OpenShift }

// containers returns the entries of containers or initContainers.
func (p *Pod) containers(key string) ([]krm.Field, error) { return p.Spec.EntriesE(key) }

// Harden applies the profile to every container that is not excepted.
func (p *Pod) Harden() error {
	if containers, err := p.containers("containers"); err != nil {
		return err
	} else if len(containers) == 0 {
		return p.Spec.Errorf("has no containers")
	}
	hardened, excepted, err := p.sort()
	if err != nil {
		return err
	}
	for _, c := range excepted {
		p.Excepted = append(p.Excepted, c.TextOr("name"))
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
	if err := p.addExtras(hardened); err != nil {
		return err
	}
	return p.findLeft()
}

// sort returns the containers that are to be hardened and those that are not.
// The function's own one is neither.
func (p *Pod) sort() (hardened []restrictedContainer, excepted []krm.Field, err error) {
	for _, key := range []string{"initContainers", "containers"} {
		containers, err := p.containers(key)
		if err != nil {
			return nil, nil, err
		}
		for i, c := range containers {
			name, err := c.TextAtE("name")
			switch {
			case err != nil:
				return nil, nil, err
			case name == p.Own && p.Own != "":
			case slices.Contains(p.Config.ExceptContainers, name):
				excepted = append(excepted, c)
			default:
				hardened = append(hardened, restrictedContainer{Field: c, controller: key == "containers" && slices.Contains(p.Controllers, i)})
			}
		}
	}
	return hardened, excepted, nil
}

// hardenPod replaces what the pod says explicitly and insecurely. An excepted
// container that has inherited it gets it as its own: the others are not to
// depend on it.
func (p *Pod) hardenPod(excepted []krm.Field) (podDefaults, error) {
	var defaults podDefaults
	if p.openShift() {
		if err := p.leaveToPlatform(p.Spec, excepted); err != nil {
			return defaults, err
		}
		return podDefaults{runAsNonRoot: true, seccomp: true}, p.hardenPlatform(p.Spec)
	}
	sc, err := p.Spec.GetE("securityContext")
	if err != nil {
		return defaults, err
	}
	filled := sc.Exists() && len(sc.Node.Content) > 0
	if defaults.runAsNonRoot, err = p.hardenPodNonRoot(sc, excepted); err != nil {
		return defaults, err
	}
	if defaults.seccomp, err = p.hardenPodSeccomp(sc, excepted); err != nil {
		return defaults, err
	}
	if err := p.dropRoot(sc, excepted); err != nil {
		return defaults, err
	}
	err = p.hardenPlatform(p.Spec)
	p.RemoveEmpty(p.Spec, "securityContext", filled)
	return defaults, err
}

// hardenPodNonRoot tells whether the pod says runAsNonRoot afterwards.
func (p *Pod) hardenPodNonRoot(sc krm.Field, excepted []krm.Field) (bool, error) {
	nonRoot, err := sc.GetE("runAsNonRoot")
	if err != nil {
		return false, err
	}
	value, err := nonRoot.BooleanE()
	switch {
	case err != nil || value == nil:
		return false, err
	case value.Value && !value.Quoted:
		return true, nil
	}
	if err := p.handDown(excepted, "runAsNonRoot", nonRoot); err != nil {
		return false, err
	}
	p.replace(sc, "runAsNonRoot", nonRoot, true)
	return true, nil
}

// hardenPodSeccomp tells whether the pod restricts system calls afterwards.
func (p *Pod) hardenPodSeccomp(sc krm.Field, excepted []krm.Field) (bool, error) {
	profile, kind, err := seccompType(sc)
	switch {
	case err != nil || !profile.Exists():
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
func (p *Pod) handDown(containers []krm.Field, key string, value krm.Field) error {
	for _, c := range containers {
		own, err := c.AtE("securityContext", key)
		if err != nil {
			return err
		}
		if own.Exists() {
			continue
		}
		sc, err := p.EnsureE(c, "securityContext")
		if err != nil {
			return err
		}
		p.Put(sc, key, yaml.CopyYNode(value.Node))
		p.Report.Did(framework.Info, krm.Change{Path: own.Path}, "taken over from the pod, because the container is excepted")
	}
	return nil
}

// hardenOne hardens a container, and warns when it is not ours: it may need
// more than restricted allows.
func (p *Pod) hardenOne(c restrictedContainer, defaults podDefaults) error {
	before := p.Changed
	p.Changed = false
	if err := p.hardenContainer(c, defaults); err != nil {
		return err
	}
	if p.Changed && !c.controller {
		name, err := c.TextAtE("name")
		if err != nil {
			return err
		}
		p.Report.Did(framework.Warning, krm.Change{Path: c.Path + ".securityContext"},
			"hardened as well; if the container needs more than the Pod Security Standard restricted allows, list %s under spec.securityContext.exceptContainers", quote.Name(name))
	}
	p.Changed = p.Changed || before
	return nil
}

func (p *Pod) hardenContainer(c restrictedContainer, defaults podDefaults) error {
	if p.openShift() {
		if err := p.leaveToPlatform(c.Field, nil); err != nil {
			return err
		}
	}
	if err := p.setTrueOrFalse(c.Field, "privileged", false, true); err != nil {
		return err
	}
	if err := p.setTrueOrFalse(c.Field, "allowPrivilegeEscalation", false, false); err != nil {
		return err
	}
	if err := p.hardenCapabilities(c.Field); err != nil {
		return err
	}
	if err := p.setTrueOrFalse(c.Field, "runAsNonRoot", true, defaults.runAsNonRoot); err != nil {
		return err
	}
	if err := p.hardenSeccomp(c.Field, defaults.seccomp); err != nil {
		return err
	}
	sc, err := c.GetE("securityContext")
	if err != nil {
		return err
	}
	if err := p.dropRoot(sc, nil); err != nil {
		return err
	}
	if err := p.dropProcMount(sc); err != nil {
		return err
	}
	if err := p.hardenPlatform(c.Field); err != nil {
		return err
	}
	if !c.controller {
		return nil
	}
	if err := p.setTrueOrFalse(c.Field, "readOnlyRootFilesystem", true, false); err != nil {
		return err
	}
	return p.ensureTmp(c.Field)
}
