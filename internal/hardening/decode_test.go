package hardening

import (
	"errors"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/runtime"
	serializer "k8s.io/apimachinery/pkg/runtime/serializer/json"
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"fluxtrust.dev/flux-trust/internal/codes"
	"fluxtrust.dev/flux-trust/internal/krm"
)

// apiServer returns the decoder of the API server: strict as kubectl asks for it, it
// returns the object and an error for each field that it does not know.
func apiServer(t *testing.T) runtime.Decoder {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := appsv1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	return serializer.NewSerializerWithOptions(serializer.DefaultMetaFactory, scheme, scheme, serializer.SerializerOptions{Yaml: true, Strict: true})
}

// compareDecoded reads the pod template of a Deployment as the judge does, and as the
// API server does.
func compareDecoded(t *testing.T, text string, server runtime.Decoder) {
	t.Helper()
	object, _, wantErr := server.Decode([]byte(text), nil, nil)
	var wantUnknown []string
	if strict, ok := runtime.AsStrictDecodingError(wantErr); ok {
		for _, e := range strict.Errors() {
			if path, ok := strings.CutPrefix(e.Error(), "unknown field "); ok {
				wantUnknown = append(wantUnknown, strings.Trim(path, `"`))
			}
		}
		wantErr = nil
	}
	node, err := yaml.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	got, unknown, err := decode(krm.Field{Path: "spec.template", Node: at(t, node, "spec", "template").YNode()})
	if (err != nil) != (wantErr != nil) {
		t.Errorf("error %v, the API server's %v\n%s", err, wantErr, text)
		return
	}
	if err != nil {
		if at := (*krm.FieldError)(nil); !errors.As(err, &at) {
			t.Errorf("the error names no field: %v", err)
		}
		return
	}
	deployment, ok := object.(*appsv1.Deployment)
	if !ok {
		t.Fatalf("%T", object)
	}
	slices.Sort(unknown)
	slices.Sort(wantUnknown)
	if !slices.Equal(unknown, wantUnknown) {
		t.Errorf("unknown are %q, for the API server %q\n%s", unknown, wantUnknown, text)
	}
	if !reflect.DeepEqual(got, &deployment.Spec.Template) {
		t.Errorf("read is\n%v\nfor the API server\n%v\n%s", got, &deployment.Spec.Template, text)
	}
}

// TestDecode: names in the wrong case, names that Kubernetes does not have, values of
// YAML 1.1 and values of the wrong type, each where the API server reads it.
func TestDecode(t *testing.T) {
	server := apiServer(t)
	for _, pod := range []string{
		"hostNetwork: true\nhostnetwork: false", "hostnetwork: false\nhostNetwork: true", "HostNetwork: true", "hostNetwork: yes", "hostNetwork: y", "hostNetwork: yES",
		"hostNetwork: \"true\"", "hostNetwork: !!bool \"true\"", "hostNetwork: !!binary dHJ1ZQ==", "!!binary aG9zdE5ldHdvcms=: true", "hostNetwork: 1", "hostNetwork: ~",
		"<<: {hostNetwork: true}", "hostNetwork: true\n<<: {hostNetwork: false}", "<<: {hostNetwork: false}\nhostNetwork: true", "\"<<\": {hostNetwork: true}",
		"securityContext: {runAsUser: \"0\"}", "securityContext: {runAsUser: 0x0}", "securityContext: {runAsUser: 00}", "securityContext: {runAsUser: 1e3}", "securityContext: {runAsUser: 1.0}",
		"securityContext: {runasuser: 0}", "securityContext: {runAsUser: 99999999999999999999}", "securityContext: {fsGroup: 1_000}", "securityContext: {windowsOptions: {hostprocess: true}}",
		"securityContext: {seccompProfile: {type: !!binary VW5jb25maW5lZA==}}", "securityContext: {seLinuxOptions: {level: 1:30}}", "securityContext: {sysctls: [{name: a, value: 1}]}",
		"securityContext: {sysctls: [{name: a, value: \"1\", Value: x}]}", "volumes: [{name: a, hostpath: {path: /}}]", "volumes: [{name: a, emptyDir: {sizeLimit: 5}}]", "nodeSelector: {on: off}",
		"nodeSelector: {a: on}", "nodeSelector: {a: 2001-01-01}", "tolerations: [{tolerationSeconds: 1}]", "unknown: {hostNetwork: true}", "containers: [{name: a, securityContext: {Privileged: true}}]",
	} {
		for _, at := range []string{"metadata: {}", "metadata: {annotations: {yes: \"1\"}, Labels: {}}", "metadata: {creationTimestamp: null}", "metadata: {creationTimestamp: 2001-01-01T00:00:00Z}", "Spec: {}"} {
			compareDecoded(t, "apiVersion: apps/v1\nkind: Deployment\nspec:\n  template:\n    "+at+"\n    spec:\n      "+strings.ReplaceAll(pod, "\n", "\n      ")+"\n", server)
		}
	}
}

// TestQuotes: a value that is not a string for the API server alone is named, with what to
// write instead.
func TestQuotes(t *testing.T) {
	template := krm.Field{Path: "spec.template", Node: yaml.MustParse("spec: {containers: [{name: a, env: [{name: b, value: y}]}]}").YNode()}
	const want = "spec.template: is not what Kubernetes expects: spec.containers.env.value must be a string and is true or false; put it into quotes: Kubernetes reads YAML 1.1, in which y, yes and on are true"
	if _, _, err := decode(template); err == nil || err.Error() != want {
		t.Error(err)
	}
}

// TestRandomDecoding: random pods with random names in the wrong case, beside the
// right one or in its place, and random spellings of booleans.
func TestRandomDecoding(t *testing.T) {
	server := apiServer(t)
	for i := range min(*cases/4, 5_000) {
		g := &generator{Rand: rand.New(rand.NewPCG(*seed, uint64(i)))} //nolint:gosec // repeatable on purpose
		deployment := g.deployment()
		deployment["kind"], deployment["apiVersion"] = "Deployment", "apps/v1"
		node := nodeOf(deployment)
		g.disguise(at(t, yaml.NewRNode(node), "spec", "template").YNode())
		compareDecoded(t, yaml.NewRNode(node).MustString(), server)
		if t.Failed() {
			t.Fatalf("case %d, -seed %d", i, *seed)
		}
	}
}

// TestRandomDisguises: pods in such disguises come out as something that the evaluator
// admits when the API server has read it, or with a warning in the evaluator's words.
func TestRandomDisguises(t *testing.T) {
	server, config := apiServer(t), configOf(t, "profile: Restricted")
	judged := 0
	for i := range min(*cases/4, 5_000) {
		g := &generator{Rand: rand.New(rand.NewPCG(*seed, uint64(i)))} //nolint:gosec // repeatable on purpose
		deployment := g.deployment()
		deployment["kind"], deployment["apiVersion"] = "Deployment", "apps/v1"
		node := nodeOf(deployment)
		g.disguise(at(t, yaml.NewRNode(node), "spec", "template").YNode())
		got := harden(config, yaml.NewRNode(node))
		if got.err != nil {
			continue
		}
		object, _, err := server.Decode([]byte(got.deployment.MustString()), nil, nil)
		if err != nil && !runtime.IsStrictDecodingError(err) {
			t.Fatalf("case %d, -seed %d: %v\n%s", i, *seed, err, got.deployment.MustString())
		}
		template := object.(*appsv1.Deployment).Spec.Template //nolint:forcetypeassert // apps/v1
		for _, c := range checks() {
			result := c.pod(&template.ObjectMeta, &template.Spec)
			told := func(f krm.Finding) bool {
				return f.Code == codes.RefusedByPodSecurity && strings.Contains(f.Message, result.ForbiddenReason)
			}
			if !result.Allowed && !slices.ContainsFunc(got.results, told) {
				t.Fatalf("case %d, -seed %d: %s is not told\n%v\n%s", i, *seed, result.ForbiddenDetail, got.results, got.deployment.MustString())
			}
		}
		judged++
	}
	if judged < *cases/20 {
		t.Errorf("only %d pods were judged", judged)
	}
}

func at(t *testing.T, object *yaml.RNode, keys ...string) *yaml.RNode {
	t.Helper()
	found, err := object.Pipe(yaml.Lookup(keys...))
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// disguise changes the case of names in a tree, adds others, and spells booleans anew.
func (g *generator) disguise(n *yaml.Node) {
	for _, child := range n.Content {
		g.disguise(child)
	}
	switch {
	case n.Kind == yaml.MappingNode && len(n.Content) > 0 && g.IntN(6) == 0:
		at := 2 * g.IntN(len(n.Content)/2)
		name := n.Content[at].Value
		other := strings.ToUpper(name[:1]) + name[1:]
		if g.IntN(2) == 0 {
			other = strings.ToLower(name)
		}
		if other == name {
			return
		}
		if g.IntN(2) == 0 {
			n.Content[at] = krm.TextNode(other)
			return
		}
		value := yaml.CopyYNode(n.Content[at+1])
		if value.Kind == yaml.ScalarNode && value.ShortTag() == yaml.NodeTagBool {
			value = krm.BoolNode(value.Value != "true")
		}
		n.Content = slices.Insert(n.Content, g.IntN(1+len(n.Content)/2)*2, krm.TextNode(other), value)
	case n.Kind == yaml.ScalarNode && n.ShortTag() == yaml.NodeTagBool && g.IntN(4) == 0:
		words := map[string][]string{"true": {"yes", "on", "Y", "True"}, "false": {"no", "OFF", "n", "False"}}[n.Value]
		*n = yaml.Node{Kind: yaml.ScalarNode, Value: words[g.IntN(len(words))]}
	}
}
