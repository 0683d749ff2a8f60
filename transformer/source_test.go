package transformer

import (
	"strings"
	"testing"
)

func TestUniquePath(t *testing.T) {
	used := map[string]bool{}
	long := strings.Repeat("x", 300)
	for _, tc := range []struct{ want, got string }{
		{"a-b-c", "a-b-c"},
		{"a-b-c", "a-b-c-2"},
		{"a-b-c", "a-b-c-3"},
		{"a-b-c-2", "a-b-c-2-2"},
		{long, long[:255]},
		{long, long[:253] + "-2"},
	} {
		if got := uniquePath(tc.want, used); got != tc.got {
			t.Errorf("got %q, want %q", got, tc.got)
		}
	}
}

func TestSameName(t *testing.T) {
	for own, want := range map[string]bool{
		"corp-ca":             true,
		"corp-ca-h6b9hm252m":  true,
		"corp-ca-h6b9hm252":   false, // too short
		"corp-ca-h6b9hm252ma": false,
		"corp-ca-aaaaaaaaaa":  false, // not in kustomize's alphabet
		"corp-ca-v2":          false,
		"my-corp-ca":          false,
		"corp":                false,
	} {
		if got := sameName(own, "corp-ca"); got != want {
			t.Errorf("sameName(%q, corp-ca) = %t", own, got)
		}
	}
}
