package hardening

import "slices"

// dropSELinuxOptions takes away what the standard refuses, and on OpenShift, which
// sets them, all but the level.
func dropSELinuxOptions(p *pod, at place) {
	sc := at.Get("securityContext")
	options := sc.Get("seLinuxOptions")
	for _, key := range []string{"type", "user", "role"} {
		value := options.Text(key)
		if value == "" || key == "type" && !p.openShift() && slices.Contains(seLinuxTypes(), value) {
			continue
		}
		p.drop(options, key, "the default of the node applies instead")
		sc.RemoveEmpty("seLinuxOptions", true)
	}
}

// seLinuxTypes are those that the standard allows.
func seLinuxTypes() []string {
	return []string{"container_t", "container_init_t", "container_kvm_t", "container_engine_t"}
}
