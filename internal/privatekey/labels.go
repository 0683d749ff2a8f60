package privatekey

import (
	"bytes"
	"regexp"
)

// label is a way in which text says that a key follows.
type label struct {
	form string
	// words, one of which stands in every such text, in lower case. They are looked for
	// first, so that most runs compile no pattern.
	words   []string
	pattern string
}

// between may stand between a name and its value: white space, quotes, and what
// comment lines and lists begin with.
const between = `[\s"'\\#>|*;,/-]*(?:\w{1,5}[\s"'#>|*;,/-]+){0,3}`

// value is hexadecimal with colons or without, or base64.
const value = `(?:(?:[0-9a-f]{2}[\s:#>|*;,/"'\\-]*){12}|[a-z0-9+/_-]{40})`

// pemMark is the form of a mark.
const pemMark = "PEM"

func labelsOfKeys() []label {
	return []label{
		// RFC 7468, RFC 4716 (four dashes), OpenPGP, and every tool that follows them.
		{pemMark, []string{"private key"}, `(?i)-{2,}[ \t]*BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY`},
		// https://age-encryption.org/v1
		{"age", []string{"age-secret-key-"}, `(?i)AGE-SECRET-KEY-`},
		// https://the.earth.li/~sgtatham/putty/latest/htmldoc/AppendixC.html
		{"PuTTY", []string{"putty-user-key-file", "private-lines"}, `(?i)PuTTY-User-Key-File-[0-9]|Private-Lines: *[0-9]`},
		// openssl pkey -text
		{"openssl -text", []string{"private-key"}, `(?i)Private-Key: *\([0-9]+ bit`},
		// openssl pkey -text, certtool --key-info, configs of WireGuard and others
		{
			"named",
			[]string{"private", "privkey", "priv:", "priv=", `priv"`, "secret", "prime1:", "prime2:", "prime p", "prime q", "exponent1:", "exponent2:", "coefficient"},
			`(?i)\b(?:private[ _-]?exponent|prime ?[12pq]|exp(?:onent)? ?[12pq]|coefficient|priv(?:ate[ _-]?key)?|secret[ _-]?key)["'\\]*[ \t]*(?:\([^()\n]*\))?[ \t]*[:=]` + between + value,
		},
		// RFC 7518, section 6: "d" is the private part, "k" a symmetric key.
		{"JWK", []string{`d"`, `d'`, `d\`}, `["']d\\?["']\s*:\s*\\?["'][A-Za-z0-9_-]{20}`},
		{"JWK", []string{"kty"}, `\b[dk]\b["'\\]*\s*:\s*["'\\]*[A-Za-z0-9_-]{20}`},
		// https://www.w3.org/TR/xmldsig-core/#sec-RSAKeyValue, with what .NET adds
		{"XML", []string{"<d>"}, `(?i)<d>\s*[a-z0-9+/=\s]{40}`},
	}
}

// labelled finds the keys that a text calls by name. Line is that of the text.
func (s *search) labelled(text []byte) []Key {
	var found []Key
	lower := bytes.ToLower(text)
	for _, l := range labelsOfKeys() {
		if !containsAny(lower, l.words) {
			continue
		}
		pattern, ok := s.patterns[l.pattern]
		if !ok {
			pattern = regexp.MustCompile(l.pattern)
			s.patterns[l.pattern] = pattern
		}
		ends := linesOf(text)
		for _, at := range pattern.FindAllIndex(text, most) {
			found = append(found, Key{Line: ends.of(at[0]), Form: l.form})
		}
	}
	return found
}

func containsAny(text []byte, words []string) bool {
	for _, w := range words {
		if bytes.Contains(text, []byte(w)) {
			return true
		}
	}
	return false
}
