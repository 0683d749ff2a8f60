package e2e

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

const noHardening = "  securityContext: {profile: None}\n"

// TestAdmissionPolicy applies the policies to the controllers of a release: what is
// stored is what the function gives, also when it is applied a second time, and what
// is stored is not refused.
func TestAdmissionPolicy(t *testing.T) {
	function := program(t, "FLUX_TRUST")
	for _, file := range append([]string{filepath.Join(examples, "quickstart/flux-system/gotk-components.yaml")}, corpusIfAny(t, "gotk/*v2.9.4.yaml")...) {
		b := newBuild(t, inline(newAuthority(t, "root").pem(), noHardening), read(t, file))
		policy := newAdmitter(t, b.ok(function, "patches", "config.yaml", "-o", "admission-policy"))
		kyverno := newAdmitter(t, b.ok(function, "patches", "config.yaml", "-o", "kyverno"))
		warning := newAdmitter(t, b.ok(function, "patches", "config.yaml", "-o", "validating-policy"))
		want := deployments(t, b.ok(function, "config.yaml", "flux.yaml"))
		for name, before := range deployments(t, read(t, file)) {
			after, matched := policy.admit(before)
			if !matched {
				t.Errorf("%s is not matched", name)
				continue
			}
			again, _ := policy.admit(after)
			byKyverno, _ := kyverno.admit(before)
			equal(t, "the policy", asYAML(t, after), asYAML(t, want[name]))
			equal(t, "that of Kyverno", asYAML(t, byKyverno), asYAML(t, want[name]))
			if asYAML(t, again) != asYAML(t, after) {
				t.Errorf("%s is another one when it is applied again", name)
			}
			for what, p := range map[string]*admitter{"with the policy": policy, "alone": warning} {
				if said := p.refusal(after); said != "" {
					t.Errorf("%s is refused %s: %s", name, what, said)
				}
				if said := p.refusal(before); !strings.Contains(said, "does not trust the CA bundle of FluxTrust corporate-ca") {
					t.Errorf("stock %s is not refused %s: %s", name, what, said)
				}
			}
		}
		if got := fmt.Sprint(warning.actions, policy.actions); got != "[Warn Audit] [Deny]" {
			t.Errorf("actions: %s", got)
		}
	}
}

// TestAdmissionAfterAChange: what an earlier config of the same name has left, by the
// function or by its policy, becomes what the function makes of it.
func TestAdmissionAfterAChange(t *testing.T) {
	function, stock := program(t, "FLUX_TRUST"), read(t, filepath.Join(examples, "quickstart/flux-system/gotk-components.yaml"))
	root, other := newAuthority(t, "root").pem(), newAuthority(t, "other").pem()
	configs := map[string]string{
		"Directory":           inline(root, noHardening),
		"another path":        inline(root, noHardening+"  mount: {path: /ca}\n"),
		"roots replaced":      inline(root, noHardening+"  mount: {systemRoots: Replace}\n"),
		"another root":        inline(other, noHardening),
		"another object":      strings.Replace(inline(root, noHardening), "name: corp-ca", "name: other-ca", 1),
		"File":                inline(root, noHardening+"  mount: {method: File}\n"),
		"unknown content":     configHead + "  caBundle: [{configMap: {name: corp-ca, keys: [ca.crt]}, allow: [NotInStream]}, {secret: {name: more}, allow: [NotInStream]}]\n" + noHardening,
		"a proxy":             inline(root, noHardening+"  proxy: {https: \"http://p:1\", no: [.x]}\n  extras: {acceptNegativeSerials: true}\n"),
		"a proxy in a Secret": inline(root, noHardening+"  proxy: {secretRef: {name: p}}\n"),
		"a proxy alone":       configHead + "  mount: {method: None}\n  proxy: {http: \"http://p:2\"}\n" + noHardening,
		"InitContainer":       inline(root, noHardening+"  mount: {method: InitContainer}\n"),
		"InitContainer alone": inline(root, noHardening+"  mount: {method: InitContainer, systemRoots: Replace}\n"),
	}
	made, policies := map[string]string{}, map[string][]*admitter{}
	b := newBuild(t, "", stock)
	for name, config := range configs {
		b.write("config.yaml", config)
		made[name] = b.ok(function, "config.yaml", "flux.yaml")
		if !strings.HasPrefix(name, "InitContainer") {
			for _, format := range []string{"admission-policy", "kyverno"} {
				policies[name] = append(policies[name], newAdmitter(t, b.ok(function, "patches", "config.yaml", "-o", format)))
			}
		}
	}
	for is, both := range policies {
		for was := range configs {
			b.write("config.yaml", configs[is])
			b.write("changed.yaml", made[was])
			want := deployments(t, b.ok(function, "config.yaml", "changed.yaml"))
			for name, before := range deployments(t, made[was]) {
				if testing.Short() && name != "source-controller" { // all get the same
					continue
				}
				for _, policy := range both {
					policy.becomes(was+", then "+is, before, want[name])
				}
				if t.Failed() {
					return
				}
			}
		}
	}
}

// becomes compares what the policy makes of a Deployment. What it changes is refused
// before, but for the digest of the roots and a proxy that goes.
func (a *admitter) becomes(what string, before, want *appsv1.Deployment) {
	a.t.Helper()
	after, matched := a.admit(before)
	if !matched {
		a.t.Errorf("%s: %s is not matched", what, before.Name)
		return
	}
	equal(a.t, what, asYAML(a.t, after), asYAML(a.t, want))
	if said := a.refusal(after); said != "" {
		a.t.Errorf("%s: %s is refused: %s", what, before.Name, said)
	}
	digest := func(d *appsv1.Deployment) *appsv1.Deployment {
		d = d.DeepCopy()
		delete(d.Spec.Template.Annotations, "fluxtrust.dev/ca-bundle")
		delete(d.Annotations, "fluxtrust.dev/previous")
		c := &d.Spec.Template.Spec.Containers[0]
		c.Env = slices.DeleteFunc(c.Env, func(e corev1.EnvVar) bool {
			optional := strings.HasSuffix(e.Name, "_PROXY") || e.Name == "GODEBUG"
			return optional && !slices.ContainsFunc(after.Spec.Template.Spec.Containers[0].Env, func(a corev1.EnvVar) bool { return a.Name == e.Name })
		})
		return d
	}
	changes := asYAML(a.t, digest(before)) != asYAML(a.t, digest(after))
	if refused := a.refusal(before) != ""; refused != changes {
		a.t.Errorf("%s: %s is refused before it is changed: %t, changed: %t", what, before.Name, refused, changes)
	}
}

// TestAdmissionOfOddDeployments: what the function refuses, the policy leaves alone and
// the other one refuses; what is not Flux's, neither looks at; and no expression fails.
func TestAdmissionOfOddDeployments(t *testing.T) {
	function, stock := program(t, "FLUX_TRUST"), read(t, filepath.Join(examples, "quickstart/flux-system/gotk-components.yaml"))
	b := newBuild(t, inline(newAuthority(t, "root").pem(), noHardening), stock)
	policy := newAdmitter(t, b.ok(function, "patches", "config.yaml", "-o", "admission-policy"))
	env := func(e ...corev1.EnvVar) func(d *appsv1.Deployment) {
		return func(d *appsv1.Deployment) {
			c := &d.Spec.Template.Spec.Containers[0]
			c.Env = append(c.Env, e...)
		}
	}
	annotation := func(key, value string) func(d *appsv1.Deployment) {
		return func(d *appsv1.Deployment) { d.Annotations = map[string]string{key: value} }
	}
	const matched, refused, alone = "changed", "left alone and refused", "not looked at"
	for name, tc := range map[string]struct {
		change func(d *appsv1.Deployment)
		want   string
	}{
		"stock":   {func(*appsv1.Deployment) {}, matched},
		"a shard": {func(d *appsv1.Deployment) { d.Name = "source-controller-shard1" }, matched},
		"no volumes, no env": {func(d *appsv1.Deployment) {
			d.Spec.Template.Spec.Volumes, d.Spec.Template.Spec.Containers[0].Env = nil, nil
		}, matched},
		"a sidecar in front": {func(d *appsv1.Deployment) {
			p := &d.Spec.Template.Spec
			p.Containers = append([]corev1.Container{{Name: "proxy"}}, p.Containers...)
		}, matched},
		"an annotation of its own": {annotation("a", "b"), matched},
		"the same value":           {env(corev1.EnvVar{Name: "SSL_CERT_DIR", Value: "/etc/ssl/certs:/etc/ssl/flux-trust"}), matched},
		"a file with roots":        {env(corev1.EnvVar{Name: "SSL_CERT_FILE", Value: "/roots.pem"}), matched},
		"roots of its own":         {env(corev1.EnvVar{Name: "SSL_CERT_DIR", Value: "/roots"}), refused},
		"roots from elsewhere":     {env(corev1.EnvVar{Name: "SSL_CERT_DIR", ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: "metadata.name"}}}), refused},
		"another FluxTrust":        {annotation("fluxtrust.dev/config", "other"), refused},
		"values to give back": {func(d *appsv1.Deployment) {
			d.Annotations = map[string]string{"fluxtrust.dev/config": "corporate-ca", "fluxtrust.dev/previous": `{"manager":{"SSL_CERT_DIR":"/mine"}}`}
			env(corev1.EnvVar{Name: "SSL_CERT_DIR", Value: "/mine:/old"})(d)
		}, refused},
		"a volume of our name": {func(d *appsv1.Deployment) {
			p := &d.Spec.Template.Spec
			p.Volumes = append(p.Volumes, corev1.Volume{Name: "flux-trust-ca"})
		}, refused},
		"another volume mounted": {func(d *appsv1.Deployment) {
			c := &d.Spec.Template.Spec.Containers[0]
			c.VolumeMounts = append(c.VolumeMounts, corev1.VolumeMount{Name: "x", MountPath: "/etc/ssl/flux-trust/"})
		}, refused},
		"a tenant's":                {func(d *appsv1.Deployment) { d.Labels = map[string]string{"app.kubernetes.io/part-of": "tenant"} }, alone},
		"no labels":                 {func(d *appsv1.Deployment) { d.Labels = nil }, alone},
		"another name":              {func(d *appsv1.Deployment) { d.Name = "my-app" }, alone},
		"a name to be generated":    {func(d *appsv1.Deployment) { d.Name, d.GenerateName = "", "my-app-" }, alone},
		"a generated controller":    {func(d *appsv1.Deployment) { d.Name, d.GenerateName = "", "source-controller-" }, matched},
		"no name at all":            {func(d *appsv1.Deployment) { d.Name = "" }, alone},
		"no container of that name": {func(d *appsv1.Deployment) { d.Spec.Template.Spec.Containers[0].Name = "main" }, alone},
		"no containers":             {func(d *appsv1.Deployment) { d.Spec.Template.Spec.Containers = nil }, alone},
		"nothing":                   {func(d *appsv1.Deployment) { *d = appsv1.Deployment{} }, alone},
	} {
		t.Run(name, func(t *testing.T) {
			d := deployments(t, stock)["source-controller"].DeepCopy()
			tc.change(d)
			policy := policy
			policy.t = t
			after, changed := policy.admit(d)
			said := policy.refusal(after)
			got := alone
			switch {
			case changed:
				got = matched
				if said != "" {
					t.Errorf("refused: %s", said)
				}
			case said != "":
				got = refused
			}
			if got != tc.want {
				t.Errorf("is %s, want %s: %s", got, tc.want, said)
			}
		})
	}
}

// TestAdmissionOfSeveralContainers: a Deployment in which each container is a controller.
func TestAdmissionOfSeveralContainers(t *testing.T) {
	function := program(t, "FLUX_TRUST")
	const aio = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: flux
  namespace: flux-system
  labels: {app.kubernetes.io/part-of: flux}
spec:
  selector: {matchLabels: {app: flux}}
  template:
    metadata: {labels: {app: flux}}
    spec:
      containers:
      - name: source-controller
        image: registry.example.com/fluxcd/source-controller:v1.9.6
        volumeMounts: [{name: tmp, mountPath: /tmp}]
      - name: kustomize-controller
        image: registry.example.com/fluxcd/kustomize-controller:v1.9.4
      volumes: [{name: tmp, emptyDir: {}}]
`
	b := newBuild(t, inline(newAuthority(t, "root").pem(), noHardening), aio)
	want := deployments(t, b.ok(function, "config.yaml", "flux.yaml"))["flux"]
	for _, format := range []string{"admission-policy", "kyverno"} {
		policy := newAdmitter(t, b.ok(function, "patches", "config.yaml", "flux.yaml", "-o", format))
		policy.becomes(format, deployments(t, aio)["flux"], want)
	}
}

// TestAdmissionNamespaces: a policy is bound to the namespace of the controllers, and to
// that of the flag where no input says it.
func TestAdmissionNamespaces(t *testing.T) {
	function, stock := program(t, "FLUX_TRUST"), read(t, filepath.Join(examples, "quickstart/flux-system/gotk-components.yaml"))
	b := newBuild(t, inline(newAuthority(t, "root").pem(), noHardening), strings.ReplaceAll(stock, "namespace: flux-system", "namespace: gitops"))
	sharded := sourceController(t, stock)
	b.write("two.yaml", sharded+"---\n"+strings.ReplaceAll(sharded, "namespace: flux-system", "namespace: gitops"))
	for _, format := range []string{"admission-policy", "validating-policy", "kyverno"} {
		for args, want := range map[string]string{
			"": "flux-system", "-n other": "other", "flux.yaml": "gitops", "flux.yaml -n other": "gitops", "two.yaml": "flux-system gitops",
		} {
			printed := b.ok(function, append([]string{"patches", "config.yaml", "-o", format}, strings.Fields(args)...)...)
			got := newAdmitter(t, printed).namespaces
			if format == "kyverno" {
				got = nil
				for _, namespace := range []string{"flux-system", "gitops", "other"} {
					d := deployments(t, stock)["source-controller"].DeepCopy()
					d.Namespace = namespace
					if _, matched := newAdmitter(t, printed).admit(d); matched {
						got = append(got, namespace)
					}
				}
			}
			slices.Sort(got)
			if strings.Join(got, " ") != want {
				t.Errorf("%s %s: bound to %v, want %s", format, args, got, want)
			}
		}
	}
}

func deployments(t *testing.T, stream string) map[string]*appsv1.Deployment {
	t.Helper()
	found := map[string]*appsv1.Deployment{}
	for _, document := range strings.Split("\n"+stream, "\n---\n") {
		if !strings.Contains("\n"+document, "\nkind: Deployment\n") {
			continue
		}
		d := &appsv1.Deployment{}
		if err := yaml.Unmarshal([]byte(document), d); err != nil {
			t.Fatal(err)
		}
		found[d.Name] = d
	}
	if len(found) == 0 {
		t.Fatal("no Deployments")
	}
	return found
}

func asYAML(t *testing.T, d *appsv1.Deployment) string {
	t.Helper()
	out, err := yaml.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}
