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
	"slices"
	"strings"
	"syscall"
)

// Failure is why a source will not work, or what cannot be known of it.
type Failure struct {
	// Code is one of those that Known returns.
	Code Code `json:"code"`
	// Error is the text that the controller would show, without the URL, or what is
	// not known.
	Error string `json:"error"`
	// Cure is the one change that helps.
	Cure string `json:"cure"`
}

func failure(code Code, format string, args ...any) *Failure {
	return &Failure{Code: code, Error: fmt.Sprintf(format, args...), Cure: code.Cure()}
}

// Doubt returns what cannot be known of a source.
func Doubt(code Code, text string) *Failure { return failure(code, "%s", text) }

// proxyStatusError is the answer of a proxy that does not let a connection through.
type proxyStatusError int

func (s proxyStatusError) Error() string {
	return fmt.Sprintf("the proxy answers %d %s", int(s), http.StatusText(int(s)))
}

// classify names a failure of a connection, and says what helps against it here.
func (c *client) classify(err error, h *hop, u *url.URL) *Failure {
	if !c.negative && slices.ContainsFunc(h.chain, func(c *x509.Certificate) bool { return c.SerialNumber.Sign() < 0 }) {
		err = errNegativeSerial // a controller reads the chain before it looks for the root
	}
	f := describe(err)
	c.advise(f, err, h, u)
	return f
}

// describe names a failure. The text is without the URL, which may hold a password,
// and without the port of this machine, which is another each time.
func describe(err error) *Failure {
	for u := (*url.Error)(nil); errors.As(err, &u); {
		err = u.Err
	}
	code := codeOf(err)
	if code == Interrupted {
		return failure(code, "interrupted")
	}
	if op := (*net.OpError)(nil); errors.As(err, &op) && op.Source != nil && op.Addr != nil {
		return failure(code, "%s %s: %s", op.Op, op.Addr, oneLine(op.Err.Error()))
	}
	return failure(code, "%s", oneLine(err.Error()))
}

func codeOf(err error) Code {
	if errors.Is(err, context.Canceled) {
		return Interrupted // wherever it was
	}
	for _, table := range []func(error) Code{proxyCode, certificateCode, handshakeCode, networkCode, brokenCode} {
		if code := table(err); code != "" {
			return code
		}
	}
	return Other
}

// inProxy reports whether something is wrong with a proxy or with the way to it.
func inProxy(err error) bool {
	op := (*net.OpError)(nil)
	return errors.As(err, &op) && op.Op == "proxyconnect"
}

// proxyCode knows what a proxy or the way to it does.
func proxyCode(err error) Code {
	status, op := proxyStatusError(0), (*net.OpError)(nil)
	switch {
	case errors.As(err, &status) && status == http.StatusProxyAuthRequired:
		return ProxyCredentials
	case errors.As(err, &status):
		return ProxyRefused
	case inProxy(err) && (certificateCode(err) != "" || handshakeCode(err) != ""):
		return ProxyTLS
	case inProxy(err):
		return ProxyUnreachable
	case errors.As(err, &op) && strings.HasPrefix(op.Op, "socks"):
		if strings.Contains(op.Err.Error(), "auth") {
			return ProxyCredentials
		}
		return ProxyRefused
	default:
		return ""
	}
}

// certificateCode knows the errors of crypto/x509.
func certificateCode(err error) Code {
	authority, name, invalid := x509.UnknownAuthorityError{}, x509.HostnameError{}, x509.CertificateInvalidError{}
	constraint, critical := x509.ConstraintViolationError{}, x509.UnhandledCriticalExtension{}
	insecure := x509.InsecureAlgorithmError(0)
	text := err.Error()
	switch {
	case errors.As(err, &authority):
		return authorityCode(text)
	case errors.As(err, &name):
		return nameCode(text)
	case errors.As(err, &invalid):
		return invalidCode(invalid)
	case strings.Contains(text, "x509: negative serial number"):
		return NegativeSerial
	case errors.As(err, &constraint):
		return NotACA
	case errors.As(err, &insecure):
		return WeakSignature
	case errors.As(err, &critical), strings.Contains(text, "tls: failed to parse certificate from server"), strings.Contains(text, "tls: server's certificate"):
		return InvalidCertificate
	default:
		return ""
	}
}

// authorityCode knows the hint that Go gives when there is a root of the right name:
// https://cs.opensource.google/go/go/+/master:src/crypto/x509/verify.go
func authorityCode(text string) Code {
	_, hint, found := strings.Cut(text, "possibly because of")
	switch {
	case !found:
		return UnknownAuthority
	case strings.Contains(hint, "parent certificate cannot sign"), strings.Contains(hint, "not authorized to sign other certificates"):
		return NotACA
	case strings.Contains(hint, "insecure algorithm"):
		return WeakSignature
	default:
		return RenewedRoot
	}
}

func nameCode(text string) Code {
	switch {
	case strings.Contains(text, "legacy Common Name"):
		return CommonName
	case strings.Contains(text, "any IP SANs"), strings.Contains(text, "because it doesn't contain"):
		return NoIPAddress
	default:
		return WrongName
	}
}

func invalidCode(invalid x509.CertificateInvalidError) Code {
	switch invalid.Reason {
	case x509.Expired:
		if strings.Contains(invalid.Detail, "is before") {
			return NotYetValid
		}
		return Expired
	case x509.CANotAuthorizedForThisName, x509.TooManyConstraints, x509.UnconstrainedName, x509.NameConstraintsWithoutSANs:
		return NameConstraint
	case x509.TooManyIntermediates:
		return PathLength
	case x509.NotAuthorizedToSign:
		return NotACA
	case x509.IncompatibleUsage, x509.CANotAuthorizedForExtKeyUsage:
		return KeyUsage
	default:
		return InvalidCertificate
	}
}

// handshakeCode knows the errors of crypto/tls. An alert of the other side has no
// exported type: https://cs.opensource.google/go/go/+/master:src/crypto/tls/alert.go
func handshakeCode(err error) Code {
	op, header, verification := (*net.OpError)(nil), tls.RecordHeaderError{}, (*tls.CertificateVerificationError)(nil)
	text := err.Error()
	switch {
	case errors.As(err, &verification):
		return InvalidCertificate
	case strings.HasSuffix(text, "tls: protocol version not supported"), strings.Contains(text, "tls: server selected unsupported protocol version"):
		return OldTLS
	case strings.HasSuffix(text, "tls: certificate required"), strings.HasSuffix(text, "remote error: tls: bad certificate"):
		return ClientCertificate
	case strings.HasSuffix(text, "remote error: tls: unknown certificate authority"), strings.HasSuffix(text, "remote error: tls: unknown certificate"),
		strings.HasSuffix(text, "remote error: tls: expired certificate"), strings.HasSuffix(text, "remote error: tls: unsupported certificate"):
		return ClientRefused
	case strings.HasSuffix(text, "tls: unrecognized name"):
		return UnrecognizedName
	case errors.As(err, &op) && strings.HasSuffix(op.Op, "remote error"):
		return HandshakeRefused
	case errors.As(err, &header), errors.Is(err, http.ErrSchemeMismatch):
		return NotTLS
	default:
		return ""
	}
}

// networkCode knows the errors of net.
func networkCode(err error) Code {
	dns, network, address := (*net.DNSError)(nil), net.Error(nil), (*net.AddrError)(nil)
	switch {
	case errors.Is(err, errBadURL), errors.As(err, &address):
		return BadSource
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

// brokenCode knows answers that break the rules of a protocol. Most of their errors have
// no type.
func brokenCode(err error) Code {
	text := err.Error()
	contains := func(part string) bool { return strings.Contains(text, part) }
	switch {
	case contains(`malformed HTTP response "\x15\x03`): // an alert of TLS
		return NotHTTP
	case strings.HasPrefix(text, "tls: "), strings.HasPrefix(text, "local error: tls: "):
		return BrokenTLS
	case slices.ContainsFunc([]string{"malformed HTTP", "transport connection broken", "chunk", "Location header", "no Host in request URL", "http2: ", "Content-Length", "Transfer-Encoding"}, contains):
		return BrokenHTTP
	default:
		return ""
	}
}
