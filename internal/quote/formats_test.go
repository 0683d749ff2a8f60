package quote

import (
	"encoding/xml"
	"html"
	"math/rand/v2"
	"os/exec"
	"strings"
	"testing"
)

// TestFormats: nothing of a text ends what it stands in, and all of it comes back.
func TestFormats(t *testing.T) {
	var ascii strings.Builder
	for r := ' '; r <= '~'; r++ {
		ascii.WriteRune(r)
	}
	for _, text := range []string{
		ascii.String(), "", "a\nb", `\|`, "|", "`", "``", "<b>", "</code>", "@corp/team", "#1", ":x:", "https://example.com", "www.example.com", "a@example.com",
		"$x$", "[x](y)", "![x](y)", "::error::x", "%0A::error::x", "a,b:c", `"'&`, "ü → 日本",
	} {
		markdown := Markdown(text)
		inside := strings.ReplaceAll(strings.TrimSuffix(strings.TrimPrefix(markdown, "<code>"), "</code>"), "</code><br><code>", "\n")
		if html.UnescapeString(inside) != text {
			t.Errorf("Markdown(%q) = %s", text, markdown)
		}
		if strings.ContainsAny(strings.ReplaceAll(inside, "&#", ""), "<>|`@#[]()*_~\\$:\"'!{}&") || strings.Contains(inside, "www.") {
			t.Errorf("Markdown(%q) = %s keeps a sign of Markdown", text, markdown)
		}
		for name, got := range map[string]string{"Annotation": Annotation(text), "Property": Property(text)} {
			back := strings.NewReplacer("%0D", "\r", "%0A", "\n", "%3A", ":", "%2C", ",", "%25", "%").Replace(got)
			if back != text || strings.ContainsAny(got, "\r\n") || name == "Property" && strings.ContainsAny(got, ":,") {
				t.Errorf("%s(%q) = %s", name, text, got)
			}
		}
		var read struct {
			A string `xml:"a,attr"`
			T string `xml:",chardata"`
		}
		if err := xml.Unmarshal([]byte(`<x a="`+XML(text)+`">`+XML(text)+`</x>`), &read); err != nil || read.A != text || read.T != text {
			t.Errorf("XML(%q) = %s: %v, %q, %q", text, XML(text), err, read.A, read.T)
		}
	}
	if got := XML("a\x00b\x1b\uFFFE"); got != "a\uFFFDb\uFFFD\uFFFD" {
		t.Errorf("XML keeps what XML cannot hold: %q", got)
	}
}

func TestShell(t *testing.T) {
	for text, want := range map[string]string{
		"a/b.crt": "a/b.crt", "my ca.crt": "'my ca.crt'", "it's": `'it'\''s'`, "$(x)": "'$(x)'", "": "''", "a\nb'": `$'a\nb\''`, "\u202ex": `$'\342\200\256x'`, "-x": "-x",
	} {
		if got := Shell(text); got != want {
			t.Errorf("Shell(%q) = %s", text, got)
		}
	}
	for path, want := range map[string]string{"-x": "./-x", "- x": "'./- x'", "x": "x", "/x": "/x"} {
		if got := Path(path); got != want {
			t.Errorf("Path(%q) = %s", path, got)
		}
	}
}

// TestShellReads asks a shell what it reads.
func TestShellReads(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("bash is not on the PATH")
	}
	random := rand.New(rand.NewPCG(1, 1))
	var script, want strings.Builder
	for range 2000 {
		text := make([]byte, random.IntN(12))
		for i := range text {
			text[i] = byte(1 + random.IntN(255))
			if random.IntN(2) == 0 {
				text[i] = "'\"\\$`-\n a!~{}*?"[random.IntN(15)]
			}
		}
		script.WriteString("printf '%s\\0' " + Shell(string(text)) + "\n")
		want.WriteString(string(text) + "\x00")
	}
	command := exec.CommandContext(t.Context(), bash)
	command.Env = []string{"LC_ALL=C.UTF-8"}
	command.Stdin = strings.NewReader(script.String())
	got, err := command.Output()
	if err != nil || string(got) != want.String() {
		t.Errorf("%v: bash reads something else:\n%q\nwant\n%q", err, got, want.String())
	}
	if lines := strings.Count(script.String(), "\n"); lines != 2000 {
		t.Errorf("%d lines, not one for each", lines)
	}
}
