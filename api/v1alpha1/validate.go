package v1alpha1

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/labels"

	"fluxtrust.dev/flux-trust/internal/bundle"
	"fluxtrust.dev/flux-trust/internal/krm"
	"fluxtrust.dev/flux-trust/internal/pattern"
	"fluxtrust.dev/flux-trust/internal/quote"
)

// validate checks what the types alone cannot say. It runs before the defaults
// are filled in, so that it speaks of what was written.
func (f *FluxTrust) validate(p *problems) {
	if f.Metadata.Name == "" {
		p.add("metadata.name", "is missing; write a name such as corporate-ca: it marks what this config has changed")
	} else {
		p.checkName("metadata.name", f.Metadata.Name, "a config")
	}
	s := &f.Spec
	if len(s.CABundle) == 0 && s.Mount.Method != None {
		p.addExample("spec.caBundle", "\n  caBundle:\n  - configMap: {name: corporate-ca, keys: [ca.crt]}",
			"names no roots to trust; set spec.mount.method: None to harden only, or write for example:")
	}
	used := map[string]string{}
	for i := range s.CABundle {
		at := fmt.Sprintf("spec.caBundle[%d]", i)
		s.CABundle[i].validate(p, at, used)
		if s.Mount.Method == File {
			s.CABundle[i].validateFile(p, at)
		}
	}
	s.Mount.validate(p)
	if s.Proxy != nil {
		s.Proxy.validate(p)
	}
	for i, name := range s.SecurityContext.ExceptContainers {
		p.checkLabel(fmt.Sprintf("spec.securityContext.exceptContainers[%d]", i), name, "a container")
	}
	s.SecurityContext.validateExtras(p)
	s.Controllers.validate(p)
	for i := range s.Sources {
		s.Sources[i].validate(p, fmt.Sprintf("spec.sources[%d]", i))
	}
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
		e.ClusterTrustBundle.validate(p, at+".clusterTrustBundle", used)
	}
	if e.Inline != nil {
		kinds = append(kinds, "inline")
		e.Inline.validate(p, at+".inline", e.Optional, used)
	}
	if e.Fingerprints != nil && len(e.Fingerprints) == 0 {
		p.add(at+".fingerprints", noPins)
	}
	for i, f := range e.Fingerprints {
		if _, ok := bundle.ParseFingerprint(f); !ok {
			p.add(fmt.Sprintf("%s.fingerprints[%d]", at, i), "is not sha256: and 64 hexadecimal digits; openssl x509 -in ca.crt -noout -fingerprint -sha256 prints them")
		}
	}
	switch len(kinds) {
	case 0:
		p.add(at, "names no source; write one of configMap, secret, clusterTrustBundle, inline")
	case 1:
	default:
		p.add(at, "names %s; an entry has one source: put each into an entry of its own", strings.Join(kinds, " and "))
	}
}

// noPins says that fingerprints without an entry would pin nothing.
const noPins = "is empty, which pins nothing; write the fingerprints of the certificates, or remove it"

// validateFile checks what the method File cannot do.
func (e *CABundleEntry) validateFile(p *problems, at string) {
	if e.ClusterTrustBundle != nil {
		p.add(at+".clusterTrustBundle", "cannot be mounted as files; use spec.mount.method: Directory")
	}
	if e.Optional {
		p.add(at+".optional", "is not possible with the method File: a missing file becomes a directory; use spec.mount.method: Directory")
	}
}

// signerName is a domain, a slash and a path.
var signerName = pattern.Pattern{Text: `^[a-z0-9]([-a-z0-9.]*[a-z0-9])?/[-A-Za-z0-9._:/]+$`}

func (c *ClusterTrustBundleSource) validate(p *problems, at string, used map[string]string) {
	switch {
	case c.Name == "" && c.SignerName == "":
		p.add(at, "selects nothing; write a name, or a signerName")
	case c.Name != "" && (c.SignerName != "" || c.LabelSelector != ""):
		p.add(at, "has a name, so signerName and labelSelector must go, or the other way round")
	case c.Name != "":
		// The name of a bundle of a signer starts with that of the signer.
		p.checkName(at+".name", c.Name[strings.LastIndexByte(c.Name, ':')+1:], "a ClusterTrustBundle")
	case !signerName.Get().MatchString(c.SignerName):
		p.add(at+".signerName", "%s is not the name of a signer; write for example example.com/corporate", show(c.SignerName))
	}
	if _, err := labels.Parse(c.LabelSelector); err != nil {
		p.add(at+".labelSelector", "%s is not a label selector; write for example app=tofu", show(c.LabelSelector))
	}
	p.once(at, "a ClusterTrustBundle "+c.Name+c.SignerName+" "+c.LabelSelector, used)
}

func (i *InlineSource) validate(p *problems, at string, optional bool, used map[string]string) {
	p.checkName(at+".name", i.Name, "a ConfigMap")
	p.once(at, "a ConfigMap "+i.Name, used)
	if limit := maxName - hashLength; i.Immutable && len(i.Name) > limit {
		p.add(at+".name", "has %d characters, and immutable appends a hash of %d; write at most %d", len(i.Name), hashLength, limit)
	}
	if i.PEM == "" {
		p.add(at+".pem", "is missing; write the certificate: pem: |, and below it the lines from -----BEGIN CERTIFICATE----- on")
	}
	if optional {
		p.add(at[:len(at)-len(".inline")]+".optional", "is not possible with inline, which the function itself provides; remove it")
	}
}

// once reports a source that stands in the bundle already. The map used holds
// the sources seen so far, and where.
func (p *problems) once(at, source string, used map[string]string) {
	if first, ok := used[source]; ok {
		p.add(at, "stands already at %s; remove one, and list all keys in the other", first)
		return
	}
	used[source] = at
}

// checkSource checks the name and keys of a ConfigMap or Secret.
func (p *problems) checkSource(at, name, what string, keys []string, used map[string]string) {
	p.checkName(at+".name", name, what)
	p.once(at, what+" "+name, used)
	seen := make(map[string]bool, len(keys))
	for i, key := range keys {
		keyPath := fmt.Sprintf("%s.keys[%d]", at, i)
		switch {
		case !krm.IsDataKey(key):
			p.add(keyPath, "%s cannot be a key; keys consist of at most 253 letters, digits, '-', '_' and '.'", show(key))
		case seen[key]:
			p.add(keyPath, "%s appears twice; remove one", show(key))
		case path.Ext(key) == ".key":
			p.add(keyPath, "%s holds a private key by its name; name the key of the CA certificate, such as %s", show(key), DefaultSecretKey)
		}
		seen[key] = true
	}
}

func (m *Mount) validate(p *problems) {
	if m.Method == File && m.SystemRoots == Replace {
		p.add("spec.mount.systemRoots", "Replace is not possible with the method File, which adds to the public roots; use spec.mount.method: Directory")
	}
	if m.InitContainer.Image != "" && m.Method != InitContainerMethod {
		p.add("spec.mount.initContainer", "is used by the method InitContainer alone; remove it, or set spec.mount.method: InitContainer")
	}
	m.validatePath(p)
}

func (m *Mount) validatePath(p *problems) {
	const at = "spec.mount.path"
	switch mountPath := m.Path; {
	case mountPath == "":
	case !path.IsAbs(mountPath) || path.Clean(mountPath) != mountPath || !plainPath.Get().MatchString(mountPath):
		p.add(at, "%s is not an absolute, clean path of letters, digits, '.', '_', '-' and '/'; write for example %s", show(mountPath), DefaultDirectory)
	case m.Method == InitContainerMethod && (Within(mountPath, InitMount) || Within(InitMount, mountPath)):
		p.add(at, "%s is where the init container finds the roots to add; write another directory, such as %s", show(mountPath), DefaultDirectory)
	case m.Method == None:
	case m.Method == File: // files beside others hide nothing
	case Within(SystemDirectory, mountPath) || Within(mountPath, SystemDirectory):
		p.add(at, "%s would hide the public roots in /etc/ssl/certs; write a directory of its own, such as %s", show(mountPath), DefaultDirectory)
	case slices.ContainsFunc([]string{"/proc", "/sys", "/dev", "/tmp", "/bin", "/usr", "/lib", "/run", "/var/run", "/etc/passwd", "/etc/group", "/etc/hosts", "/etc/resolv.conf"}, func(dir string) bool {
		return Within(dir, mountPath) || (dir != "/tmp" && Within(mountPath, dir))
	}):
		p.add(at, "%s would hide files that the controller needs; write a directory of its own, such as %s", show(mountPath), DefaultDirectory)
	}
}

// validateExtras refuses what would do nothing, or weaken the pod.
func (s *SecurityContext) validateExtras(p *problems) {
	const at = "spec.securityContext.extras"
	e := &s.Extras
	if s.Profile == NoProfile && *e != (Extras{}) {
		p.add(at, "does nothing with the profile None; use Restricted, or remove it")
	}
	if s.Profile == OpenShift && e.RunAsUser != "" {
		p.add(at+".runAsUser", "is not possible with the profile OpenShift, which gives every namespace users of its own; remove it")
	}
	if s.Profile == OpenShift && e.AppArmorProfile != "" {
		p.add(at+".appArmorProfile", "is not possible with the profile OpenShift, whose nodes have SELinux instead; remove it")
	}
	for key, value := range map[string]*bool{"hostUsers": e.HostUsers, "enableServiceLinks": e.EnableServiceLinks} {
		if value != nil && *value {
			p.add(at+"."+key, "true is what Kubernetes does anyway; write false, or remove it")
		}
	}
	if e.EmptyDirSizeLimit == "" {
		return
	}
	if q, err := resource.ParseQuantity(e.EmptyDirSizeLimit); err != nil || q.Sign() <= 0 {
		p.add(at+".emptyDirSizeLimit", "%s is not a size; write for example 1Gi", show(e.EmptyDirSizeLimit))
	}
}

// plainPath matches paths that mean the same to a shell, to SSL_CERT_DIR and to
// Flux's substitution.
var plainPath = pattern.Pattern{Text: `^[-A-Za-z0-9._/]+$`}

func (c *Controllers) validate(p *problems) {
	for i, name := range c.Exclude {
		if slices.Contains(c.Include, name) {
			p.add(fmt.Sprintf("spec.controllers.exclude[%d]", i), "%s is included too; remove one", show(string(name)))
		}
	}
	for i, a := range c.Additional {
		at := fmt.Sprintf("spec.controllers.additional[%d]", i)
		if a.Name == "" && a.LabelSelector == "" {
			p.add(at, "selects every workload; write a name or a labelSelector")
		}
		if a.Name != "" {
			p.checkName(at+".name", a.Name, "a workload")
		}
		if a.Namespace != "" {
			p.checkLabel(at+".namespace", a.Namespace, "a namespace")
		}
		if _, err := labels.Parse(a.LabelSelector); err != nil {
			p.add(at+".labelSelector", "%s is not a label selector; write for example app=tofu", show(a.LabelSelector))
		}
	}
}

// show repeats a value in a message where it is a name, a path or a short text. All
// else may be a key that was pasted into the wrong field.
func show(value string) string {
	for _, how := range []func(string) string{quote.Text, quote.Name, quote.Key, quote.PathList, quote.Host} {
		if how(value) == value {
			return fmt.Sprintf("%q", value)
		}
	}
	return "the value"
}

// maxName is the longest name of an object or key, hashLength what a hash adds to it.
const maxName, hashLength = 253, 11

func (p *problems) checkName(at, name, what string) {
	switch {
	case name == "":
		p.add(at, "is missing; write the name of %s", what)
	case !krm.IsName(name):
		p.add(at, "%s cannot be the name of %s; names consist of lower-case letters, digits, '-' and '.'", show(name), what)
	}
}

// checkLabel checks the name of a namespace or a container.
func (p *problems) checkLabel(at, name, what string) {
	if p.checkName(at, name, what); krm.IsName(name) && !krm.IsLabel(name) {
		p.add(at, "%s cannot be the name of %s; its names have at most 63 characters, and no '.'", show(name), what)
	}
}
