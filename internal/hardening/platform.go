package hardening

import (
	"maps"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"fluxtrust.dev/flux-trust/internal/krm"
)

// What the Pod Security Standard says about AppArmor, SELinux, Windows, and the
// pod around the containers.

// appArmorAnnotation is where AppArmor profiles stood before Kubernetes 1.30,
// followed by the name of a container.
const appArmorAnnotation = "container.apparmor.security.beta.kubernetes.io/"

// hardenPlatform takes away what a pod or container says about AppArmor,
// SELinux and Windows that the standard refuses. The defaults of the node apply
// then.
func (p *Pod) hardenPlatform(owner krm.Field) error {
	sc, err := owner.GetE("securityContext")
	if err != nil {
		return err
	}
	appArmor, err := sc.GetE("appArmorProfile")
	if err != nil {
		return err
	}
	if kind, err := appArmor.TextAtE("type"); err != nil {
		return err
	} else if kind == "Unconfined" {
		p.drop(sc, "appArmorProfile", appArmor, "Unconfined; the profile of the container runtime applies instead")
	}
	if err := p.hardenSELinux(sc); err != nil {
		return err
	}
	windows, err := sc.GetE("windowsOptions")
	if err != nil {
		return err
	}
	hostProcess, err := windows.GetE("hostProcess")
	if err != nil {
		return err
	}
	if value, err := hostProcess.BooleanE(); err != nil {
		return err
	} else if value != nil && (value.Value || value.Quoted) {
		p.replace(windows, "hostProcess", hostProcess, false)
	}
	return nil
}

func (p *Pod) hardenSELinux(sc krm.Field) error {
	options, err := sc.GetE("seLinuxOptions")
	if err != nil {
		return err
	}
	allowed := map[string][]string{
		"type": {"", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"},
		"user": {""},
		"role": {""},
	}
	if p.openShift() { // which sets them
		allowed["type"] = []string{""}
	}
	for _, key := range []string{"type", "user", "role"} {
		option, err := options.GetE(key)
		if err != nil {
			return err
		}
		value, err := option.TextE()
		if err != nil {
			return err
		}
		if !slices.Contains(allowed[key], value) {
			p.drop(options, key, option, "the default of the node applies instead")
			p.RemoveEmpty(sc, "seLinuxOptions", true)
		}
	}
	return nil
}

// findLeft remembers where the pod has what "restricted" forbids and what cannot
// be taken away without breaking it, by the reason that the evaluator gives.
func (p *Pod) findLeft() error {
	for _, key := range []string{"hostNetwork", "hostPID", "hostIPC"} {
		host, err := p.Spec.GetE(key)
		if err != nil {
			return err
		}
		value, err := host.BooleanE()
		if err != nil {
			return err
		}
		if value != nil && value.Value {
			p.leave("host namespaces", host)
			if key == "hostNetwork" { // see setHostPorts
				p.leave("hostPort", host)
			}
		}
	}
	if err := p.findSysctls(); err != nil {
		return err
	}
	if err := p.findVolumes(); err != nil {
		return err
	}
	for _, key := range []string{"initContainers", "containers"} {
		containers, err := p.containers(key)
		if err != nil {
			return err
		}
		for _, c := range containers {
			p.leaveHosts(c)
		}
	}
	return nil
}

func (p *Pod) findSysctls() error {
	sysctls, err := p.Spec.AtE("securityContext", "sysctls")
	if err != nil {
		return err
	}
	items, err := sysctls.ItemsE()
	if err != nil {
		return err
	}
	for _, sysctl := range items {
		name, err := sysctl.TextAtE("name")
		if err != nil {
			return err
		}
		if !slices.Contains(safeSysctls(), name) {
			p.leave("forbidden sysctls", sysctl)
		}
	}
	return nil
}

// safeSysctls are those that the standard allows.
func safeSysctls() []string {
	return []string{
		"kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.ip_unprivileged_port_start", "net.ipv4.tcp_syncookies",
		"net.ipv4.ping_group_range", "net.ipv4.ip_local_reserved_ports", "net.ipv4.tcp_keepalive_time", "net.ipv4.tcp_fin_timeout",
		"net.ipv4.tcp_keepalive_intvl", "net.ipv4.tcp_keepalive_probes", "net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem",
	}
}

// leave remembers a field that stays as it is.
func (p *Pod) leave(reason string, f krm.Field) {
	if p.left == nil {
		p.left = map[string][]string{}
	}
	p.left[reason] = append(p.left[reason], f.Path)
}

func (p *Pod) findVolumes() error {
	allowed := []string{"name", "configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "image", "persistentVolumeClaim", "projected", "secret"}
	items, err := p.Spec.EntriesE("volumes")
	if err != nil {
		return err
	}
	for _, v := range items {
		if v.Node.Kind != yaml.MappingNode {
			return v.Errorf("expected a volume, got %s", krm.Describe(v.Node))
		}
		for i := 0; i < len(v.Node.Content); i += 2 {
			if key := v.Node.Content[i].Value; !slices.Contains(allowed, key) {
				p.leave("restricted volume types", krm.Field{Path: v.Path + "." + key})
			}
		}
	}
	return nil
}

// leaveHosts remembers ports, probes and hooks of a container that reach for the
// host or name one, wherever they stand.
func (p *Pod) leaveHosts(c krm.Field) {
	for _, key := range []string{"ports", "livenessProbe", "readinessProbe", "startupProbe", "lifecycle"} {
		if part, err := c.GetE(key); err == nil && part.Exists() {
			p.leaveHostsIn(part)
		}
	}
}

func (p *Pod) leaveHostsIn(f krm.Field) {
	if items, err := f.ItemsE(); err == nil {
		for _, item := range items {
			p.leaveHostsIn(item)
		}
		return
	}
	if f.Node.Kind != yaml.MappingNode {
		return
	}
	for i := 0; i < len(f.Node.Content); i += 2 {
		child := krm.Field{Path: f.Path + "." + f.Node.Content[i].Value, Node: krm.Resolve(f.Node.Content[i+1])}
		switch key := f.Node.Content[i].Value; {
		case key == "hostPort" && child.Node.Value != "0":
			p.leave("hostPort", child)
		case key == "host" && child.Node.Value != "":
			p.leave("probe or lifecycle host", child)
		default:
			p.leaveHostsIn(child)
		}
	}
}

// dropAppArmorAnnotations removes those that switch AppArmor off.
func (p *Pod) dropAppArmorAnnotations() error {
	annotations, err := p.Template.AtE("metadata", "annotations")
	if err != nil {
		return err
	}
	texts, err := annotations.TextsE()
	if err != nil {
		return err
	}
	for _, key := range slices.Sorted(maps.Keys(texts)) {
		value := texts[key]
		if strings.HasPrefix(key, appArmorAnnotation) && value == "unconfined" {
			p.drop(annotations, key, krm.Field{Path: annotations.Path + "." + key, Node: &yaml.Node{Kind: yaml.ScalarNode, Value: value}}, "the profile of the container runtime applies instead")
		}
	}
	return nil
}
