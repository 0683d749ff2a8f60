package bundle

import "testing"

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
	}
}
