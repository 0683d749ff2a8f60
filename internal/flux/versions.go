package flux

import (
	"strings"

	"k8s.io/apimachinery/pkg/util/version"
)

// Versions holds the lowest version of each controller that is known.
type Versions map[string]*version.Version

// See takes the tag of an image of a controller into account.
func (v Versions) See(controller, tag string) {
	// Variants append to the version, as in v1.6.2-distroless, and would count as
	// older.
	tag, _, _ = strings.Cut(tag, "-")
	if seen, err := version.ParseSemantic(tag); err == nil && (v[controller] == nil || seen.LessThan(v[controller])) {
		v[controller] = seen
	}
}

// Below reports whether a controller is known to be older than a version.
func (v Versions) Below(controller, limit string) bool {
	if v[controller] == nil {
		return false
	}
	order, err := v[controller].Compare(limit)
	return err == nil && order < 0
}
