//go:build linux

package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
)

// node runs the pods of a controller of Flux, as the kubelet does, with what the API
// server has stored: in containers where a Docker engine answers, else as processes
// that are told other paths.
type node struct {
	s       *apiServer
	program string
	name    string // of the Deployment
	image   string // "" means processes
	public  authority
	account string // folder with what a service account has, and a kubeconfig
	// outside are all arguments that differ from those of the Deployment, because
	// this is not a cluster: addresses on which nobody else listens. The last value
	// of a flag counts. A process is told the place of its files besides, and elects
	// no leader, which needs the namespace of a service account.
	outside []string
}

// in returns the node for a subtest.
func (n *node) in(t *testing.T) *node {
	t.Helper()
	server, copied := *n.s, *n
	server.t, copied.s = t, &server
	return &copied
}

// variableOf names the environment variable with the path of a controller.
func variableOf(controller string) string {
	return strings.ToUpper(strings.NewReplacer("-", "_", ".", "_").Replace(controller))
}

func newNode(t *testing.T, s *apiServer, name string, public authority, outside ...string) *node {
	t.Helper()
	dir := t.TempDir()
	n := &node{s: s, name: name, program: program(t, variableOf(name)), public: public, outside: outside, account: filepath.Join(dir, "account")}
	for file, text := range map[string]string{
		"token": s.token, "ca.crt": read(t, s.ca), "namespace": "flux-system",
		"kubeconfig": fmt.Sprintf("apiVersion: v1\nkind: Config\ncurrent-context: e2e\ncontexts: [{name: e2e, context: {cluster: e2e, user: e2e}}]\n"+
			"clusters: [{name: e2e, cluster: {server: %q, certificate-authority: ca.crt}}]\nusers: [{name: e2e, user: {tokenFile: token}}]\n", s.url),
	} {
		if err := os.MkdirAll(n.account, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(n.account, file), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := exec.Command("docker", "info").Run(); err != nil {
		t.Logf("SKIPPED: %s in containers, because no Docker engine answers (docker info: %v); it runs as a process", name, err)
		return n
	}
	roots := filepath.Join(dir, "roots.crt")
	write(t, roots, public.pem())
	n.image = fmt.Sprintf("flux-trust-e2e/%s:%d", name, os.Getpid())
	if got := run(t, ".", "../hack/controller-image.sh", n.program, roots, n.image); got.code != 0 {
		t.Fatal(got.stderr)
	}
	t.Cleanup(func() { run(t, ".", "docker", "rmi", n.image) })
	return n
}

// stored reads an object from the API server.
func (n *node) stored(path string, into any) {
	n.s.t.Helper()
	r := n.s.do(http.MethodGet, path, "", nil)
	if err := json.Unmarshal([]byte(r.text), into); err != nil || r.code != http.StatusOK {
		n.s.t.Fatalf("%s: %d %s %v", path, r.code, r.text, err)
	}
}

func (n *node) deployment() *appsv1.Deployment {
	n.s.t.Helper()
	var d appsv1.Deployment
	n.stored("/apis/apps/v1/namespaces/flux-system/deployments/"+n.name, &d)
	return &d
}

// running is a pod that runs.
type running struct {
	n    *node
	m    *machine
	log  func() string
	stop func()
}

// start runs the init containers of the pod and starts its controller, which ends
// with the test at the latest.
func (n *node) start(t *testing.T) *running {
	t.Helper()
	n = n.in(t)
	p := &running{n: n, m: newMachine(t, n.deployment(), n.public.pem())}
	host, port, _ := strings.Cut(strings.TrimPrefix(n.s.url, "https://"), ":")
	p.m.apiServer, p.m.secret = host, n.secret
	p.sync()
	c := p.m.controller()
	args := append(p.m.args(c), n.outside...)
	if n.image == "" {
		p.m.initialize()
		env := append(p.m.environment(), "KUBECONFIG="+filepath.Join(n.account, "kubeconfig"), "TMPDIR="+t.TempDir())
		p.log, p.stop = spawn(t, env, n.program, append(args, "--storage-path="+p.m.volume("data"), "--enable-leader-election=false")...)
		return p
	}
	for _, c := range p.m.pod.InitContainers {
		flags := append(n.flags(p.m, c), "--entrypoint", c.Command[0], n.image)
		if got := run(t, ".", "docker", append(flags, c.Command[1:]...)...); got.code != 0 {
			t.Fatalf("%s: exit code %d\n%s", c.Name, got.code, got.stderr)
		}
	}
	flags := append(n.flags(p.m, c), "-v", n.account+":/var/run/secrets/kubernetes.io/serviceaccount:ro",
		"-e", "KUBERNETES_SERVICE_HOST="+host, "-e", "KUBERNETES_SERVICE_PORT="+port, n.image)
	p.log, p.stop = spawn(t, os.Environ(), "docker", append(flags, args...)...)
	return p
}

// secret returns the value of a key of a Secret beside the controller.
func (n *node) secret(name, key string) string {
	n.s.t.Helper()
	var secret corev1.Secret
	n.stored("/api/v1/namespaces/flux-system/secrets/"+name, &secret)
	value, ok := secret.Data[key]
	if !ok {
		n.s.t.Fatalf("the Secret %s has no key %s", name, key)
	}
	return string(value)
}

// sync gives the pod the ConfigMap as it is now.
func (p *running) sync() {
	p.n.s.t.Helper()
	var c corev1.ConfigMap
	p.n.stored("/api/v1/namespaces/flux-system/configmaps/"+bundleName, &c)
	p.m.publish(c.Name, c.Data)
}

// flags are those of docker for a container of the pod.
func (n *node) flags(m *machine, c corev1.Container) []string {
	// The network is that of this machine, whose servers listen on 127.0.0.1.
	flags := []string{"run", "--rm", "--network", "host"}
	for _, mount := range c.VolumeMounts {
		flag := filepath.Join(m.volume(mount.Name), mount.SubPath) + ":" + mount.MountPath
		if mount.ReadOnly {
			flag += ":ro"
		}
		flags = append(flags, "-v", flag)
	}
	for name, value := range m.env(c) {
		flags = append(flags, "-e", name+"="+value)
	}
	if group := m.pod.SecurityContext.FSGroup; group != nil {
		flags = append(flags, "--group-add", fmt.Sprint(*group))
	}
	s := c.SecurityContext
	for _, capability := range s.Capabilities.Drop {
		flags = append(flags, "--cap-drop", string(capability))
	}
	if *s.ReadOnlyRootFilesystem {
		flags = append(flags, "--read-only")
	}
	if !*s.AllowPrivilegeEscalation {
		flags = append(flags, "--security-opt", "no-new-privileges")
	}
	return flags
}
