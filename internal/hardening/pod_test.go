package hardening

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/kustomize/kyaml/fn/framework"
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"fluxtrust.dev/flux-trust/internal/krm"
)

// strict is a container in which there is nothing to do, but for what a test adds.
const strict = `- name: manager
  image: registry.example.com/fluxcd/source-controller:v1.9.6
  securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}, readOnlyRootFilesystem: true, runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}
  volumeMounts: [{name: tmp, mountPath: /tmp}]
`

// strictOnOpenShift leaves to the platform what is the platform's.
const strictOnOpenShift = `- name: manager
  image: registry.example.com/fluxcd/source-controller:v1.9.6
  securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}, readOnlyRootFilesystem: true}
  volumeMounts: [{name: tmp, mountPath: /tmp}]
`

// TestPods: what depends on more than one field, so that it is no row of
// docs/hardening.md.
func TestPods(t *testing.T) {
	evaluator, err := NewEvaluator()
	if err != nil {
		t.Fatal(err)
	}
	const excepted = "profile: Restricted, exceptContainers: [proxy]"
	sidecar := func(securityContext string) string {
		return "- name: proxy\n  image: corp/proxy:1\n  securityContext: {" + securityContext + "}\n"
	}
	for name, tc := range map[string]struct {
		config, pod string
		// becomes are lines of the pod afterwards; with a ! those that must not be there.
		becomes []string
		// results are the beginning of the path below the pod, and a part of the message.
		results []string
	}{
		"a pod without anything to do": {"", "containers:\n" + strict, nil, nil},

		"an excepted container keeps what it had from the pod": {
			excepted, "securityContext: {runAsNonRoot: false, runAsUser: 0, seccompProfile: {type: Unconfined}}\ncontainers:\n" + strict + sidecar("privileged: true"),
			[]string{"securityContext: {privileged: true, runAsNonRoot: false, seccompProfile: {type: Unconfined}, runAsUser: 0}", "securityContext: {runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}"},
			[]string{
				".containers.[name=proxy].securityContext.runAsNonRoot taken over", ".containers.[name=proxy].securityContext.seccompProfile taken over",
				".containers.[name=proxy].securityContext.runAsUser taken over", ".securityContext.runAsNonRoot false replaced", ".securityContext.seccompProfile.type Unconfined replaced",
				".securityContext.runAsUser removed", "left alone by exceptContainers: proxy", "…",
			},
		},
		"and on OpenShift": {
			"profile: OpenShift, exceptContainers: [proxy]", "securityContext: {runAsUser: 5}\ncontainers:\n" + strictOnOpenShift + sidecar("privileged: true"),
			[]string{"securityContext: {privileged: true, runAsUser: 5}"},
			[]string{".securityContext.runAsUser removed: OpenShift sets it", ".containers.[name=proxy].securityContext.runAsUser taken over", "must not set securityContext.runAsUser: refused by the SCC", "…"},
		},
		"what the SCC refuses of an excepted container": {
			"profile: OpenShift, exceptContainers: [proxy]",
			"containers:\n" + strictOnOpenShift + sidecar("runAsUser: 1, seccompProfile: {type: Localhost, localhostProfile: a}, seLinuxOptions: {type: container_t}"),
			nil,
			[]string{"must not set securityContext.runAsUser", "must not set securityContext.seccompProfile.type=Localhost", "must not set securityContext.seLinuxOptions"},
		},
		"a sidecar may need more": {
			"", "containers:\n" + strict + sidecar(""),
			[]string{"runAsNonRoot: true"},
			[]string{".containers.[name=proxy].securityContext hardened as well", "…"},
		},

		"a securityContext that is empty then goes": {
			"", "securityContext: {runAsUser: 0}\ncontainers:\n" + strict, []string{"!securityContext: {}"}, []string{".securityContext.runAsUser removed"},
		},
		"one that was empty stays": {"", "securityContext: {}\ncontainers:\n" + strict, []string{"securityContext: {}"}, nil},
		"a group alone goes with its securityContext": {
			"", "securityContext: {runAsGroup: 5}\ncontainers:\n" + strict, []string{"!runAsGroup", "!securityContext: {}"}, []string{".securityContext.runAsGroup removed"},
		},
		"and on OpenShift it goes, too": {
			"profile: OpenShift", "securityContext: {seccompProfile: {type: RuntimeDefault}}\ncontainers:\n" + strictOnOpenShift,
			[]string{"!securityContext: {}"},
			[]string{".securityContext.seccompProfile removed"},
		},
		"a profile of the node goes with its type": {
			"", "securityContext: {seccompProfile: {type: Unconfined, localhostProfile: a.json}}\ncontainers:\n" + strict, []string{"!localhostProfile"}, []string{".securityContext.seccompProfile.type Unconfined replaced"},
		},
		"all in small letters": {
			"", "containers:\n" + strings.Replace(strict, "[ALL]", "[all]", 1), []string{"drop: [ALL]"}, []string{`.containers.[name=manager].securityContext.capabilities.drop[0] "all" is not ALL`},
		},
		"a /tmp for each container": {
			"", "containers:\n" + strings.Replace(strict, "mountPath: /tmp", "mountPath: /data", 1) + sidecar("runAsNonRoot: true"),
			[]string{"- name: flux-trust-tmp-manager", "  emptyDir: {}"},
			[]string{".containers.[name=manager].volumeMounts.[name=flux-trust-tmp-manager] emptyDir mounted", "…"},
		},
		"every SELinux type that the standard allows": {
			"", "initContainers:\n" + each(strict, "runAsNonRoot: true", "runAsNonRoot: true, seLinuxOptions: {type: %s}", "container_init_t", "container_kvm_t", "container_engine_t") + "containers:\n" + strict,
			[]string{"container_init_t", "container_kvm_t", "container_engine_t"},
			nil,
		},

		"the ports that hostNetwork brings": {
			"", "hostNetwork: true\ncontainers:\n" + strict + "  ports: [{containerPort: 80}]\n", nil,
			[]string{".hostNetwork host namespaces", ".hostNetwork hostPort"},
		},
		"the one sysctl that is refused": {
			"", "securityContext:\n  sysctls:\n" + each("  - {name: NAME, value: '1'}\n", "NAME", "%s",
				"kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.ip_unprivileged_port_start", "net.ipv4.tcp_syncookies", "net.ipv4.ping_group_range",
				"net.ipv4.ip_local_reserved_ports", "net.ipv4.tcp_keepalive_time", "net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_keepalive_intvl", "net.ipv4.tcp_keepalive_probes",
				"net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem", "kernel.msgmax") + "containers:\n" + strict, nil,
			[]string{".securityContext.sysctls.[name=kernel.msgmax] forbidden sysctls"},
		},
		"the one volume that is refused": {
			"", "volumes:\n" + each("- {name: v, TYPE: {}}\n", "TYPE", "%s", "configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "image", "persistentVolumeClaim", "projected", "secret") +
				"- {name: tmp, hostPath: {path: /tmp}}\ncontainers:\n" + strict, nil,
			[]string{".volumes.[name=tmp].hostPath restricted volume types"},
		},
		"a host in a probe of an init container": {
			"", "initContainers:\n" + strings.Replace(strict, "manager", "init", 1) + "  startupProbe: {httpGet: {host: 10.0.0.1, port: 80}}\ncontainers:\n" + strict, nil,
			[]string{".initContainers.[name=init].startupProbe.httpGet.host probe or lifecycle host"},
		},
		"a host in a readiness probe": {
			"", "containers:\n" + strict + "  readinessProbe: {tcpSocket: {host: 10.0.0.1, port: 80}}\n", nil,
			[]string{".containers.[name=manager].readinessProbe.tcpSocket.host probe or lifecycle host"},
		},

		"a name in the wrong case hides nothing": {
			"", "hostNetwork: true\nhostnetwork: false\ncontainers:\n" + strict, nil,
			[]string{".hostnetwork Kubernetes v1.37 has no such field", ".hostNetwork host namespaces"},
		},

		"no user namespace beside hostNetwork": {"extras: {hostUsers: false}", "hostNetwork: true\ncontainers:\n" + strict, []string{"!hostUsers"}, []string{".hostUsers not set: it is not possible together with hostNetwork", ".hostNetwork"}},
		"nor beside hostPID":                   {"extras: {hostUsers: false}", "hostPID: true\ncontainers:\n" + strict, []string{"!hostUsers"}, []string{".hostUsers not set: it is not possible together with hostPID", ".hostPID"}},
		"nor beside hostIPC":                   {"extras: {hostUsers: false}", "hostIPC: true\ncontainers:\n" + strict, []string{"!hostUsers"}, []string{".hostUsers not set: it is not possible together with hostIPC", ".hostIPC"}},
		"a group that somebody has chosen": {
			"extras: {runAsUser: Image}", "containers:\n" + strings.Replace(strict, "runAsNonRoot: true", "runAsNonRoot: true, runAsUser: 7, runAsGroup: 7", 1), []string{"!65534"}, nil,
		},
		"an excepted controller gets no user": {
			"exceptContainers: [manager], extras: {runAsUser: Image}", "containers:\n" + strict, []string{"!runAsUser"}, nil,
		},
		"the user of an image that nobody knows": {
			"extras: {runAsUser: Image}", "containers:\n" + strings.Replace(strict, "fluxcd/source-controller", "fork", 1),
			[]string{"!runAsUser"},
			[]string{".containers.[name=manager].securityContext.runAsUser not set: the user of the image registry.example.com/fork:v1.9.6 is not known"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			deployment := inDeployment(t, tc.pod, "")
			got := harden(configOf(t, tc.config), deployment, evaluator)
			if got.err != nil {
				t.Fatal(got.err)
			}
			after := podOf(t, got.deployment)
			for _, line := range tc.becomes {
				want := !strings.HasPrefix(line, "!")
				if strings.Contains(after, strings.TrimPrefix(line, "!")) != want {
					t.Errorf("in the pod there is %q: %t\n%s", line, !want, after)
				}
			}
			if got.changed != (got.deployment.MustString() != deployment.MustString()) {
				t.Errorf("changed is %t\n%s", got.changed, after)
			}
			checkResults(t, got.results, tc.results)
		})
	}

	t.Run("an annotation of AppArmor stays", func(t *testing.T) {
		deployment := inDeployment(t, "containers:\n"+strict, "metadata: {annotations: {container.apparmor.security.beta.kubernetes.io/manager: runtime/default}}")
		got := harden(configOf(t, "extras: {appArmorProfile: RuntimeDefault}"), deployment, evaluator)
		if got.err != nil || got.changed {
			t.Errorf("changed: %t, %v", got.changed, got.err)
		}
		checkResults(t, got.results, []string{".securityContext.appArmorProfile not set: the annotation"})
	})
}

// TestValidate: where nothing is to be changed, what is left is an error, too.
func TestValidate(t *testing.T) {
	evaluator, err := NewEvaluator()
	if err != nil {
		t.Fatal(err)
	}
	deployment := inDeployment(t, "hostPID: true\ncontainers:\n"+strings.Replace(strict, "[ALL]", "[all]", 1), "")
	var results framework.Results
	root := krm.Field{Node: deployment.YNode()}
	report := krm.Report{Results: &results, Validate: true}.Of(root, nil)
	p := &Pod{Editor: &krm.Editor{Differs: report.Differs}, Report: report, Config: configOf(t, ""), Controllers: []int{0}}
	if p.Template, err = root.AtE("spec", "template"); err != nil {
		t.Fatal(err)
	}
	if p.Spec, err = p.Template.GetE("spec"); err != nil {
		t.Fatal(err)
	}
	if err := p.Harden(); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Judge(evaluator); err != nil {
		t.Fatal(err)
	}
	checkResults(t, results, []string{".containers.[name=manager].securityContext.capabilities.drop[0] is all; must be ALL", ".hostPID host namespaces (hostPID=true): refused by Pod Security"})
	for _, r := range results {
		if r.Severity != framework.Error {
			t.Errorf("no error: %s", r)
		}
	}
}

// checkResults wants each result once, and no other unless … says so.
func checkResults(t *testing.T, results framework.Results, want []string) {
	t.Helper()
	var got []string
	for _, r := range results {
		got = append(got, strings.TrimPrefix(r.Field.Path, "spec.template.spec")+" "+r.Message)
	}
	rest := slices.Clone(got)
	more := slices.Contains(want, "…")
	for _, w := range slices.DeleteFunc(want, func(w string) bool { return w == "…" }) {
		i := slices.IndexFunc(rest, func(g string) bool {
			return strings.HasPrefix(g, w) || !strings.HasPrefix(w, ".") && strings.Contains(g, w)
		})
		if i < 0 {
			t.Errorf("no result %q in\n%s", w, strings.Join(got, "\n"))
			continue
		}
		rest = slices.Delete(rest, i, i+1)
	}
	if len(rest) > 0 && !more {
		t.Errorf("nobody expects\n%s", strings.Join(rest, "\n"))
	}
}

// each repeats a text with different values in one place of it.
func each(text, place, format string, values ...string) string {
	var out strings.Builder
	for i, v := range values {
		one := strings.Replace(text, place, fmt.Sprintf(format, v), 1)
		one = strings.Replace(one, "name: v,", fmt.Sprintf("name: v%d,", i), 1)
		out.WriteString(strings.Replace(one, "name: manager", fmt.Sprintf("name: c%d", i), 1))
	}
	return out.String()
}

// inDeployment puts a pod into a Deployment, with more fields of the pod template.
func inDeployment(t *testing.T, pod, template string) *yaml.RNode {
	t.Helper()
	text := "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: source-controller}\nspec:\n  template:\n    " + template + "\n    spec:\n      " +
		strings.ReplaceAll(strings.TrimSpace(pod), "\n", "\n      ") + "\n"
	node, err := yaml.Parse(text)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return node
}

func podOf(t *testing.T, deployment *yaml.RNode) string {
	t.Helper()
	pod, err := deployment.Pipe(yaml.Lookup("spec", "template", "spec"))
	if err != nil {
		t.Fatal(err)
	}
	return pod.MustString()
}
