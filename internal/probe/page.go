package probe

import (
	"bytes"
	"fmt"
	"html"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"

	"fluxtrust.dev/flux-trust/internal/pattern"
)

// pageStart is how much of an answer is looked at to tell a page for people, in bytes.
const pageStart = 8 << 10

// title is that of an HTML page.
var title = pattern.Pattern{Text: `(?is)<title[^>]*>(.*?)</title>`}

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
	if name := titleOf(start); name != "" {
		text += fmt.Sprintf(" with the title %q", name)
	}
	if by := proxyIn(response, start); by != "" {
		text += fmt.Sprintf(", from a proxy by the word %q in it", by)
	}
	return failure(Page, "%s, and not %s", text, instead)
}

// titleOf returns the title of a page, or "".
func titleOf(start []byte) string {
	match := title.Get().FindSubmatch(start)
	if match == nil {
		return ""
	}
	return oneLine(html.UnescapeString(string(match[1])))
}

// proxyIn returns the word in an answer that gives a proxy away, or "".
func proxyIn(response *http.Response, start []byte) string {
	return looksInspecting(strings.Join([]string{string(start), response.Header.Get("Server"), response.Header.Get("Via"), response.Request.URL.Host}, " "))
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
	if code == http.StatusOK {
		return nil
	}
	start, failed := peek(response)
	if failed != nil {
		return failed
	}
	text := fmt.Sprintf("HTTP %d %s for %s", code, http.StatusText(code), what)
	shown := page(response, start, what)
	if shown != nil {
		text += ": " + shown.Error
	}
	switch {
	case shown != nil && refuses(code) && proxyIn(response, start) != "":
		return failure(ProxyRefused, "%s", text)
	case code == http.StatusBadRequest && badRequest(start) != nil:
		return badRequest(start)
	case code == http.StatusUnauthorized || code == http.StatusForbidden:
		return l.asked(text)
	default:
		return failure(HTTPStatus, "%s", text)
	}
}

// badRequest knows what nginx and Go say in an answer with the status 400, or returns
// nil.
func badRequest(start []byte) *Failure {
	for text, code := range map[string]Code{
		"No required SSL certificate was sent": ClientCertificate, "The SSL certificate error": ClientRefused,
		"The plain HTTP request was sent to HTTPS port": NotHTTP, "Client sent an HTTP request to an HTTPS server": NotHTTP,
	} {
		if bytes.Contains(start, []byte(text)) {
			return failure(code, "HTTP 400 %s", text)
		}
	}
	return nil
}

// asked returns the failure of a host that asks for credentials.
func (l *look) asked(text string) *Failure {
	if !l.target.sends() {
		return l.unauthorized(text)
	}
	l.doubt(CredentialsNotSent, "%s: the probe does not send the credentials of the source", text)
	return errAsked
}

// unauthorized is the failure of a host that asks for credentials which the source does
// not have, or which its controller does not read.
func (l *look) unauthorized(text string) *Failure {
	f := failure(Unauthorized, "%s", text)
	if s := l.target.Secrets.Auth; s != nil && s.Unknown == "" && l.target.readsPullSecret() {
		f.Cure = fmt.Sprintf("make Secret %s/%s anew with the type kubernetes.io/dockerconfigjson, and %s under auths: it has no login for this host that the controller reads", s.Namespace, s.Name, hostOf(l.target.URL))
	}
	return f
}

// refuses reports whether a proxy answers with this code where it lets nobody through.
func refuses(code int) bool {
	return slices.Contains([]int{http.StatusForbidden, http.StatusUnavailableForLegalReasons, http.StatusNetworkAuthenticationRequired}, code)
}

// errAsked ends a look at a host that has asked for credentials; it is no failure.
var errAsked = &Failure{Code: CredentialsNotSent} //nolint:gochecknoglobals // compared by its address
