package probe

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/url"
	"strconv"
	"strings"
)

// Presented is what one host presents.
type Presented struct {
	// Host with its port, and the host of the proxy, if there was one.
	Host  string `json:"host"`
	Proxy string `json:"proxy,omitempty"`
	// Chain is what the host has presented, its own certificate first.
	Chain []Certificate `json:"chain"`
	// TrustedBy says whether the public roots carry the chain.
	TrustedBy []string `json:"trustedBy,omitempty"`
	// Root is the root of the chain, as far as it was presented or is public.
	Root *Certificate `json:"root,omitempty"`
	// Failure is why a controller without a bundle would fail.
	Failure *Failure `json:"failure,omitempty"`
	// Inspector is set when the root looks like that of an inspecting proxy, whether the
	// public roots carry the chain or not.
	Inspector *Inspector `json:"inspector,omitempty"`
	// Certificate is that of Root.
	Certificate *x509.Certificate `json:"-"`
}

// Look connects to a host ("HOST" or "HOST:PORT"; the port is 443 by default) and
// returns what it presents, whether that is trusted or not. Of the options it uses
// System, Proxy and Timeout.
func Look(ctx context.Context, address string, o Options) (*Presented, error) {
	u, err := hostURL(address)
	if err != nil {
		return nil, err
	}
	if o.Timeout <= 0 {
		o.Timeout = DefaultTimeout
	}
	// First as a controller would, which says what is wrong.
	_, hops := newClient(&settings{}, &o).get(ctx, u, nil, nil)
	h := hops[len(hops)-1]
	if len(h.chain) == 0 && h.role != "proxy" {
		h.chain = presented(ctx, u, &o)
	}
	p := &Presented{
		Host: h.host, Proxy: h.proxy, Chain: certificates(h.chain), TrustedBy: h.trustedBy,
		Failure: h.failure, Inspector: h.inspector(nil), Certificate: h.root,
	}
	if n := len(h.chain); p.Certificate == nil && n > 0 && isSelfIssued(h.chain[n-1]) {
		p.Certificate = h.chain[n-1]
	}
	if p.Certificate != nil {
		p.Root = &certificates([]*x509.Certificate{p.Certificate})[0]
	}
	return p, nil
}

// presented returns the chain of a host, for failures that show nothing of it: a
// handshake that ends later, or a certificate that Go does not read.
func presented(ctx context.Context, u *url.URL, o *Options) []*x509.Certificate {
	c := newClient(&settings{unverified: true, negative: true}, o)
	states := &handshakes{}
	c.tls.VerifyConnection = func(state tls.ConnectionState) error {
		if state.ServerName == u.Hostname() || net.ParseIP(u.Hostname()) != nil {
			states.done(state, nil)
		}
		return nil
	}
	c.get(ctx, u, nil, nil)
	states.lock.Lock()
	defer states.lock.Unlock()
	if n := len(states.states); n > 0 {
		return states.states[n-1].PeerCertificates // behind that of a proxy
	}
	return nil
}

// hostURL reads an address that a user has typed.
func hostURL(address string) (*url.URL, error) {
	problem := errors.New("write a host, or a host and a port: charts.example.com:8443")
	address, _, _ = strings.Cut(strings.TrimPrefix(strings.ToLower(address), "https://"), "/")
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		host, port = strings.Trim(address, "[]"), "443"
	}
	number, err := strconv.ParseUint(port, 10, 16)
	if host == "" || strings.ContainsAny(host, "@%?# \t") || err != nil || number == 0 {
		return nil, problem
	}
	u, err := url.Parse((&url.URL{Scheme: "https", Host: net.JoinHostPort(host, port), Path: "/"}).String())
	if err != nil {
		return nil, problem
	}
	return u, nil
}
