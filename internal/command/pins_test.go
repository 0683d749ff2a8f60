package command

import (
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	kubeyaml "sigs.k8s.io/yaml"
)

// pinned is the certificate that is pinned, evil another one.
type pinned struct{ root, evil, fingerprint string }

func newPinned(t *testing.T) pinned {
	t.Helper()
	evil := forgedCertificate(t, "Evil")
	return pinned{
		root:        goldenRoot(t),
		evil:        string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: evil.Certificate[0]})),
		fingerprint: "sha256:B0:9C:1D:53:90:70:46:A9:56:4E:D2:F5:81:1F:84:97:CA:66:58:1A:F0:68:CE:AB:7A:1D:CA:D3:D6:D8:CF:E7",
	}
}

const pinnedController = `apiVersion: apps/v1
kind: Deployment
metadata: {name: source-controller, namespace: flux-system}
spec: {selector: {}, template: {spec: {containers: [{name: manager, image: fluxcd/source-controller:v1.9.6}]}}}
`

// TestPins: a pin of something that is in the stream is checked, or the run fails.
func TestPins(t *testing.T) {
	p := newPinned(t)
	quoted := func(text string) string { return `"` + strings.ReplaceAll(text, "\n", `\n`) + `"` }
	root, evil := quoted(p.root), quoted(p.evil)
	object := func(meta, rest string) string {
		return "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: corp-ca, " + meta + "}\n" + rest + "\n"
	}
	good := object("namespace: flux-system", "data: {ca.crt: "+root+"}")
	t.Chdir(t.TempDir())
	for name, tc := range map[string]struct{ input, want string }{
		"the pinned one":                 {good, ""},
		"twice, the same":                {good + good, ""},
		"another one":                    {object("namespace: flux-system", "data: {ca.crt: "+evil+"}"), "which is not pinned"},
		"both in one":                    {object("namespace: flux-system", "data: {ca.crt: "+quoted(p.root+p.evil)+"}"), "which is not pinned"},
		"twice":                          {good + object("namespace: flux-system", "data: {ca.crt: "+evil+"}"), "which is not pinned"},
		"twice, the other one first":     {object("namespace: flux-system", "data: {ca.crt: "+evil+"}") + good, "which is not pinned"},
		"once without a namespace":       {good + object("labels: {}", "data: {ca.crt: "+evil+"}"), "which is not pinned"},
		"in another namespace":           {good + object("namespace: other", "data: {ca.crt: "+evil+"}"), ""},
		"data twice":                     {object("namespace: flux-system", "data: {ca.crt: "+root+"}\ndata: {ca.crt: "+evil+"}"), "data: appears twice; remove one"},
		"a key twice":                    {object("namespace: flux-system", "data: {ca.crt: "+root+", ca.crt: "+evil+"}"), "data.ca.crt: appears twice; remove one"},
		"its name twice":                 {good + object("name: corp-ca, namespace: flux-system", "data: {ca.crt: "+evil+"}"), "metadata.name: appears twice; remove one"},
		"another name first":             {good + strings.Replace(object("name: corp-ca, namespace: flux-system", "data: {ca.crt: "+evil+"}"), "corp-ca", "x", 1), "metadata.name: appears twice; remove one"},
		"a name in base64":               {good + strings.Replace(object("namespace: flux-system", "data: {ca.crt: "+evil+"}"), "corp-ca", "!!binary Y29ycC1jYQ==", 1), "expected a string, got !!binary"},
		"a name by a merge key":          {good + "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {<<: {name: corp-ca}, namespace: flux-system}\ndata: {ca.crt: " + evil + "}\n", "which is not pinned"},
		"two kinds":                      {good + "---\napiVersion: v1\nkind: Service\nkind: ConfigMap\nmetadata: {name: corp-ca, namespace: flux-system}\ndata: {ca.crt: " + evil + "}\n", "kind: appears twice; remove one"},
		"in a list without a kind":       {good + "---\napiVersion: v1\nkind: ConfigMapList\nitems:\n- {metadata: {name: corp-ca, namespace: flux-system}, data: {ca.crt: " + evil + "}}\n", "which is not pinned"},
		"with a group of no name":        {good + strings.Replace(object("namespace: flux-system", "data: {ca.crt: "+evil+"}"), "apiVersion: v1", "apiVersion: /v1", 1), "which is not pinned"},
		"as JSON":                        {good + "---\n" + `{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "corp-ca", "namespace": "flux-system"}, "data": {"ca.crt": ` + evil + "}}\n", "which is not pinned"},
		"the label of trust-manager":     {object("namespace: flux-system, labels: {trust.cert-manager.io/bundle: x}", "data: {ca.crt: "+evil+"}"), "cannot be checked: trust-manager writes it"},
		"the mark of OpenShift":          {object("namespace: flux-system, labels: {config.openshift.io/inject-trusted-cabundle: \"true\"}", "data: {ca.crt: "+evil+"}"), "cannot be checked: OpenShift fills it in"},
		"the mark of SOPS":               {object("namespace: flux-system", "data: {ca.crt: "+evil+"}\nsops: {mac: x}"), "cannot be checked: it is encrypted with SOPS"},
		"a value of SOPS":                {object("namespace: flux-system", "data: {ca.crt: "+quoted("ENC[\n"+p.evil)+"}"), "cannot be checked: it is encrypted with SOPS"},
		"a placeholder":                  {object("namespace: flux-system", "data: {ca.crt: "+quoted("# ${x}\n"+p.evil)+"}"), "cannot be checked: it holds a ${…}"},
		"a mark, once without":           {good + object("namespace: flux-system, labels: {trust.cert-manager.io/bundle: x}", "data: {ca.crt: "+evil+"}"), "cannot be checked: trust-manager writes it"},
		"made by trust-manager":          {good + "---\napiVersion: trust.cert-manager.io/v1alpha1\nkind: Bundle\nmetadata: {name: corp-ca}\nspec: {target: {configMap: {key: ca.crt}}}\n", "cannot be checked: trust-manager writes it"},
		"one that cannot be read":        {good + object("namespace: flux-system", "data: [x]"), "data: expected keys and values, got a list"},
		"a certificate by !!binary":      {object("namespace: flux-system", "data: {ca.crt: !!binary "+base64.StdEncoding.EncodeToString([]byte(p.evil))+"}"), "which is not pinned"},
		"the pinned one by !!binary":     {object("namespace: flux-system", "data: {ca.crt: !!binary "+base64.StdEncoding.EncodeToString([]byte(p.root))+"}"), ""},
		"a former name":                  {good + strings.Replace(object("namespace: flux-system, annotations: {internal.config.kubernetes.io/previousNames: corp-ca, internal.config.kubernetes.io/previousNamespaces: flux-system}", "data: {ca.crt: "+evil+"}"), "corp-ca", "new-ca", 1), "which is not pinned"},
		"another generation":             {good + strings.Replace(object("namespace: flux-system", "data: {ca.crt: "+evil+"}"), "corp-ca", "corp-ca-4kd8f2kmt9", 1), ""},
		"not in the stream":              {"", ""},
		"twice, unpinned":                {good + object("namespace: flux-system", "data: {ca.crt: "+evil+"}"), "stands in the stream twice, with other content (first in input.yaml, document 2)"},
		"twice, unpinned, the same":      {good + good, ""},
		"without a namespace, unpinned":  {good + object("labels: {}", "data: {ca.crt: "+evil+"}"), "stands in the stream twice, with other content"},
		"data twice, unpinned":           {object("namespace: flux-system", "data: {ca.crt: "+root+"}\ndata: {ca.crt: "+evil+"}"), "data: appears twice; remove one"},
		"beside that of somebody inline": {object("namespace: flux-system", "data: {ca.crt: "+evil+"}"), "exists already"},
		"behind an own one, inline":      {object("namespace: flux-system, annotations: {fluxtrust.dev/config: corporate-ca}", "data: {ca.crt: "+root+"}") + object("namespace: flux-system", "data: {ca.crt: "+evil+"}"), "exists already"},
		"made by trust-manager, inline":  {"---\napiVersion: trust.cert-manager.io/v1alpha1\nkind: Bundle\nmetadata: {name: corp-ca}\nspec: {target: {configMap: {key: ca.crt}}}\n", "exists already"},
	} {
		t.Run(name, func(t *testing.T) {
			entry := "configMap: {name: corp-ca, keys: [ca.crt]}"
			if strings.Contains(name, "inline") {
				entry = "inline: {name: corp-ca, pem: " + root + "}"
			}
			if !strings.Contains(name, "unpinned") {
				entry += "\n    fingerprints: [\"" + p.fingerprint + "\"]"
			}
			stderr, code := p.run(t, entry, pinnedController+tc.input)
			if tc.want == "" && code != 0 || tc.want != "" && (code != 1 || !strings.Contains(stderr, tc.want)) {
				t.Errorf("exit code %d\n%swant %s", code, stderr, tc.want)
			}
		})
	}
}

// run runs the function with one entry and returns stderr and the exit code.
func (p pinned) run(t *testing.T, entry, input string) (string, int) {
	t.Helper()
	config := "apiVersion: fluxtrust.dev/v1alpha1\nkind: FluxTrust\nmetadata: {name: corporate-ca}\nspec:\n  caBundle:\n  - " + entry + "\n"
	for file, text := range map[string]string{"config.yaml": config, "input.yaml": input} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	stdout, stderr, code := run(nil, "config.yaml", "input.yaml")
	if code == 0 {
		p.checkOutput(t, string(stdout), input)
	}
	return string(stderr), code
}

// checkOutput reads a stream as the API server does, and looks for another certificate
// than the pinned one in any object that the controllers could get.
func (p pinned) checkOutput(t *testing.T, stream, input string) {
	t.Helper()
	if !strings.Contains(input, "corp-ca") || strings.Contains(t.Name(), "unpinned") {
		return
	}
	var kinds, names []string
	objects := apiObjects(t, stream)
	for _, o := range objects {
		volumes, _, _ := unstructured.NestedSlice(o.Object, "spec", "template", "spec", "volumes")
		for _, v := range volumes {
			sources, _, _ := unstructured.NestedSlice(mapping(v), "projected", "sources")
			for _, s := range sources {
				for field, kind := range map[string]string{"configMap": "ConfigMap", "secret": "Secret"} {
					if name, ok, _ := unstructured.NestedString(mapping(s), field, "name"); ok {
						kinds, names = append(kinds, kind), append(names, name)
					}
				}
			}
		}
	}
	if len(names) != 1 {
		t.Fatalf("the controller trusts %v", names)
	}
	for _, o := range objects {
		former := strings.Split(o.GetAnnotations()["internal.config.kubernetes.io/previousNames"], ",")
		if o.GetKind() != kinds[0] || o.GetName() != names[0] && !slices.Contains(former, names[0]) || o.GetNamespace() != "flux-system" && o.GetNamespace() != "" {
			continue
		}
		text, err := json.Marshal(o.Object)
		if err != nil {
			t.Fatal(err)
		}
		evil, err := json.Marshal(strings.TrimSpace(p.evil))
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), strings.Trim(string(evil), `"`)) || strings.Contains(string(text), base64.StdEncoding.EncodeToString([]byte(p.evil))) {
			t.Errorf("exit code 0, and the cluster could take\n%s\nof\n%s", text, input)
		}
	}
}

func mapping(v any) map[string]any {
	m, _ := v.(map[string]any)
	return m
}

// apiObjects returns the objects of a stream as kubectl and the API server read them.
func apiObjects(t *testing.T, stream string) []unstructured.Unstructured {
	t.Helper()
	var found []unstructured.Unstructured
	for _, document := range strings.Split(stream, "---\n") {
		text, err := kubeyaml.YAMLToJSON([]byte(document))
		if err != nil || string(text) == "null" {
			continue
		}
		object, _, err := unstructured.UnstructuredJSONScheme.Decode(text, nil, nil)
		if err != nil {
			continue // which the API server refuses, too
		}
		switch o := object.(type) {
		case *unstructured.Unstructured:
			found = append(found, *o)
		case *unstructured.UnstructuredList:
			if err := o.EachListItem(func(item runtime.Object) error {
				if one, ok := item.(*unstructured.Unstructured); ok {
					found = append(found, *one)
				}
				return nil
			}); err != nil {
				t.Fatal(err)
			}
		}
	}
	return found
}

// TestRandomPins makes random streams of objects that have the pinned name, or nearly,
// with marks, duplicates and other ways to write the same. Where the run ends with 0, no
// object that the cluster could take has another certificate; and where nothing is out
// of the ordinary it does end with 0.
func TestRandomPins(t *testing.T) {
	p := newPinned(t)
	t.Chdir(t.TempDir())
	seeds, passed := 3000, 0
	if testing.Short() {
		seeds = 500
	}
	for seed := range uint64(seeds) { //nolint:gosec // not negative
		r := rand.New(rand.NewPCG(seed, 1))
		kind := []string{"ConfigMap", "Secret"}[r.IntN(2)]
		input, plain := pinnedController, true
		for range 1 + r.IntN(3) {
			object, isPlain := p.randomObject(r, kind)
			input += object
			plain = plain && isPlain
		}
		entry := strings.ToLower(kind[:1]) + kind[1:] + ": {name: corp-ca, keys: [ca.crt]}\n    fingerprints: [\"" + p.fingerprint + "\"]"
		stderr, code := p.run(t, entry, input)
		switch {
		case code == 0:
			passed++
		case plain:
			t.Errorf("seed %d: exit code %d\n%s\n%s", seed, code, stderr, input)
		}
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
	if passed < seeds/20 || passed > seeds/2 {
		t.Errorf("%d of %d runs end with 0", passed, seeds)
	}
}

// randomObject returns an object, and whether there is nothing wrong with it.
func (p pinned) randomObject(r *rand.Rand, kind string) (string, bool) {
	one := func(of ...string) string { return of[r.IntN(len(of))] }
	maybe := func(text string) string {
		if r.IntN(8) > 0 {
			return ""
		}
		return text
	}
	plain := true
	certificate := p.root
	if r.IntN(3) == 0 {
		certificate, plain = one(p.evil, p.root+p.evil), false
	}
	certificate = maybe("# ${comment}\n") + maybe("ENC[x]\n") + certificate
	field, value := "data", certificate
	if kind == "Secret" {
		if field = one("data", "stringData"); field == "data" {
			value = base64.StdEncoding.EncodeToString([]byte(value))
		}
	}
	value = one(`"`+strings.ReplaceAll(value, "\n", `\n`)+`"`, "!!binary "+base64.StdEncoding.EncodeToString([]byte(value)), "|\n    "+strings.ReplaceAll(value, "\n", "\n    "))
	name := one("corp-ca", "corp-ca", "corp-ca", `"corp\x2dca"`, "!!binary Y29ycC1jYQ==", "corp-ca-4kd8f2kmt9", "other")
	namespace := one("namespace: flux-system", "namespace: flux-system", "namespace: other", "labels: {}")
	meta := fmt.Sprintf("{%sname: %s, %s%s%s%s}", maybe("name: other, "), name, namespace, maybe(", name: corp-ca"),
		maybe(one(", labels: {trust.cert-manager.io/bundle: x}", ", annotations: {config.openshift.io/inject-trusted-cabundle: \"true\"}")),
		maybe(", annotations: {internal.config.kubernetes.io/previousNames: corp-ca, internal.config.kubernetes.io/previousNamespaces: flux-system}"))
	body := fmt.Sprintf("apiVersion: v1\n%skind: %s\n%smetadata: %s\n%s:\n  %sca.crt: %s\n%s%s",
		maybe("kind: Service\n"), kind, maybe("kind: Service\n"), meta, field, maybe("ca.crt: x\n  "), value,
		maybe("sops: {mac: x}\n"), maybe(field+": {ca.crt: "+`"`+strings.ReplaceAll(p.evil, "\n", `\n`)+`"`+"}\n"))
	plain = plain && strings.HasPrefix(body, "apiVersion: v1\nkind: "+kind+"\nmetadata: {name: corp-ca, namespace: flux-system}\n"+field+":\n  ca.crt: ") && !strings.Contains(body, "${") &&
		!strings.Contains(body, "ENC[") && !strings.Contains(body, "RU5D") && !strings.Contains(body, "sops") && strings.Count(body, field+":") == 1 && !strings.Contains(body, "!!binary")
	if r.IntN(6) == 0 {
		body = strings.Replace(body, "apiVersion: v1\nkind: "+kind+"\n", "", r.IntN(2))
		body = "apiVersion: v1\nkind: " + kind + "List\nitems:\n- " + strings.ReplaceAll(strings.TrimSpace(body), "\n", "\n  ") + "\n"
		plain = false
	}
	return "---\n" + body, plain
}
