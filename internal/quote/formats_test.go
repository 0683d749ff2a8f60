package quote

import (
	"encoding/xml"
	"html"
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
