package probe

import (
	"crypto/x509"
	"net/url"
	"time"
)

// Protocol is what a controller speaks with a host.
type Protocol string

// The protocols.
const (
	// TLS is looked at alone: the protocol behind it is not spoken.
	TLS Protocol = "TLS"
	// Helm is a chart repository with an index.yaml.
	Helm Protocol = "Helm"
	// Registry is a container registry.
	Registry Protocol = "Registry"
)

// Target is a source, as its controller sees it.
type Target struct {
	// Source names the object, such as "HelmRepository apps/charts".
	Source string
	// Protocol says how far to look behind the host of URL.
	Protocol Protocol
	// URL with the scheme https. User names and passwords in it are not used. A
	// registry has its repository as the path.
	URL *url.URL
	// Tag of a registry's repository (default: one that the registry lists).
	Tag string
	// CA holds the certificates of a certSecretRef.
	CA []*x509.Certificate
	// CAAlone tells that CA replaces the roots of the controller, as
	// notification-controller does.
	CAAlone bool
	// Bundle tells that the controller trusts the bundle.
	Bundle bool
	// Pinned tells that the controller expects the name of URL's host from every
	// host, as source-controller before v1.7.0 with a certSecretRef:
	// https://github.com/fluxcd/flux2/issues/5477
	Pinned bool
	// Proxy of the source, with its credentials, instead of Options.Proxy.
	Proxy *url.URL
	// Skip says why the source is not to be probed, Problem what is wrong with it
	// already. Note is said in its reports.
	Skip, Problem, Note string
}

// Options of a run.
type Options struct {
	// System are the public roots that stand for those in the image of the
	// controllers.
	System *x509.CertPool
	// ReplaceSystem tells that controllers with the bundle trust nothing else.
	ReplaceSystem bool
	// Bundle holds the certificates that the controllers trust.
	Bundle []*x509.Certificate
	// Proxy returns the proxy for a URL, or nil for none (default: none).
	// EnvironmentProxy is what the controllers do.
	Proxy func(*url.URL) (*url.URL, error)
	// Timeout of a connection with all that is read from it (default 30 s).
	Timeout time.Duration
	// Concurrency is the number of connections at a time (default 16).
	Concurrency int
	// Progress is told how many of the targets are done, one call at a time, or nil.
	Progress func(done, total int)
}

// Defaults of Options.
const (
	DefaultTimeout     = 30 * time.Second
	DefaultConcurrency = 16
)

// Result says how a connection has ended.
type Result string

// The results.
const (
	// OK means that TLS works.
	OK Result = "OK"
	// Failed means that the source will not work.
	Failed Result = "Failed"
	// Skipped means that there was nothing to try.
	Skipped Result = "Skipped"
)

// Report is what was seen of one host on behalf of one source.
type Report struct {
	// Source is that of the target.
	Source string `json:"source"`
	// Host with its port, and what it is to the source: source, index, charts,
	// registry, token or blobs.
	Host string `json:"host,omitempty"`
	Role string `json:"role,omitempty"`
	// Proxy is the host of the proxy, if there was one.
	Proxy  string `json:"proxy,omitempty"`
	Result Result `json:"result"`
	// TrustedBy names the roots that carry the chain, each by itself: bundle, system
	// roots, certSecretRef.
	TrustedBy []string `json:"trustedBy,omitempty"`
	// Chain is what the host has presented, the certificate of the host first.
	Chain []Certificate `json:"chain,omitempty"`
	// Failure is set when Result is Failed.
	Failure *Failure `json:"failure,omitempty"`
	// Inspector is a root that looks like that of an inspecting proxy and is not in
	// the bundle.
	Inspector *Inspector `json:"inspector,omitempty"`
	// Notes say what else is worth knowing.
	Notes []string `json:"notes,omitempty"`
}

// Certificate is a certificate that a host has presented.
type Certificate struct {
	Subject string `json:"subject"`
	Issuer  string `json:"issuer"`
	// Fingerprint is sha256:<hex>.
	Fingerprint string    `json:"fingerprint"`
	NotAfter    time.Time `json:"notAfter"`
}

// Inspector is the root of a proxy that looks into TLS, or the nearest that was
// presented.
type Inspector struct {
	// Subject of the root, as far as it was presented, else the name of the issuer of
	// the last certificate.
	Subject string `json:"subject"`
	// Fingerprint of the root, or "" when the root itself was not presented.
	Fingerprint string `json:"fingerprint,omitempty"`
	// Why it looks like one.
	Why string `json:"why"`
}
