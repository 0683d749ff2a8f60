package inventory

import (
	"net/url"
	"slices"
	"strings"

	"fluxtrust.dev/flux-trust/internal/flux"
	"fluxtrust.dev/flux-trust/internal/pattern"
)

// Inside returns what the Flux controllers in a stream call each other: the domains of
// the cluster, with the dot in front and with and without the one behind, and hosts that
// are in none. They stand in flags of the controllers, and in a FluxInstance.
func (i *Inventory) Inside() []string {
	var found []string
	for _, w := range i.Workloads {
		if w.Err != nil || len(flux.Find(w.Seen)) == 0 {
			continue
		}
		containers := w.In(w.Object.Before.Loose()).Items("spec", "template", "spec", "containers")
		for _, c := range containers {
			for _, arg := range c.Items("args") {
				found = append(found, hostsOf(arg.Peek(), w.Object.Namespace())...)
			}
		}
	}
	for _, installer := range i.Installers {
		if installer.Kind.Spec == nil {
			continue
		}
		cluster := installer.Object.Before.Loose().Get(installer.Kind.Spec...).Get("cluster")
		if domain := cluster.Peek("domain"); plainHost.Get().MatchString(domain) {
			found = append(found, domains(domain)...)
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// plainHost matches a host without variables.
var plainHost = pattern.Pattern{Text: `^[A-Za-z0-9]([-A-Za-z0-9.]*[A-Za-z0-9])?\.?$`}

// hostsOf returns the domain, or the host, in a flag with the address of a controller.
func hostsOf(arg, namespace string) []string {
	flag, value, _ := strings.Cut(strings.TrimLeft(arg, "-"), "=")
	if flag != "events-addr" && flag != "storage-adv-addr" {
		return nil
	}
	value = strings.ReplaceAll(value, "$(RUNTIME_NAMESPACE)", namespace)
	if !strings.Contains(value, "://") {
		value = "http://" + value
	}
	u, err := url.Parse(value)
	if err != nil || !plainHost.Get().MatchString(u.Hostname()) {
		return nil
	}
	if _, domain, ok := strings.Cut(u.Hostname(), ".svc."); ok && domain != "" {
		return domains(domain)
	}
	return []string{u.Hostname()}
}

func domains(domain string) []string {
	domain = "." + strings.Trim(domain, ".")
	return []string{domain + ".", domain}
}
