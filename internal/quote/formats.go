package quote

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"fluxtrust.dev/flux-trust/internal/pattern"
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

// Log returns text for the log of a job. Runners of GitHub act on a line that begins with ::,
// also behind spaces, whatever a namespace is called; Line sees to what they and others find
// anywhere in a line.
// https://github.com/actions/runner/blob/main/src/Runner.Common/ActionCommand.cs
func Log(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if rest := strings.TrimLeft(line, " "); strings.HasPrefix(rest, "::") {
			lines[i] = line[:len(line)-len(rest)] + `\x3a` + rest[1:]
		}
	}
	return strings.Join(lines, "\n")
}

// Property returns a text as a property of a workflow command of GitHub.
func Property(text string) string {
	return strings.NewReplacer(":", "%3A", ",", "%2C").Replace(Annotation(text))
}

// word matches what a shell takes as it is.
var word = pattern.Pattern{Text: `^[-A-Za-z0-9._/@:+,=]+$`}

// Shell returns a text as one word for a shell, in quotes where it needs them. What is not
// printable is written as in $'\n', which bash, zsh, ksh and POSIX.1-2024 know.
func Shell(text string) string {
	switch {
	case word.Get().MatchString(text):
		return text
	case strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) || r == utf8.RuneError }):
		return "$'" + escaped(text) + "'"
	default:
		return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
	}
}

// escaped returns a text for $'…'.
func escaped(text string) string {
	var out strings.Builder
	for i, r := range text {
		size := utf8.RuneLen(r)
		if r == utf8.RuneError && !strings.HasPrefix(text[i:], "\uFFFD") {
			size = 1
		}
		switch {
		case r == '\n':
			out.WriteString(`\n`)
		case r == '\'' || r == '\\':
			out.WriteString(`\` + string(r))
		case unicode.IsPrint(r) && r != utf8.RuneError:
			out.WriteRune(r)
		default:
			for _, b := range []byte(text[i : i+size]) {
				fmt.Fprintf(&out, `\%03o`, b)
			}
		}
	}
	return out.String()
}

// Path is Shell for the path of a file or folder, which no program takes for a flag.
func Path(path string) string {
	if strings.HasPrefix(path, "-") {
		path = "./" + path
	}
	return Shell(path)
}

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
