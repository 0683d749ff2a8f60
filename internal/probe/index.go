package probe

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// maxIndex is the largest index.yaml in bytes that source-controller takes, unless
// its flag --helm-index-max-size says otherwise:
// https://fluxcd.io/flux/components/source/options/
const maxIndex = 50 << 20

// maxHosts bounds how many hosts of an index are tried.
const maxHosts = 50

// chartHosts collects one URL per host on which the charts of an index live.
type chartHosts map[string]*url.URL

// read reads the index.yaml of a repository. It is up to 50 MiB and can be YAML
// or JSON, so it is read as a stream of words, and none is kept but URLs.
func (h chartHosts) read(body io.Reader) error {
	limited := &io.LimitedReader{R: body, N: maxIndex + 1}
	words := &wordReader{in: bufio.NewReaderSize(limited, 64<<10), fresh: true}
	inURLs, key := false, false
	for {
		word, err := words.next()
		if limited.N == 0 {
			return errTooLarge
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		switch {
		case word == "urls:" && words.begins, strings.HasPrefix(word, ":") && key: // in YAML, in JSON
			inURLs = true
		case word == "]", word == "}", strings.HasSuffix(word, ":") && word != ":":
			inURLs = false
		case inURLs && strings.Contains(word, "://"):
			h.add(word)
		}
		key = word == "urls"
	}
}

var errTooLarge = errors.New("the index is larger than 50 MiB")

func (h chartHosts) add(word string) {
	u, err := url.Parse(word)
	if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") {
		return
	}
	key := u.Scheme + "://" + hostOf(u)
	if _, ok := h[key]; !ok && len(h) < maxHosts {
		h[key] = u
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

// readIndex reads the answer to a request for an index.yaml.
func (h chartHosts) readIndex(response *http.Response) (*Failure, string) {
	switch code := response.StatusCode; {
	case code == http.StatusUnauthorized, code == http.StatusForbidden:
		return nil, fmt.Sprintf("index.yaml needs credentials (HTTP %d), which the probe does not use: the hosts of its charts were not tried", code)
	case code != http.StatusOK:
		return failure(HTTPStatus, "HTTP %d %s for index.yaml", code, http.StatusText(code)), ""
	}
	err := h.read(response.Body)
	switch {
	case errors.Is(err, errTooLarge):
		return failure(IndexTooLarge, "%s", err), ""
	case err != nil:
		return classify(err, false), ""
	case len(h) == maxHosts:
		return nil, fmt.Sprintf("the charts live on %d hosts or more; so many were tried", maxHosts)
	default:
		return nil, ""
	}
}
