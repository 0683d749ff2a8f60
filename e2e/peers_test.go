//go:build linux

package e2e

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// peers are the servers and the proxies that sources meet, on 127.0.0.1. They have
// the names *.corp.test as well, which only the proxies know.
type peers struct {
	t *testing.T
	// bundle is what the controllers trust by the function, public what their image
	// has, own what stands in Secrets alone, unknown what stands nowhere.
	bundle, public, own, unknown authority
	handlers                     map[string]http.Handler
	lock                         sync.Mutex
	servers                      map[string]*httptest.Server
	proxies                      map[string]string
	// hosts maps names that no DNS has to addresses.
	hosts sync.Map
	// sent are the paths that were posted to.
	sent sync.Map
}

func newPeers(t *testing.T) *peers {
	t.Helper()
	p := &peers{
		t: t, bundle: newAuthority(t, "bundle"), public: newAuthority(t, "public"), own: newAuthority(t, "own"), unknown: newAuthority(t, "unknown"),
		servers: map[string]*httptest.Server{}, proxies: map[string]string{},
	}
	p.handlers = p.contents()
	return p
}

// certify returns a certificate for 127.0.0.1 and *.corp.test.
func certify(t *testing.T, by authority, change func(*x509.Certificate)) tls.Certificate {
	t.Helper()
	key := newECKey(t)
	template := by.template("server")
	template.DNSNames, template.IPAddresses = []string{"*.corp.test"}, []net.IP{net.IPv4(127, 0, 0, 1)}
	if change != nil {
		change(template)
	}
	return tls.Certificate{Certificate: [][]byte{sign(t, template, by.certificate, key, by.key).Raw}, PrivateKey: key}
}

// pair returns a client certificate and its key as PEM.
func (a authority) pair(t *testing.T) (cert, key string) {
	t.Helper()
	template := a.template("client")
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	private := newECKey(t)
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: sign(t, template, a.certificate, private, a.key).Raw})),
		string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

// tls returns how a server of a flavour speaks TLS, or nil for not at all.
func (p *peers) tls(flavour string) *tls.Config {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	use := func(by authority, change func(*x509.Certificate)) *tls.Config {
		config.Certificates = []tls.Certificate{certify(p.t, by, change)}
		return config
	}
	switch flavour {
	case "plain":
		return nil
	case "bundle":
		return use(p.bundle, nil)
	case "public":
		return use(p.public, nil)
	case "own":
		return use(p.own, nil)
	case "unknown":
		return use(p.unknown, nil)
	case "expired":
		return use(p.bundle, func(c *x509.Certificate) {
			c.NotBefore, c.NotAfter = time.Now().Add(-2*time.Hour), time.Now().Add(-time.Hour)
		})
	case "wrong name":
		return use(p.bundle, func(c *x509.Certificate) { c.DNSNames, c.IPAddresses = []string{"other.test"}, nil })
	case "client usage":
		return use(p.bundle, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} })
	case "wants a client":
		use(p.bundle, nil)
		config.ClientAuth, config.ClientCAs = tls.RequireAndVerifyClientCert, x509.NewCertPool()
		config.ClientCAs.AddCert(p.own.certificate)
		return config
	case "TLS 1.1":
		use(p.bundle, nil)
		config.MinVersion, config.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
		return config
	default:
		p.t.Fatalf("no flavour %q", flavour)
		return nil
	}
}

// start starts what is not there yet: a server of a flavour with a content, written
// as flavour/content. Flavour "closed" is an address on which nobody listens.
func (p *peers) start(spec string) (address string) {
	p.t.Helper()
	flavour, content, _ := strings.Cut(spec, "/")
	p.lock.Lock()
	server, ok := p.servers[spec]
	p.lock.Unlock()
	if ok {
		return server.Listener.Addr().String()
	}
	if flavour == "closed" {
		return freeAddress(p.t)
	}
	handler := p.handlers[content]
	if handler == nil {
		p.t.Fatalf("no content %q", content)
	}
	server = httptest.NewUnstartedServer(handler)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	// source-controller keeps connections, and takes those of another source.
	server.Config.SetKeepAlivesEnabled(false)
	if config := p.tls(flavour); config != nil {
		server.TLS = config
		server.StartTLS()
	} else {
		server.Start()
	}
	p.t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	p.lock.Lock()
	p.servers[spec] = server
	p.lock.Unlock()
	return server.Listener.Addr().String()
}

// named gives an address a name that only proxies know.
func (p *peers) named(address string) string {
	_, port, _ := strings.Cut(address, ":")
	host := "h" + port + ".corp.test"
	p.hosts.Store(host, address)
	return host
}

// proxy starts what is not there yet, and returns the URL of a proxy.
func (p *peers) proxy(name string) string {
	p.t.Helper()
	if address, ok := p.proxies[name]; ok {
		return address
	}
	var address string
	switch kind, flavour, _ := strings.Cut(name, " "); {
	case name == "closed":
		address = "http://" + freeAddress(p.t)
	case kind == "socks5":
		address = "socks5://" + p.socks()
	case kind == "https":
		server := httptest.NewUnstartedServer(p.connect(0))
		server.Config.ErrorLog, server.TLS = log.New(io.Discard, "", 0), p.tls(flavour)
		server.StartTLS()
		p.t.Cleanup(server.CloseClientConnections)
		address = server.URL
	default:
		status := map[string]int{"http": 0, "407": http.StatusProxyAuthRequired, "403": http.StatusForbidden}[kind]
		server := httptest.NewServer(p.connect(status))
		p.t.Cleanup(server.CloseClientConnections)
		address = server.URL
	}
	p.proxies[name] = address
	return address
}

// connect is a proxy: for TLS, and for HTTP without it. With 407 it wants the user
// and password u and p, with any other status it refuses.
func (p *peers) connect(status int) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		login := "Basic " + base64.StdEncoding.EncodeToString([]byte("u:p"))
		if status != 0 && (status != http.StatusProxyAuthRequired || r.Header.Get("Proxy-Authorization") != login) {
			w.WriteHeader(status)
			return
		}
		if r.Method != http.MethodConnect {
			p.forward(w, r)
			return
		}
		backend, err := p.dial(r.Host)
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		client, buffered, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		_, _ = io.WriteString(client, "HTTP/1.1 200 OK\r\n\r\n")
		splice(client, buffered, backend)
	})
}

func (p *peers) forward(w http.ResponseWriter, r *http.Request) {
	r.RequestURI = ""
	r.URL.Host = p.address(r.URL.Hostname(), r.URL.Host)
	response, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	defer response.Body.Close() //nolint:errcheck // a test
	w.WriteHeader(response.StatusCode)
	_, _ = io.Copy(w, response.Body)
}

func (p *peers) dial(host string) (net.Conn, error) {
	name, _, _ := strings.Cut(host, ":")
	return net.DialTimeout("tcp", p.address(name, host), 5*time.Second)
}

// address returns where a name leads to, or what is given for other names.
func (p *peers) address(name, other string) string {
	if address, _ := p.hosts.Load(name); address != nil {
		return fmt.Sprint(address)
	}
	return other
}

func splice(client net.Conn, from io.Reader, backend net.Conn) {
	defer client.Close()  //nolint:errcheck // a test
	defer backend.Close() //nolint:errcheck // a test
	go func() { _, _ = io.Copy(backend, from) }()
	_, _ = io.Copy(client, backend)
}

// socks is a proxy of RFC 1928, without a login.
func (p *peers) socks() string {
	p.t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				if err := p.socksConnect(client); err != nil {
					_ = client.Close()
				}
			}()
		}
	}()
	return listener.Addr().String()
}

func (p *peers) socksConnect(client net.Conn) error {
	in := bufio.NewReader(client)
	read := func(n int) []byte {
		b := make([]byte, n)
		_, _ = io.ReadFull(in, b)
		return b
	}
	methods := read(2)[1]
	read(int(methods))
	if _, err := client.Write([]byte{5, 0}); err != nil {
		return err
	}
	var host string
	switch read(4)[3] {
	case 1:
		host = net.IP(read(4)).String()
	case 3:
		host = string(read(int(read(1)[0])))
	default:
		return fmt.Errorf("not known")
	}
	port := read(2)
	backend, err := p.dial(fmt.Sprintf("%s:%d", host, int(port[0])<<8|int(port[1])))
	if err != nil {
		return err
	}
	if _, err := client.Write([]byte{5, 0, 0, 1, 0, 0, 0, 0, 0, 0}); err != nil {
		return err
	}
	splice(client, in, backend)
	return nil
}
