package transformer

import (
	"math/rand/v2"
	"strings"
	"testing"
)

func TestMarkIsContains(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	word := func(n int) string {
		return strings.Map(func(rune) rune { return rune("abx"[r.IntN(3)]) }, strings.Repeat("a", n))
	}
	for range 100_000 {
		text, m := word(r.IntN(20)), word(1+r.IntN(4))
		if got, want := newMark(m).in([]byte(text)), strings.Contains(text, m); got != want {
			t.Fatalf("%q in %q: %t", m, text, got)
		}
	}
}
