package e2e

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
)

// The tests of this file see whether the trust is real: a Go program and git
// run with the env and the files that the function has written for a container,
// and nothing else, against servers with a private and a "public" CA.

const unknownAuthority = "x509: certificate signed by unknown authority"

// authority is a CA that signs servers on 127.0.0.1.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

func newAuthority(t *testing.T, name string) authority {
	t.Helper()
	key := newECKey(t)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(1, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	return authority{certificate: sign(t, template, template, key, key), key: key}
}

func newECKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func sign(t *testing.T, template, issuer *x509.Certificate, key, issuerKey *ecdsa.PrivateKey) *x509.Certificate {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, issuer, key.Public(), issuerKey)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return certificate
}

// pem has no newline at its end: whoever joins files must add one.
func (a authority) pem() string {
	return strings.TrimSpace(string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.certificate.Raw})))
}

// issue returns a certificate for names, or for 127.0.0.1.
func (a authority) issue(t *testing.T, names ...string) tls.Certificate {
	t.Helper()
	key := newECKey(t)
	template := a.template("server")
	template.DNSNames = names
	if len(names) == 0 {
		template.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	}
	return tls.Certificate{Certificate: [][]byte{sign(t, template, a.certificate, key, a.key).Raw}, PrivateKey: key}
}

// template is what every certificate of the authority has.
func (a authority) template(name string) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(0, 1, 0),
	}
}

// serve starts a server of the authority on 127.0.0.1 and returns its address.
func (a authority) serve(t *testing.T, handler http.Handler, names ...string) string {
	t.Helper()
	certificate := a.issue(t, names...)
	return serve(t, handler, func() *tls.Certificate { return &certificate }).URL
}

// serve starts a server that asks for its certificate at every handshake.
func serve(t *testing.T, handler http.Handler, certificate func() *tls.Certificate) *httptest.Server {
	t.Helper()
	server := httptest.NewUnstartedServer(handler)
	// Not GetCertificate: it is not asked by a client that names no host.
	server.TLS = &tls.Config{MinVersion: tls.VersionTLS12, GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
		return &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{*certificate()}}, nil
	}}
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // clients that do not trust it
	server.StartTLS()
	t.Cleanup(server.Close)
	return server
}

// gitServer serves an empty commit over the dumb protocol.
func gitServer(t *testing.T) http.Handler {
	t.Helper()
	return http.FileServer(http.Dir(gitFolder(t)))
}

// gitFolder returns a folder with the repository repo.git, whose branch main has an empty
// commit.
func gitFolder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, args := range [][]string{
		{"init", "-q", "-b", "main", "work"},
		{"-C", "work", "-c", "user.name=t", "-c", "user.email=t@example.com", "commit", "-q", "--allow-empty", "-m", "x"},
		{"clone", "-q", "--bare", "work", "repo.git"},
		{"-C", "repo.git", "update-server-info"},
	} {
		if got := run(t, dir, "git", args...); got.code != 0 {
			t.Fatalf("git %v: %s", args, got.stderr)
		}
	}
	return dir
}

// transform runs the function over a controller and its ConfigMap.
func transform(t *testing.T, mount, ca string) *appsv1.Deployment {
	t.Helper()
	dir := t.TempDir()
	config := "apiVersion: fluxtrust.dev/v1alpha1\nkind: FluxTrust\nmetadata: {name: t}\nspec:\n  caBundle: [{configMap: {name: corp-ca}}]\n  mount: " + mount + "\n"
	manifest := "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: kustomize-controller, namespace: flux-system}\n" +
		"spec: {selector: {}, template: {spec: {containers: [{name: manager, image: fluxcd/kustomize-controller}]}}}\n---\n" +
		"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: corp-ca, namespace: flux-system}\ndata:\n  ca.crt: |-\n    " +
		strings.ReplaceAll(ca, "\n", "\n    ") + "\n"
	for name, text := range map[string]string{"config.yaml": config, "in.yaml": manifest} {
		write(t, filepath.Join(dir, name), text)
	}
	got := run(t, dir, program(t, "FLUX_TRUST"), "config.yaml", "in.yaml")
	if got.code != 0 {
		t.Fatal(got.stderr)
	}
	return deployments(t, got.stdout)["kustomize-controller"]
}

// get fetches an address with a Go program that has this environment alone, and
// returns its error, or "".
func get(t *testing.T, env []string, url string) string {
	t.Helper()
	failure, _ := ask(t, env, url)
	return failure
}

// ask returns the status of the answer, too.
func ask(t *testing.T, env []string, url string) (failure, status string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, "-test.run=^TestClient$")
	cmd.Env = append([]string{"E2E_URL=" + url}, env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	said := func(label string) string {
		_, text, _ := strings.Cut(string(out), label)
		text, _, _ = strings.Cut(text, "\n")
		return text
	}
	return said("error: "), said("status: ")
}

// TestClient is the Go program of get.
func TestClient(t *testing.T) {
	url := os.Getenv("E2E_URL")
	if url == "" {
		t.Skip("runs as the client of TestTrust")
	}
	transport := &http.Transport{Proxy: nil}
	if at := os.Getenv("E2E_SERVICE"); at != "" { // as in a pod of Flux, where the DNS knows the Services
		transport.Proxy = http.ProxyFromEnvironment
		transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
			if strings.Contains(address, ".svc.") {
				address = at
			}
			return new(net.Dialer).DialContext(ctx, network, address)
		}
	}
	client := http.Client{Timeout: time.Minute, Transport: transport}
	response, err := client.Get(url)
	if err != nil {
		fmt.Println("error:", err)
		return
	}
	if err := response.Body.Close(); err != nil {
		t.Fatal(err)
	}
	fmt.Println("status:", response.StatusCode)
}

// lsRemote lists a repository with git in this environment alone.
func lsRemote(t *testing.T, env []string, url string) error {
	t.Helper()
	cmd := exec.Command("git", "ls-remote", url+"/repo.git")
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "GIT_CONFIG_NOSYSTEM=1", "GIT_TERMINAL_PROMPT=0"}, env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, bytes.TrimSpace(out))
	}
	return nil
}

// startPod returns the environment of a controller that the function has changed.
func startPod(t *testing.T, mount string, public, private authority) []string {
	t.Helper()
	m := newMachine(t, transform(t, mount, private.pem()), public.pem())
	m.publish("corp-ca", map[string]string{"ca.crt": private.pem()})
	m.initialize()
	return m.environment()
}

func TestTrust(t *testing.T) {
	public, private := newAuthority(t, "public"), newAuthority(t, "private")
	publicURL := public.serve(t, http.NotFoundHandler())
	privateURL := private.serve(t, gitServer(t))

	for name, tc := range map[string]struct {
		mount       string
		public, git bool
	}{
		"Directory":              {"{method: Directory}", true, false},
		"Directory, Replace":     {"{method: Directory, systemRoots: Replace}", false, false},
		"File":                   {"{method: File}", true, false},
		"InitContainer":          {"{method: InitContainer}", true, true},
		"InitContainer, Replace": {"{method: InitContainer, systemRoots: Replace}", false, true},
		"another path":           {"{path: /ca}", true, false},
	} {
		t.Run(name, func(t *testing.T) {
			env := startPod(t, tc.mount, public, private)
			if err := get(t, env, privateURL); err != "" {
				t.Errorf("the private CA is not trusted: %s", err)
			}
			if err := get(t, env, publicURL); (err == "") != tc.public || err != "" && !strings.Contains(err, unknownAuthority) {
				t.Errorf("public roots: got %q, want trusted %t", err, tc.public)
			}
			if err := lsRemote(t, env, privateURL); (err == nil) != tc.git {
				t.Errorf("git: got %v, want trusted %t", err, tc.git)
			}
		})
	}

	t.Run("without the function", func(t *testing.T) {
		env := startPod(t, "{method: None}", public, private)
		if err := get(t, env, privateURL); !strings.Contains(err, unknownAuthority) {
			t.Errorf("got %q, want %s", err, unknownAuthority)
		}
		if err := get(t, env, publicURL); err != "" {
			t.Errorf("public roots: %s", err)
		}
		if err := lsRemote(t, env, privateURL); err == nil {
			t.Error("git trusts the private CA")
		}
	})
}
