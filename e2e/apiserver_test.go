//go:build linux

package e2e

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"sigs.k8s.io/yaml"
)

// object is a resource as the API server reads and writes it.
type object = map[string]any

// apiServer is a kube-apiserver with an etcd of its own.
type apiServer struct {
	t      *testing.T
	url    string
	ca     string // file with the certificates that its own is signed by
	token  string
	client *http.Client
}

// startAPIServer starts both programs on 127.0.0.1.
func startAPIServer(t *testing.T) *apiServer {
	t.Helper()
	return startAPIServerAt(t, "127.0.0.1")
}

// startAPIServerAt starts an API server on an address of this machine, and stops it and
// etcd at the end of the test. What needs controllers that do not run here is off: the
// pods of the tests have service accounts that nobody makes.
func startAPIServerAt(t *testing.T, host string) *apiServer {
	t.Helper()
	etcd, server := program(t, "ETCD"), program(t, "KUBE_APISERVER")
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }

	store, peer := "http://"+freeAddress(t), "http://"+freeAddress(t)
	background(t, etcd, "--data-dir", path("etcd"), "--unsafe-no-fsync", "--log-level", "error",
		"--listen-client-urls", store, "--advertise-client-urls", store,
		"--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", "default="+peer)

	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	s := &apiServer{t: t, ca: path("certs/apiserver.crt"), token: rand.Text()}
	for file, text := range map[string]string{
		"account.key": string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})),
		"tokens.csv":  s.token + ",admin,admin,system:masters\n",
	} {
		write(t, path(file), text)
	}
	address := freeAddressOf(t, host)
	_, port, _ := strings.Cut(address, ":")
	s.url = "https://" + address
	log := background(t, server, "--etcd-servers", store, "--bind-address", host, "--secure-port", port,
		"--advertise-address", host, "--endpoint-reconciler-type", "none", "--cert-dir", path("certs"),
		"--token-auth-file", path("tokens.csv"), "--authorization-mode", "RBAC", "--allow-privileged",
		"--service-cluster-ip-range", "10.0.0.0/24", "--service-account-issuer", "https://kubernetes.default.svc",
		"--service-account-key-file", path("account.key"), "--service-account-signing-key-file", path("account.key"),
		"--disable-admission-plugins", "ServiceAccount")
	s.await("the API server", func() error {
		if s.client == nil {
			roots := x509.NewCertPool()
			if pem, err := os.ReadFile(s.ca); err != nil || !roots.AppendCertsFromPEM(pem) {
				return fmt.Errorf("no certificate yet: %s", log())
			}
			s.client = &http.Client{Timeout: 10 * time.Minute, Transport: &http.Transport{
				TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots},
			}}
		}
		if r := s.do(http.MethodGet, "/readyz", "", nil); r.code != http.StatusOK {
			return fmt.Errorf("%d %s\n%s", r.code, r.text, log())
		}
		return nil
	})
	return s
}

// freeAddress returns an address on 127.0.0.1 on which nobody listens now.
func freeAddress(t *testing.T) string {
	t.Helper()
	return freeAddressOf(t, "127.0.0.1")
}

func freeAddressOf(t *testing.T, host string) string {
	t.Helper()
	listener, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		t.Fatal(err)
	}
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	return listener.Addr().String()
}

// background starts a program, stops it at the end of the test, and returns how to
// read the end of what it has written.
func background(t *testing.T, name string, args ...string) func() string {
	t.Helper()
	log, _ := spawn(t, os.Environ(), name, args...)
	return log
}

// spawn is background with an environment, and returns how to stop the program
// before the end of the test, too.
func spawn(t *testing.T, env []string, name string, args ...string) (log func() string, stop func()) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "log")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env, cmd.Stdout, cmd.Stderr = env, file, file
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second // then it is killed
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stop = sync.OnceFunc(func() {
		cancel()
		_ = cmd.Wait() // it was told to end
		_ = file.Close()
	})
	t.Cleanup(stop)
	return func() string {
		text, err := os.ReadFile(path)
		if err != nil {
			return err.Error()
		}
		return string(text[max(0, len(text)-4000):])
	}, stop
}

// await tries until there is no error. The limit only ends a test that would hang, and is
// far from what a slow machine needs.
func (s *apiServer) await(what string, try func() error) {
	s.t.Helper()
	err := try()
	for end := time.Now().Add(10 * time.Minute); err != nil && time.Now().Before(end); err = try() {
		time.Sleep(200 * time.Millisecond)
	}
	if err != nil {
		s.t.Fatalf("%s: %v", what, err)
	}
}

// reply is what the API server has answered.
type reply struct {
	code int
	text string
	// warning is what the API server warns of.
	warning string
}

func (r reply) object(t *testing.T) object {
	t.Helper()
	var o object
	if err := json.Unmarshal([]byte(r.text), &o); err != nil {
		t.Fatalf("%v: %s", err, r.text)
	}
	return o
}

// message is the reason of a refusal.
func (r reply) message() string {
	var status struct{ Message string }
	if json.Unmarshal([]byte(r.text), &status) != nil {
		return r.text
	}
	return status.Message
}

// do sends a request. The media type is that of the body, or of the answer to a GET.
func (s *apiServer) do(method, path, mediaType string, body any) reply {
	s.t.Helper()
	data, err := json.Marshal(body)
	if err != nil {
		s.t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(context.Background(), method, s.url+path, bytes.NewReader(data))
	if err != nil {
		s.t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+s.token)
	header := "Content-Type"
	if method == http.MethodGet && mediaType != "" {
		header = "Accept"
	}
	request.Header.Set(header, mediaType)
	response, err := s.client.Do(request)
	if err != nil {
		return reply{text: err.Error()}
	}
	text, err := io.ReadAll(response.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	if err := response.Body.Close(); err != nil {
		s.t.Fatal(err)
	}
	return reply{code: response.StatusCode, text: string(text), warning: strings.Join(response.Header.Values("Warning"), "\n")}
}

// path returns where the API server has an object, or "" when it does not know the
// kind.
func (s *apiServer) path(o object) string {
	s.t.Helper()
	version := text(o, "apiVersion")
	root := "/apis/" + version
	if !strings.Contains(version, "/") {
		root = "/api/" + version
	}
	var list struct {
		Resources []struct {
			Name, Kind string
			Namespaced bool
		}
	}
	if r := s.do(http.MethodGet, root, "", nil); r.code != http.StatusOK || json.Unmarshal([]byte(r.text), &list) != nil {
		return ""
	}
	for _, r := range list.Resources {
		if r.Kind != text(o, "kind") || strings.Contains(r.Name, "/") {
			continue
		}
		if r.Namespaced {
			root += "/namespaces/" + text(o, "metadata", "namespace")
		}
		return root + "/" + r.Name + "/" + text(o, "metadata", "name")
	}
	return ""
}

// apply applies an object on the server's side, without force: a field that
// belongs to somebody else is a conflict.
func (s *apiServer) apply(o object) reply {
	s.t.Helper()
	path := s.path(o)
	if path == "" {
		return reply{code: http.StatusNotFound, text: "unknown kind"}
	}
	return s.do(http.MethodPatch, path+"?fieldManager=flux", "application/apply-patch+yaml", o)
}

// mustApply applies objects that the server must take.
func (s *apiServer) mustApply(objects ...object) {
	s.t.Helper()
	for _, o := range objects {
		s.await("apply "+id(o), func() error { // CRDs need a moment
			if r := s.apply(o); r.code >= 300 {
				return fmt.Errorf("%d %s", r.code, r.message())
			}
			return nil
		})
	}
}

// text returns a string in an object, or "".
func text(o object, fields ...string) string {
	var value any = o
	for _, f := range fields {
		m, ok := value.(object)
		if !ok {
			return ""
		}
		value = m[f]
	}
	s, _ := value.(string) //nolint:errcheck // absent is ""
	return s
}

func id(o object) string {
	return text(o, "kind") + " " + text(o, "metadata", "namespace") + "/" + text(o, "metadata", "name")
}

// parse reads a stream; what has no namespace gets one.
func parse(t *testing.T, stream, namespace string) []object {
	t.Helper()
	var objects []object
	for _, document := range strings.Split("\n"+strings.TrimPrefix(stream, "---\n"), "\n---\n") {
		var o object
		if err := yaml.Unmarshal([]byte(document), &o); err != nil {
			t.Fatal(err)
		}
		metadata, ok := o["metadata"].(object)
		if !ok {
			continue // comments only
		}
		if metadata["namespace"] == nil {
			metadata["namespace"] = namespace
		}
		objects = append(objects, o)
	}
	return objects
}
