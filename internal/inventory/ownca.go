package inventory

import (
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"fluxtrust.dev/flux-trust/internal/flux"
	"fluxtrust.dev/flux-trust/internal/krm"
)

// OwnCA is a Secret in which a source may have a CA of its own, under ca.crt: no bundle
// reaches it.
type OwnCA struct {
	// Object refers to it, in the field of a path.
	Object *krm.Object
	Path   string
	// Namespaces of the Secret, now and before a build tool changed it, and its name.
	Namespaces []string
	Name       string
	// Credentials is set where it holds credentials as well.
	Credentials bool
}

// OwnCAs returns those of the Git repositories that are fetched by HTTPS, and of the sources
// that flux-operator makes. Whether there is a CA in them is not known: they hold
// credentials and are mostly not in the stream.
func (i *Inventory) OwnCAs() []OwnCA {
	var all []OwnCA
	for _, s := range i.Sources {
		if own, ok := s.OwnCA(); ok {
			all = append(all, own)
		}
	}
	for _, from := range i.Installers {
		if own, ok := from.OwnCA(); ok {
			all = append(all, own)
		}
	}
	return all
}

// OwnCA returns the Secret with the credentials of a GitRepository, which is the one with
// its CA: https://fluxcd.io/flux/components/source/gitrepositories/#https-certificate-authority.
func (s *Source) OwnCA() (OwnCA, bool) {
	own := OwnCA{s.Object, "spec.secretRef.name", s.Object.Namespaces, s.Object.Before.Peek("spec", "secretRef", "name"), true}
	return own, s.API.Name == flux.GitRepository && s.WithoutTLS() == "" && own.Name != ""
}

// OwnCA returns the Secret of the source that flux-operator makes of spec.sync. A
// GitRepository has its CA beside the credentials; all others have one only where a patch
// refers to it: https://fluxoperator.dev/docs/instance/sync/.
func (i *Installer) OwnCA() (OwnCA, bool) {
	if i.Kind.Spec == nil || i.Templated != "" {
		return OwnCA{}, false
	}
	spec := i.Object.Before.Loose().Get(i.Kind.Spec...)
	sync := spec.Get("sync")
	own := OwnCA{i.Object, strings.Join(i.Kind.Spec, ".") + ".sync.pullSecret", i.Namespaces, sync.Peek("pullSecret"), true}
	switch sync.Peek("kind") {
	case "":
		return own, false
	case flux.GitRepository:
		scheme, _ := endpoint(flux.GitRepository, sync.Peek("url"))
		return own, scheme != "http" && scheme != "ssh" && own.Name != ""
	default:
		own.Path, own.Credentials = strings.Join(i.Kind.Spec, ".")+".kustomize.patches", false
		own.Name = certSecret(spec.Items("kustomize", "patches"), sync.Peek("kind"))
		return own, own.Name != ""
	}
}

// certSecret returns the certSecretRef that patches set on objects of a kind, or "".
func certSecret(patches []krm.Field, kind string) string {
	name := ""
	for _, p := range patches {
		n, err := yaml.Parse(p.Peek("patch"))
		if err != nil || yaml.IsMissingOrNull(n) {
			continue
		}
		body := krm.Field{Node: n.YNode()}
		if !slices.Contains([]string{p.Peek("target", "kind"), body.Peek("kind")}, kind) {
			continue
		}
		if ref := body.Peek("spec", "certSecretRef", "name"); ref != "" {
			name = ref
		}
		for _, operation := range body.Items() {
			switch operation.Peek("path") {
			case "/spec/certSecretRef":
				name = operation.Peek("value", "name")
			case "/spec/certSecretRef/name":
				name = operation.Peek("value")
			}
		}
	}
	return name
}
