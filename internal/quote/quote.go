package quote

import (
	"slices"
	"strconv"
	"strings"

	"fluxtrust.dev/flux-trust/internal/pattern"
)

// Name returns the name of an object, a namespace or a container: shown where
// Kubernetes allows it, RFC 1123 subdomains, the colons of RBAC and of
// ClusterTrustBundles, and environment variables.
func Name(name string) string { return show(name, &dnsName) }

// Key returns the key of a ConfigMap, of a Secret or of any mapping: shown where it is a
// name, a file or a short word. A key of a Secret may be as secret as its value when
// the two were mixed up.
func Key(key string) string {
	if strings.Contains(key, "/") { // the prefix and the name of an annotation
		return show(key, &qualifiedName)
	}
	return show(key, &dataKey)
}

// Kind returns the kind of an object.
func Kind(kind string) string { return show(kind, &kindName) }

// APIVersion returns the version of an object, such as apps/v1.
func APIVersion(version string) string { return show(version, &apiVersion) }

// Image returns the image of a container.
func Image(image string) string { return show(image, &imageName) }

// Host returns a host with or without a port.
func Host(host string) string { return show(host, &hostName) }

// File returns the name of a file that an input, not the command line, has named.
func File(name string) string { return show(name, &fileName) }

// URL returns where something is fetched from: without a user, but for that of git, and
// with no more of a query than a revision.
func URL(url string) string { return show(url, &remoteURL) }

// PathList returns a path, or the paths of an environment variable.
func PathList(paths string) string { return show(paths, &pathList) }

// Word returns a value for which a field has few: those of enumerations, booleans and
// numbers.
func Word(word string) string { return show(word, &plainWord) }

// Digest returns the SHA-256 of something that is public.
func Digest(digest string) string {
	if sha256Digest.Get().MatchString(digest) {
		return digest
	}
	return Text(digest)
}

var sha256Digest = pattern.Pattern{Text: `^sha256:[0-9a-f]{64}$`}

// Value returns the value of a field of a pod, or of a reference: a word, a name, a key,
// an image, a digest, a path, or the paths of an environment variable.
func Value(value string) string {
	for _, how := range []func(string) string{Word, Digest, Name, Key, Image, PathList} {
		if how(value) == value {
			return value
		}
	}
	return hidden(value)
}

// Text returns a text of any kind: shown where it is short and printable.
func Text(text string) string { return show(text, nil) }

// Each applies one of the functions above to every text of a list.
func Each(how func(string) string, texts []string) []string {
	shown := make([]string, len(texts))
	for i, text := range texts {
		shown[i] = how(text)
	}
	return shown
}

// Subject returns the name of a certificate. It is public, and chosen by whoever made
// the certificate.
func Subject(name string) string {
	const longest = 100
	if holdsKey(name) {
		return hidden(name)
	}
	name = Line(strings.Join(strings.Fields(name), " "))
	if runes := []rune(name); len(runes) > longest {
		name = string(runes[:longest]) + "…"
	}
	return name
}

// What is shown. RE2 has no lookahead, so lengths are checked apart.
var (
	dnsName       = pattern.Pattern{Text: `^([a-z0-9]([-a-z0-9.:]*[a-z0-9])?|[A-Z][A-Z0-9]*(_[A-Z0-9]+)+)$`}
	dataKey       = pattern.Pattern{Text: `^([a-z0-9]([-a-z0-9._]*[a-z0-9])?|[-._a-zA-Z0-9]{1,19}|[-._a-zA-Z0-9]+\.[a-z0-9]{1,5}|[a-z]+([A-Z][a-z]+)+)$`}
	qualifiedName = pattern.Pattern{Text: `^[a-z0-9][-a-z0-9.]*/[-._a-zA-Z0-9]{1,63}$`}
	kindName      = pattern.Pattern{Text: `^[A-Z][A-Za-z0-9]*$`}
	apiVersion    = pattern.Pattern{Text: `^([a-z0-9][-a-z0-9.]*/)?v[0-9][a-z0-9]{0,12}$`}
	imageName     = pattern.Pattern{Text: `^[a-z0-9][-a-z0-9._/:]*(:[-\w.]{1,40})?(@sha256:[0-9a-f]{64})?$`}
	hostName      = pattern.Pattern{Text: `^([a-z0-9A-Z*][-a-z0-9A-Z._*]*|\[[0-9a-fA-F:.]+\])(:[0-9]{1,5})?$`}
	fileName      = pattern.Pattern{Text: `^[-\pL\pN ._@+~/\\:]*\.(ya?ml|json)$|^[-a-z0-9._/]+$`}
	pathList      = pattern.Pattern{Text: `^[/$][-A-Za-z0-9._/:${}()]*$`}
	remoteURL     = pattern.Pattern{Text: `^([a-z+]+::)?([a-z+]+://)?(git@)?[a-z0-9][-a-z0-9.]*(:[0-9]{1,5})?[:/][-\w./]*(\?(ref|version)=[-\w./]{1,40})?$`}
	plainWord     = pattern.Pattern{Text: `^[-.\w/]{1,19}$|^(CAP_)?[A-Z]+(_[A-Z]+)+$`}
)

// Longest names and words, in bytes.
const (
	longestName  = 253
	longestShort = shortestSecret - 1
)

// show returns a text that matches, or that is too short to be a key, and hides any
// other.
func show(text string, allowed *pattern.Pattern) string {
	switch {
	case len(text) > longestName || len(text) >= shortestSecret && (allowed == nil || !allowed.Get().MatchString(text)):
		return hidden(text)
	case len(text) <= longestShort, plain(text):
		return Line(text)
	case token.Get().MatchString(text) && anySecret(text), slices.ContainsFunc(hexGroups.Get().FindAllString(text, -1), isHexKey):
		return hidden(text)
	default:
		return Line(text)
	}
}

// anySecret is stricter than Line, which sees messages of the function itself: a key of
// 32 bytes looks like a digest.
func anySecret(text string) bool {
	if imageName.Get().MatchString(text) {
		text, _, _ = strings.Cut(text, "@")
	}
	return longRun.Get().MatchString(text) || slices.ContainsFunc(token.Get().FindAllString(text, -1), looksSecret)
}

// longRun is more than a word of any name has.
var longRun = pattern.Pattern{Text: `[A-Za-z0-9]{40}`}

// FieldPath returns the path of a field, such as data.ca.crt or
// spec.containers.[name=manager].image: every key and name of it is shown where Key and
// Name would.
func FieldPath(path string) string {
	elements := strings.Split(path, ".")
	for i := 0; i < len(elements); i++ {
		// A name in brackets has dots of its own.
		for j := i; strings.Count(elements[i], "[") > strings.Count(elements[i], "]") && j+1 < len(elements); {
			elements[i] += "." + elements[j+1]
			elements = slices.Delete(elements, j+1, j+2)
		}
		key, index := elements[i], ""
		if at := strings.IndexByte(key, '['); at >= 0 && indexes.Get().MatchString(key[at:]) {
			key, index = key[:at], brackets.Get().ReplaceAllStringFunc(key[at:], bracket)
		}
		if i+1 < len(elements) && key != "" && Key(key+"."+elements[i+1]) == key+"."+elements[i+1] {
			continue // a file, such as Company-Root-Certificates.crt
		}
		if !strings.HasSuffix(key, notShown) {
			key = Key(key)
		}
		elements[i] = key + index
	}
	return Line(strings.Join(elements, "."))
}

var (
	brackets = pattern.Pattern{Text: `\[[^\]]*\]`}
	indexes  = pattern.Pattern{Text: `^(\[[^\]]*\])+$`}
)

// bracket returns an index, or the name of an entry.
func bracket(text string) string {
	inside := text[1 : len(text)-1]
	if name, ok := strings.CutPrefix(inside, "name="); ok {
		if strings.HasSuffix(name, notShown) {
			return text
		}
		return "[name=" + Name(name) + "]"
	}
	return "[" + Word(inside) + "]"
}

// Quoted returns a message of a library that quotes the input as fmt's %q does: names,
// paths and short words stay.
func Quoted(message string) string {
	return Line(quotation.Get().ReplaceAllStringFunc(message, func(quoted string) string {
		text, err := strconv.Unquote(quoted)
		if err != nil {
			return `"…"`
		}
		for _, how := range []func(string) string{Name, Word, PathList} {
			if how(text) == text {
				return quoted
			}
		}
		return `"` + Text(text) + `"`
	}))
}

var quotation = pattern.Pattern{Text: `"(?:[^"\\]|\\.)*"`}
