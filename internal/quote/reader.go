package quote

import (
	"strings"

	"fluxtrust.dev/flux-trust/internal/pattern"
)

// Reader returns what a reader of YAML, JSON or a number says about an input, without
// the pieces of the input that it quotes.
func Reader(err error) string {
	text := strings.TrimPrefix(strings.Join(strings.Fields(err.Error()), " "), "yaml: ")
	text = longTag.Get().ReplaceAllString(text, "!…")
	quotes := anyQuote.Get().FindAllStringIndex(mark.Get().ReplaceAllStringFunc(text, func(m string) string { return strings.Repeat("_", len(m)) }), -1)
	if len(quotes) == 0 {
		return Line(text)
	}
	first, last := quotes[0][0], quotes[len(quotes)-1][1]
	return Line(text[:first] + "…" + text[last:])
}

var (
	// mark matches the punctuation that a reader has expected, in its quotes.
	mark     = pattern.Pattern{Text: `'[^\w\s'"` + "`" + `]{1,2}'`}
	anyQuote = pattern.Pattern{Text: "['\"`]"}
	// longTag matches a tag of YAML that is none of its own.
	longTag = pattern.Pattern{Text: `![^\s!]{9,}`}
)
