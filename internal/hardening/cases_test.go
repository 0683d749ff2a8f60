package hardening

import "strings"

// anyRule marks cases that are about what no rule may do.
const anyRule = "*"

// podCase is a pod before and after.
type podCase struct {
	// rule that the case is about, anyRule or "".
	name, rule string
	// config is what stands in securityContext, pod the spec.
	config, pod string
	// becomes are lines of the pod afterwards; with a ! those that must not be there.
	becomes []string
	// results are the beginning of the path below the pod, and a part of the message;
	// … stands for any others.
	results []string
}

// podCases are about what depends on more than one field, so that it is not a row of
// docs/hardening.md.
func podCases() []podCase {
	const excepted = "profile: Restricted, exceptContainers: [proxy]"
	sidecar := func(securityContext string) string {
		return "- name: proxy\n  image: corp/proxy:1\n  securityContext: {" + securityContext + "}\n"
	}
	return []podCase{
		{"a pod without anything to do", anyRule, "", "volumes: [{name: tmp, emptyDir: {}}]\ncontainers:\n" + strict, nil, nil},
		{
			"an excepted container keeps what it had from the pod", "runAsNonRoot", excepted, "securityContext: {runAsNonRoot: false, runAsUser: 0, seccompProfile: {type: Unconfined}}\ncontainers:\n" + strict + sidecar("privileged: true"),
			[]string{"securityContext: {privileged: true, runAsNonRoot: false, seccompProfile: {type: Unconfined}, runAsUser: 0}", "securityContext: {runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}"},
			[]string{
				".containers.[name=proxy].securityContext.runAsNonRoot taken over", ".containers.[name=proxy].securityContext.seccompProfile taken over",
				".containers.[name=proxy].securityContext.runAsUser taken over", ".securityContext.runAsNonRoot false replaced", ".securityContext.seccompProfile.type Unconfined replaced",
				".securityContext.runAsUser removed", "left alone by exceptContainers: proxy", "…",
			},
		},
		{
			"and on OpenShift", "platform", "profile: OpenShift, exceptContainers: [proxy]", "securityContext: {runAsUser: 5}\ncontainers:\n" + strictOnOpenShift + sidecar("privileged: true"),
			[]string{"securityContext: {privileged: true, runAsUser: 5}"},
			[]string{".securityContext.runAsUser removed: OpenShift sets it", ".containers.[name=proxy].securityContext.runAsUser taken over", "must not set securityContext.runAsUser: refused by the SCC", "…"},
		},
		{
			"what the SCC refuses of an excepted container", "platform", "profile: OpenShift, exceptContainers: [proxy]",
			"containers:\n" + strictOnOpenShift + sidecar("runAsUser: 1, seccompProfile: {type: Localhost, localhostProfile: a}, seLinuxOptions: {type: container_t}"),
			nil,
			[]string{"must not set securityContext.runAsUser", "must not set securityContext.seccompProfile.type=Localhost", "must not set securityContext.seLinuxOptions"},
		},
		{
			"an excepted init container is named", "privileged", "exceptContainers: [proxy]", "initContainers:\n" + sidecar("privileged: true") + "containers:\n" + strict,
			[]string{"privileged: true"},
			[]string{"privileged (container \"proxy\" must not set securityContext.privileged=true): refused by Pod Security restricted:v1.37; left as it is, because the pod may need it (left alone by exceptContainers: proxy)", "…"},
		},
		{
			"a sidecar may need more", "runAsNonRoot", "", "containers:\n" + strict + sidecar(""),
			[]string{"runAsNonRoot: true"},
			[]string{".containers.[name=proxy].securityContext hardened as well", "…"},
		},
		{"a securityContext that is empty then goes", "runAsUser", "", "securityContext: {runAsUser: 0}\ncontainers:\n" + strict, []string{"!securityContext: {}"}, []string{".securityContext.runAsUser removed"}},
		{"one that was empty stays", "", "", "securityContext: {}\ncontainers:\n" + strict, []string{"securityContext: {}"}, nil},
		{"a group alone goes with its securityContext", "runAsGroup", "", "securityContext: {runAsGroup: 5}\ncontainers:\n" + strict, []string{"!runAsGroup", "!securityContext: {}"}, []string{".securityContext.runAsGroup removed"}},
		{
			"and on OpenShift it goes, too", "platform", "profile: OpenShift", "securityContext: {seccompProfile: {type: RuntimeDefault}}\ncontainers:\n" + strictOnOpenShift,
			[]string{"!securityContext: {}"},
			[]string{".securityContext.seccompProfile removed"},
		},
		{"a profile of the node goes with its type", "seccompProfile_restricted", "", "securityContext: {seccompProfile: {type: Unconfined, localhostProfile: a.json}}\ncontainers:\n" + strict, []string{"!localhostProfile"}, []string{".securityContext.seccompProfile.type Unconfined replaced"}},
		{"all in small letters", "capabilities_restricted", "", "containers:\n" + strings.Replace(strict, "[ALL]", "[all]", 1), []string{"drop: [ALL]"}, []string{`.containers.[name=manager].securityContext.capabilities.drop[0] "all" is not ALL`}},
		{
			"a /tmp for each container", "writableTmp", "", "containers:\n" + strings.Replace(strict, "mountPath: /tmp", "mountPath: /data", 1) + sidecar("runAsNonRoot: true"),
			[]string{"- name: flux-trust-tmp-manager", "  emptyDir: {}"},
			[]string{".containers.[name=manager].volumeMounts.[name=flux-trust-tmp-manager] emptyDir mounted", "…"},
		},
		{
			"every SELinux type that the standard allows", "seLinuxOptions", "", "initContainers:\n" + each(strict, "runAsNonRoot: true", "runAsNonRoot: true, seLinuxOptions: {type: %s}", "container_init_t", "container_kvm_t", "container_engine_t") + "containers:\n" + strict,
			[]string{"container_init_t", "container_kvm_t", "container_engine_t"},
			nil,
		},
		{
			"the ports that hostNetwork brings", "hostPorts", "", "hostNetwork: true\ncontainers:\n" + strict + "  ports: [{containerPort: 80}]\n", nil,
			[]string{".hostNetwork host namespaces", ".hostNetwork hostPort"},
		},
		{
			"the one sysctl that is refused", "sysctls", "", "securityContext:\n  sysctls:\n" + each("  - {name: NAME, value: '1'}\n", "NAME", "%s",
				"kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.ip_unprivileged_port_start", "net.ipv4.tcp_syncookies", "net.ipv4.ping_group_range",
				"net.ipv4.ip_local_reserved_ports", "net.ipv4.tcp_keepalive_time", "net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_keepalive_intvl", "net.ipv4.tcp_keepalive_probes",
				"net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem", "kernel.msgmax") + "containers:\n" + strict, nil,
			[]string{".securityContext.sysctls.[name=kernel.msgmax] forbidden sysctls"},
		},
		{
			"the one volume that is refused", "restrictedVolumes", "", "volumes:\n" + each("- {name: v, TYPE: {}}\n", "TYPE", "%s", "configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "image", "persistentVolumeClaim", "projected", "secret") +
				"- {name: tmp, hostPath: {path: /tmp}}\ncontainers:\n" + strict, nil,
			[]string{".volumes.[name=tmp].hostPath restricted volume types"},
		},
		{
			"a host in a probe of an init container", "hostProbesAndHostLifecycle", "", "initContainers:\n" + strings.Replace(strict, "manager", "init", 1) + "  startupProbe: {httpGet: {host: 10.0.0.1, port: 80}}\ncontainers:\n" + strict, nil,
			[]string{".initContainers.[name=init].startupProbe.httpGet.host probe or lifecycle host"},
		},
		{
			"a host in a readiness probe", "hostProbesAndHostLifecycle", "", "containers:\n" + strict + "  readinessProbe: {tcpSocket: {host: 10.0.0.1, port: 80}}\n", nil,
			[]string{".containers.[name=manager].readinessProbe.tcpSocket.host probe or lifecycle host"},
		},
		{
			"a name in the wrong case hides nothing", "hostNamespaces", "", "hostNetwork: true\nhostnetwork: false\ncontainers:\n" + strict, nil,
			[]string{".hostnetwork Kubernetes v1.37 has no such field", ".hostNetwork host namespaces"},
		},
		{"no user namespace beside hostNetwork", "extras.hostUsers", "extras: {hostUsers: false}", "hostNetwork: true\ncontainers:\n" + strict, []string{"!hostUsers"}, []string{".hostUsers not set: it is not possible together with hostNetwork", ".hostNetwork"}},
		{"nor beside hostPID", "extras.hostUsers", "extras: {hostUsers: false}", "hostPID: true\ncontainers:\n" + strict, []string{"!hostUsers"}, []string{".hostUsers not set: it is not possible together with hostPID", ".hostPID"}},
		{"nor beside hostIPC", "extras.hostUsers", "extras: {hostUsers: false}", "hostIPC: true\ncontainers:\n" + strict, []string{"!hostUsers"}, []string{".hostUsers not set: it is not possible together with hostIPC", ".hostIPC"}},
		{"a group that somebody has chosen", "extras.runAsUser", "extras: {runAsUser: Image}", "containers:\n" + strings.Replace(strict, "runAsNonRoot: true", "runAsNonRoot: true, runAsUser: 7, runAsGroup: 7", 1), []string{"!65534"}, nil},
		{"an excepted controller gets no user", "extras.runAsUser", "exceptContainers: [manager], extras: {runAsUser: Image}", "containers:\n" + strict, []string{"!runAsUser"}, nil},
		{
			"the user of an image that nobody knows", "extras.runAsUser", "extras: {runAsUser: Image}", "containers:\n" + strings.Replace(strict, "fluxcd/source-controller", "fork", 1),
			[]string{"!runAsUser"},
			[]string{".containers.[name=manager].securityContext.runAsUser not set: the user of the image registry.example.com/fork:v1.9.6 is not known"},
		},

		{
			"nor does a merge key", "hostNamespaces", "", "<<: {hostPID: y}\ncontainers:\n" + strict,
			[]string{"hostPID: y"},
			[]string{".hostPID host namespaces (hostPID=true)"},
		},

		{
			"a pod of Windows gets what Kubernetes allows there", anyRule, "extras: {runAsUser: Image, hostUsers: false, appArmorProfile: RuntimeDefault, supplementalGroupsPolicy: Strict, enableServiceLinks: false, emptyDirSizeLimit: 1Gi}",
			"os: {name: windows}\ninitContainers:\n- name: init\n  image: corp/init:1\ncontainers:\n- name: manager\n  image: corp/fluxcd/source-controller:v1.9.6\nvolumes: [{name: tmp, emptyDir: {}}]",
			[]string{
				"os: {name: windows}\ninitContainers:\n- name: init\n  image: corp/init:1\n  securityContext:\n    runAsNonRoot: true\n" +
					"containers:\n- name: manager\n  image: corp/fluxcd/source-controller:v1.9.6\n  securityContext:\n    runAsNonRoot: true\n" +
					"volumes: [{name: tmp, emptyDir: {sizeLimit: 1Gi}}]\nenableServiceLinks: false\n",
			},
			[]string{
				".initContainers.[name=init].securityContext.runAsNonRoot set to true", ".initContainers.[name=init].securityContext hardened as well",
				".containers.[name=manager].securityContext.runAsNonRoot set to true", ".enableServiceLinks set to false", ".volumes.[name=tmp].emptyDir.sizeLimit set to 1Gi",
			},
		},
		{
			"on OpenShift, too", anyRule, "profile: OpenShift", "os: {name: windows}\ncontainers:\n- name: manager\n  image: corp/m:1\n  securityContext: {runAsNonRoot: true}",
			[]string{"runAsNonRoot: true"},
			nil,
		},
		{
			"what Kubernetes forbids of Windows is reported", anyRule, "",
			"os: {name: windows}\nhostPID: true\nhostIPC: false\nhostUsers: false\nshareProcessNamespace: false\ninitContainers:\n- name: init\n  image: corp/i:1\n  securityContext: {runAsNonRoot: true, runAsUser: 1}\n" +
				"securityContext: {runAsNonRoot: true, runAsUser: 0, runAsGroup: 0, fsGroup: 1, sysctls: [], seccompProfile: {type: Unconfined}, appArmorProfile: {type: Unconfined}, seLinuxOptions: {type: spc_t}}\n" +
				"containers:\n- name: manager\n  image: corp/m:1\n  securityContext: {privileged: true, procMount: Unmasked, capabilities: {add: [CHOWN]}, allowPrivilegeEscalation: true, readOnlyRootFilesystem: false}",
			[]string{"privileged: true, procMount: Unmasked, capabilities: {add: [CHOWN]}", "seccompProfile: {type: Unconfined}, appArmorProfile: {type: Unconfined}, seLinuxOptions: {type: spc_t}"},
			[]string{
				".securityContext.runAsUser securityContext.runAsUser cannot be set for a windows pod: refused by Kubernetes; remove it",
				".securityContext.runAsGroup", ".securityContext.fsGroup", ".securityContext.seccompProfile", ".securityContext.appArmorProfile", ".securityContext.seLinuxOptions",
				".hostUsers", ".hostPID hostPID cannot", ".shareProcessNamespace", ".initContainers.[name=init].securityContext.runAsUser initContainers.[name=init].securityContext.runAsUser cannot", ".containers.[name=manager].securityContext.privileged", ".containers.[name=manager].securityContext.procMount",
				".containers.[name=manager].securityContext.capabilities", ".containers.[name=manager].securityContext.allowPrivilegeEscalation", ".containers.[name=manager].securityContext.readOnlyRootFilesystem",
				" privileged (container", "…",
			},
		},
		{
			"nor the other namespace of the host", "hostNamespaces", "", "os: {name: windows}\nhostPID: false\nhostIPC: true\ncontainers:\n- name: manager\n  image: corp/m:1\n  securityContext: {runAsNonRoot: true}\n", nil,
			[]string{".hostIPC hostIPC cannot be set for a windows pod", ".hostIPC host namespaces (hostIPC=true)"},
		},
		{
			"nor does a group go there", "runAsGroup", "", "os: {name: windows}\nsecurityContext: {runAsNonRoot: true, runAsGroup: 5}\ncontainers:\n- name: manager\n  image: corp/m:1\n",
			[]string{"runAsGroup: 5"},
			[]string{".securityContext.runAsGroup securityContext.runAsGroup cannot be set for a windows pod"},
		},
		{
			"the administrator of Windows", "runAsUserName", excepted,
			"os: {name: windows}\nsecurityContext: {runAsNonRoot: true, windowsOptions: {runAsUserName: ContainerAdministrator}}\ncontainers:\n" +
				"- name: manager\n  image: corp/m:1\n  securityContext: {windowsOptions: {runAsUserName: ContainerAdministrator}}\n" +
				"- name: other\n  image: corp/m:1\n  securityContext: {windowsOptions: {runAsUserName: ContainerAdministrator, hostProcess: false}}\n" + sidecar(""),
			[]string{"securityContext: {runAsNonRoot: true}", "  securityContext: {windowsOptions: {hostProcess: false}}", "windowsOptions:\n      runAsUserName: ContainerAdministrator"},
			[]string{
				".containers.[name=proxy].securityContext.windowsOptions.runAsUserName taken over", ".securityContext.windowsOptions.runAsUserName removed",
				".containers.[name=manager].securityContext.windowsOptions.runAsUserName removed", ".containers.[name=other].securityContext.windowsOptions.runAsUserName removed",
				".containers.[name=other].securityContext hardened as well",
			},
		},
		{
			"which is a name like any other on Linux", "runAsUserName", "", "containers:\n" + strings.Replace(strict, "runAsNonRoot: true", "runAsNonRoot: true, windowsOptions: {runAsUserName: ContainerAdministrator}", 1),
			[]string{"ContainerAdministrator"},
			nil,
		},
		{
			"a process of the host, on Windows", "windowsHostProcess", "",
			"os: {name: windows}\nsecurityContext: {runAsNonRoot: true}\ncontainers:\n- name: manager\n  image: corp/m:1\n  securityContext: {windowsOptions: {hostProcess: true}}\n",
			[]string{"hostProcess: false"},
			[]string{".containers.[name=manager].securityContext.windowsOptions.hostProcess true replaced"},
		},

		{
			"a group is handed down to those who have inherited it", "runAsGroup", "exceptContainers: [proxy, own]",
			"securityContext: {runAsGroup: 5}\ncontainers:\n" + strict + sidecar("") + strings.NewReplacer("manager", "own", "runAsNonRoot", "runAsGroup: 7, runAsNonRoot").Replace(strict) +
				strings.NewReplacer("manager", "user", "runAsNonRoot", "runAsUser: 9, runAsNonRoot").Replace(strict),
			[]string{"- name: proxy\n  image: corp/proxy:1\n  securityContext:\n    runAsGroup: 5", "runAsGroup: 7, runAsNonRoot", "!securityContext: {runAsGroup: 5}", "runAsUser: 9, runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}, runAsGroup: 5}"},
			[]string{
				".containers.[name=proxy].securityContext.runAsGroup taken over from the pod, because the container is excepted",
				".containers.[name=user].securityContext.runAsGroup taken over from the pod, because the container has a runAsUser", ".securityContext.runAsGroup removed", "…",
			},
		},
	}
}
