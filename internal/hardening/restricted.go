package hardening

import (
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/fn/framework"
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"fluxtrust.dev/flux-trust/internal/krm"
	"fluxtrust.dev/flux-trust/internal/quote"
)

// setTrueOrFalse makes a field of the securityContext of a container what the
// standard asks for. An absent one is fine where the default already is.
func (p *Pod) setTrueOrFalse(container krm.Field, key string, want, absentIsFine bool) error {
	current, err := container.AtE("securityContext", key)
	if err != nil {
		return err
	}
	value, err := current.BooleanE()
	if err != nil {
		return err
	}
	if value == nil && absentIsFine || value != nil && value.Value == want && !value.Quoted {
		return nil
	}
	sc, err := p.EnsureE(container, "securityContext")
	if err != nil {
		return err
	}
	if value != nil {
		p.replace(sc, key, current, want)
		return nil
	}
	p.PutBool(sc, key, want)
	p.Report.Did(framework.Info, krm.Change{Path: current.Path, Proposed: want}, "set to %t", want)
	return nil
}

// hardenCapabilities drops ALL and takes away what is added beyond
// NET_BIND_SERVICE.
func (p *Pod) hardenCapabilities(container krm.Field) error {
	add, err := container.AtE("securityContext", "capabilities", "add")
	if err != nil {
		return err
	}
	added, err := add.ItemsE()
	if err != nil {
		return err
	}
	for _, a := range added {
		name, err := a.TextE()
		if err != nil {
			return err
		}
		if name == "NET_BIND_SERVICE" {
			continue
		}
		p.RemoveEntry(add, a)
		own, err := container.TextAtE("name")
		if err != nil {
			return err
		}
		p.Report.Did(framework.Warning, krm.Change{Path: add.Path, Current: name},
			"removed %s; if the container %s needs it, list it under spec.securityContext.exceptContainers", quote.Word(name), quote.Name(own))
	}
	capabilities, err := container.AtE("securityContext", "capabilities")
	if err != nil {
		return err
	}
	p.RemoveEmpty(capabilities, "add", len(added) > 0)
	return p.dropAll(container)
}

func (p *Pod) dropAll(container krm.Field) error {
	drop, err := container.AtE("securityContext", "capabilities", "drop")
	if err != nil {
		return err
	}
	dropped, err := drop.ItemsE()
	if err != nil {
		return err
	}
	if slices.ContainsFunc(dropped, func(c krm.Field) bool { return c.Node.Value == "ALL" }) {
		return nil
	}
	for _, c := range dropped {
		name, err := c.TextE()
		if err != nil {
			return err
		}
		if strings.EqualFold(name, "ALL") {
			p.Note(c.Path, c.Node, krm.TextNode("ALL"), "must be")
			c.Node.Value = "ALL"
			p.Report.Did(framework.Warning, krm.Change{Path: c.Path, Current: name, Proposed: "ALL"}, "%q is not ALL for the Pod Security admission; replaced", quote.Word(name))
			return nil
		}
	}
	capabilities, err := p.EnsureE(container, "securityContext", "capabilities")
	if err != nil {
		return err
	}
	if drop, err = p.EnsureListE(capabilities, "drop"); err != nil {
		return err
	}
	p.Add(drop, krm.TextNode("ALL"))
	p.Report.Did(framework.Info, krm.Change{Path: drop.Path, Proposed: "ALL"}, "ALL added")
	return nil
}

func (p *Pod) hardenSeccomp(container krm.Field, inherited bool) error {
	sc, err := container.GetE("securityContext")
	if err != nil {
		return err
	}
	profile, kind, err := seccompType(sc)
	if err != nil {
		return err
	}
	if restrictsSyscalls(kind) || !profile.Exists() && inherited {
		return nil
	}
	if sc, err = p.EnsureE(container, "securityContext"); err != nil {
		return err
	}
	return p.setSeccomp(sc, profile, kind)
}

// seccompType returns the seccomp profile of a securityContext and its type.
func seccompType(sc krm.Field) (profile krm.Field, kind string, err error) {
	if profile, err = sc.GetE("seccompProfile"); err != nil {
		return profile, "", err
	}
	kind, err = profile.TextAtE("type")
	return profile, kind, err
}

func restrictsSyscalls(seccompType string) bool {
	return seccompType == "RuntimeDefault" || seccompType == "Localhost"
}

func (p *Pod) setSeccomp(sc, profile krm.Field, kind string) error {
	if kind != "" {
		p.Report.Did(framework.Warning, krm.Change{Path: profile.Path + ".type", Current: kind, Proposed: "RuntimeDefault"}, "%s replaced by RuntimeDefault", quote.Word(kind))
	} else {
		p.Report.Did(framework.Info, krm.Change{Path: profile.Path + ".type", Proposed: "RuntimeDefault"}, "set to RuntimeDefault")
	}
	profile, err := p.EnsureE(sc, "seccompProfile")
	if err != nil {
		return err
	}
	p.PutText(profile, "type", "RuntimeDefault")
	p.Remove(profile, "localhostProfile")
	return nil
}

// number returns the number that a field is, in any spelling, or -1 when it is
// absent.
func number(f krm.Field) (int64, error) {
	if !f.Exists() {
		return -1, nil
	}
	var n int64
	if err := f.Node.Decode(&n); err != nil {
		return -1, f.Errorf("expected a number, got %s", krm.Describe(f.Node))
	}
	return n, nil
}

// dropRoot removes runAsUser: 0, which runAsNonRoot makes fail. The image's own
// user applies then; a container that is excepted keeps root as its own.
func (p *Pod) dropRoot(sc krm.Field, excepted []krm.Field) error {
	user, err := sc.GetE("runAsUser")
	if err != nil {
		return err
	}
	if uid, err := number(user); err != nil || uid != 0 {
		return err
	}
	if err := p.handDown(excepted, "runAsUser", user); err != nil {
		return err
	}
	p.drop(sc, "runAsUser", user, "root; the user of the image applies instead")
	return nil
}

// dropGroups removes a runAsGroup that applies to a container without a
// runAsUser, at whichever level each stands: container runtimes refuse it.
func (p *Pod) dropGroups(containers []restrictedContainer) error {
	pod, err := p.Spec.GetE("securityContext")
	if err != nil {
		return err
	}
	for _, c := range containers {
		own, err := c.GetE("securityContext")
		if err != nil {
			return err
		}
		user := false
		for _, sc := range []krm.Field{own, pod} {
			uid, err := sc.GetE("runAsUser")
			if err != nil {
				return err
			}
			user = user || uid.Exists()
		}
		if user {
			continue
		}
		for _, sc := range []krm.Field{own, pod} {
			group, err := sc.GetE("runAsGroup")
			if err != nil {
				return err
			}
			if group.Exists() {
				p.drop(sc, "runAsGroup", group, "container runtimes refuse it without runAsUser")
				p.RemoveEmpty(p.Spec, "securityContext", true)
			}
		}
	}
	return nil
}

func (p *Pod) dropProcMount(sc krm.Field) error {
	procMount, err := sc.GetE("procMount")
	if err != nil {
		return err
	}
	value, err := procMount.TextE()
	if err != nil || !procMount.Exists() || value == "Default" {
		return err
	}
	p.drop(sc, "procMount", procMount, "the default masks /proc")
	return nil
}

// replace sets a field that has an insecure or unusable value.
func (p *Pod) replace(sc krm.Field, key string, current krm.Field, want bool) {
	p.Report.Did(framework.Warning, krm.Change{Path: current.Path, Current: current.Node.Value, Proposed: want}, "%s replaced by %t", krm.Quote(current.Node), want)
	p.PutBool(sc, key, want)
}

// drop removes a field that has an insecure value.
func (p *Pod) drop(sc krm.Field, key string, current krm.Field, why string) {
	var value any
	if current.Node.Kind == yaml.ScalarNode {
		value = current.Node.Value
	}
	p.Report.Did(framework.Warning, krm.Change{Path: current.Path, Current: value}, "removed: %s", why)
	p.Remove(sc, key)
}
