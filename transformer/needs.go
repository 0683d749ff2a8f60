package transformer

import (
	"bytes"
	"strings"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/internal/flux"
	"fluxtrust.dev/flux-trust/internal/inventory"
)

// need says which resources of a kind a config needs: every one, those whose text holds
// one of some marks, and those to which others refer.
type need struct {
	every bool
	marks []mark
	// also is what their text must be as well, or nil.
	also func(text []byte) bool
	// named are the names by which others refer to resources of the kind, or nil; part
	// returns where in the text of one its name stands.
	named *references
	part  func(text []byte) []byte
	// left is set where one was left out.
	left bool
}

func (n *need) is(text []byte) bool {
	switch {
	case n == nil:
		return false
	case n.every || text == nil && len(n.marks) > 0:
		return true
	}
	for _, mark := range n.marks {
		if mark.in(text) && (n.also == nil || n.also(text)) {
			return true
		}
	}
	if n.named != nil && n.named.need(text, n.part) {
		return true
	}
	n.left = true
	return false
}

// mark is a text to look for.
type mark struct {
	text []byte
	// rare is the offset of its rarest byte.
	rare int
	// word is set where it is no part of a longer name.
	word bool
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
		if start := at - m.rare; bytes.HasPrefix(text[start:], m.text) && (!m.word || isWord(text, start, start+len(m.text))) {
			return true
		}
	}
	return false
}

func isWord(text []byte, start, end int) bool {
	return (start == 0 || !isNameByte(text[start-1])) && (end == len(text) || !isNameByte(text[end]))
}

// isNameByte reports whether a name of Kubernetes may hold a byte.
func isNameByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-' || c == '.'
}

// Needs returns what tells from the apiVersion, the kind and the text of a
// resource whether a run of the config may look at it, change it or name it in a
// message. The text is nil where it cannot be searched. All others can be left out, and are only counted.
//
// A name is looked for in the whole text, since kustomize keeps names of before in
// annotations and puts prefixes and suffixes on. So it may be found where nothing
// is needed; it is never missed where something is.
func Needs(config *v1alpha1.FluxTrust) func(apiVersion, kind, text []byte) bool {
	needs := needsOf(config)
	every := &need{every: true}
	needs[flux.OCIRepository], needs[flux.HelmChart] = every, every // another one of the name of one counts, too
	// Those that a pod may mount, which are not asked for by name.
	needs[inventory.ConfigMap].marks = append(needs[inventory.ConfigMap].marks, marks("CERTIFICATE-----", "inject-trusted-cabundle")...)
	return needed(needs)
}

func needed(needs map[string]*need) func(apiVersion, kind, text []byte) bool {
	var last []byte // resources of a kind often follow each other
	var n *need
	return func(_, kind, text []byte) bool {
		if bytes.HasSuffix(kind, []byte("List")) {
			return true // it may hold anything
		}
		if !bytes.Equal(kind, last) {
			last, n = kind, needs[string(kind)]
		}
		return n.is(withoutHead(text))
	}
}

// withoutHead returns a text without the comments at its head, which often say where it
// comes from. It keeps an empty text apart from none.
func withoutHead(text []byte) []byte {
	for len(text) > 0 && (text[0] == '#' || text[0] == '\n') {
		text = text[lineEnd(text, 0):]
	}
	return text
}

// NeedsFor is Needs, or a smaller one.
type NeedsFor = func(config *v1alpha1.FluxTrust) func(apiVersion, kind, text []byte) bool

// configMapsOf returns the names of the ConfigMaps in a config.
func configMapsOf(config *v1alpha1.FluxTrust) []string {
	var names []string
	for _, e := range config.Spec.CABundle {
		switch {
		case e.ConfigMap != nil:
			names = append(names, e.ConfigMap.Name)
		case e.Inline != nil:
			names = append(names, e.Inline.Name)
		}
	}
	return names
}

// storesOf returns the names of the Secrets and ConfigMaps in a config.
func storesOf(config *v1alpha1.FluxTrust) []string {
	names := configMapsOf(config)
	for _, e := range config.Spec.CABundle {
		if e.Secret != nil {
			names = append(names, e.Secret.Name)
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

// needsOf returns what a config needs, by kind.
func needsOf(config *v1alpha1.FluxTrust) map[string]*need {
	every := &need{every: true}
	needs := map[string]*need{
		string(v1alpha1.Deployment):     every,
		string(v1alpha1.StatefulSet):    {marks: marks(v1alpha1.OwnMark, flux.Names()...)},
		string(v1alpha1.DaemonSet):      {marks: marks(v1alpha1.OwnMark, flux.Names()...)},
		inventory.ClusterServiceVersion: every,
	}
	if config.Spec.Mount.Method == v1alpha1.InitContainerMethod {
		needs[inventory.ResourceQuota] = every
	}
	for _, a := range config.Spec.Controllers.Additional {
		needs[string(a.Kind)] = every
	}
	// Flux objects that refer to a Secret get warnings, and those of the config
	// a reference.
	for _, kind := range flux.Kinds() {
		needs[kind.Name] = &need{marks: marks(v1alpha1.OwnMark, "certSecretRef", "secretRef")}
	}
	needs[flux.Kustomization] = &need{marks: marks("postBuild"), also: appliesItself} // which defines variables
	// A HelmRelease may install Flux. What its chart is says the release, or the
	// object that it refers to.
	charts := words(flux.Charts()...)
	for _, kind := range flux.Installers() {
		if kind.Chart == "" {
			needs[kind.Kind] = every
		}
	}
	needs[flux.ResourceSet] = &need{marks: marks(flux.FluxInstance, flux.HelmRelease, v1alpha1.OwnMark)}
	needs[flux.HelmRelease] = &need{marks: append(charts, marks(v1alpha1.OwnMark, "chartRef")...)}
	needs[flux.HelmChart] = &need{marks: append(charts, newMark(v1alpha1.OwnMark))}
	oci := needs[string(v1alpha1.OCIRepository)]
	oci.marks = append(oci.marks, charts...)
	for _, s := range config.Spec.Sources {
		for _, kind := range s.Kinds {
			needs[string(kind)] = every
		}
	}
	needs[inventory.Secret] = every // any Flux object may refer to it
	writers := &need{}
	for _, kind := range inventory.WriterKinds() {
		needs[kind] = writers
	}
	own := need{marks: marks(v1alpha1.OwnMark)}
	for i := range config.Spec.CABundle {
		e := &config.Spec.CABundle[i]
		if e.ClusterTrustBundle != nil {
			needs[inventory.ClusterTrustBundle] = every
			continue
		}
		// trust-manager may write the object, or into one of the name of an inline entry.
		needs[inventory.TrustManagerBundle], needs[inventory.TrustManagerClusterBundle] = every, every
		switch {
		case e.Secret != nil:
			writers.marks = append(writers.marks, newMark(e.Secret.Name))
		case e.ConfigMap != nil:
			// The others are named where one with a certificate may be meant.
			own.marks = append(own.marks, marks(e.ConfigMap.Name, "CERTIFICATE-----", "binaryData")...)
		case e.Inline != nil:
			own.marks = append(own.marks, newMark(e.Inline.Name))
		}
	}
	needs[inventory.ConfigMap] = &own
	return needs
}

// words are marks that are no parts of longer names, such as the charts at the ends of URLs
// and paths.
func words(texts ...string) []mark {
	all := make([]mark, len(texts))
	for i, text := range texts {
		all[i] = newMark(text)
		all[i].word = true
	}
	return all
}

func marks(first string, more ...string) []mark {
	all := []mark{newMark(first)}
	for _, m := range more {
		all = append(all, newMark(m))
	}
	return all
}
