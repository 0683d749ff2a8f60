package bundle

import (
	"slices"
	"strings"
	"testing"
)

// TestExtends: the digest of an earlier run tells whether all of its certificates are
// still there.
func TestExtends(t *testing.T) {
	var all []Certificate
	for range 6 {
		all = append(all, Certificate{Certificate: root(t)})
	}
	for name, tc := range map[string]struct {
		before, now []Certificate
		want        bool
	}{
		"the same":       {all[:2], all[:2], true},
		"another order":  {all[:2], []Certificate{all[1], all[0], all[1]}, true},
		"one more":       {all[:2], all[:3], true},
		"three more":     {all[:2], all[:5], true},
		"one goes":       {all[:3], all[:2], false},
		"one for one":    {all[:2], all[1:3], false},
		"others":         {all[:2], all[3:], false},
		"one goes, more": {all[:3], all[1:], false},
	} {
		if got := Extends(tc.now, Digest(tc.before)); got != tc.want {
			t.Errorf("%s: got %t", name, got)
		}
		added, ok := Added(fingerprintsOf(tc.now), Digest(tc.before))
		slices.Sort(added)
		var want []string
		if tc.want {
			want = slices.DeleteFunc(fingerprintsOf(tc.now), func(f string) bool { return slices.Contains(fingerprintsOf(tc.before), f) })
		}
		if ok != tc.want || !slices.Equal(added, want) {
			t.Errorf("%s: added %q, want %q", name, added, want)
		}
	}
}

// TestParseFingerprint: fingerprints are taken as openssl, browsers and configs show them.
func TestParseFingerprint(t *testing.T) {
	want := Fingerprint(root(t))
	digits := strings.TrimPrefix(want, "sha256:")
	var pairs []string
	for i := 0; i < len(digits); i += 2 {
		pairs = append(pairs, strings.ToUpper(digits[i:i+2]))
	}
	for _, f := range []string{
		want, digits, strings.ToUpper(digits), strings.Join(pairs, ":"), strings.Join(pairs, " "),
		"sha256 Fingerprint=" + strings.Join(pairs, ":"), "SHA256:" + digits,
	} {
		if got, ok := ParseFingerprint(f); !ok || got != want {
			t.Errorf("%s: %s %t", f, got, ok)
		}
	}
	for _, f := range []string{"", "sha256:", digits[1:], digits + "00", "sha1:" + digits[:40], strings.Repeat("g", 64), "SHA1 Fingerprint=" + digits, "a=" + digits} {
		if got, ok := ParseFingerprint(f); ok {
			t.Errorf("%q is %s", f, got)
		}
	}
}
