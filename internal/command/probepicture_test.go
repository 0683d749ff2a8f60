package command

import (
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestProbePicture draws the probe over servers behind a proxy that knows their names.
func TestProbePicture(t *testing.T) {
	withoutEnvironment(t)
	docs, err := filepath.Abs("../../docs")
	if err != nil {
		t.Fatal(err)
	}
	corp, inspecting := newSigner(t, "Example Corp Root CA"), newSigner(t, "Example Corp TLS Inspection CA")
	proxy := namesProxy(t, map[string]string{
		"charts.corp.example.com":   corp.serve(t, "charts.corp.example.com", emptyIndex),
		"registry.corp.example.com": corp.serve(t, "registry.corp.example.com", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "{}") }),
		"charts.example.org":        inspecting.serve(t, "charts.example.org", emptyIndex),
	})
	t.Chdir(t.TempDir())
	writeFile(t, "corporate-ca.yaml", "apiVersion: fluxtrust.dev/v1alpha1\nkind: FluxTrust\nmetadata: {name: corporate-ca}\nspec:\n  onNoControllers: Ignore\n  proxy: {https: 'http://"+proxy+"'}\n  caBundle:\n"+
		"  - inline:\n      name: corporate-ca\n      pem: |\n        "+strings.ReplaceAll(strings.TrimSpace(corp.pem), "\n", "\n        ")+"\n    allow: [ExpiresSoon]\n")
	sources := ""
	for name, url := range map[string]string{"platform": "https://charts.corp.example.com/stable", "team": "https://charts.corp.example.com/stable", "public": "https://charts.example.org"} {
		sources += "---\napiVersion: source.toolkit.fluxcd.io/v1\nkind: HelmRepository\nmetadata: {name: " + name + ", namespace: apps}\nspec: {url: '" + url + "'}\n"
	}
	writeFile(t, "sources.yaml", sources+"---\napiVersion: source.toolkit.fluxcd.io/v1\nkind: OCIRepository\nmetadata: {name: manifests, namespace: apps}\n"+
		"spec: {url: 'oci://registry.corp.example.com/manifests', ref: {tag: latest}}\n")
	var out, errOut bytes.Buffer
	if code := Execute([]string{"probe", "corporate-ca.yaml", "sources.yaml", "--system-roots", "None"}, "v1.0.0", nil, &out, &errOut); code != 1 {
		t.Fatalf("exit code %d\n%s%s", code, &out, &errOut)
	}
	text := strings.ReplaceAll(out.String(), proxy, "proxy.corp.example.com:3128")
	text = regexp.MustCompile(`sha256:[0-9a-f]{64}`).ReplaceAllString(text, "sha256:"+strings.Repeat("5e", 32))
	file := filepath.Join(docs, "probe.svg")
	picture := []byte(drawn("$ flux-trust probe corporate-ca.yaml sources.yaml --system-roots None\n" + text))
	if *update {
		if err := os.WriteFile(file, picture, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	compare(t, file, picture)
}

// signer is a root with its key.
type signer struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	pem         string
}

func newSigner(t *testing.T, name string) *signer {
	t.Helper()
	der, key := signed(t, &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().AddDate(10, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}, nil, nil)
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &signer{certificate, key, pemOf(der)}
}

// serve starts a server for a name, and returns its address.
func (s *signer) serve(t *testing.T, host string, handler http.HandlerFunc) string {
	t.Helper()
	certificate, key := signed(t, &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: host}, DNSNames: []string{host}, NotAfter: time.Now().AddDate(0, 1, 0),
	}, s.certificate, s.key)
	server := httptest.NewUnstartedServer(handler)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{certificate, s.certificate.Raw}, PrivateKey: key}}, MinVersion: tls.VersionTLS12}
	server.StartTLS()
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	return server.Listener.Addr().String()
}

// namesProxy starts a proxy that leads names to addresses, and returns its own.
func namesProxy(t *testing.T, names map[string]string) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // a test
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			go tunnel(client, names)
		}
	}()
	return listener.Addr().String()
}

// tunnel answers one CONNECT.
func tunnel(client net.Conn, names map[string]string) {
	defer client.Close() //nolint:errcheck // a test
	buffered := bufio.NewReader(client)
	request, err := http.ReadRequest(buffered)
	if err != nil {
		return
	}
	server, err := net.Dial("tcp", names[request.URL.Hostname()]) //nolint:noctx // a test
	if err != nil {
		_, _ = fmt.Fprint(client, "HTTP/1.1 502 Bad Gateway\r\n\r\n")
		return
	}
	defer server.Close() //nolint:errcheck // a test
	_, _ = fmt.Fprint(client, "HTTP/1.1 200 OK\r\n\r\n")
	go func() { _, _ = io.Copy(server, buffered) }()
	_, _ = io.Copy(client, server)
}
