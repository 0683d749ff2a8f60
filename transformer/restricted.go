package transformer

import (
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/fn/framework"
	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// setTrueOrFalse makes a field of the securityContext of a container what the
// standard asks for. An absent one is fine where the default already is.
func (p *pod) setTrueOrFalse(container field, key string, want, absentIsFine bool) error {
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
	sc, err := p.ensure(container, "securityContext")
	if err != nil {
		return err
	}
	if value != nil {
		p.replace(sc, key, current, want)
		return nil
	}
	p.putBool(sc, key, want)
	p.report.did(framework.Info, change{path: current.path, proposed: want}, "set to %t", want)
	return nil
}

// hardenCapabilities drops ALL and takes away what is added beyond
// NET_BIND_SERVICE.
func (p *pod) hardenCapabilities(container field) error {
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
		p.removeEntry(add, a)
		own, err := container.textAt("name")
		if err != nil {
			return err
		}
		p.report.did(framework.Warning, change{path: add.path, current: name},
			"removed %s; if the container %s needs it, list it under spec.securityContext.exceptContainers", name, own)
	}
	capabilities, err := container.at("securityContext", "capabilities")
	if err != nil {
		return err
	}
	p.removeEmpty(capabilities, "add", len(added) > 0)
	return p.dropAll(container)
}

func (p *pod) dropAll(container field) error {
	drop, err := container.at("securityContext", "capabilities", "drop")
	if err != nil {
		return err
	}
	dropped, err := drop.items()
	if err != nil {
		return err
	}
	if slices.ContainsFunc(dropped, func(c field) bool { return c.node.Value == "ALL" }) {
		return nil
	}
	for _, c := range dropped {
		name, err := c.text()
		if err != nil {
			return err
		}
		if strings.EqualFold(name, "ALL") {
			p.note(c.path, c.node, textNode("ALL"), "must be")
			c.node.Value = "ALL"
			p.report.did(framework.Warning, change{path: c.path, current: name, proposed: "ALL"}, "%q is not ALL for the Pod Security admission; replaced", name)
			return nil
		}
	}
	capabilities, err := p.ensure(container, "securityContext", "capabilities")
	if err != nil {
		return err
	}
	if drop, err = p.ensureList(capabilities, "drop"); err != nil {
		return err
	}
	p.add(drop, textNode("ALL"))
	p.report.did(framework.Info, change{path: drop.path, proposed: "ALL"}, "ALL added")
	return nil
}

func (p *pod) hardenSeccomp(container field, inherited bool) error {
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
	if sc, err = p.ensure(container, "securityContext"); err != nil {
		return err
	}
	return p.setSeccomp(sc, profile, kind)
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

func (p *pod) setSeccomp(sc, profile field, kind string) error {
	if kind != "" {
		p.report.did(framework.Warning, change{path: profile.path + ".type", current: kind, proposed: "RuntimeDefault"}, "%s replaced by RuntimeDefault", kind)
	} else {
		p.report.did(framework.Info, change{path: profile.path + ".type", proposed: "RuntimeDefault"}, "set to RuntimeDefault")
	}
	profile, err := p.ensure(sc, "seccompProfile")
	if err != nil {
		return err
	}
	p.putText(profile, "type", "RuntimeDefault")
	p.remove(profile, "localhostProfile")
	return nil
}

// number returns the number that a field is, in any spelling, or -1 when it is
// absent.
func number(f field) (int64, error) {
	if !f.exists() {
		return -1, nil
	}
	var n int64
	if err := f.node.Decode(&n); err != nil {
		return -1, f.errorf("expected a number, got %s", describe(f.node))
	}
	return n, nil
}

// dropRoot removes runAsUser: 0, which runAsNonRoot makes fail. The image's own
// user applies then; a container that is excepted keeps root as its own.
func (p *pod) dropRoot(sc field, excepted []field) error {
	user, err := sc.get("runAsUser")
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
func (p *pod) dropGroups(containers []restrictedContainer) error {
	pod, err := p.spec.get("securityContext")
	if err != nil {
		return err
	}
	for _, c := range containers {
		own, err := c.get("securityContext")
		if err != nil {
			return err
		}
		user := false
		for _, sc := range []field{own, pod} {
			uid, err := sc.get("runAsUser")
			if err != nil {
				return err
			}
			user = user || uid.exists()
		}
		if user {
			continue
		}
		for _, sc := range []field{own, pod} {
			group, err := sc.get("runAsGroup")
			if err != nil {
				return err
			}
			if group.exists() {
				p.drop(sc, "runAsGroup", group, "container runtimes refuse it without runAsUser")
				p.removeEmpty(p.spec, "securityContext", true)
			}
		}
	}
	return nil
}

func (p *pod) dropProcMount(sc field) error {
	procMount, err := sc.get("procMount")
	if err != nil {
		return err
	}
	value, err := procMount.text()
	if err != nil || !procMount.exists() || value == "Default" {
		return err
	}
	p.drop(sc, "procMount", procMount, "the default masks /proc")
	return nil
}

// replace sets a field that has an insecure or unusable value.
func (p *pod) replace(sc field, key string, current field, want bool) {
	p.report.did(framework.Warning, change{path: current.path, current: current.node.Value, proposed: want}, "%s replaced by %t", quote(current.node), want)
	p.putBool(sc, key, want)
}

// drop removes a field that has an insecure value.
func (p *pod) drop(sc field, key string, current field, why string) {
	var value any
	if current.node.Kind == yaml.ScalarNode {
		value = current.node.Value
	}
	p.report.did(framework.Warning, change{path: current.path, current: value}, "removed: %s", why)
	p.remove(sc, key)
}

// quote shows a scalar as it stands, so that "true" and true can be told apart.
func quote(n *yaml.Node) string {
	if n.ShortTag() == yaml.NodeTagString && n.Style != 0 {
		return "the string \"" + n.Value + "\""
	}
	return n.Value
}
