package v1alpha1

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
)

// mostAllocated bounds what reading a config of at most 1 MiB may allocate in all, which
// is more than it ever holds at once.
const mostAllocated = 300 << 20

// allocated returns how many bytes a function allocates.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// TestBounds reads configs that are small and stand for much.
func TestBounds(t *testing.T) {
	const size = 1<<20 - 1<<10
	fill := func(piece string) string { return strings.Repeat(piece, size/len(piece)) }
	numbered := func(format string) string {
		var text strings.Builder
		for i := 0; text.Len() < size; i++ {
			fmt.Fprintf(&text, format, i)
		}
		return text.String()
	}
	bomb := "  x0: &a0 [" + strings.Repeat("x, ", 10) + "]\n"
	for i := range 20 {
		bomb += fmt.Sprintf("  x%d: &a%d [%s*a%d]\n", i+1, i+1, strings.Repeat(fmt.Sprintf("*a%d, ", i), 9), i)
	}
	for name, body := range map[string]string{
		"aliases of aliases":    bomb,
		"an alias to itself":    "  mount: &a {path: *a}\n",
		"aliases of a long key": "  mode: &m " + strings.Repeat("x", size/4) + "\n  caBundle:\n" + strings.Repeat("  - *m\n", size/16),
		"aliases of an entry": "  caBundle:\n  - &a {configMap: {name: x, keys: [" + strings.Repeat("k, ", 3000) + "]}}\n" +
			strings.Repeat("  - *a\n", 100_000),
		"unknown fields":          numbered("  z%d: 1\n"),
		"empty entries":           "  caBundle: [" + fill("{},") + "]\n",
		"wrong entries":           "  caBundle: [" + fill("[],") + "]\n",
		"unknown names":           "  controllers: {include: [" + fill("a,") + "]}\n",
		"keys":                    "  caBundle: [{configMap: {name: x, keys: [" + numbered("k%d,") + "]}}]\n",
		"many keys that are read": "  caBundle: [{configMap: {name: x, keys: [" + strings.Repeat("k,", maxNodes-100) + "]}}]\n",
		"objects":                 "  caBundle:\n" + numbered("  - configMap: {name: x%d}\n"),
		"nested lists":            "  caBundle: " + strings.Repeat("[", 9000) + strings.Repeat("]", 9000) + "\n",
		"comments":                "  mode: Transform\n" + fill("#\n"),
		"comments of entries":     "  caBundle:\n" + fill("  - #x\n"),
		"a long value":            "  mode: " + fill("x") + "\n",
		"wrong in a far line":     fill("  mode: Transform\n") + "  - x\n",
		"anchors":                 "  mode: 5\n" + numbered("  a: &a%d b\n"),
	} {
		t.Run(name, func(t *testing.T) {
			var err error
			bytes := allocated(func() { _, err = Parse("c.yaml", []byte(head+"spec:\n"+body)) })
			if err == nil {
				t.Fatal("this is not a config")
			}
			if bytes > mostAllocated || len(err.Error()) > 1<<16 {
				t.Errorf("reading it allocates %d MiB, and the message has %d bytes", bytes>>20, len(err.Error()))
			}
		})
	}
}

// FuzzExpansion reads configs of aliases and whatever else: no panic, no more memory
// than is bounded, and no message longer than some pages.
func FuzzExpansion(f *testing.F) {
	f.Add([]byte(spec), 1)
	f.Add([]byte("  a: &a [x, x]\n  b: &b [*a, *a]\n  c: [*b, *b]\n"), 3)
	f.Add([]byte("  - &a {configMap: {name: x}}\n  - *a\n"), 1000)
	f.Fuzz(func(t *testing.T, piece []byte, times int) {
		times = max(1, min(times, (1<<20)/max(1, len(piece))))
		body := strings.Repeat(string(piece), times)
		for _, config := range []string{body, head + "spec:\n" + body, spec + body} {
			var err error
			bytes := allocated(func() { _, err = Parse("c.yaml", []byte(config)) })
			if bytes > mostAllocated {
				t.Errorf("reading %d bytes allocates %d MiB", len(config), bytes>>20)
			}
			if err != nil && len(err.Error()) > 1<<16 {
				t.Errorf("the message has %d bytes", len(err.Error()))
			}
		}
	})
}
