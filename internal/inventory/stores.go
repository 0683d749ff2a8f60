package inventory

import (
	"bytes"
	"slices"

	"fluxtrust.dev/flux-trust/internal/pattern"
)

// Stores finds objects with certificates by their names.
type Stores struct {
	// All are in the order of the stream.
	All []*Store

	writers  []*writer
	named    map[storeKey]group
	asked    map[string][]string // names by kind
	askedAny bool
}

// Asked returns the names of the objects of a kind that were looked for: a stream may have
// been read without them.
func (s *Stores) Asked(kind string) []string { return s.asked[kind] }

// AskedAny reports whether Secrets of any name were looked at.
func (s *Stores) AskedAny() bool { return s.askedAny }

func (s *Stores) ask(kind, name string) {
	if slices.Contains(s.asked[kind], name) {
		return
	}
	if s.asked == nil {
		s.asked = map[string][]string{}
	}
	s.asked[kind] = append(s.asked[kind], name)
}

// OfKind returns all objects of a kind.
func (s *Stores) OfKind(kind string) []*Store {
	s.askedAny = s.askedAny || kind == Secret
	return slices.DeleteFunc(slices.Clone(s.All), func(store *Store) bool { return store.Kind != kind })
}

// storeKey is what a look-up asks for. The namespace anyNamespace stands for all.
type storeKey struct {
	kind, namespace, name string
	fit                   fit
}

// group is what fits a key: positions in All, and the first of those that has another
// present name than the first of all.
type group struct {
	all   []int
	other int
}

const none = -1

// fit is how well a name of an object fits the one that is looked for.
type fit int

const (
	presentName fit = iota
	formerName
	// withSuffix is a name with the hash suffix that a finished build has left.
	withSuffix
)

// anyNamespace is not a valid name of a namespace.
const anyNamespace = "*"

func (s *Stores) add(store *Store) {
	if s.named == nil {
		s.named = map[storeKey]group{}
	}
	at := len(s.All)
	s.All = append(s.All, store)
	fits := map[string]fit{}
	for f, names := range [][]string{store.Object.Names[:1], store.Object.Names, withoutSuffixes(store.Object.Names)} {
		for _, name := range names {
			if _, better := fits[name]; better {
				continue
			}
			fits[name] = fit(f)
			s.index(storeKey{store.Kind, anyNamespace, name, fit(f)}, at)
			for i, namespace := range store.Namespaces() {
				if !slices.Contains(store.Namespaces()[:i], namespace) {
					s.index(storeKey{store.Kind, namespace, name, fit(f)}, at)
				}
			}
		}
	}
}

func (s *Stores) index(key storeKey, at int) {
	g, ok := s.named[key]
	switch {
	case !ok:
		g.other = none
	case g.other == none && s.All[at].Object.Name() != s.All[g.all[0]].Object.Name():
		g.other = at
	}
	g.all = append(g.all, at)
	s.named[key] = g
}

// Find returns the object of a kind that fits a name in one of some namespaces best,
// or nil. The present name counts most, then a former one, then one with a hash
// suffix; the namespace counts more than being without one. An object without a
// namespace may be put into any, and so may what looks for it.
//
// Other is another object with another present name that fits as well, or nil.
func (s *Stores) Find(kind, name string, namespaces []string) (found, other *Store) {
	s.ask(kind, name)
	lacking := "" // the namespace of what may be put into any
	if kind == ClusterTrustBundle {
		namespaces = nil
	}
	if kind == ClusterTrustBundle || slices.Contains(namespaces, "") {
		lacking = anyNamespace
	}
	for f := presentName; f <= withSuffix; f++ {
		for _, keys := range [][]string{namespaces, {lacking}} {
			if found, other = s.best(kind, name, keys, f); found != nil {
				return found, other
			}
		}
	}
	return nil, nil
}

// Having returns the objects of a kind that have a name in one of some namespaces, now or
// before a build tool changed it.
func (s *Stores) Having(kind, name string, namespaces ...string) []*Store {
	s.ask(kind, name)
	var at []int
	for _, namespace := range namespaces {
		for _, f := range []fit{presentName, formerName} {
			at = append(at, s.named[storeKey{kind, namespace, name, f}].all...)
		}
	}
	slices.Sort(at)
	var found []*Store
	for _, i := range slices.Compact(at) {
		found = append(found, s.All[i])
	}
	return found
}

// Namesakes returns the other objects that the cluster could take for one: those of its
// kind that have one of its names in one of the namespaces, or in none.
func (s *Stores) Namesakes(of *Store, namespaces []string) []*Store {
	namespaces = append(slices.Clone(namespaces), "")
	if of.Kind == ClusterTrustBundle || slices.Index(namespaces, "") < len(namespaces)-1 {
		namespaces = []string{anyNamespace}
	}
	var found []*Store
	for _, name := range of.Object.Names {
		for _, other := range s.Having(of.Kind, name, namespaces...) {
			if other != of && !slices.Contains(found, other) {
				found = append(found, other)
			}
		}
	}
	return found
}

// HoldsSame reports whether another object holds the same under some keys; without
// keys, whether it holds the same under all.
func (s *Store) HoldsSame(other *Store, keys []string) bool {
	if s.Err != nil || other.Err != nil || s.Unknown != other.Unknown || s.substituted != other.substituted {
		return false
	}
	if len(keys) == 0 {
		if keys = s.Keys(); !slices.Equal(keys, other.Keys()) {
			return false
		}
	}
	return !slices.ContainsFunc(keys, func(key string) bool {
		a, isIn := s.Values[key]
		b, isInOther := other.Values[key]
		return isIn != isInOther || a.Err != nil || b.Err != nil || !bytes.Equal(a.Text, b.Text)
	})
}

// best returns the first that fits in one of the namespaces, and another one.
func (s *Stores) best(kind, name string, namespaces []string, f fit) (found, other *Store) {
	var positions []int
	for _, namespace := range namespaces {
		if g, ok := s.named[storeKey{kind, namespace, name, f}]; ok {
			positions = append(positions, g.all[0])
			if g.other != none {
				positions = append(positions, g.other)
			}
		}
	}
	if len(positions) == 0 {
		return nil, nil
	}
	found = s.All[slices.Min(positions)]
	for _, at := range positions {
		if s.All[at].Object.Name() != found.Object.Name() {
			other = s.All[at]
		}
	}
	return found, other
}

// hashSuffix is what kustomize's generators append to a name: ten characters
// of the alphabet of sigs.k8s.io/kustomize/api/hasher.
var hashSuffix = pattern.Pattern{Text: `-[2456789bcdfghkmt]{10}$`}

// IsNamed reports whether a name is the configured one, or the configured one with
// the suffix that a finished kustomize build has left on it.
func IsNamed(own, configured string) bool {
	return own == configured || WithoutSuffix(own) == configured
}

// WithoutSuffix returns a name without kustomize's hash suffix.
func WithoutSuffix(name string) string { return hashSuffix.Get().ReplaceAllString(name, "") }

func withoutSuffixes(names []string) []string {
	short := make([]string, len(names))
	for i, name := range names {
		short[i] = WithoutSuffix(name)
	}
	return short
}
