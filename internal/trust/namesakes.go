package trust

import (
	"fmt"

	"fluxtrust.dev/flux-trust/internal/codes"
	"fluxtrust.dev/flux-trust/internal/inventory"
	"fluxtrust.dev/flux-trust/internal/krm"
	"fluxtrust.dev/flux-trust/internal/quote"
)

// checkNamesakes looks at every other object that the cluster could take for the one of
// an entry: which of them counts depends on the order in which they are applied, and on
// the namespace of whoever applies them. Where the entry is pinned, the pins hold for
// each; else those of one name and namespace must hold the same.
func (r *resolver) checkNamesakes(e *entry, s *inventory.Store, keys []string, path string) {
	pinned := len(e.Fingerprints) > 0
	for _, other := range r.stores.Namesakes(s, r.namespaces) {
		switch {
		case s.Made, !pinned && !r.isTwin(s, other), s.HoldsSame(other, keys):
		case other.Err != nil:
			r.found.Fail(other.Object, other.Err)
			e.failed = true
		case other.Unknown != "":
			e.unknown, e.marked = other.Unknown, true
		case pinned:
			judged := &entry{CABundleEntry: e.CABundleEntry, at: e.at}
			listed := keys
			if len(keys) == 0 {
				listed = other.Keys()
			}
			r.check(judged, other, listed, path, len(keys) > 0)
			r.checkPins(judged)
			e.failed = e.failed || judged.failed
		default:
			r.report(e, other.Object, krm.Error, codes.Ambiguous, "", "stands in the stream twice, with other content%s; which one counts depends on the order in which they are applied: remove one", firstAt(s.Object))
		}
	}
}

// isTwin reports whether two objects end up as one, as far as is known.
func (r *resolver) isTwin(a, b *inventory.Store) bool {
	own, other := a.Object.Namespace(), b.Object.Namespace()
	return a.Object.Name() == b.Object.Name() && (own == other || r.namespaces[0] != "" && (own == "" || other == ""))
}

// firstAt says where an object stands.
func firstAt(o *krm.Object) string {
	if o.File == nil {
		return ""
	}
	return fmt.Sprintf(" (first in %s, document %d)", quote.Line(o.File.Path), o.File.Index+1)
}
