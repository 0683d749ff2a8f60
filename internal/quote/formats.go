package quote

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The functions of this file take text that may be shown, and put it into a syntax in
// which none of its signs keeps a meaning.

// Markdown returns a text as code in GitHub's Markdown, for a paragraph or the cell of a
// table: it mentions nobody, links nothing, and is neither HTML nor the end of a cell.
// It is an element of HTML, because between backticks nothing can be escaped.
func Markdown(text string) string {
	var out strings.Builder
	out.WriteString("<code>")
	for _, r := range text {
		switch {
		case r == '\n':
			out.WriteString("</code><br><code>")
		case r >= utf8.RuneSelf, unicode.IsLetter(r), unicode.IsDigit(r), strings.ContainsRune(" ,.-/+=", r):
			out.WriteRune(r)
		default:
			fmt.Fprintf(&out, "&#%d;", r)
		}
	}
	out.WriteString("</code>")
	return strings.ReplaceAll(out.String(), "www.", "www&#46;")
}

// Annotation returns a text as the message of a workflow command of GitHub, which a line
// break would end.
func Annotation(text string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(text)
}

// Property returns a text as a property of a workflow command of GitHub.
func Property(text string) string {
	return strings.NewReplacer(":", "%3A", ",", "%2C").Replace(Annotation(text))
}

// Shell returns a text as one word for a shell.
func Shell(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

// XML returns a text for an element or an attribute in double quotes. What XML 1.0
// cannot hold becomes U+FFFD.
func XML(text string) string {
	var out strings.Builder
	for _, r := range text {
		switch {
		case strings.ContainsRune("&<>\"'\n\r\t", r):
			fmt.Fprintf(&out, "&#%d;", r)
		case r < ' ' || r == '\uFFFE' || r == '\uFFFF':
			out.WriteRune(utf8.RuneError)
		default:
			out.WriteRune(r)
		}
	}
	return out.String()
}
