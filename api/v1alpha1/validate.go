package v1alpha1

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// dnsName is what Kubernetes accepts as the name of a ConfigMap, Secret or
// Deployment (RFC 1123 subdomain).
const dnsName = `^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`

// dataKey is what Kubernetes accepts as a key of a ConfigMap or Secret.
const dataKey = `^[-._a-zA-Z0-9]{1,253}$`

// validate checks what the types alone cannot say. It runs before the defaults
// are filled in, so that it speaks of what was written.
func (f *FluxTrust) validate(p *problems) {
	if f.Metadata.Name == "" {
		p.add("metadata.name", "is missing; write a name such as corporate-ca: it marks what this config has changed")
	}
	s := &f.Spec
	if len(s.CABundle) == 0 && s.Mount.Method != None {
		p.add("spec.caBundle", "names no roots to trust; write for example:\n  caBundle:\n  - configMap: {name: corporate-ca, keys: [ca.crt]}\n"+
			"or set spec.mount.method: None to harden only")
	}
	used := map[string]string{}
	for i := range s.CABundle {
		s.CABundle[i].validate(p, fmt.Sprintf("spec.caBundle[%d]", i), used)
	}
	s.Mount.validate(p)
	for i, name := range s.SecurityContext.ExceptContainers {
		p.checkName(fmt.Sprintf("spec.securityContext.exceptContainers[%d]", i), name, "a container")
	}
	s.Controllers.validate(p)
	s.refuseUnavailable(p)
}

func (e *CABundleEntry) validate(p *problems, at string, used map[string]string) {
	var kinds []string
	if e.ConfigMap != nil {
		kinds = append(kinds, "configMap")
		p.checkSource(at+".configMap", e.ConfigMap.Name, "a ConfigMap", e.ConfigMap.Keys, used)
	}
	if e.Secret != nil {
		kinds = append(kinds, "secret")
		p.checkSource(at+".secret", e.Secret.Name, "a Secret", e.Secret.Keys, used)
	}
	if e.ClusterTrustBundle != nil {
		kinds = append(kinds, "clusterTrustBundle")
	}
	if e.Inline != nil {
		kinds = append(kinds, "inline")
	}
	switch len(kinds) {
	case 0:
		p.add(at, "names no source; write one of configMap, secret, clusterTrustBundle, inline")
	case 1:
	default:
		p.add(at, "names %s; an entry has one source: put each into an entry of its own", strings.Join(kinds, " and "))
	}
}

// checkSource checks the name and keys of a ConfigMap or Secret. The map used
// holds the sources seen so far, and where.
func (p *problems) checkSource(at, name, what string, keys []string, used map[string]string) {
	p.checkName(at+".name", name, what)
	source := what + " " + name
	if first, ok := used[source]; ok {
		p.add(at, "stands already at %s; list all its keys there", first)
	} else {
		used[source] = at
	}
	for i, key := range keys {
		keyPath := fmt.Sprintf("%s.keys[%d]", at, i)
		switch {
		case !regexp.MustCompile(dataKey).MatchString(key) || key == "." || strings.HasPrefix(key, ".."):
			p.add(keyPath, "%q cannot be a key; keys consist of letters, digits, '-', '_' and '.'", key)
		case slices.Contains(keys[:i], key):
			p.add(keyPath, "%q stands twice; remove one", key)
		case path.Ext(key) == ".key":
			p.add(keyPath, "%q holds a private key by its name; name the key of the CA certificate, such as %s", key, DefaultSecretKey)
		}
	}
}

func (m *Mount) validate(p *problems) {
	const at = "spec.mount.path"
	switch mountPath := m.Path; {
	case mountPath == "":
	case !path.IsAbs(mountPath) || path.Clean(mountPath) != mountPath || strings.ContainsAny(mountPath, ":$\n"):
		p.add(at, "%q is not an absolute, clean path without ':' and '$'; write for example %s", mountPath, DefaultDirectory)
	case m.Method == None:
	case within("/etc/ssl/certs", mountPath) || within(mountPath, "/etc/ssl/certs"):
		p.add(at, "%q would hide the public roots in /etc/ssl/certs; write a directory of its own, such as %s", mountPath, DefaultDirectory)
	case slices.ContainsFunc([]string{"/proc", "/sys", "/dev", "/tmp", "/bin", "/usr", "/lib"}, func(dir string) bool {
		return within(dir, mountPath) || (dir != "/tmp" && within(mountPath, dir))
	}):
		p.add(at, "%q would hide files that the controller needs; write a directory of its own, such as %s", mountPath, DefaultDirectory)
	}
}

// within tells whether a path is the directory or lies in it.
func within(file, dir string) bool {
	return dir == "/" || file == dir || strings.HasPrefix(file, dir+"/")
}

func (c *Controllers) validate(p *problems) {
	for i, name := range c.Exclude {
		if slices.Contains(c.Include, name) {
			p.add(fmt.Sprintf("spec.controllers.exclude[%d]", i), "%q is included too; remove one", name)
		}
	}
	for i, a := range c.Additional {
		at := fmt.Sprintf("spec.controllers.additional[%d]", i)
		if a.Name == "" && a.LabelSelector == "" {
			p.add(at, "selects every Deployment; write a name or a labelSelector")
		}
		if a.Name != "" {
			p.checkName(at+".name", a.Name, "a Deployment")
		}
		if a.Namespace != "" {
			p.checkName(at+".namespace", a.Namespace, "a namespace")
		}
		if _, err := yaml.NewMapRNode(nil).MatchesLabelSelector(a.LabelSelector); err != nil {
			p.add(at+".labelSelector", "%q is not a label selector (%v); write for example app=tofu", a.LabelSelector, err)
		}
	}
}

func (p *problems) checkName(at, name, what string) {
	switch {
	case name == "":
		p.add(at, "is missing; write the name of %s", what)
	case len(name) > 253 || !regexp.MustCompile(dnsName).MatchString(name):
		p.add(at, "%q cannot be the name of %s; names consist of lower-case letters, digits, '-' and '.'", name, what)
	}
}
