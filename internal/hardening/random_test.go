package hardening

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
	kjson "sigs.k8s.io/json"
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/internal/krm"
)

var (
	cases = flag.Int("cases", 2_000, "how many random pod templates to harden")
	seed  = flag.Uint64("seed", uint64(time.Now().UnixNano()), "of the random pod templates")
)

// absent stands for a field that is left out; nil for one that is null.
type absent struct{}

func isAbsent(value any) bool { _, ok := value.(absent); return ok }

// wrong is a value that Kubernetes refuses. The function may take it for what
// was meant, or refuse it as well.
type wrong struct{ value any }

// choices are the values that a security field gets: absent, null, weak, strict
// and of the wrong type.
func containerChoices() map[string][]any {
	boolean := []any{absent{}, absent{}, nil, true, false, wrong{"true"}, wrong{"x"}, wrong{[]any{}}}
	return map[string][]any{
		"privileged":               {absent{}, absent{}, nil, true, false, wrong{"false"}},
		"allowPrivilegeEscalation": boolean,
		"readOnlyRootFilesystem":   boolean,
		"runAsNonRoot":             boolean,
		"runAsUser":                {absent{}, absent{}, nil, 0, 1000, 65534, 1_000_670_000, wrong{"root"}},
		"runAsGroup":               {absent{}, absent{}, nil, 0, 1000},
		"procMount":                {absent{}, absent{}, nil, "Default", "Unmasked"},
		"seccompProfile":           seccompChoices(),
		"appArmorProfile":          {absent{}, absent{}, nil, map[string]any{"type": "Unconfined"}, map[string]any{"type": "RuntimeDefault"}},
		"seLinuxOptions":           {absent{}, absent{}, nil, map[string]any{"type": "spc_t"}, map[string]any{"type": "container_t", "role": "x"}, map[string]any{"level": "s0"}},
		"windowsOptions":           {absent{}, absent{}, absent{}, nil, map[string]any{"hostProcess": true}, map[string]any{"hostProcess": false}},
		"capabilities": {
			absent{},
			nil,
			map[string]any{},
			map[string]any{"drop": nil, "add": nil},
			map[string]any{"drop": []any{"ALL"}},
			map[string]any{"drop": []any{"all"}},
			map[string]any{"drop": []any{"NET_RAW", "ALL"}, "add": []any{"NET_BIND_SERVICE"}},
			map[string]any{"add": []any{"SYS_ADMIN", "NET_BIND_SERVICE", "CHOWN"}},
			wrong{map[string]any{"drop": "ALL"}},
		},
	}
}

func seccompChoices() []any {
	return []any{
		absent{},
		absent{},
		nil,
		map[string]any{},
		map[string]any{"type": "RuntimeDefault"},
		map[string]any{"type": "Unconfined"},
		map[string]any{"type": "Localhost", "localhostProfile": "a.json"},
		wrong{"RuntimeDefault"},
	}
}

func podChoices() map[string][]any {
	container := containerChoices()
	choices := map[string][]any{
		"fsGroup": {absent{}, 1337, 1_000_670_000},
		"sysctls": {absent{}, absent{}, nil, []any{map[string]any{"name": "kernel.msgmax", "value": "1"}}, []any{map[string]any{"name": "net.ipv4.tcp_syncookies", "value": "1"}}},
	}
	for _, key := range []string{"runAsNonRoot", "runAsUser", "runAsGroup", "seccompProfile", "appArmorProfile", "seLinuxOptions", "windowsOptions"} {
		choices[key] = container[key]
	}
	return choices
}

// generator makes pod templates.
type generator struct {
	*rand.Rand
	// isWrong tells whether a wrong value was chosen.
	isWrong bool
}

func (g *generator) pick(choices []any) any {
	value := choices[g.IntN(len(choices))]
	if w, ok := value.(wrong); ok {
		if g.IntN(8) > 0 { // most pods are right
			return absent{}
		}
		g.isWrong = true
		return w.value
	}
	return value
}

// securityContext chooses a value for every field.
func (g *generator) securityContext(choices map[string][]any) any {
	switch g.IntN(12) {
	case 0:
		return absent{}
	case 1:
		return nil
	}
	sc := map[string]any{}
	keys := make([]string, 0, len(choices))
	for key := range choices {
		keys = append(keys, key)
	}
	slices.Sort(keys) // so that the seed decides alone
	for _, key := range keys {
		if value := g.pick(choices[key]); !isAbsent(value) {
			sc[key] = value
		}
	}
	return sc
}

func (g *generator) container(name, image string) map[string]any {
	c := map[string]any{"name": name, "image": image}
	if sc := g.securityContext(containerChoices()); !isAbsent(sc) {
		c["securityContext"] = sc
	}
	for _, field := range []struct {
		key     string
		choices []any
	}{
		{"volumeMounts", []any{absent{}, nil, []any{}, []any{map[string]any{"name": "data", "mountPath": "/tmp/"}}, []any{map[string]any{"name": "data", "mountPath": "/data"}}}},
		{"env", []any{absent{}, nil, []any{}, []any{map[string]any{"name": "A", "value": "b"}}}},
		{"ports", []any{absent{}, absent{}, absent{}, []any{map[string]any{"containerPort": 80, "hostPort": 80}}}},
	} {
		if value := g.pick(field.choices); !isAbsent(value) {
			c[field.key] = value
		}
	}
	return c
}

func (g *generator) deployment() map[string]any {
	pod := map[string]any{"volumes": []any{map[string]any{"name": "data", "emptyDir": map[string]any{}}}}
	if sc := g.securityContext(podChoices()); !isAbsent(sc) {
		pod["securityContext"] = sc
	}
	for _, key := range []string{"hostNetwork", "hostPID", "hostIPC"} {
		if value := g.pick([]any{absent{}, absent{}, absent{}, nil, false, true}); !isAbsent(value) {
			pod[key] = value
		}
	}
	if g.IntN(8) == 0 {
		pod["volumes"] = append(pod["volumes"].([]any), map[string]any{"name": "host", "hostPath": map[string]any{"path": "/var"}}) //nolint:forcetypeassert // set above
	}
	var inits []any
	for i := range g.IntN(5) {
		c := g.container(fmt.Sprintf("init%d", i), "corp/init:1")
		if g.IntN(2) == 0 {
			c["restartPolicy"] = "Always" // a sidecar
		}
		inits = append(inits, c)
	}
	if len(inits) > 0 {
		pod["initContainers"] = inits
	}
	containers := []any{g.container("manager", "registry.example.com/fluxcd/source-controller:v1.9.6")}
	if g.IntN(3) == 0 {
		containers = append(containers, g.container("proxy", "envoy:1"))
	}
	pod["containers"] = containers
	return map[string]any{
		"apiVersion": "apps/v1", "kind": "Deployment", "metadata": map[string]any{"name": "source-controller"},
		"spec": map[string]any{"selector": map[string]any{}, "template": map[string]any{"spec": pod}},
	}
}

// TestRandomPods hardens random pod templates. Whatever they are: the evaluator
// of the Pod Security admission finds nothing that was not reported, nothing that
// was strict became weaker, no other field differs, and a second run changes
// nothing.
func TestRandomPods(t *testing.T) {
	randomPods(t, v1alpha1.Restricted, *cases)
}

// TestRandomPodsOnOpenShift does the same with the profile OpenShift.
func TestRandomPodsOnOpenShift(t *testing.T) {
	randomPods(t, v1alpha1.OpenShift, *cases)
}

func randomPods(t *testing.T, profile v1alpha1.Profile, cases int) {
	t.Helper()
	t.Logf("go test ./hardening -run '^%s$' -seed %d -cases %d", t.Name(), *seed, cases)
	config := configOf(t, "profile: "+string(profile))
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		t.Fatal(err)
	}
	workers := runtime.GOMAXPROCS(0)
	for w := range workers {
		t.Run(fmt.Sprint(w), func(t *testing.T) {
			t.Parallel()
			refused := 0
			for i := w; i < cases; i += workers {
				g := &generator{Rand: rand.New(rand.NewPCG(*seed, uint64(i)))} //nolint:gosec // repeatable on purpose
				if !randomPod(t, i, g, config, evaluator) {
					refused++
				}
			}
			t.Logf("%d pods, %d of them refused for a value of the wrong type", cases/workers, refused)
		})
	}
}

// nodeOf returns the YAML of a value. The encoder would write a text and read it again.
func nodeOf(value any) *yaml.Node {
	switch v := value.(type) {
	case map[string]any:
		n := &yaml.Node{Kind: yaml.MappingNode, Tag: yaml.NodeTagMap}
		for _, key := range slices.Sorted(maps.Keys(v)) {
			n.Content = append(n.Content, krm.TextNode(key), nodeOf(v[key]))
		}
		return n
	case []any:
		n := &yaml.Node{Kind: yaml.SequenceNode, Tag: yaml.NodeTagSeq}
		for _, entry := range v {
			n.Content = append(n.Content, nodeOf(entry))
		}
		return n
	case string:
		n := krm.TextNode(v)
		n.Style = yaml.DoubleQuotedStyle // "true" is not a boolean
		return n
	case int:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: yaml.NodeTagInt, Value: strconv.Itoa(v)}
	case bool:
		return krm.BoolNode(v)
	default:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: yaml.NodeTagNull, Value: "null"}
	}
}

// randomPod hardens one pod template and returns false when it was refused.
func randomPod(t *testing.T, i int, g *generator, config *v1alpha1.SecurityContext, evaluator policy.Evaluator) bool {
	t.Helper()
	before := yaml.NewRNode(nodeOf(g.deployment()))
	got := harden(config, before)
	if got.err != nil {
		if !g.isWrong {
			t.Fatalf("case %d: refused: %v\n%s", i, got.err, before.MustString())
		}
		return false
	}
	if problem := checkHardened(evaluator, before, got.deployment, got.results, config.Profile); problem != "" {
		t.Fatalf("case %d: %s\n%v\nbefore\n%s\nafter\n%s", i, problem, got.results, before.MustString(), got.deployment.MustString())
	}
	if again := harden(config, got.deployment); again.err != nil || again.changed {
		t.Fatalf("case %d: a second run changes\n%s\ninto\n%s", i, got.deployment.MustString(), again.deployment.MustString())
	}
	return true
}

// checkHardened returns what is wrong with a hardened Deployment, or "".
func checkHardened(evaluator policy.Evaluator, before, after *yaml.RNode, results krm.Findings, profile v1alpha1.Profile) string {
	was, err := templateOf(before)
	if err != nil {
		if strings.HasPrefix(err.Error(), "JSON: ") {
			return err.Error()
		}
		was = nil // quoted booleans and the like: the API server would refuse it
	}
	is, err := templateOf(after)
	if err != nil {
		return fmt.Sprintf("Kubernetes does not read it: %v", err)
	}
	judged := is.DeepCopy()
	if profile == v1alpha1.OpenShift {
		if problem := refusedByPlatform(&is.Spec); problem != "" {
			return problem
		}
		setPlatformDefaults(&judged.Spec)
	}
	var own []policy.CheckResult
	for _, c := range checks() {
		own = append(own, c.pod(&judged.ObjectMeta, &judged.Spec))
	}
	want := evaluator.EvaluatePod(api.LevelVersion{Level: api.LevelRestricted, Version: version()}, &judged.ObjectMeta, &judged.Spec)
	if !reflect.DeepEqual(own, want) {
		return fmt.Sprintf("the checks say %v, the evaluator %v", own, want)
	}
	for _, check := range want {
		reported := slices.ContainsFunc(results, func(r krm.Finding) bool {
			return r.Severity == krm.Warning && strings.Contains(r.Message, check.ForbiddenReason) && strings.Contains(r.Message, check.ForbiddenDetail)
		})
		repairable := !slices.Contains([]string{"host namespaces", "hostPort", "forbidden sysctls", "restricted volume types"}, check.ForbiddenReason)
		if !check.Allowed && (!reported || repairable) {
			return fmt.Sprintf("the evaluator says %s (%s), reported %t", check.ForbiddenReason, check.ForbiddenDetail, reported)
		}
	}
	if was == nil {
		return ""
	}
	if problem := checkWeaker(was, judged, profile); problem != "" {
		return problem
	}
	strip(was, profile)
	strip(is, profile)
	if !reflect.DeepEqual(was, is) {
		return "another field differs"
	}
	return ""
}

// templateOf reads a pod template by way of JSON, and fails when the function, which
// takes another way, reads anything else.
func templateOf(deployment *yaml.RNode) (*corev1.PodTemplateSpec, error) {
	node, err := deployment.Pipe(yaml.Lookup("spec", "template"))
	if err != nil {
		return nil, err
	}
	var value any
	if err := node.YNode().Decode(&value); err != nil {
		return nil, err
	}
	data, err := json.Marshal(value)
	if err != nil {
		return nil, err
	}
	is := &corev1.PodTemplateSpec{}
	err = kjson.UnmarshalCaseSensitivePreserveInts(data, is)
	if decoded, _, decodeErr := decode(krm.Field{Node: node.YNode()}); decodeErr == nil && (err != nil || !reflect.DeepEqual(is, decoded)) {
		return nil, fmt.Errorf("JSON: %v, %v; function: %v", err, is, decoded) //nolint:errorlint // may be nil
	}
	return is, err
}

// checkWeaker returns what was strict and is not any more, or "".
func checkWeaker(was, is *corev1.PodTemplateSpec, profile v1alpha1.Profile) string {
	before, after := all(was), all(is)
	for i := range before {
		a, b := before[i].SecurityContext, after[i].SecurityContext
		switch {
		case a == nil:
		case isFalse(a.AllowPrivilegeEscalation) && !isFalse(b.AllowPrivilegeEscalation):
			return "allowPrivilegeEscalation became weaker"
		case isTrue(a.ReadOnlyRootFilesystem) && !isTrue(b.ReadOnlyRootFilesystem):
			return "readOnlyRootFilesystem became weaker"
		case isTrue(a.RunAsNonRoot) && !isTrue(b.RunAsNonRoot):
			return "runAsNonRoot became weaker"
		case profile != v1alpha1.OpenShift && a.RunAsUser != nil && *a.RunAsUser != 0 && (b.RunAsUser == nil || *b.RunAsUser != *a.RunAsUser):
			return "runAsUser differs"
		case profile != v1alpha1.OpenShift && a.SeccompProfile != nil && restrictsSyscalls(string(a.SeccompProfile.Type)) && !reflect.DeepEqual(a.SeccompProfile, b.SeccompProfile):
			return "seccompProfile differs"
		case a.Capabilities != nil && slices.Contains(a.Capabilities.Drop, "ALL") && !slices.Equal(a.Capabilities.Drop, b.Capabilities.Drop):
			return "capabilities.drop differs"
		}
	}
	return ""
}

// refusedByPlatform returns what the SCC restricted-v2 would refuse, or "". It is
// written from the SCC, not from the function.
func refusedByPlatform(pod *corev1.PodSpec) string {
	type context struct {
		user    *int64
		seccomp *corev1.SeccompProfile
		se      *corev1.SELinuxOptions
	}
	var contexts []context
	if sc := pod.SecurityContext; sc != nil {
		if sc.FSGroup != nil && *sc.FSGroup < 1_000_000_000 {
			return "fsGroup is not one of the namespace"
		}
		contexts = append(contexts, context{sc.RunAsUser, sc.SeccompProfile, sc.SELinuxOptions})
	}
	for _, c := range all(&corev1.PodTemplateSpec{Spec: *pod}) {
		if sc := c.SecurityContext; sc != nil {
			contexts = append(contexts, context{sc.RunAsUser, sc.SeccompProfile, sc.SELinuxOptions})
			if isTrue(sc.Privileged) || isTrue(sc.AllowPrivilegeEscalation) {
				return "privileged"
			}
		}
	}
	for _, c := range contexts {
		switch {
		case c.user != nil && *c.user < 1_000_000_000:
			return "runAsUser is not one of the namespace"
		case c.seccomp != nil && c.seccomp.Type != corev1.SeccompProfileTypeRuntimeDefault:
			return "seccompProfile is not RuntimeDefault"
		case c.se != nil && (c.se.Type != "" || c.se.Role != "" || c.se.User != ""):
			return "seLinuxOptions are not those of the namespace"
		}
	}
	return ""
}

func isTrue(b *bool) bool  { return b != nil && *b }
func isFalse(b *bool) bool { return b != nil && !*b }

func all(t *corev1.PodTemplateSpec) []corev1.Container {
	return slices.Concat(t.Spec.InitContainers, t.Spec.Containers)
}

// strip takes away what the hardening may change.
func strip(t *corev1.PodTemplateSpec, profile v1alpha1.Profile) {
	ours := func(name string) bool { return strings.HasPrefix(name, tmpName) }
	t.Spec.Volumes = slices.DeleteFunc(t.Spec.Volumes, func(v corev1.Volume) bool { return ours(v.Name) })
	if sc := t.Spec.SecurityContext; sc != nil {
		t.Spec.SecurityContext = &corev1.PodSecurityContext{FSGroup: sc.FSGroup, Sysctls: sc.Sysctls}
		if profile == v1alpha1.OpenShift {
			t.Spec.SecurityContext.FSGroup = nil
		}
		if reflect.DeepEqual(t.Spec.SecurityContext, &corev1.PodSecurityContext{}) {
			t.Spec.SecurityContext = nil
		}
		if t.Spec.SecurityContext != nil && len(t.Spec.SecurityContext.Sysctls) == 0 {
			t.Spec.SecurityContext.Sysctls = nil
		}
	}
	for _, containers := range [][]corev1.Container{t.Spec.InitContainers, t.Spec.Containers} {
		for i := range containers {
			c := &containers[i]
			c.SecurityContext = nil
			c.VolumeMounts = slices.DeleteFunc(c.VolumeMounts, func(m corev1.VolumeMount) bool { return ours(m.Name) })
			if len(c.VolumeMounts) == 0 {
				c.VolumeMounts = nil
			}
		}
	}
}
