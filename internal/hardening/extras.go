package hardening

import (
	"maps"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/internal/codes"
	"fluxtrust.dev/flux-trust/internal/flux"
	"fluxtrust.dev/flux-trust/internal/krm"
	"fluxtrust.dev/flux-trust/internal/quote"
)

// Extras go beyond the profile. Each says what it needs: a pod that a node refuses
// is harder to explain than one that was never changed.

func wantsUser(c *v1alpha1.SecurityContext) bool          { return c.Extras.RunAsUser != "" }
func wantsUserNamespace(c *v1alpha1.SecurityContext) bool { return c.Extras.HostUsers != nil }
func wantsAppArmor(c *v1alpha1.SecurityContext) bool      { return c.Extras.AppArmorProfile != "" }
func wantsGroupsPolicy(c *v1alpha1.SecurityContext) bool {
	return c.Extras.SupplementalGroupsPolicy != ""
}

func wantsNoServiceLinks(c *v1alpha1.SecurityContext) bool { return c.Extras.EnableServiceLinks != nil }

func wantsLimits(c *v1alpha1.SecurityContext) bool { return c.Extras.EmptyDirSizeLimit != "" }

// setExtra sets a field to the stricter of its two values.
func (p *pod) setExtra(f krm.Field, key string, want *yaml.Node, note string) {
	current := f.Get(key)
	have := current.Text()
	if current.Exists() && have == want.Value && current.Node.ShortTag() == want.Tag {
		return
	}
	severity, d := krm.Info, krm.Difference{Path: current.Path, Proposed: want.Value}
	if current.Exists() {
		severity, d.Current = krm.Warning, have
	}
	f.Put(key, want)
	p.tell(severity, codes.Hardened, d, "set to %s: %s", want.Value, note)
}

// runAsImage writes the user of the image into controllers, unless somebody has
// chosen one. A group without a user is gone by now.
func runAsImage(p *pod) {
	for _, c := range p.containers {
		if c.scope != controllers || p.spec.Get("securityContext", "runAsUser").Exists() || c.Get("securityContext", "runAsUser").Exists() {
			continue
		}
		image := c.Peek("image")
		user, ok := flux.User(image)
		if !ok {
			p.tell(krm.Warning, codes.ExtraNotSet, krm.At(c.Path+".securityContext.runAsUser"),
				"not set: the user of the image %s is not known; write runAsUser and runAsGroup yourself", quote.Image(image))
			continue
		}
		sc := c.Ensure("securityContext")
		for _, key := range []string{"runAsUser", "runAsGroup"} {
			p.setExtra(sc, key, &yaml.Node{Kind: yaml.ScalarNode, Tag: yaml.NodeTagInt, Value: user}, "the user and group of the image")
		}
	}
}

// requireUserNamespace asks for a user namespace. Kubernetes refuses one beside the
// namespaces of the host.
func requireUserNamespace(p *pod) {
	if host := hostNamespaces(p.spec, nil); len(host) > 0 {
		_, key, _ := strings.Cut(host[0].Path, p.spec.Path+".")
		p.tell(krm.Warning, codes.ExtraNotSet, krm.At(p.spec.Path+".hostUsers"), "not set: it is not possible together with %s", key)
		return
	}
	p.setExtra(p.spec, "hostUsers", krm.BoolNode(false), "needs Kubernetes 1.33 and nodes with user namespaces")
}

// requireAppArmor sets the profile of the pod, unless somebody has chosen one in the
// field or in the annotation of old, which must not contradict each other.
func requireAppArmor(p *pod) {
	annotations := p.Template.Texts("metadata", "annotations")
	for _, key := range slices.Sorted(maps.Keys(annotations)) {
		if strings.HasPrefix(key, appArmorAnnotation) {
			p.tell(krm.Info, codes.ExtraNotSet, krm.At(p.spec.Path+".securityContext.appArmorProfile"), "not set: the annotation %s stays", quote.Key(key))
			return
		}
	}
	if !p.spec.Get("securityContext", "appArmorProfile", "type").Exists() {
		p.setExtra(p.spec.Ensure("securityContext", "appArmorProfile"), "type",
			krm.TextNode(string(p.Config.Extras.AppArmorProfile)), "a node without AppArmor refuses the pod")
	}
}

func requireGroupsPolicy(p *pod) {
	p.setExtra(p.spec.Ensure("securityContext"), "supplementalGroupsPolicy",
		krm.TextNode(string(p.Config.Extras.SupplementalGroupsPolicy)), "needs Kubernetes 1.33 and a container runtime that supports it")
}

func forbidServiceLinks(p *pod) {
	p.setExtra(p.spec, "enableServiceLinks", krm.BoolNode(false), "the pod gets no env variables for Services")
}

// limitEmptyDirs gives every emptyDir without a limit one. The function's own
// volume gets its limit where it is written.
func limitEmptyDirs(p *pod) {
	for _, v := range p.spec.Items("volumes") {
		if v.Peek("name") == p.OwnVolume || v.Node.Kind != yaml.MappingNode || krm.IndexOf(v.Node, "emptyDir") < 0 {
			continue
		}
		if emptyDir := v.Ensure("emptyDir"); !emptyDir.Get("sizeLimit").Exists() {
			p.setExtra(emptyDir, "sizeLimit", krm.TextNode(p.Config.Extras.EmptyDirSizeLimit), "a pod that writes more is evicted")
		}
	}
}
