package probe

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync"
	"time"
)

// EnvironmentProxy returns the proxy that HTTPS_PROXY and NO_PROXY name, as the
// controllers read them. They are read once.
func EnvironmentProxy(u *url.URL) (*url.URL, error) {
	return http.ProxyFromEnvironment(&http.Request{URL: u})
}

// client speaks with hosts on behalf of targets with the same settings.
type client struct {
	*settings
	trust   *trust
	proxyOf func(*url.URL) (*url.URL, error)
	timeout time.Duration
	tls     *tls.Config
	http    *http.Client
}

func newClient(s *settings, o *Options) *client {
	c := &client{settings: s, trust: newTrust(s, o), timeout: o.Timeout}
	switch {
	case s.proxy != nil:
		c.proxyOf = func(*url.URL) (*url.URL, error) { return s.proxy, nil }
	case s.direct:
	case s.environment.HTTPSProxy != "" || s.environment.HTTPProxy != "":
		c.proxyOf = s.environment.ProxyFunc()
	default:
		c.proxyOf = o.Proxy
	}
	config := &tls.Config{
		RootCAs: c.trust.all, ServerName: s.pinned, MinVersion: tls.VersionTLS12,
		InsecureSkipVerify: s.unverified, //nolint:gosec // so does the controller with insecure: true
	}
	if !s.negative {
		config.VerifyConnection = refuseNegative
	}
	if s.pair != nil {
		config.Certificates = []tls.Certificate{*s.pair}
	}
	c.tls = config
	transport := &http.Transport{
		// As source-controller's: nothing is unpacked on the way.
		DisableCompression: true,
		// A connection per request: no more are open than there are workers.
		DisableKeepAlives:      true,
		MaxResponseHeaderBytes: 1 << 20,
		TLSClientConfig:        config,
		OnProxyConnectResponse: func(_ context.Context, _ *url.URL, _ *http.Request, response *http.Response) error {
			if response.StatusCode != http.StatusOK {
				return proxyStatusError(response.StatusCode)
			}
			return nil
		},
	}
	if c.proxyOf != nil {
		transport.Proxy = func(r *http.Request) (*url.URL, error) { return c.proxyOf(r.URL) }
	}
	c.http = &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return c
}

// refuseNegative refuses serial numbers that Go refuses in the controllers, whatever
// GODEBUG says here: https://go.dev/doc/go1.23#cryptox509pkgcryptox509
func refuseNegative(state tls.ConnectionState) error {
	for _, c := range state.PeerCertificates {
		if c.SerialNumber.Sign() < 0 {
			return errNegativeSerial
		}
	}
	return nil
}

var errNegativeSerial = errors.New("tls: failed to parse certificate from server: x509: negative serial number")

// hop is what was seen of one host on the way to an answer.
type hop struct {
	host, role, proxy string
	chain             []*x509.Certificate
	trustedBy         []string
	failure           *Failure
	root              *x509.Certificate // that carries the chain, if one does
	plain, unverified bool              // no TLS, or none that is looked at
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
		hops = append(hops, seen...)
		if next == nil {
			return hops
		}
		if next.Host != u.Host {
			header = nil // tokens are for the host that they were made for
		}
		u = next
	}
	hops[len(hops)-1].failure = failure(TooManyRedirects, "stopped after %d redirects", maxHops)
	return hops
}

// get makes one request. It returns where the host redirects to, or nil, and what was
// seen of the host, after what was seen of a proxy that speaks TLS.
func (c *client) get(ctx context.Context, u *url.URL, header http.Header, read func(*http.Response) *Failure) (next *url.URL, hops []hop) {
	seen := hop{host: hostOf(u), plain: u.Scheme != "https"}
	proxy, err := c.proxyFor(u)
	if err != nil {
		seen.failure = failure(BadProxy, "the proxy is not a valid URL")
		return nil, []hop{seen}
	}
	if proxy == nil {
		proxy = &url.URL{}
	}
	seen.proxy = proxy.Host
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	states := &handshakes{}
	response, err := c.send(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{TLSHandshakeDone: states.done}), u, header)
	if response != nil {
		defer response.Body.Close() //nolint:errcheck // nothing was written
	}
	if proxy.Scheme == "https" {
		first, shown := c.lookAtProxy(proxy, states, err)
		if shown {
			hops = append(hops, first)
		}
		if first.failure != nil {
			return nil, hops
		}
	}
	works := seen.plain || seen.look(c, u, states.take(), err)
	switch {
	case err == nil:
		next, seen.failure = c.follow(ctx, &seen, u, response, read)
	case !works || read != nil || !speaksOtherwise(err):
		seen.failure = c.classify(err, &seen, u)
	}
	return next, append(hops, seen)
}

// lookAtProxy returns what was seen of a proxy that speaks TLS, and whether it is to be
// shown: where a request failed in the proxy, and where it has shown a certificate.
func (c *client) lookAtProxy(proxy *url.URL, states *handshakes, err error) (hop, bool) {
	seen := hop{host: proxy.Host, role: "proxy"}
	if !inProxy(err) {
		return seen, seen.look(c, proxy, states.take(), nil)
	}
	seen.look(c, proxy, states.take(), err)
	seen.failure = c.classify(err, &seen, proxy)
	return seen, true
}

// follow returns where an answer redirects to, or else what is wrong with the answer.
func (c *client) follow(ctx context.Context, seen *hop, u *url.URL, response *http.Response, read func(*http.Response) *Failure) (*url.URL, *Failure) {
	next := redirect(response)
	if next != nil || read == nil {
		return next, nil
	}
	failed := read(response)
	if ctx.Err() != nil {
		// A server that is told of the end may end its answer properly: what was read up to
		// there is not what it would have said.
		failed = c.classify(ctx.Err(), seen, u)
	}
	return nil, failed
}

// send asks for a URL, without the user and the password that may stand in it.
func (c *client) send(ctx context.Context, u *url.URL, header http.Header) (*http.Response, error) {
	plain := *u
	plain.User = nil
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, plain.String(), nil)
	if err != nil {
		return nil, errBadURL
	}
	for key, values := range header {
		request.Header[key] = values
	}
	request.Header.Set("User-Agent", "flux-trust probe")
	return c.http.Do(request) //nolint:wrapcheck // classify knows it
}

var errBadURL = errors.New("the URL is not valid")

// speaksOtherwise reports whether a host that has completed the handshake just has
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
	if c.proxyOf == nil {
		return nil, nil
	}
	return c.proxyOf(u)
}

// expects returns the name that is expected from a host.
func (c *client) expects(u *url.URL) string {
	if c.pinned != "" {
		return c.pinned
	}
	return u.Hostname()
}

// isPinned reports whether a name other than the host's own is expected.
func (c *client) isPinned(u *url.URL) bool { return c.pinned != "" && c.pinned != u.Hostname() }

// handshakes keeps the TLS handshakes of a request: behind an https proxy the first
// one is that of the proxy.
type handshakes struct {
	lock   sync.Mutex
	states []tls.ConnectionState
}

func (h *handshakes) done(state tls.ConnectionState, _ error) {
	h.lock.Lock()
	defer h.lock.Unlock()
	h.states = append(h.states, state)
}

// take returns the next handshake, or an empty one.
func (h *handshakes) take() (state tls.ConnectionState) {
	h.lock.Lock()
	defer h.lock.Unlock()
	if len(h.states) > 0 {
		state, h.states = h.states[0], h.states[1:]
	}
	return state
}

// look takes from a handshake what was presented, and which roots carry it. It
// reports whether the handshake was completed.
func (h *hop) look(c *client, u *url.URL, state tls.ConnectionState, err error) bool {
	if refused := (*tls.CertificateVerificationError)(nil); errors.As(err, &refused) {
		h.chain = refused.UnverifiedCertificates
		return false
	}
	h.chain = state.PeerCertificates
	if c.unverified && state.HandshakeComplete {
		h.unverified = true
		return true
	}
	if len(state.VerifiedChains) == 0 {
		return false
	}
	h.root = state.VerifiedChains[0][len(state.VerifiedChains[0])-1]
	h.trustedBy = carriers(c.trust.parts, h.chain, c.expects(u))
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

// origin is the scheme and the host of a URL.
func origin(u *url.URL) string { return fmt.Sprintf("%s://%s", u.Scheme, hostOf(u)) }
