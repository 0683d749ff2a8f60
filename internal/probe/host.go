package probe

import (
	"context"
	"crypto/x509"
	"errors"
	"net"
	"net/url"
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
	p := &Presented{Host: h.host, Proxy: h.proxy, TrustedBy: h.trustedBy, Failure: h.failure, Certificate: h.root}
	if len(h.chain) == 0 && h.role != "proxy" {
		// Some failures show nothing of the certificates.
		_, again := newClient(&settings{unverified: true}, &o).get(ctx, u, nil, nil)
		h.chain = again[len(again)-1].chain
	}
	p.Chain = certificates(h.chain)
	if n := len(h.chain); p.Certificate == nil && n > 0 && isSelfIssued(h.chain[n-1]) {
		p.Certificate = h.chain[n-1]
	}
	if p.Certificate != nil {
		p.Root = &certificates([]*x509.Certificate{p.Certificate})[0]
	}
	return p, nil
}

// hostURL reads an address that a user has typed.
func hostURL(address string) (*url.URL, error) {
	address = strings.TrimPrefix(address, "https://")
	address, _, _ = strings.Cut(address, "/")
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		host, port = strings.Trim(address, "[]"), "443"
	}
	if host == "" || strings.ContainsAny(host, "@ \t") || port == "" {
		return nil, errors.New("write a host, or a host and a port: charts.example.com:8443")
	}
	u := &url.URL{Scheme: "https", Host: net.JoinHostPort(host, port), Path: "/"}
	if _, err := url.Parse(u.String()); err != nil {
		return nil, errors.New("write a host, or a host and a port: charts.example.com:8443")
	}
	return u, nil
}
