package probe

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"syscall"
)

// Code names a known failure.
type Code string

// The known failures; Known says more of each.
const (
	UnknownAuthority   Code = "UnknownAuthority"
	PinnedName         Code = "PinnedName"
	WrongName          Code = "WrongName"
	Expired            Code = "Expired"
	NotYetValid        Code = "NotYetValid"
	InvalidCertificate Code = "InvalidCertificate"
	OldTLS             Code = "OldTLS"
	ClientCertificate  Code = "ClientCertificate"
	HandshakeRefused   Code = "HandshakeRefused"
	NotTLS             Code = "NotTLS"
	Timeout            Code = "Timeout"
	Refused            Code = "Refused"
	Unreachable        Code = "Unreachable"
	UnknownHost        Code = "UnknownHost"
	Closed             Code = "Closed"
	ProxyUnreachable   Code = "ProxyUnreachable"
	ProxyCredentials   Code = "ProxyCredentials"
	ProxyRefused       Code = "ProxyRefused"
	HTTPStatus         Code = "HTTPStatus"
	IndexTooLarge      Code = "IndexTooLarge"
	BadSource          Code = "BadSource"
	Other              Code = "Other"
)

// KnownFailure is a failure and what to do about it.
type KnownFailure struct {
	Code Code
	// Text is what the error looks like.
	Text string
	// Cure is the one change that helps.
	Cure string
}

// Known returns every known failure. docs/troubleshooting.md has the same table, and
// a test keeps the two together.
func Known() []KnownFailure {
	return []KnownFailure{
		{
			UnknownAuthority, `x509: certificate signed by unknown authority`,
			"add the root that signed the chain to spec.caBundle, or, when the host presents its own certificate alone, let the host send its intermediates too",
		},
		{
			PinnedName, `x509: certificate is valid for github.com, not prometheus-community.github.io`,
			"remove spec.certSecretRef from the HelmRepository, since the controllers trust the bundle anyway, or upgrade to Flux 2.7",
		},
		{
			WrongName, `x509: certificate is valid for a.example.com, not b.example.com`,
			"use a host name that the certificate has, or let the owner of the host put this name into it as a DNS name",
		},
		{
			Expired, `x509: certificate has expired or is not yet valid: current time … is after …`,
			"let the owner of the host replace the expired certificate; when it is the root, put its successor into spec.caBundle",
		},
		{
			NotYetValid, `x509: certificate has expired or is not yet valid: current time … is before …`,
			"set the clock: of this machine, or of the one that issued the certificate",
		},
		{
			InvalidCertificate, `x509: certificate specifies an incompatible key usage`,
			"let the owner of the CA issue the chain anew: Go refuses what the error names",
		},
		{
			OldTLS, `remote error: tls: protocol version not supported`,
			"switch TLS 1.2 or newer on at the host or the proxy; Flux speaks nothing older",
		},
		{
			ClientCertificate, `remote error: tls: certificate required`,
			"put a client certificate into the Secret of certSecretRef: tls.crt and tls.key, beside ca.crt",
		},
		{
			HandshakeRefused, `remote error: tls: handshake failure`,
			"ask the owner of the host or the proxy why it refuses the handshake: mostly no common cipher, or a host name that it does not serve",
		},
		{
			NotTLS, `tls: first record does not look like a TLS handshake`,
			"correct the port or the scheme: nothing speaks TLS there",
		},
		{
			Timeout, `context deadline exceeded`,
			"open the way in the firewall, or name a proxy (HTTPS_PROXY, proxySecretRef); --timeout waits longer",
		},
		{
			Refused, `connect: connection refused`,
			"correct the port, or start the server: nothing listens there",
		},
		{
			Unreachable, `connect: network is unreachable`,
			"open the way in the network, or name a proxy (HTTPS_PROXY, proxySecretRef)",
		},
		{
			UnknownHost, `lookup charts.example.com: no such host`,
			"correct the host name, or the DNS of the cluster; where only the proxy knows the name, set HTTPS_PROXY and take it out of NO_PROXY",
		},
		{
			Closed, `EOF`,
			"ask the owner of the firewall or the proxy: something ends the connection during the handshake",
		},
		{
			ProxyUnreachable, `proxyconnect tcp: dial tcp …: connect: connection refused`,
			"correct the address in HTTPS_PROXY, or under address in the Secret of proxySecretRef",
		},
		{
			ProxyCredentials, `the proxy answers 407 Proxy Authentication Required`,
			"put the right username and password into the Secret of proxySecretRef, or into HTTPS_PROXY",
		},
		{
			ProxyRefused, `the proxy answers 403 Forbidden`,
			"let the owner of the proxy allow the host, or put the host into NO_PROXY",
		},
		{
			HTTPStatus, `HTTP 404 Not Found for index.yaml`,
			"correct spec.url: TLS works, and there is no index.yaml",
		},
		{
			IndexTooLarge, `the index is larger than 50 MiB`,
			"start source-controller with a larger --helm-index-max-size, or use a smaller repository or an OCIRepository",
		},
		{
			BadSource, `Secret apps/corp-tls: …`,
			"correct the field that the error names",
		},
		{
			Other, `…`,
			"read the error; it is none of the known ones",
		},
	}
}

// Failure is why a source will not work.
type Failure struct {
	// Code is one of those that Known returns.
	Code Code `json:"code"`
	// Error is the text that the controller would show, without the URL.
	Error string `json:"error"`
	// Cure is the one change that helps.
	Cure string `json:"cure"`
}

// Cure returns the one change that helps against a failure.
func (c Code) Cure() string {
	for _, k := range Known() {
		if k.Code == c {
			return k.Cure
		}
	}
	return Other.Cure()
}

func failure(code Code, format string, args ...any) *Failure {
	return &Failure{Code: code, Error: fmt.Sprintf(format, args...), Cure: code.Cure()}
}

// proxyStatusError is the answer of a proxy that does not let a connection through.
type proxyStatusError int

func (s proxyStatusError) Error() string {
	return fmt.Sprintf("the proxy answers %d %s", int(s), http.StatusText(int(s)))
}

// classify names a failure. The text is without the URL, which may hold a
// password, and without the port of this machine, which is another each time.
func classify(err error, pinned bool) *Failure {
	for u := (*url.Error)(nil); errors.As(err, &u); {
		err = u.Err
	}
	code := codeOf(err)
	if code == WrongName && pinned {
		code = PinnedName
	}
	if op := (*net.OpError)(nil); errors.As(err, &op) && op.Source != nil && op.Addr != nil {
		return failure(code, "%s %s: %s", op.Op, op.Addr, op.Err)
	}
	return failure(code, "%s", err)
}

func codeOf(err error) Code {
	for _, table := range []func(error) Code{proxyCode, certificateCode, handshakeCode, networkCode} {
		if code := table(err); code != "" {
			return code
		}
	}
	return Other
}

// proxyCode knows what a proxy or the way to it does.
func proxyCode(err error) Code {
	status, op := proxyStatusError(0), (*net.OpError)(nil)
	switch {
	case errors.As(err, &status) && status == http.StatusProxyAuthRequired:
		return ProxyCredentials
	case errors.As(err, &status):
		return ProxyRefused
	case errors.As(err, &op) && op.Op == "proxyconnect":
		return ProxyUnreachable
	default:
		return ""
	}
}

// certificateCode knows the errors of crypto/x509.
func certificateCode(err error) Code {
	authority, name, invalid := x509.UnknownAuthorityError{}, x509.HostnameError{}, x509.CertificateInvalidError{}
	constraint, critical := x509.ConstraintViolationError{}, x509.UnhandledCriticalExtension{}
	insecure := x509.InsecureAlgorithmError(0)
	switch {
	case errors.As(err, &authority):
		return UnknownAuthority
	case errors.As(err, &name):
		return WrongName
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired && strings.Contains(invalid.Detail, "is before"):
		return NotYetValid
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return Expired
	case errors.As(err, &invalid), errors.As(err, &constraint), errors.As(err, &critical), errors.As(err, &insecure):
		return InvalidCertificate
	default:
		return ""
	}
}

// handshakeCode knows the errors of crypto/tls. An alert of the other side has no
// exported type: https://cs.opensource.google/go/go/+/master:src/crypto/tls/alert.go
func handshakeCode(err error) Code {
	op, header := (*net.OpError)(nil), tls.RecordHeaderError{}
	text := err.Error()
	switch {
	case strings.HasSuffix(text, "tls: protocol version not supported"), strings.Contains(text, "tls: server selected unsupported protocol version"):
		return OldTLS
	case strings.HasSuffix(text, "tls: certificate required"), strings.HasSuffix(text, "remote error: tls: bad certificate"):
		return ClientCertificate
	case errors.As(err, &op) && op.Op == "remote error":
		return HandshakeRefused
	case errors.As(err, &header), errors.Is(err, http.ErrSchemeMismatch):
		return NotTLS
	default:
		return ""
	}
}

// networkCode knows the errors of net.
func networkCode(err error) Code {
	dns, network := (*net.DNSError)(nil), net.Error(nil)
	switch {
	case errors.As(err, &dns) && !dns.IsTimeout:
		return UnknownHost
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &network) && network.Timeout():
		return Timeout
	case errors.Is(err, syscall.ECONNREFUSED):
		return Refused
	case errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EHOSTUNREACH):
		return Unreachable
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return Closed
	default:
		return ""
	}
}
