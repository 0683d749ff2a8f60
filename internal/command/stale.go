package command

import (
	"slices"
	"strings"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/internal/bundle"
	"fluxtrust.dev/flux-trust/internal/krm"
	"fluxtrust.dev/flux-trust/internal/kustomization"
	"fluxtrust.dev/flux-trust/internal/pattern"
	"fluxtrust.dev/flux-trust/internal/quote"
)

// digests matches the digest of the roots in patches and manifests.
var digests = pattern.Pattern{Text: `fluxtrust\.dev/ca-bundle"?: *["']?(sha256:[0-9a-f]{64})`}

// rootsSince says how the roots of a config differ from those that a folder has been written
// for, in words that follow "not up to date: FILE". It is "" where they do not, or where nobody
// can tell.
func rootsSince(config *v1alpha1.FluxTrust, result kustomization.Result) string {
	var before, after []string
	worked := false
	for _, f := range result.Files {
		worked = worked || strings.Contains(string(f.Before), v1alpha1.ConfigAnnotation)
		before, after = append(before, digestsIn(f.Before)...), append(after, digestsIn(f.After)...)
	}
	is := func(of []string) func(string) bool { return func(d string) bool { return slices.Contains(of, d) } }
	old, now := slices.DeleteFunc(slices.Clone(before), is(after)), slices.DeleteFunc(slices.Clone(after), is(before))
	old, now = slices.Compact(old), slices.Compact(now)
	switch {
	case !worked && len(now) > 0:
		return "; nothing there is the work of FluxTrust " + config.Metadata.Name + " yet, so it gives no controller these roots"
	case len(old) != 1 || len(now) != 1:
		return ""
	}
	fingerprints := make([]string, len(result.Outcome.Roots))
	for i, root := range result.Outcome.Roots {
		fingerprints[i] = root.Fingerprint
	}
	added, ok := bundle.Added(fingerprints, old[0])
	if !ok {
		return "; it was written for other roots: one or more of them are not in spec.caBundle any more"
	}
	var names krm.Once
	for _, root := range result.Outcome.Roots {
		if slices.Contains(added, root.Fingerprint) {
			names.Add(quote.Subject(root.Subject) + " (" + quote.Digest(root.Fingerprint) + ")")
		}
	}
	return "; new since it was written: " + strings.Join(names.All, " and ")
}

func digestsIn(text []byte) (found []string) {
	for _, m := range digests.Get().FindAllSubmatch(text, -1) {
		found = append(found, string(m[1]))
	}
	return found
}
