package probe

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"maps"
	"net/url"
	"slices"
	"strings"
	"sync"

	"sigs.k8s.io/yaml"
)

// maxIndex is the largest index.yaml in bytes that source-controller takes, unless
// its flag --helm-index-max-size says otherwise:
// https://fluxcd.io/flux/components/source/options/
const maxIndex = 50 << 20

// maxHosts bounds how many hosts of an index are tried.
const maxHosts = 50

// maxParsed is the largest index in bytes that is read as YAML; from a larger one
// words are read.
const maxParsed = 1 << 20

// chartHosts collects one URL per host on which the charts of an index live.
type chartHosts map[string]*url.URL

// indexFile is what source-controller needs in an index, and what the probe does.
type indexFile struct {
	APIVersion string `json:"apiVersion"`
	Entries    map[string][]struct {
		URLs []string `json:"urls"`
	} `json:"entries"`
}

// readIndex reads an index.yaml as far as source-controller would.
func (h chartHosts) readIndex(body io.Reader, base *url.URL) *Failure {
	limited := &io.LimitedReader{R: body, N: maxIndex + 1}
	start := make([]byte, maxParsed)
	n, err := io.ReadFull(limited, start)
	if err == nil {
		return h.readWords(io.MultiReader(bytes.NewReader(start), limited), limited, base)
	}
	if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return describe(err)
	}
	return h.parse(start[:n], base)
}

// parsing lets one index at a time be parsed, which takes some 30 times its size.
var parsing sync.Mutex //nolint:gochecknoglobals // memory is shared by all

func (h chartHosts) parse(text []byte, base *url.URL) *Failure {
	parsing.Lock()
	defer parsing.Unlock()
	var index indexFile
	switch err := yaml.Unmarshal(text, &index); {
	case len(text) == 0:
		return failure(NotAnIndex, "failed to load index: empty index.yaml file")
	case err != nil:
		return failure(NotAnIndex, "failed to load index: it is not the YAML of an index")
	case index.APIVersion == "":
		return failure(NotAnIndex, "failed to load index: no API version specified")
	}
	for _, name := range slices.Sorted(maps.Keys(index.Entries)) {
		for _, version := range index.Entries[name] {
			if len(version.URLs) > 0 {
				h.add(version.URLs[0], base)
			}
		}
	}
	return nil
}

// readWords reads a large index, which can be YAML or JSON, as a stream of words, of
// which none is kept but URLs.
func (h chartHosts) readWords(body io.Reader, limited *io.LimitedReader, base *url.URL) *Failure {
	words := &wordReader{in: bufio.NewReaderSize(body, 64<<10), fresh: true}
	search := urlSearch{hosts: h, base: base}
	for {
		word, err := words.next()
		switch {
		case limited.N == 0:
			return failure(IndexTooLarge, "the index is larger than 50 MiB")
		case errors.Is(err, io.EOF) && !search.versioned:
			return failure(NotAnIndex, "failed to load index: no API version specified")
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return describe(err)
		}
		search.next(word, words.begins)
	}
}

// urlSearch finds the first URL of each list of them among the words of an index.
type urlSearch struct {
	hosts chartHosts
	base  *url.URL
	// inURLs tells that a URL may come next, key that the last word is the key of a
	// list of them in JSON, versioned that there was an apiVersion.
	inURLs, key, versioned bool
}

func (s *urlSearch) next(word string, begins bool) {
	switch {
	case word == "urls:" && begins, strings.HasPrefix(word, ":") && s.key: // in YAML, in JSON
		s.inURLs = true
	case word == "]", word == "}", strings.HasSuffix(word, ":") && word != ":":
		s.inURLs = false
	case s.inURLs && word != "-" && word != "[":
		s.hosts.add(word, s.base)
		s.inURLs = false // source-controller takes the first one
	}
	s.versioned = s.versioned || word == "apiVersion:" || word == "apiVersion"
	s.key = word == "urls"
}

// add takes up the URL of a chart, which may be relative to the index.
func (h chartHosts) add(word string, base *url.URL) {
	u, err := url.Parse(word)
	if err != nil {
		return
	}
	if !u.IsAbs() {
		u = base.JoinPath(u.EscapedPath())
	}
	if u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return
	}
	if _, ok := h[origin(u)]; !ok && len(h) < maxHosts {
		h[origin(u)] = u
	}
}

// sorted returns the URLs in the order of their hosts.
func (h chartHosts) sorted() []*url.URL {
	urls := make([]*url.URL, 0, len(h))
	for _, u := range h {
		urls = append(urls, u)
	}
	slices.SortFunc(urls, func(a, b *url.URL) int { return strings.Compare(a.Scheme+a.Host, b.Scheme+b.Host) })
	return urls
}

// wordReader splits YAML and JSON into words: white space, quotes and commas
// separate, brackets are words of their own, and a comment is skipped.
type wordReader struct {
	in *bufio.Reader
	// held is a bracket behind the last word.
	held byte
	// begins tells that the last word is the first of its line, but for dashes;
	// fresh, that the next one is.
	begins, fresh bool
}

// maxWord is the longest word that is kept; icons in base64 are longer.
const maxWord = 8 << 10

func (r *wordReader) next() (string, error) {
	if r.held != 0 {
		word := []byte{r.held}
		r.held = 0
		return r.end(word, 0), nil
	}
	var word []byte
	for {
		b, err := r.in.ReadByte()
		if errors.Is(err, io.EOF) && len(word) > 0 {
			return r.end(word, 0), nil
		}
		if err != nil {
			return "", err
		}
		switch {
		case strings.IndexByte(" \t\r\n,[]{}", b) >= 0:
			if text, ended := r.separate(word, b); ended {
				return text, nil
			}
		case len(word) == 0 && (b == '"' || b == '\''):
			return r.quoted(b)
		case len(word) == 0 && b == '#':
			if err := r.skipLine(); err != nil {
				return "", err
			}
		default:
			word = appendWord(word, b)
		}
	}
}

// separate ends a word at what separates it from the next, unless it has not begun.
func (r *wordReader) separate(word []byte, by byte) (string, bool) {
	bracket := strings.IndexByte("[]{}", by) >= 0
	switch {
	case len(word) > 0 && bracket:
		r.held = by
	case bracket:
		word = []byte{by}
	case len(word) == 0:
		r.fresh = r.fresh || by == '\n'
		return "", false
	}
	return r.end(word, by), true
}

// quoted returns the word up to a quote, or to the end of the line: what looks
// like a quote may be an apostrophe.
func (r *wordReader) quoted(quote byte) (string, error) {
	var word []byte
	for {
		b, err := r.in.ReadByte()
		switch {
		case err == nil && b != quote && b != '\n':
			word = appendWord(word, b)
		case err == nil || errors.Is(err, io.EOF):
			return r.end(word, b), nil
		default:
			return "", err
		}
	}
}

// end returns a word that another byte has ended.
func (r *wordReader) end(word []byte, by byte) string {
	r.begins = r.fresh
	r.fresh = by == '\n' || r.fresh && string(word) == "-"
	return string(word)
}

func (r *wordReader) skipLine() error {
	r.fresh = true
	for {
		_, err := r.in.ReadSlice('\n')
		if !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
	}
}

func appendWord(word []byte, b byte) []byte {
	if len(word) < maxWord {
		word = append(word, b)
	}
	return word
}
