package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
)

// machine is a node for one pod: it lays out the volumes as the kubelet does, and a
// root file system per container.
type machine struct {
	t          *testing.T
	dir        string
	namespace  string
	pod        corev1.PodSpec
	public     string // the public roots of the image
	generation int    // of the volumes
	// apiServer is the host of the API server, secret returns the value of a key of a
	// Secret in the namespace.
	apiServer string
	secret    func(name, key string) string
}

func newMachine(t *testing.T, d *appsv1.Deployment, public string) *machine {
	t.Helper()
	m := &machine{t: t, dir: t.TempDir(), namespace: d.Namespace, pod: d.Spec.Template.Spec, public: public, apiServer: "127.0.0.1"}
	for _, v := range m.pod.Volumes {
		m.mkdir(m.volume(v.Name))
		if v.EmptyDir != nil {
			if err := os.Chmod(m.volume(v.Name), 0o777); err != nil {
				t.Fatal(err)
			}
		}
	}
	return m
}

func (m *machine) volume(name string) string { return filepath.Join(m.dir, "volumes", name) }

// publish writes a ConfigMap into the volumes that name it, at the start of the pod
// and when it changes: ca.crt -> ..data/ca.crt, ..data -> ..1, in one step.
func (m *machine) publish(configMap string, data map[string]string) {
	m.t.Helper()
	m.generation++
	for _, v := range m.pod.Volumes {
		if v.Projected == nil {
			continue
		}
		dir, generation := m.volume(v.Name), ".."+strconv.Itoa(m.generation)
		m.mkdir(filepath.Join(dir, generation))
		for _, s := range v.Projected.Sources {
			if s.ConfigMap == nil || s.ConfigMap.Name != configMap || len(s.ConfigMap.Items) == 0 {
				m.t.Fatalf("volume %s: %+v is not made of keys of the ConfigMap %s", v.Name, s, configMap)
			}
			for _, item := range s.ConfigMap.Items {
				text, ok := data[item.Key]
				if !ok {
					m.t.Fatalf("the ConfigMap %s has no key %s", configMap, item.Key)
				}
				m.write(filepath.Join(dir, generation, item.Path), text)
				if m.generation == 1 {
					m.link(filepath.Join("..data", item.Path), filepath.Join(dir, item.Path))
				}
			}
		}
		m.link(generation, filepath.Join(dir, "..data_tmp"))
		if err := os.Rename(filepath.Join(dir, "..data_tmp"), filepath.Join(dir, "..data")); err != nil {
			m.t.Fatal(err)
		}
	}
}

// root returns the root file system of a container.
func (m *machine) root(c corev1.Container) string {
	root := filepath.Join(m.dir, "containers", c.Name)
	m.mkdir(filepath.Join(root, "etc/ssl/certs"))
	m.write(filepath.Join(root, "etc/ssl/certs/ca-certificates.crt"), m.public)
	for _, mount := range c.VolumeMounts {
		at := filepath.Join(root, mount.MountPath)
		m.mkdir(filepath.Dir(at))
		m.link(filepath.Join(m.volume(mount.Name), mount.SubPath), at)
	}
	return root
}

// initialize runs the init containers, as processes.
func (m *machine) initialize() {
	m.t.Helper()
	for _, c := range m.pod.InitContainers {
		root := m.root(c)
		script := strings.ReplaceAll(c.Command[len(c.Command)-1], " /", " "+root+"/")
		cmd := exec.Command(c.Command[0], append(c.Command[1:len(c.Command)-1:len(c.Command)-1], script)...)
		cmd.Env = []string{"PATH=" + m.tools()}
		if out, err := cmd.CombinedOutput(); err != nil {
			m.t.Fatalf("%s: %v\n%s", c.Name, err, out)
		}
	}
}

// env returns the env of a container with its values.
func (m *machine) env(c corev1.Container) map[string]string {
	m.t.Helper()
	env := map[string]string{}
	for _, e := range c.Env {
		switch from := e.ValueFrom; {
		case from == nil:
			// As the kubelet fills it in.
			env[e.Name] = strings.ReplaceAll(e.Value, "$(KUBERNETES_SERVICE_HOST)", m.apiServer)
		case from.FieldRef != nil && from.FieldRef.FieldPath == "metadata.namespace":
			env[e.Name] = m.namespace
		case from.ResourceFieldRef != nil && from.ResourceFieldRef.Resource == "limits.memory":
			env[e.Name] = strconv.FormatInt(c.Resources.Limits.Memory().Value(), 10)
		case from.SecretKeyRef != nil && m.secret != nil:
			env[e.Name] = m.secret(from.SecretKeyRef.Name, from.SecretKeyRef.Key)
		default:
			m.t.Fatalf("%s: env %s: the test does not know %+v", c.Name, e.Name, from)
		}
	}
	return env
}

// args returns the arguments of a container, with the env that they name.
func (m *machine) args(c corev1.Container) []string {
	m.t.Helper()
	args := slices.Clone(c.Args)
	for name, value := range m.env(c) {
		for i := range args {
			args[i] = strings.ReplaceAll(args[i], "$("+name+")", value)
		}
	}
	return args
}

// controller is the container of Flux.
func (m *machine) controller() corev1.Container {
	m.t.Helper()
	i := slices.IndexFunc(m.pod.Containers, func(c corev1.Container) bool { return c.Name == "manager" })
	if i < 0 {
		m.t.Fatal("the pod has no container manager")
	}
	return m.pod.Containers[i]
}

// environment returns the env of the controller as a process that sees the root
// file system of its container, not that of this machine.
func (m *machine) environment() []string {
	m.t.Helper()
	root, env := m.root(m.controller()), m.env(m.controller())
	// What Go and git look for in the image, unless they are told otherwise.
	for name, value := range map[string]string{
		"SSL_CERT_FILE":  "/etc/ssl/certs/ca-certificates.crt",
		"SSL_CERT_DIR":   "/etc/ssl/certs",
		"GIT_SSL_CAINFO": "/etc/ssl/certs/ca-certificates.crt",
	} {
		if v, ok := env[name]; ok {
			value = v
		}
		paths := strings.Split(value, ":")
		for i, path := range paths {
			if path != os.DevNull {
				paths[i] = filepath.Join(root, path)
			}
		}
		env[name] = strings.Join(paths, ":")
	}
	var list []string
	for name, value := range env {
		list = append(list, fmt.Sprintf("%s=%s", name, value))
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

// mkdir and write make what the user of an image can read.
func (m *machine) mkdir(dir string) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		m.t.Fatal(err)
	}
}

func (m *machine) write(file, text string) {
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		m.t.Fatal(err)
	}
}

func (m *machine) link(to, from string) {
	if err := os.Symlink(to, from); err != nil {
		m.t.Fatal(err)
	}
}
