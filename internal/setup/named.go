package setup

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"

	"fluxtrust.dev/flux-trust/internal/bundle"
	"fluxtrust.dev/flux-trust/internal/krm"
	"fluxtrust.dev/flux-trust/internal/quote"
)

// named returns what the function has found, where what is about a certificate that was given
// names its file, not the ConfigMap that is going to hold it.
func (p *Plan) named(t trusted) krm.Findings {
	certificates, _ := bundle.Parse([]byte(t.text))
	line := regexp.MustCompile(`^line (\d+): `)
	found := slices.Clone(p.Outcome.Findings)
	for i, f := range found {
		m := line.FindStringSubmatch(f.Message)
		if m == nil || f.Object == nil || f.Object.Kind() != "ConfigMap" || f.Path != "data."+p.key {
			continue
		}
		at := slices.IndexFunc(certificates, func(c bundle.Certificate) bool { return strconv.Itoa(c.Line) == m[1] })
		if at < 0 {
			continue
		}
		from := slices.IndexFunc(p.Roots, func(r Root) bool { return r.Fingerprint() == bundle.Fingerprint(certificates[at].Certificate) })
		switch {
		case from >= 0 && p.Roots[from].From != "":
			found[i].Message = fmt.Sprintf("%s: %s", quote.Line(p.Roots[from].From), f.Message[len(m[0]):])
		case !isYAML(p.store):
			found[i].Message = fmt.Sprintf("%s: %s", quote.Line(p.store), f.Message)
		default:
			continue
		}
		found[i].Object, found[i].Difference = nil, krm.Difference{}
	}
	return found
}
