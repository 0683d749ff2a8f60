package probe

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// TestNoneIsOther has answers that break rules. Each of them is one of the known
// failures, since Other has no cure.
func TestNoneIsOther(t *testing.T) {
	good := newAuthority(t, "Corp root")
	cert := good.issue(t, nil, "127.0.0.1")
	reply := func(wrap func(net.Conn) net.Conn) func(string) string {
		return func(text string) string {
			return strings.Replace(listen(t, func(c net.Conn) {
				secure := wrap(c)
				_, _ = secure.Read(make([]byte, 16<<10)) // the greeting or the request
				_, _ = io.WriteString(secure, text)
				_ = secure.Close()
			}), "tcp:", "https:", 1)
		}
	}
	record := reply(func(c net.Conn) net.Conn { return c })
	answer := reply(func(c net.Conn) net.Conn { return tls.Server(c, withCert(cert)) })
	const found = "HTTP/1.1 302 Found\r\nLocation: "
	for name, tc := range map[string]struct {
		address string
		want    Code
	}{
		"an odd record":         {record("\x16\x03\x03\x00\x05hello"), BrokenTLS},
		"an odd message":        {record("\x16\x03\x03\x00\x04\x14\x00\x00\x00"), BrokenTLS},
		"too many warnings":     {record(strings.Repeat("\x15\x03\x03\x00\x02\x01\x70", 30)), BrokenTLS},
		"an unknown alert":      {record("\x15\x03\x03\x00\x02\x02\xee"), HandshakeRefused},
		"access denied":         {record("\x15\x03\x03\x00\x02\x02\x31"), HandshakeRefused},
		"data at once":          {record("\x17\x03\x03\x00\x05hello"), NotTLS},
		"a huge record":         {record("\x16\x03\x03\xff\xffhello"), NotTLS},
		"a goodbye":             {record("\x15\x03\x03\x00\x02\x01\x00"), Closed},
		"an odd status":         {answer("HTTP/1.1 abc OK\r\n\r\n"), BrokenHTTP},
		"another protocol":      {answer("220 smtp.example.com ESMTP\r\n"), BrokenHTTP},
		"an odd header":         {answer("HTTP/1.1 200 OK\r\nodd\r\n\r\n"), BrokenHTTP},
		"huge headers":          {answer("HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 2<<20) + "\r\n\r\n"), BrokenHTTP},
		"an odd chunk":          {answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello"), BrokenHTTP},
		"an odd encoding":       {answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: odd\r\n\r\nhello"), BrokenHTTP},
		"two lengths":           {answer("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nhello"), BrokenHTTP},
		"half an answer":        {answer("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello"), Closed},
		"no answer":             {answer(""), Closed},
		"an odd redirect":       {answer(found + "://x y\r\n\r\n"), BrokenHTTP},
		"a redirect to no host": {answer(found + "https:///y\r\n\r\n"), BrokenHTTP},
		"a redirect to no port": {answer(found + "https://127.0.0.1:99999/y\r\n\r\n"), BadSource},
		"no redirect":           {answer("HTTP/1.1 302 Found\r\n\r\n"), HTTPStatus},
		"a redirect elsewhere":  {answer(found + "ftp://x/y\r\n\r\n"), HTTPStatus},
		"TLS without https":     {strings.Replace(record("\x15\x03\x01\x00\x02\x02\x0a"), "https:", "http:", 1), NotHTTP},
		"TLS of Go":             {strings.Replace(serve(t, withCert(cert), nil).URL, "https:", "http:", 1), NotHTTP},
		"no port":               {"https://127.0.0.1:99999", BadSource},
	} {
		t.Run(name, func(t *testing.T) {
			got := Run(t.Context(), []Target{target(t, HelmRepository, tc.address)}, Options{Bundle: []*x509.Certificate{good.cert}, Timeout: time.Minute})
			if f := got[len(got)-1].Failure; f == nil || f.Code != tc.want {
				t.Errorf("got %+v, want %s", f, tc.want)
			}
		})
	}
}
