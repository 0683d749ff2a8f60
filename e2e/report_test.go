package e2e

import (
	"bytes"
	unescape "html"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	renderer "github.com/yuin/goldmark/renderer/html"
)

// TestMarkdownReport renders the report as a forge does: the name of a certificate, which
// anybody chooses, is the text of one cell, and nothing else.
func TestMarkdownReport(t *testing.T) {
	function := program(t, "FLUX_TRUST")
	const name = "a|b`c``d <b>@corp/team</b> #1 :x: [l](https://example.com) ![i](x) \\| **e** _f_ ~~g~~ $h$ www.example.com https://example.com a@example.com &amp; <!-- x --> ##[error]z"
	config, install := quickstart(t)
	dir := t.TempDir()
	certificate := strings.ReplaceAll(strings.TrimSpace(newAuthority(t, name).pem()), "\n", "\n    ")
	write(t, filepath.Join(dir, "ca.yaml"), "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: z-scaler-ca, namespace: flux-system}\ndata:\n  Company-Root-CA.crt: |\n    "+certificate+"\n")
	text := run(t, dir, function, "validate", config, install, "ca.yaml", "-o", "markdown").stdout

	var out bytes.Buffer
	// Raw HTML is let through, as forges do before they take out what is dangerous.
	forge := goldmark.New(goldmark.WithExtensions(extension.GFM), goldmark.WithRendererOptions(renderer.WithUnsafe()))
	if err := forge.Convert([]byte(text), &out); err != nil {
		t.Fatal(err)
	}
	page := out.String()
	cell := regexp.MustCompile(`<td><code>CN=([^<]*)</code></td>`).FindStringSubmatch(page)
	// RFC 4514 escapes what means something in a name, and a runner of CI acts on ##[.
	want := strings.NewReplacer("##[", `#\x23[`).Replace(name)
	if cell == nil || strings.NewReplacer(`\\`, `\`, `\<`, "<", `\>`, ">", `\,`, ",", `\;`, ";", `\+`, "+", `\"`, `"`).Replace(unescape.UnescapeString(cell[1])) != want {
		t.Errorf("got %q, want %q in\n%s", cell, want, text)
	}
	for _, tag := range regexp.MustCompile(`<[a-z]+[^>]*>`).FindAllString(page, -1) {
		switch {
		case strings.HasPrefix(tag, `<a href="https://fluxtrust.dev/flux-trust/docs/results.md#`):
		case regexp.MustCompile(`^<(p|strong|table|thead|tbody|tr|th|td|code|br|ul|li)>$`).MatchString(tag):
		default:
			t.Errorf("the report has %s:\n%s", tag, page)
		}
	}
	outside := regexp.MustCompile(`<code>[^<]*</code>`).ReplaceAllString(page, "")
	if i := strings.IndexAny(regexp.MustCompile(`<[^>]*>`).ReplaceAllString(outside, ""), "@#|`"); i >= 0 || strings.Contains(outside, "example") {
		t.Errorf("a part of a name stands outside of code:\n%s", outside)
	}
}
