package transformer

import (
	"bytes"
	"slices"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/internal/inventory"
)

// round is a reading of a stream by the first needs. What refers to Secrets and
// ConfigMaps of others is often seen before the run: then those behind it are read as
// well, and where some before it were left out, the round is in vain.
type round struct {
	// left are the kinds of which some were left out, named the names that were seen.
	left  map[string]bool
	named []string
	marks []mark
	// first is set where the round may be given up, vain where it is.
	first, vain bool
}

// mostNames is how many names are looked for: with more, all objects are read.
const mostNames = 32

func (r *round) needs(needs func(apiVersion, kind, text []byte) bool) func(apiVersion, kind, text []byte) bool {
	return func(apiVersion, kind, text []byte) bool {
		is := needs(apiVersion, kind, text)
		switch k := string(kind); {
		case k == inventory.Secret, k == inventory.ConfigMap:
			is = is || r.isNamed(text)
			r.left[k] = r.left[k] || !is
		case k == string(v1alpha1.Deployment):
			r.left[k] = r.left[k] || !is
		case is && r.first:
			r.see(text)
		}
		return is && !r.vain
	}
}

func (r *round) isNamed(text []byte) bool {
	return len(r.named) > mostNames || slices.ContainsFunc(r.marks, func(m mark) bool { return m.in(text) })
}

// see notes the names in the text of an object that refers to others.
func (r *round) see(text []byte) {
	if !bytes.Contains(text, []byte("ecretRef")) && !bytes.Contains(text, []byte("valuesFrom")) {
		return
	}
	for len(r.named) <= mostNames {
		at := bytes.Index(text, []byte("name"))
		if at < 0 {
			return
		}
		text = bytes.TrimLeft(text[at+len("name"):], `"': `)
		end := 0
		for end < len(text) && isNameByte(text[end]) {
			end++
		}
		if name := string(text[:end]); name != "" && !slices.Contains(r.named, name) {
			r.named, r.marks = append(r.named, name), append(r.marks, newMark(name))
			r.vain = r.vain || r.left[inventory.Secret] || r.left[inventory.ConfigMap]
		}
	}
}

func isNameByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-' || c == '.'
}
