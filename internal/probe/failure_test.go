package probe

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"syscall"
	"testing"
)

func TestClassify(t *testing.T) {
	inURL := func(err error) error {
		return &url.Error{Op: "Get", URL: "https://user:s3cret@charts.example.com/?token=s3cret", Err: err}
	}
	address := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 443}
	for _, tc := range []struct {
		err  error
		code Code
		text string
	}{
		{&net.DNSError{Err: "no such host", Name: "charts.example.com", IsNotFound: true}, UnknownHost, "lookup charts.example.com: no such host"},
		{&net.DNSError{Err: "i/o timeout", Name: "charts.example.com", IsTimeout: true}, Timeout, "lookup charts.example.com: i/o timeout"},
		{&net.OpError{Op: "dial", Net: "tcp", Addr: address, Err: syscall.ENETUNREACH}, Unreachable, "dial tcp 127.0.0.1:443: network is unreachable"},
		{&net.OpError{Op: "dial", Net: "tcp", Addr: address, Err: syscall.EHOSTUNREACH}, Unreachable, "dial tcp 127.0.0.1:443: no route to host"},
		// The port of this machine is another each time.
		{&net.OpError{Op: "read", Net: "tcp", Source: &net.TCPAddr{Port: 40123}, Addr: address, Err: syscall.ECONNRESET}, Closed, "read 127.0.0.1:443: connection reset by peer"},
		{context.DeadlineExceeded, Timeout, "context deadline exceeded"},
		{x509.HostnameError{Certificate: &x509.Certificate{DNSNames: []string{"github.com"}}, Host: "a.github.io"}, WrongName, "x509: certificate is valid for github.com, not a.github.io"},
		{x509.ConstraintViolationError{}, NotACA, "x509: invalid signature: parent certificate cannot sign this kind of certificate"},
		{errors.New("something else"), Other, "something else"},
	} {
		for _, err := range []error{tc.err, inURL(tc.err), inURL(fmt.Errorf("wrapped: %w", tc.err)), inURL(inURL(tc.err))} {
			got := describe(err)
			if got.Code != tc.code || !strings.HasSuffix(got.Error, tc.text) || strings.Contains(got.Error, "s3cret") {
				t.Errorf("%v: got %+v, want %s: %s", tc.err, got, tc.code, tc.text)
			}
		}
	}
}

func TestKnown(t *testing.T) {
	seen := map[string]bool{}
	for _, k := range Known() {
		if k.Cure == "" || seen[string(k.Code)] {
			t.Errorf("%s has no cure, or appears twice", k.Code)
		}
		seen[string(k.Code)] = true
		if k.Code.Cure() != k.Cure {
			t.Errorf("%s: %q", k.Code, k.Code.Cure())
		}
	}
	if Code("unheard of").Cure() != Other.Cure() {
		t.Error("no cure for what is not known")
	}
}

func TestLooksInspecting(t *testing.T) {
	for name, want := range map[string]string{
		"CN=Zscaler Root CA,O=Zscaler Inc.,C=US":       "zscaler",
		"CN=Corp TLS Inspection CA":                    "inspection",
		"CN=ISRG Root X1,O=Internet Security Research": "",
		"CN=DigiCert Global Root G2":                   "",
		"CN=Corp root":                                 "",
	} {
		if got := looksInspecting(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

// TestOneLine has a name that tries to write a line of its own into the report.
func TestOneLine(t *testing.T) {
	if got := oneLine("CN=a\nok bundle\x1b[2K\u2028b"); strings.ContainsAny(got, "\n\x1b\u2028") {
		t.Errorf("%q", got)
	}
	if got := oneLine(strings.Repeat("ä", 500)); len(got) > 210 {
		t.Errorf("%d bytes", len(got))
	}
}
