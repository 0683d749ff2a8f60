package probe

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// TestMain clears what makes Go trust other roots, or take another way, on some
// machines.
func TestMain(m *testing.M) {
	for _, name := range []string{"SSL_CERT_FILE", "SSL_CERT_DIR", "GIT_SSL_CAINFO", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY"} {
		for _, n := range []string{name, strings.ToLower(name)} {
			if err := os.Unsetenv(n); err != nil {
				panic(err)
			}
		}
	}
	os.Exit(m.Run())
}

// authority is a CA.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

var serial atomic.Int64

func newAuthority(t *testing.T, name string) *authority {
	t.Helper()
	template := &x509.Certificate{Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	cert, key := sign(t, template, nil)
	return &authority{cert, key}
}

// sign makes a certificate, signed by an authority or by itself.
func sign(t *testing.T, template *x509.Certificate, by *authority) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template.SerialNumber = big.NewInt(serial.Add(1))
	if template.NotBefore.IsZero() {
		template.NotBefore = time.Now().Add(-time.Hour)
	}
	if template.NotAfter.IsZero() {
		template.NotAfter = time.Now().Add(24 * time.Hour)
	}
	parent, signer := template, key
	if by != nil {
		parent, signer = by.cert, by.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert, key
}

// issue makes the certificate of a server. The root is presented with it, as
// inspecting proxies do.
func (a *authority) issue(t *testing.T, change func(*x509.Certificate), names ...string) tls.Certificate {
	t.Helper()
	template := &x509.Certificate{Subject: pkix.Name{CommonName: names[0]}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, name)
		}
	}
	if change != nil {
		change(template)
	}
	cert, key := sign(t, template, a)
	return tls.Certificate{Certificate: [][]byte{cert.Raw, a.cert.Raw}, PrivateKey: key, Leaf: cert}
}

// serve starts an HTTPS server on 127.0.0.1.
func serve(t *testing.T, config *tls.Config, handler http.Handler) *httptest.Server {
	t.Helper()
	server := httptest.NewUnstartedServer(handler)
	server.TLS = config
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	return server
}

// secretWith is a Secret with a CA, and what else is given.
func secretWith(certs []*x509.Certificate, more map[string]string) *Secret {
	s := &Secret{Namespace: "x", Name: "tls", Data: map[string][]byte{}}
	for _, c := range certs {
		s.Data["ca.crt"] = append(s.Data["ca.crt"], pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})...)
	}
	for key, text := range more {
		s.Data[key] = []byte(text)
	}
	return s
}

func withCert(cert tls.Certificate) *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{cert}}
}

// network is a proxy that knows names which no DNS has: a CONNECT for one of them
// arrives at a server of the test.
type network struct {
	*httptest.Server
	hosts map[string]string
	// login is the user and password that it wants, or "".
	login string
	// intercept makes it end TLS itself, with certificates of its own.
	intercept func(host string) *tls.Certificate
	connects  sync.Map
}

func newNetwork(t *testing.T) *network {
	t.Helper()
	n := &network{hosts: map[string]string{}}
	n.Server = httptest.NewServer(http.HandlerFunc(n.connect))
	t.Cleanup(n.Close)
	return n
}

func (n *network) connect(w http.ResponseWriter, r *http.Request) {
	if want := "Basic " + base64.StdEncoding.EncodeToString([]byte(n.login)); n.login != "" && r.Header.Get("Proxy-Authorization") != want {
		w.WriteHeader(http.StatusProxyAuthRequired)
		return
	}
	n.connects.Store(r.Host, true)
	backend, ok := n.hosts[r.Host]
	if r.Method != http.MethodConnect || !ok {
		w.WriteHeader(http.StatusForbidden)
		return
	}
	down, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer down.Close() //nolint:errcheck // a test
	if _, err := io.WriteString(down, "HTTP/1.1 200 OK\r\n\r\n"); err != nil {
		return
	}
	if n.intercept != nil {
		host, _, _ := net.SplitHostPort(r.Host)
		secure := tls.Server(down, withCert(*n.intercept(host)))
		if secure.Handshake() == nil {
			if _, err := http.ReadRequest(bufio.NewReader(secure)); err == nil {
				_, _ = io.WriteString(secure, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
			}
		}
		_ = secure.Close()
		return
	}
	up, err := net.Dial("tcp", backend)
	if err != nil {
		return
	}
	defer up.Close() //nolint:errcheck // a test
	go func() { _, _ = io.Copy(up, down) }()
	_, _ = io.Copy(down, up)
}

func (n *network) proxy(*url.URL) (*url.URL, error) { return url.Parse(n.URL) }

// add puts a server behind a name.
func (n *network) add(host string, server *httptest.Server) {
	n.hosts[host+":443"] = server.Listener.Addr().String()
}

func pool(certs ...*x509.Certificate) *x509.CertPool {
	p := x509.NewCertPool()
	for _, c := range certs {
		p.AddCert(c)
	}
	return p
}

func target(t *testing.T, kind Kind, address string) Target {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return Target{Source: "Test x/y", Kind: kind, URL: u, Controller: Controller{Bundle: true}}
}
