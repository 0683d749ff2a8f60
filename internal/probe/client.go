package probe

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync"
	"time"

	"fluxtrust.dev/flux-trust/internal/bundle"
)

// EnvironmentProxy returns the proxy that HTTPS_PROXY and NO_PROXY name, as the
// controllers read them. They are read once.
func EnvironmentProxy(u *url.URL) (*url.URL, error) {
	return http.ProxyFromEnvironment(&http.Request{URL: u})
}

// client speaks with hosts on behalf of targets with the same roots and proxy.
type client struct {
	trust *trust
	// pinned is the name that is expected from every host, or "".
	pinned  string
	proxy   func(*url.URL) (*url.URL, error)
	timeout time.Duration
	http    *http.Client
}

func newClient(t *Target, o *Options, r *trust) *client {
	c := &client{trust: r, proxy: o.Proxy, timeout: o.Timeout}
	if t.Pinned && len(t.CA) > 0 {
		c.pinned = t.URL.Hostname()
	}
	if t.Proxy != nil {
		c.proxy = func(*url.URL) (*url.URL, error) { return t.Proxy, nil }
	}
	transport := &http.Transport{
		// As source-controller's: nothing is unpacked on the way.
		DisableCompression: true,
		// A connection per request: no more are open than there are workers.
		DisableKeepAlives:      true,
		MaxResponseHeaderBytes: 1 << 20,
		TLSClientConfig:        &tls.Config{RootCAs: r.all, ServerName: c.pinned, MinVersion: tls.VersionTLS12},
		OnProxyConnectResponse: func(_ context.Context, _ *url.URL, _ *http.Request, response *http.Response) error {
			if response.StatusCode != http.StatusOK {
				return proxyStatusError(response.StatusCode)
			}
			return nil
		},
	}
	if c.proxy != nil {
		transport.Proxy = func(r *http.Request) (*url.URL, error) { return c.proxy(r.URL) }
	}
	c.http = &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return c
}

// hop is what was seen of one host on the way to an answer.
type hop struct {
	host, proxy string
	chain       []*x509.Certificate
	trustedBy   []string
	failure     *Failure
	root        *x509.Certificate // that carries the chain, if one does
	plain       bool              // no TLS
}

// maxHops is how many redirects net/http follows.
const maxHops = 10

// visit gets a URL and follows redirects, which most charts and blobs take. It
// returns what was seen of each host, and tells read of the answer at the end. A
// timeout covers each connection and what is read from it.
func (c *client) visit(ctx context.Context, u *url.URL, header http.Header, read func(*http.Response) *Failure) []hop {
	var hops []hop
	for range maxHops {
		next, seen := c.get(ctx, u, header, read)
		hops = append(hops, seen)
		if next == nil {
			break
		}
		if next.Host != u.Host {
			header = nil // tokens are for the host that they were made for
		}
		u = next
	}
	return hops
}

// get makes one request. It returns where the host redirects to, or nil.
func (c *client) get(ctx context.Context, u *url.URL, header http.Header, read func(*http.Response) *Failure) (*url.URL, hop) {
	seen := hop{host: hostOf(u), plain: u.Scheme != "https"}
	proxy, err := c.proxyFor(u)
	if proxy != nil {
		seen.proxy = proxy.Host
	}
	if err != nil {
		seen.failure = failure(ProxyUnreachable, "the proxy is not a valid URL")
		return nil, seen
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	state := &handshake{}
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{TLSHandshakeDone: state.done})
	plain := *u
	plain.User = nil
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, plain.String(), nil)
	if err != nil {
		seen.failure = failure(BadSource, "the URL is not valid")
		return nil, seen
	}
	for key, values := range header {
		request.Header[key] = values
	}
	request.Header.Set("User-Agent", "flux-trust probe")
	response, err := c.http.Do(request)
	if response != nil {
		defer response.Body.Close() //nolint:errcheck // nothing was written
	}
	works := seen.look(c, u, state.get(), err)
	if err != nil {
		if !works || read != nil || !speaksOtherwise(err) {
			seen.failure = classify(err, c.isPinned(u))
		}
		return nil, seen
	}
	if location := redirect(response); location != nil {
		return location, seen
	}
	if read != nil {
		seen.failure = read(response)
		// A server that is told of the end may end its answer properly.
		if seen.failure == nil && ctx.Err() != nil {
			seen.failure = classify(ctx.Err(), false)
		}
	}
	return nil, seen
}

// speaksOtherwise tells whether a host that has completed the handshake just has
// no answer to HTTP, and does not say that it wants a certificate.
func speaksOtherwise(err error) bool {
	code := codeOf(err)
	return code != ClientCertificate && code != HandshakeRefused
}

// redirect returns where an answer leads, or nil.
func redirect(response *http.Response) *url.URL {
	location, err := response.Location()
	if err != nil || response.StatusCode/100 != 3 || location.Scheme != "http" && location.Scheme != "https" {
		return nil
	}
	return location
}

func (c *client) proxyFor(u *url.URL) (*url.URL, error) {
	if c.proxy == nil {
		return nil, nil
	}
	return c.proxy(u)
}

// isPinned tells whether a name other than the host's own is expected.
func (c *client) isPinned(u *url.URL) bool { return c.pinned != "" && c.pinned != u.Hostname() }

// handshake keeps the last TLS handshake of a request: behind an https proxy the
// first one is that of the proxy.
type handshake struct {
	lock  sync.Mutex
	state tls.ConnectionState
}

func (h *handshake) done(state tls.ConnectionState, _ error) {
	h.lock.Lock()
	defer h.lock.Unlock()
	h.state = state
}

func (h *handshake) get() tls.ConnectionState {
	h.lock.Lock()
	defer h.lock.Unlock()
	return h.state
}

// look takes from a handshake what was presented, and which roots carry it. It
// tells whether the handshake was completed.
func (h *hop) look(c *client, u *url.URL, state tls.ConnectionState, err error) bool {
	if refused := (*tls.CertificateVerificationError)(nil); errors.As(err, &refused) {
		h.chain = refused.UnverifiedCertificates
		return false
	}
	if len(state.VerifiedChains) == 0 {
		return false
	}
	h.chain = state.PeerCertificates
	h.root = state.VerifiedChains[0][len(state.VerifiedChains[0])-1]
	name := c.pinned
	if name == "" {
		name = u.Hostname()
	}
	h.trustedBy = c.trust.carriers(h.chain, name)
	return true
}

// hostOf returns a host with its port, unless that is the default one.
func hostOf(u *url.URL) string {
	host := strings.ToLower(u.Host)
	for scheme, port := range map[string]string{"https": ":443", "http": ":80"} {
		if u.Scheme == scheme {
			host = strings.TrimSuffix(host, port)
		}
	}
	return host
}

// certificates describes a chain.
func certificates(chain []*x509.Certificate) []Certificate {
	described := make([]Certificate, len(chain))
	for i, c := range chain {
		described[i] = Certificate{Subject: oneLine(c.Subject.String()), Issuer: oneLine(c.Issuer.String()), Fingerprint: bundle.Fingerprint(c), NotAfter: c.NotAfter.UTC()}
	}
	return described
}

// oneLine makes a name safe to print: whoever presents a certificate chooses what
// stands in it.
func oneLine(name string) string {
	const longest = 200
	name = strings.Join(strings.FieldsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 || r == 0x2028 || r == 0x2029 }), " ")
	if len(name) > longest {
		name = strings.ToValidUTF8(name[:longest], "") + "…"
	}
	return name
}
