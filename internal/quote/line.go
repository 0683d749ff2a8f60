package quote

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"fluxtrust.dev/flux-trust/internal/pattern"
	"fluxtrust.dev/flux-trust/internal/privatekey"
)

// maxLine bounds a message, in bytes.
const maxLine = 4 << 10

// Line returns a text as one line that is safe to print: control characters, line
// breaks, bidirectional marks and whatever else is not printable become escapes as in
// Go (\n, \u202e), what looks like key material is replaced by its length, what a
// runner of CI acts on does no longer look so, and of what exceeds 4 KiB only the
// beginning stays. Line of a line is the line.
func Line(text string) string {
	if plain(text) {
		return text
	}
	if holdsKey(text) {
		return hidden(text)
	}
	var out strings.Builder
	for i, r := range text {
		switch {
		case out.Len() > maxLine:
			return inert(hideSecrets(beginning(out.String())))
		case r == utf8.RuneError && !strings.HasPrefix(text[i:], "\uFFFD"):
			fmt.Fprintf(&out, `\x%02x`, text[i])
		default:
			writeRune(&out, r)
		}
	}
	line := inert(hideSecrets(out.String()))
	if len(line) > maxLine {
		line = inert(hideSecrets(beginning(line)))
	}
	return line
}

// holdsKey reports whether a text of several lines holds a key, also where they were put
// together: no line of it may look like one, since openssl and dumps of memory have few bytes
// in each.
func holdsKey(text string) bool {
	if !strings.Contains(text, "\n") && !strings.Contains(text, `\n`) && !strings.Contains(text, "PRIVATE KEY") {
		return false
	}
	keys, _ := privatekey.Find([]byte(text[:min(len(text), maxLine)])) // no more is shown
	return len(keys) > 0
}

// beginning returns the first half of what a line may hold: what is written in the place
// of something else can be twice as long.
func beginning(text string) string {
	end := maxLine/2 - len("…")
	for !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + "…"
}

// inert returns a text that runners of CI take for no command of theirs, which they look
// for anywhere in a line:
// https://github.com/actions/runner/blob/main/src/Runner.Common/ActionCommand.cs
// https://github.com/microsoft/azure-pipelines-agent/blob/master/src/Microsoft.VisualStudio.Services.Agent/Command.cs
func inert(text string) string {
	for _, prefix := range []string{"##[", "##vso["} {
		text = strings.ReplaceAll(text, prefix, `#\x23`+prefix[2:])
	}
	return text
}

func hideSecrets(text string) string {
	text = hexGroups.Get().ReplaceAllStringFunc(text, func(groups string) string {
		if isHexKey(groups) {
			return hidden(groups)
		}
		return groups
	})
	return token.Get().ReplaceAllStringFunc(text, func(word string) string {
		if looksSecret(word) {
			return hidden(word)
		}
		return word
	})
}

// Lines is Line for every text of a list.
func Lines(texts []string) []string {
	lines := make([]string, len(texts))
	for i, text := range texts {
		lines[i] = Line(text)
	}
	return lines
}

// plain reports whether a text is what most messages are: short words of printable
// ASCII.
func plain(text string) bool {
	if len(text) > maxLine || strings.Contains(text, "##") || strings.Contains(text, `\n`) || strings.Contains(text, "PRIVATE KEY") {
		return false
	}
	word, digits := 0, 0
	for i := range len(text) {
		switch c := text[i]; {
		case isHex(c):
			digits++
		case !strings.ContainsRune(hexSeparators, rune(c)):
			digits = 0
		}
		switch c := text[i]; {
		case c < ' ' || c > '~' || digits >= hexKey:
			return false
		case isToken(c):
			word++
			if word >= shortestSecret {
				return false
			}
		default:
			word = 0
		}
	}
	return true
}

func isToken(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '+' || c == '/' || c == '=' || c == '_' || c == '-'
}

func writeRune(out *strings.Builder, r rune) {
	if unicode.IsPrint(r) {
		out.WriteRune(r)
		return
	}
	quoted := strconv.QuoteRune(r)
	out.WriteString(quoted[1 : len(quoted)-1])
}

// hexGroups matches hexadecimal in groups, as openssl and dumps of memory show it. Those of
// openssl go on behind a line break, which is an escape here.
var hexGroups = pattern.Pattern{Text: `\b(?:[0-9A-Fa-f]{2,16}(?::? [0-9A-Fa-f]{2,16})+|[0-9A-Fa-f]{2,16}(?::(?:\\[nrt]| )*[0-9A-Fa-f]{2,16})+|[0-9A-Fa-f]{2,16}(?:\.[0-9A-Fa-f]{2,16})+|[0-9A-Fa-f]{2,16}(?:-[0-9A-Fa-f]{2,16})+)\b`}

const (
	// hexSeparators are what stands between the groups.
	hexSeparators = ":. -"
	// hexKey is how many hexadecimal digits in groups are more than an address or a UUID
	// has, and the name of nothing.
	hexKey = 40
)

// isHexKey reports whether groups of hexadecimal digits may be a key.
func isHexKey(groups string) bool {
	digits := 0
	for i := range len(groups) {
		if isHex(groups[i]) {
			digits++
		}
	}
	return digits >= hexKey && strings.ContainsAny(groups, "0123456789")
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

// token matches what may be a line of base64, hexadecimal or a word.
var token = pattern.Pattern{Text: `[A-Za-z0-9+/=_-]{20,}`}

// shortestSecret is how long a word must be to be taken for key material, in bytes.
// The shortest keys that are in use have 16 bytes, which are 22 characters of base64.
const shortestSecret = 20

// longestWord is more than any word has that is neither base64 nor hexadecimal. The
// SHA-256 of a certificate has 64 characters.
const longestWord = 64

// looksSecret reports whether a word looks like a piece of base64, of hexadecimal, or
// of another random text. Words that people write change seldom between upper case,
// lower case and digits; in base64 more than every second character does.
func looksSecret(word string) bool {
	if strings.Contains(word, "AGE-SECRET-KEY-") {
		return true
	}
	word = withoutWords(word)
	length, changes, run, longest := 0, 0, 0, 0
	var classes [digit + 1]bool
	last := -1
	for i := range len(word) {
		class := classOf(word[i])
		if class < 0 {
			run = 0
			continue
		}
		classes[class] = true
		if length > 0 && class != last {
			changes++
		}
		last = class
		length++
		run++
		longest = max(longest, run)
	}
	mixed := classes[lower] && classes[upper]
	switch {
	case length < shortestSecret:
		return false
	case isDigest(word):
		return false
	case longest > longestWord:
		return true
	case !mixed && strings.ContainsAny(word, "-_/"): // a name, perhaps with a hash at its end
		return false
	case mixed:
		return changes*3 > length
	default:
		return changes*5 > length
	}
}

// withoutWords leaves out the elements of a path that are plain words: a folder with a
// random name makes no key of a path. Of base64, which has a slash in 64 characters and
// hardly a word, all remains.
func withoutWords(word string) string {
	const shortestWord = 4
	return strings.Join(slices.DeleteFunc(strings.Split(word, "/"), func(e string) bool {
		return len(e) >= shortestWord && len(e) < shortestSecret && strings.Trim(e, "abcdefghijklmnopqrstuvwxyz_-") == ""
	}), "/")
}

const (
	lower = iota
	upper
	digit
)

func classOf(c byte) int {
	switch {
	case c >= 'a' && c <= 'z':
		return lower
	case c >= 'A' && c <= 'Z':
		return upper
	case c >= '0' && c <= '9':
		return digit
	default:
		return -1
	}
}

// isDigest reports whether a word has the form in which fingerprints and commits are
// written.
func isDigest(word string) bool {
	const sha1, sha256 = 40, 64
	return (len(word) == sha1 || len(word) == sha256) && strings.Trim(word, "0123456789abcdef") == ""
}

// hidden stands for a text that is not shown.
func hidden(text string) string {
	return fmt.Sprintf("(%d%s", utf8.RuneCountInString(text), notShown)
}

// IsHidden reports whether a text stands for one that is not shown.
func IsHidden(text string) bool { return strings.HasSuffix(text, notShown) }

const notShown = " characters, not shown)"
