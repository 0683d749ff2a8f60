package transformer

import (
	"bytes"
	"slices"
	"strings"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/internal/flux"
	"fluxtrust.dev/flux-trust/internal/inventory"
)

// need says which resources of a kind a config needs: every one, or those whose
// text holds one of some marks.
type need struct {
	every bool
	marks []mark
}

// mark is a text to look for.
type mark struct {
	text []byte
	// rare is the offset of its rarest byte.
	rare int
}

// common lists the bytes of a mark from the most to the least common in manifests.
const common = "etsaiornpc:ldmuh-yf.gb\"kv/wx,STP0A1INMRCE_jD|2L)(Oz#q{}3VG'4[]5=89UH\\+F6K$B`*WY7?JQZ>X&;<^!~@%"

func newMark(text string) mark {
	m := mark{text: []byte(text)}
	for i := range text {
		if rank := strings.IndexByte(common, text[i]); rank < 0 || rank > strings.IndexByte(common, text[m.rare]) {
			m.rare = i
		}
	}
	return m
}

// in is bytes.Contains, which is several times slower on short texts.
func (m mark) in(text []byte) bool {
	for at := m.rare; at < len(text); at++ {
		i := bytes.IndexByte(text[at:], m.text[m.rare])
		if i < 0 {
			return false
		}
		at += i
		if bytes.HasPrefix(text[at-m.rare:], m.text) {
			return true
		}
	}
	return false
}

// Needs returns what tells from the apiVersion, the kind and the text of a
// resource whether a run of the config may look at it, change it or name it in a
// message. The text is nil where it cannot be searched. All others can be left out, and are only counted.
//
// A name is looked for in the whole text, since kustomize keeps names of before in
// annotations and puts prefixes and suffixes on. So it may be found where nothing
// is needed; it is never missed where something is.
func Needs(config *v1alpha1.FluxTrust) func(apiVersion, kind, text []byte) bool {
	return needed(needsOf(config))
}

func needed(needs map[string]need) func(apiVersion, kind, text []byte) bool {
	var last []byte // resources of a kind often follow each other
	var n need
	return func(_, kind, text []byte) bool {
		if bytes.HasSuffix(kind, []byte("List")) {
			return true // it may hold anything
		}
		if !bytes.Equal(kind, last) {
			last, n = kind, needs[string(kind)]
		}
		if n.every || text == nil && len(n.marks) > 0 {
			return true
		}
		for _, mark := range n.marks {
			if mark.in(text) {
				return true
			}
		}
		return false
	}
}

// NeedsFor is Needs, or a smaller one.
type NeedsFor = func(config *v1alpha1.FluxTrust) func(apiVersion, kind, text []byte) bool

// Asked is what a run has looked for beyond what the config names.
type Asked struct {
	// Deployments is set where any Deployment may be named, Secrets where any Secret.
	Deployments, Secrets bool
	// Named are Secrets and ConfigMaps.
	Named []string
}

func askedOf(r *result) Asked {
	names, anySecret := r.inventory.Stores.Asked()
	own := storesOf(r.config)
	return Asked{r.namesDeployments, anySecret, slices.DeleteFunc(names, func(name string) bool {
		return name == "" || slices.ContainsFunc(own, func(own string) bool { return strings.Contains(name, own) })
	})}
}

// Look calls run with what a run needs: at first without Deployments, Secrets and
// ConfigMaps of others, at which nearly no run looks, and again where it has looked for
// them. A round that turns out to be of no use parses nothing more.
func Look(run func(needs NeedsFor) (Outcome, error)) error {
	var r round
	for n := range 3 {
		r.first, r.vain, r.left = n == 0, false, map[string]bool{}
		outcome, err := run(func(config *v1alpha1.FluxTrust) func(apiVersion, kind, text []byte) bool {
			return r.needs(needed(firstNeeds(config, r.named)))
		})
		if r.vain {
			continue
		}
		asked := outcome.Asked
		isNew := slices.ContainsFunc(asked.Named, func(name string) bool { return !slices.Contains(r.named, name) })
		r.named = append(r.named, asked.Named...)
		switch {
		case err != nil:
			return err
		case asked.Deployments && r.left[string(v1alpha1.Deployment)], asked.Secrets && r.left[inventory.Secret]:
			return all(run, r.named)
		case !isNew || !r.left[inventory.Secret] && !r.left[inventory.ConfigMap]:
			return nil
		}
	}
	return all(run, r.named)
}

func all(run func(needs NeedsFor) (Outcome, error), named []string) error {
	_, err := run(func(config *v1alpha1.FluxTrust) func(apiVersion, kind, text []byte) bool {
		return needed(withNamed(needsOf(config), named))
	})
	return err
}

// withNamed adds the ConfigMaps of some names.
func withNamed(needs map[string]need, names []string) map[string]need {
	n := needs[inventory.ConfigMap]
	for _, name := range names {
		n.marks = append(n.marks, newMark(name))
	}
	needs[inventory.ConfigMap] = n
	return needs
}

// storesOf returns the names of the Secrets and ConfigMaps in a config.
func storesOf(config *v1alpha1.FluxTrust) []string {
	var names []string
	for _, e := range config.Spec.CABundle {
		switch {
		case e.Secret != nil:
			names = append(names, e.Secret.Name)
		case e.ConfigMap != nil:
			names = append(names, e.ConfigMap.Name)
		case e.Inline != nil:
			names = append(names, e.Inline.Name)
		}
	}
	for _, s := range config.Spec.Sources {
		names = append(names, s.CertSecretRef.Name)
	}
	if name := config.Spec.Proxy.SecretName(); name != "" {
		names = append(names, name)
	}
	return names
}

// firstNeeds is needsOf without Deployments in which nothing speaks of Flux, and Secrets
// that are not named.
func firstNeeds(config *v1alpha1.FluxTrust, named []string) map[string]need {
	needs := withNamed(needsOf(config), named)
	if !slices.ContainsFunc(config.Spec.Controllers.Additional, func(a v1alpha1.AdditionalController) bool { return a.Kind == v1alpha1.Deployment }) {
		// An image may have a ${…} in it.
		needs[string(v1alpha1.Deployment)] = need{marks: marks("flux", append(flux.Names(), "${")...)}
	}
	needs[inventory.Secret] = need{marks: marks(v1alpha1.OwnMark, append(storesOf(config), named...)...)}
	return needs
}

// needsOf returns what a config needs, by kind.
func needsOf(config *v1alpha1.FluxTrust) map[string]need {
	own := need{marks: marks(v1alpha1.OwnMark)}
	needs := map[string]need{
		string(v1alpha1.Deployment):     {every: true},
		string(v1alpha1.StatefulSet):    own,
		string(v1alpha1.DaemonSet):      own,
		inventory.ClusterServiceVersion: {every: true},
	}
	if config.Spec.Mount.Method == v1alpha1.InitContainerMethod {
		needs[inventory.ResourceQuota] = need{every: true}
	}
	for _, a := range config.Spec.Controllers.Additional {
		needs[string(a.Kind)] = need{every: true}
	}
	// Flux objects that refer to a Secret get warnings, and those of the config
	// a reference.
	for _, kind := range flux.Kinds() {
		needs[kind.Name] = need{marks: marks(v1alpha1.OwnMark, "certSecretRef", "secretRef")}
	}
	// A HelmRelease may install Flux. What its chart is says the release, or the
	// object that it refers to.
	var charts []string
	for _, kind := range flux.Installers() {
		if kind.Chart != "" {
			charts = append(charts, kind.Chart)
		} else {
			needs[kind.Kind] = need{every: true}
		}
	}
	needs[flux.ResourceSet] = need{marks: marks(flux.FluxInstance, flux.HelmRelease, v1alpha1.OwnMark)}
	needs[flux.HelmRelease] = need{marks: append(marks("chartRef", charts...), newMark(v1alpha1.OwnMark))}
	needs[flux.HelmChart] = need{marks: marks(v1alpha1.OwnMark, charts...)}
	oci := needs[string(v1alpha1.OCIRepository)]
	needs[string(v1alpha1.OCIRepository)] = need{marks: append(oci.marks, marks(v1alpha1.OwnMark, charts...)...)}
	for _, s := range config.Spec.Sources {
		for _, kind := range s.Kinds {
			needs[string(kind)] = need{every: true}
		}
	}
	needs[inventory.Secret] = need{every: true} // any Flux object may refer to it
	for i := range config.Spec.CABundle {
		e := &config.Spec.CABundle[i]
		if e.ClusterTrustBundle != nil {
			needs[inventory.ClusterTrustBundle] = need{every: true}
			continue
		}
		// trust-manager may write the object, or into one of the name of an inline entry.
		needs[inventory.TrustManagerBundle], needs[inventory.TrustManagerClusterBundle] = need{every: true}, need{every: true}
		switch {
		case e.ConfigMap != nil:
			// The others are named where one with a certificate may be meant.
			own.marks = append(own.marks, marks(e.ConfigMap.Name, "CERTIFICATE-----", "binaryData")...)
		case e.Inline != nil:
			own.marks = append(own.marks, newMark(e.Inline.Name))
		}
	}
	own.marks = append(own.marks, newMark("kustomize")) // it may hold patches of Flux, as values of a HelmRelease
	needs[inventory.ConfigMap] = own
	return needs
}

func marks(first string, more ...string) []mark {
	all := []mark{newMark(first)}
	for _, m := range more {
		all = append(all, newMark(m))
	}
	return all
}
