package probe

import (
	"bytes"
	"fmt"
	"html"
	"io"
	"mime"
	"net/http"
	"regexp"
	"strings"
)

// pageStart is how much of an answer is looked at to tell a page for people, in bytes.
const pageStart = 8 << 10

// title is that of an HTML page.
var title = regexp.MustCompile(`(?is)<title[^>]*>(.*?)</title>`) //nolint:gochecknoglobals // compiled once

// isPage reports whether an answer begins as an HTML page.
func isPage(start []byte) bool {
	start = bytes.ToLower(bytes.TrimLeft(bytes.TrimPrefix(start, []byte("\ufeff")), " \t\r\n"))
	for bytes.HasPrefix(start, []byte("<!--")) || bytes.HasPrefix(start, []byte("<?xml")) {
		_, rest, found := bytes.Cut(start, []byte(">"))
		if !found {
			return false
		}
		start = bytes.TrimLeft(rest, " \t\r\n")
	}
	return bytes.HasPrefix(start, []byte("<!doctype html")) || bytes.HasPrefix(start, []byte("<html")) ||
		bytes.HasPrefix(start, []byte("<head")) || bytes.HasPrefix(start, []byte("<body"))
}

// page returns the failure of an answer that begins as an HTML page, or nil. It names
// the page by its title, and the proxy that it comes from by the words that give one
// away.
func page(response *http.Response, start []byte, instead string) *Failure {
	media, _, _ := mime.ParseMediaType(response.Header.Get("Content-Type")) //nolint:errcheck // then it is ""
	if !isPage(start) && (media != "text/html" || len(bytes.TrimSpace(start)) == 0 || bytes.TrimSpace(start)[0] != '<') {
		return nil
	}
	text := "the answer is an HTML page"
	if match := title.FindSubmatch(start); match != nil {
		if name := oneLine(html.UnescapeString(string(match[1]))); name != "" {
			text += fmt.Sprintf(" with the title %q", name)
		}
	}
	by := looksInspecting(strings.Join([]string{string(start), response.Header.Get("Server"), response.Header.Get("Via"), response.Request.URL.Host}, " "))
	if by != "" {
		text += fmt.Sprintf(", from a proxy by the word %q in it", by)
	}
	return failure(Page, "%s, and not %s", text, instead)
}

// peek reads the start of an answer.
func peek(response *http.Response) ([]byte, *Failure) {
	start, err := io.ReadAll(io.LimitReader(response.Body, pageStart))
	if err != nil {
		return nil, describe(err)
	}
	return start, nil
}

// begin reads the start of an answer that is not to be an HTML page.
func begin(response *http.Response, instead string) ([]byte, *Failure) {
	start, failed := peek(response)
	if failed == nil {
		failed = page(response, start, instead)
	}
	return start, failed
}

// answered returns the failure of an answer that is not 200, or nil. Where the source
// has credentials, a host that asks for them is in doubt only.
func (l *look) answered(response *http.Response, what string) *Failure {
	code := response.StatusCode
	asks := code == http.StatusUnauthorized || code == http.StatusForbidden
	text := fmt.Sprintf("HTTP %d %s for %s", code, http.StatusText(code), what)
	switch {
	case code == http.StatusOK:
		return nil
	case asks && l.target.sends():
		l.doubt(CredentialsNotSent, "%s: the probe does not send the credentials of the source", text)
		return errAsked
	}
	if _, failed := begin(response, what); failed != nil {
		text += ": " + failed.Error
	}
	if asks {
		return failure(Unauthorized, "%s", text)
	}
	return failure(HTTPStatus, "%s", text)
}

// errAsked ends a look at a host that has asked for credentials; it is no failure.
var errAsked = &Failure{Code: CredentialsNotSent} //nolint:gochecknoglobals // compared by its address
