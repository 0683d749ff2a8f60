package e2e

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
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

	"sigs.k8s.io/yaml"
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

// serve starts a server of the authority and returns its address. It may have
// names besides.
func (a authority) serve(t *testing.T, handler http.Handler, names ...string) string {
	t.Helper()
	key := newECKey(t)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "server"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, DNSNames: names,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(0, 1, 0),
	}
	server := httptest.NewUnstartedServer(handler)
	server.TLS = &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{{
		Certificate: [][]byte{sign(t, template, a.certificate, key, a.key).Raw}, PrivateKey: key,
	}}}
	server.Config.ErrorLog = nil
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.URL
}

// gitServer serves an empty commit over the dumb protocol.
func gitServer(t *testing.T) http.Handler {
	t.Helper()
	dir := t.TempDir()
	for _, args := range [][]string{
		{"init", "-q", "work"},
		{"-C", "work", "-c", "user.name=t", "-c", "user.email=t@example.com", "commit", "-q", "--allow-empty", "-m", "x"},
		{"clone", "-q", "--bare", "work", "repo.git"},
		{"-C", "repo.git", "update-server-info"},
	} {
		if got := run(t, dir, "git", args...); got.code != 0 {
			t.Fatalf("git %v: %s", args, got.stderr)
		}
	}
	return http.FileServer(http.Dir(dir))
}

// pod is what the tests read of a Deployment.
type pod struct {
	Spec struct {
		Template struct {
			Spec struct {
				InitContainers, Containers []container
				Volumes                    []struct {
					Name      string
					Projected *struct {
						Sources []struct {
							ConfigMap struct {
								Name  string
								Items []struct{ Key, Path string }
							}
						}
					}
				}
			}
		}
	}
}

type container struct {
	Name    string
	Command []string
	Env     []struct {
		Name, Value string
	}
	VolumeMounts []struct{ Name, MountPath, SubPath string }
}

// transform runs the function over a controller and its ConfigMap.
func transform(t *testing.T, mount, ca string) pod {
	t.Helper()
	dir := t.TempDir()
	config := "apiVersion: fluxtrust.dev/v1alpha1\nkind: FluxTrust\nmetadata: {name: t}\nspec:\n  caBundle: [{configMap: {name: corp-ca}}]\n  mount: " + mount + "\n"
	manifest := "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: kustomize-controller, namespace: flux-system}\n" +
		"spec: {selector: {}, template: {spec: {containers: [{name: manager, image: fluxcd/kustomize-controller}]}}}\n---\n" +
		"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: corp-ca, namespace: flux-system}\ndata:\n  ca.crt: |-\n    " +
		strings.ReplaceAll(ca, "\n", "\n    ") + "\n"
	for name, text := range map[string]string{"config.yaml": config, "in.yaml": manifest} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got := run(t, dir, program(t, "FLUX_TRUST"), "config.yaml", "in.yaml")
	if got.code != 0 {
		t.Fatal(got.stderr)
	}
	var p pod
	deployment, _, _ := strings.Cut(got.stdout, "\n---\n")
	if err := yaml.Unmarshal([]byte(deployment), &p); err != nil {
		t.Fatal(err)
	}
	return p
}

// machine holds the volumes of a pod as the kubelet lays them out, and a root
// file system per container.
type machine struct {
	t       *testing.T
	dir     string
	volumes map[string]string
	public  string // the public roots of the image
}

func newMachine(t *testing.T, p pod, public, ca string) *machine {
	t.Helper()
	m := &machine{t: t, dir: t.TempDir(), volumes: map[string]string{}, public: public}
	for _, v := range p.Spec.Template.Spec.Volumes {
		dir := filepath.Join(m.dir, "volumes", v.Name)
		m.volumes[v.Name] = dir
		m.mkdir(dir)
		if v.Projected == nil {
			continue
		}
		// ca.crt -> ..data/ca.crt, ..data -> ..2026_06_01
		const generation = "..2026_06_01"
		m.mkdir(filepath.Join(dir, generation))
		m.link(generation, filepath.Join(dir, "..data"))
		for _, s := range v.Projected.Sources {
			for _, item := range s.ConfigMap.Items {
				if s.ConfigMap.Name != "corp-ca" || item.Key != "ca.crt" {
					t.Fatalf("no such key: %+v", s)
				}
				m.write(filepath.Join(dir, generation, item.Path), ca)
				m.link(filepath.Join("..data", item.Path), filepath.Join(dir, item.Path))
			}
		}
	}
	return m
}

// root returns the root file system of a container.
func (m *machine) root(c container) string {
	root := filepath.Join(m.dir, "containers", c.Name)
	m.mkdir(filepath.Join(root, "etc/ssl/certs"))
	m.write(filepath.Join(root, "etc/ssl/certs/ca-certificates.crt"), m.public)
	for _, mount := range c.VolumeMounts {
		at := filepath.Join(root, mount.MountPath)
		m.mkdir(filepath.Dir(at))
		m.link(filepath.Join(m.volumes[mount.Name], mount.SubPath), at)
	}
	return root
}

// start runs the init containers, and returns the env of the controller.
func (m *machine) start(p pod) []string {
	for _, c := range p.Spec.Template.Spec.InitContainers {
		root := m.root(c)
		script := strings.ReplaceAll(c.Command[len(c.Command)-1], " /", " "+root+"/")
		cmd := exec.Command(c.Command[0], append(c.Command[1:len(c.Command)-1:len(c.Command)-1], script)...)
		cmd.Env = []string{"PATH=" + m.tools()}
		if out, err := cmd.CombinedOutput(); err != nil {
			m.t.Fatalf("%s: %v\n%s", c.Name, err, out)
		}
	}
	controller := p.Spec.Template.Spec.Containers[0]
	root := m.root(controller)
	// What Go and git look for in the image, unless they are told otherwise.
	env := map[string]string{
		"SSL_CERT_FILE":  "/etc/ssl/certs/ca-certificates.crt",
		"SSL_CERT_DIR":   "/etc/ssl/certs",
		"GIT_SSL_CAINFO": "/etc/ssl/certs/ca-certificates.crt",
	}
	for _, e := range controller.Env {
		env[e.Name] = e.Value
	}
	var list []string
	for name, value := range env {
		paths := strings.Split(value, ":")
		for i, path := range paths {
			if path != os.DevNull {
				paths[i] = filepath.Join(root, path)
			}
		}
		list = append(list, name+"="+strings.Join(paths, ":"))
	}
	return list
}

// tools returns a PATH with the tools of an init container: those of busybox, as
// in the images of Flux, where this machine has it.
func (m *machine) tools() string {
	busybox, err := exec.LookPath("busybox")
	if err != nil {
		return os.Getenv("PATH")
	}
	dir := filepath.Join(m.dir, "tools")
	m.mkdir(dir)
	for _, tool := range []string{"sh", "find", "awk"} {
		m.link(busybox, filepath.Join(dir, tool))
	}
	return dir
}

func (m *machine) mkdir(dir string) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		m.t.Fatal(err)
	}
}

func (m *machine) write(file, text string) {
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		m.t.Fatal(err)
	}
}

func (m *machine) link(to, from string) {
	if err := os.Symlink(to, from); err != nil {
		m.t.Fatal(err)
	}
}

// get fetches an address with a Go program that has this environment alone, and
// returns its error, or "".
func get(t *testing.T, env []string, url string) string {
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
	_, message, _ := strings.Cut(string(out), "error: ")
	message, _, _ = strings.Cut(message, "\n")
	return message
}

// TestClient is the Go program of get.
func TestClient(t *testing.T) {
	url := os.Getenv("E2E_URL")
	if url == "" {
		t.Skip("runs as the client of TestTrust")
	}
	client := http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{Proxy: nil}}
	response, err := client.Get(url)
	if err != nil {
		fmt.Println("error:", err)
		return
	}
	if err := response.Body.Close(); err != nil {
		t.Fatal(err)
	}
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
			p := transform(t, tc.mount, private.pem())
			env := newMachine(t, p, public.pem(), private.pem()).start(p)
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
		p := transform(t, "{method: None}", private.pem())
		env := newMachine(t, p, public.pem(), private.pem()).start(p)
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
