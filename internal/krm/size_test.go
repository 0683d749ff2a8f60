package krm

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// TestSizeOf holds the count against the expansion itself.
func TestSizeOf(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // a test that repeats
	for range 500 {
		text := randomAliases(random)
		root := parse(t, text).Node
		want := Size{}
		count(root, 0, &want)
		if got := SizeOf(root); got != want {
			t.Fatalf("%s\ngot %+v, want %+v", text, got, want)
		}
	}
}

// randomAliases writes a list whose entries hold words and aliases of entries before.
func randomAliases(random *rand.Rand) string {
	var text strings.Builder
	for i := range 2 + random.IntN(8) {
		fmt.Fprintf(&text, "- &a%d\n", i)
		for j := range 1 + random.IntN(4) {
			value := strings.Repeat("x", random.IntN(20))
			if i > 0 && random.IntN(2) == 0 {
				value = fmt.Sprintf("*a%d", random.IntN(i))
			}
			fmt.Fprintf(&text, "  key%d: %s\n", j, value)
		}
	}
	return text.String()
}

// count visits every node as often as it stands in the expanded tree.
func count(n *yaml.Node, level int, size *Size) {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	size.Nodes++
	size.Bytes += len(n.Value)
	size.Levels += level
	for _, child := range n.Content {
		count(child, level+1, size)
	}
}

func TestSizeOfTooMuch(t *testing.T) {
	bomb := "- &a0 [" + strings.Repeat("x", 100) + "]\n"
	for i := range 100 {
		bomb += fmt.Sprintf("- &a%d [*a%d, *a%d]\n", i+1, i, i)
	}
	tooMuch := Size{Nodes: math.MaxInt32, Bytes: math.MaxInt32, Levels: math.MaxInt32}
	if got := SizeOf(parse(t, bomb).Node); got != tooMuch {
		t.Errorf("a bomb: got %+v", got)
	}
	if err := tooMuch.Check(1 << 20); err == nil {
		t.Error("it passes")
	}
	inside := parse(t, "a: &a [x]\n").Node
	list := inside.Content[1]
	list.Content = append(list.Content, &yaml.Node{Kind: yaml.AliasNode, Alias: list})
	if got := SizeOf(&yaml.Node{Kind: yaml.AliasNode, Alias: list}); got != tooMuch {
		t.Errorf("an anchor inside itself: got %+v", got)
	}
}

func TestSizeCheck(t *testing.T) {
	long := strings.Repeat("x", 1<<20)
	deep := strings.Repeat("[", 5000) + strings.Repeat("]", 5000)
	for text, want := range map[string]string{
		"[" + strings.Repeat("1,", 99_000) + "1]":             "",
		"[" + strings.Repeat("1,", 100_000) + "1]":            "has more than 100000 values",
		"[&a {b: c}" + strings.Repeat(",*a", 34_000) + "]":    "has more than 100000 values",
		"[&a " + long + strings.Repeat(",*a", 7) + "]":        "",
		"[&a " + long + strings.Repeat(",*a", 8) + "]":        "has more than 8192 KiB",
		strings.Repeat("[", 1000) + strings.Repeat("]", 1000): "",
		deep: "on more than 1000000 levels in all",
		"- &a " + deep[4000:6000] + strings.Repeat("\n- *a", 3):                 "on more than 1000000 levels in all",
		strings.Repeat(" ", 3<<20) + "[" + strings.Repeat("1,", 400_000) + "1]": "",
	} {
		err := SizeOf(parse(t, text).Node).Check(len(text))
		if got := fmt.Sprint(err); err == nil && want != "" || !strings.Contains(got, want) {
			t.Errorf("%.20s (%d bytes): got %s, want %q", text, len(text), got, want)
		}
	}
}
