package hardening

import (
	"slices"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/internal/codes"
	"fluxtrust.dev/flux-trust/internal/krm"
	"fluxtrust.dev/flux-trust/internal/quote"
)

// Pod is the pod template of a controller.
type Pod struct {
	// Template is the pod template in an object that may be edited. Errors stick to
	// that object.
	Template krm.Field
	Config   *v1alpha1.SecurityContext
	// Controllers are the indexes of the containers that run a controller.
	Controllers []int
	// Own is the name of an init container that is not looked at: the function
	// writes it anew, or takes it away. OwnVolume is the name of its volume.
	Own, OwnVolume string
}

// Harden applies the profile to the pod and to every container that is not
// excepted. It returns what was changed, and what could not be.
func (p Pod) Harden() krm.Findings { return p.apply(rules()) }

// apply applies rules. Those of the pod come first, and what depends on all
// containers last.
func (p Pod) apply(rules []rule) krm.Findings {
	h := &pod{Pod: p, spec: p.Template.Get("spec")}
	if len(h.spec.Items("containers")) == 0 {
		h.spec.Fail(codes.NoContainer, "has no containers")
	}
	rules = slices.DeleteFunc(slices.Clone(rules), func(r rule) bool { return !r.applies(h) })
	h.sort()
	h.hardenPod(rules)
	for _, c := range h.containers {
		h.hardenContainer(rules, c)
	}
	for _, r := range rules {
		if r.finish != nil {
			r.finish(h)
		}
	}
	return h.findings
}

// pod is a pod template that is being hardened.
type pod struct {
	Pod
	spec krm.Field
	// containers are those that are hardened, excepted those that are not.
	containers []place
	excepted   []krm.Field
	findings   krm.Findings
}

// scope says where a rule applies.
type scope uint8

const (
	pods scope = 1 << iota
	// controllers are containers that run a Flux controller, others the other
	// containers and the init containers.
	controllers
	others

	containers = controllers | others
)

// place is a pod or a container: what has a securityContext.
type place struct {
	krm.Field
	scope scope
}

// openShift reports whether the platform sets what the SCC restricted-v2 sets.
func (p *pod) openShift() bool { return p.Config.Profile == v1alpha1.OpenShift }

// sort divides the containers. The function's own one is neither hardened nor
// excepted.
func (p *pod) sort() {
	for _, key := range []string{"initContainers", "containers"} {
		for i, c := range p.spec.Items(key) {
			at := place{Field: c, scope: others}
			if key == "containers" && slices.Contains(p.Controllers, i) {
				at.scope = controllers
			}
			switch name := c.Text("name"); {
			case name == p.Own && p.Own != "":
			case slices.Contains(p.Config.ExceptContainers, name):
				p.excepted = append(p.excepted, c)
			default:
				p.containers = append(p.containers, at)
			}
		}
	}
}

func (p *pod) hardenPod(rules []rule) {
	sc := p.spec.Get("securityContext")
	filled := sc.Exists() && len(sc.Node.Content) > 0
	for _, r := range rules {
		if r.scope&pods != 0 {
			r.repair(p, place{Field: p.spec, scope: pods})
		}
	}
	p.spec.RemoveEmpty("securityContext", filled)
}

// hardenContainer hardens a container, and warns when it runs no controller: it may
// need more than restricted allows.
func (p *pod) hardenContainer(rules []rule, c place) {
	before := yaml.CopyYNode(c.Node)
	for _, r := range rules {
		if r.scope&c.scope != 0 {
			r.repair(p, c)
		}
	}
	if c.scope == others && !krm.Equal(before, c.Node) {
		p.tell(krm.Warning, codes.HardenedAsWell, krm.At(c.Path+".securityContext"),
			"hardened as well; if the container needs more than the Pod Security Standard restricted allows, list %s under spec.securityContext.exceptContainers", quote.Name(c.Text("name")))
	}
}

// tell adds a finding. After an error there are none: nothing is changed.
func (p *pod) tell(severity krm.Severity, code krm.Code, d krm.Difference, format string, args ...any) {
	if o := p.Template.Object(); o == nil || o.Err() == nil {
		p.findings.Add(severity, code, o, d, format, args...)
	}
}

// setTrueOrFalse makes a field of the securityContext of a container what the
// standard asks for. An absent one is fine where the default already is.
func (p *pod) setTrueOrFalse(c place, key string, want, absentIsFine bool) {
	switch value := c.Boolean("securityContext", key); {
	case value == nil && absentIsFine, value != nil && value.Value == want && !value.Quoted:
	case value != nil:
		p.replace(c.Get("securityContext"), key, want)
	default:
		sc := c.Ensure("securityContext")
		sc.PutBool(key, want)
		p.tell(krm.Info, codes.Hardened, krm.Difference{Path: sc.Path + "." + key, Proposed: want}, "set to %t", want)
	}
}

// replace sets a field that has an insecure or unusable value.
func (p *pod) replace(parent krm.Field, key string, want bool) {
	current := parent.Get(key)
	p.tell(krm.Warning, codes.Hardened, krm.Difference{Path: current.Path, Current: current.Node.Value, Proposed: want},
		"%s replaced by %t", krm.Quote(current.Node), want)
	parent.PutBool(key, want)
}

// drop removes a field that has an insecure value.
func (p *pod) drop(parent krm.Field, key, why string) {
	current := parent.Get(key)
	d := krm.At(current.Path)
	if current.Exists() && current.Node.Kind == yaml.ScalarNode {
		d.Current = current.Node.Value
	}
	p.tell(krm.Warning, codes.Hardened, d, "removed: %s", why)
	parent.Remove(key)
}

// handDown gives excepted containers a value of the pod before the pod loses it,
// unless they have their own: the others are not to depend on it. What a container
// loses, none has inherited.
func (p *pod) handDown(from place, keys ...string) {
	if from.scope == pods {
		p.handDownTo(p.excepted, "because the container is excepted", keys...)
	}
}

func (p *pod) handDownTo(heirs []krm.Field, why string, keys ...string) {
	value := p.spec.Get("securityContext").Get(keys...)
	last := len(keys) - 1
	for _, c := range heirs {
		if own := c.Get("securityContext").Get(keys...); !own.Exists() && value.Exists() {
			c.Ensure("securityContext").Ensure(keys[:last]...).Put(keys[last], yaml.CopyYNode(value.Node))
			p.tell(krm.Info, codes.TakenOver, krm.At(own.Path), "taken over from the pod, %s", why)
		}
	}
}

// number returns the number that a field is for the API server, in any spelling, or
// -1 when it is absent.
func number(f krm.Field) int {
	if !f.Exists() {
		return -1
	}
	value, err := krm.APIValue(f.Node)
	if n, ok := value.(int); ok && err == nil {
		return n
	}
	f.Fail(krm.WrongType, "expected a number, got %s", krm.Describe(f.Node))
	return -1
}
