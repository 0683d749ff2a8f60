package kustomization

import "strings"

// gitPattern is a line of a .gitignore: https://git-scm.com/docs/gitignore
type gitPattern struct {
	// at is where it stands.
	at ignoreLine
	// base is the folder of its file with a final slash, "" for the root.
	base string
	// glob is what it matches, a path where inPath says so, and the name of a file else.
	glob   string
	inPath bool
	// negated takes files back; onlyDirs says that it is for folders.
	negated, onlyDirs bool
}

// parseGitPattern reads a line; ok is false for comments and empty lines.
func parseGitPattern(line, base string, at ignoreLine) (p gitPattern, ok bool) {
	line = strings.TrimSuffix(line, "\r")
	if strings.HasPrefix(line, "#") {
		return p, false
	}
	p = gitPattern{at: at, base: base}
	line, p.negated = strings.CutPrefix(trimSpaces(line), "!")
	line, p.onlyDirs = strings.CutSuffix(line, "/")
	p.inPath = strings.Contains(line, "/")
	p.glob = strings.TrimPrefix(line, "/")
	return p, p.glob != ""
}

// trimSpaces cuts final spaces, but not one behind a backslash.
func trimSpaces(line string) string {
	end := 0
	for i := 0; i < len(line); i++ {
		switch line[i] {
		case ' ':
			continue
		case '\\':
			i++
		}
		end = min(i+1, len(line))
	}
	return line[:end]
}

// matches reports whether the pattern is for a path below the root, with slashes.
func (p gitPattern) matches(path string, isDir bool) bool {
	if p.onlyDirs && !isDir {
		return false
	}
	if !p.inPath {
		return matchGlob(p.glob, path[strings.LastIndexByte(path, '/')+1:])
	}
	path, ok := strings.CutPrefix(path, p.base)
	if !ok {
		return false
	}
	// As git does, which shows where ** follows: what has no wildcard comes first.
	plain := strings.IndexAny(p.glob, `*?[\`)
	if plain < 0 {
		return p.glob == path
	}
	path, ok = strings.CutPrefix(path, p.glob[:plain])
	return ok && matchGlob(p.glob[plain:], path)
}

// matchGlob matches as git's wildmatch.c does with WM_PATHNAME, by bytes.
func matchGlob(pattern, text string) bool {
	g := globMatch{pattern, text, map[[2]int]bool{}}
	return g.match(0, 0)
}

// globMatch is one match. failed are places of stars and of the text from which there is
// none, so that the time is not exponential.
type globMatch struct {
	pattern, text string
	failed        map[[2]int]bool
}

// match matches the pattern from p on with the text from t on.
func (g globMatch) match(p, t int) bool {
	for p < len(g.pattern) {
		c := g.pattern[p]
		if c == '*' {
			return g.star(p, t)
		}
		if t == len(g.text) {
			return false
		}
		switch c {
		case '?':
			if g.text[t] == '/' {
				return false
			}
		case '[':
			end, ok := matchClass(g.pattern, p+1, g.text[t])
			if !ok || g.text[t] == '/' {
				return false
			}
			p = end
		default:
			if c == '\\' {
				p++
			}
			if p == len(g.pattern) || g.pattern[p] != g.text[t] {
				return false
			}
		}
		p, t = p+1, t+1
	}
	return t == len(g.text)
}

// star matches from stars on. Two that stand for whole folders match slashes, too, and
// with the slash behind them no folder at all.
func (g globMatch) star(p, t int) bool {
	if g.failed[[2]int{p, t}] {
		return false
	}
	rest := strings.TrimLeft(g.pattern[p:], "*")
	end := len(g.pattern) - len(rest)
	atSlash := strings.HasPrefix(rest, "/")
	folders := end-p > 1 && (p == 0 || g.pattern[p-1] == '/') && (rest == "" || atSlash || strings.HasPrefix(rest, `\/`))
	if folders && atSlash && g.match(end+1, t) {
		return true
	}
	for i := t; i <= len(g.text); i++ {
		if g.match(end, i) {
			return true
		}
		if i < len(g.text) && g.text[i] == '/' && !folders {
			break
		}
	}
	g.failed[[2]int{p, t}] = true
	return false
}

// matchClass matches a byte with the [class] whose content begins at p. The end is where
// its ] is; one without an end matches nothing.
func matchClass(pattern string, p int, c byte) (end int, ok bool) {
	negated := p < len(pattern) && (pattern[p] == '!' || pattern[p] == '^')
	if negated {
		p++
	}
	matched, low := false, byte(0)
	for first := p; p < len(pattern) && (p == first || pattern[p] != ']'); {
		var in bool
		if p, low, in, ok = inClass(pattern, p, low, c); !ok {
			return p, false
		}
		matched = matched || in
	}
	return p, p < len(pattern) && matched != negated
}

// inClass reports whether a byte is in what stands at p in a class, and what comes next.
// low is the byte in front of it, with which a range may begin, or 0.
func inClass(pattern string, p int, low, c byte) (next int, nextLow byte, in, ok bool) {
	if isNamed(pattern[p:]) {
		end := p + strings.IndexByte(pattern[p:], ']')
		in, ok = inNamed(pattern[p+len("[:"):end-1], c)
		return end + 1, 0, in, ok
	}
	isRange := pattern[p] == '-' && low != 0 && p+1 < len(pattern) && pattern[p+1] != ']'
	if isRange {
		p++
	}
	if pattern[p] == '\\' {
		p++
	}
	switch {
	case p == len(pattern):
		return p, 0, false, false
	case isRange:
		return p + 1, 0, low <= c && c <= pattern[p], true
	default:
		return p + 1, pattern[p], c == pattern[p], true
	}
}

// isNamed reports whether a text begins with a class such as [:alpha:].
func isNamed(text string) bool {
	end := strings.IndexByte(text, ']')
	return strings.HasPrefix(text, "[:") && end > 2 && text[end-1] == ':'
}

// inNamed reports whether a byte is in a class of POSIX, and whether there is such a one.
func inNamed(name string, c byte) (in, known bool) {
	ranges, known := map[string]string{ // first and last bytes
		"alnum": "09AZaz", "alpha": "AZaz", "blank": "\t\t  ", "cntrl": "\x00\x1f\x7f\x7f", "digit": "09", "graph": "!~",
		"lower": "az", "print": " ~", "punct": "!/:@[`{~", "space": "\t\r  ", "upper": "AZ", "xdigit": "09AFaf",
	}[name]
	for i := 0; i < len(ranges); i += 2 {
		in = in || ranges[i] <= c && c <= ranges[i+1]
	}
	return in, known
}
