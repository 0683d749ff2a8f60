package inventory

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/internal/flux"
	"fluxtrust.dev/flux-trust/internal/krm"
)

func objects(t *testing.T, text string) []*krm.Object {
	t.Helper()
	var found []*krm.Object
	for _, document := range strings.Split(text, "\n---\n") {
		n, err := yaml.Parse(document)
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, krm.NewObject(n.YNode(), nil))
	}
	return found
}

func of(t *testing.T, text string, c v1alpha1.Controllers) *Inventory {
	t.Helper()
	return Of(objects(t, text), &c)
}

const controller = `apiVersion: apps/v1
kind: Deployment
metadata: {name: source-controller, namespace: flux-system, labels: {app.kubernetes.io/part-of: flux}}
spec:
  selector: {}
  template:
    metadata: {annotations: {}}
    spec:
      containers:
      - {name: sidecar, image: x}
      - {name: manager, image: "ghcr.io/fluxcd/source-controller:v1.6.2-distroless"}
`

func TestWorkloads(t *testing.T) {
	for name, tc := range map[string]struct {
		text   string
		config v1alpha1.Controllers
		want   string
	}{
		"a controller":       {controller, v1alpha1.Controllers{}, "source-controller [1] concerned"},
		"that is excluded":   {controller, v1alpha1.Controllers{Exclude: []v1alpha1.Controller{"source-controller"}}, "source-controller []"},
		"that is included":   {controller, v1alpha1.Controllers{Include: []v1alpha1.Controller{"source-controller"}}, "source-controller [1] concerned"},
		"another is":         {controller, v1alpha1.Controllers{Include: []v1alpha1.Controller{"helm-controller"}}, "source-controller []"},
		"in a StatefulSet":   {strings.Replace(controller, "Deployment", "StatefulSet", 1), v1alpha1.Controllers{}, "source-controller []"},
		"of another group":   {strings.Replace(controller, "apps/v1", "x/v1", 1), v1alpha1.Controllers{}, ""},
		"of old":             {strings.Replace(controller, "apps/v1", "extensions/v1beta1", 1), v1alpha1.Controllers{}, "source-controller [1] concerned"},
		"a patch":            {strings.Replace(controller, "  selector: {}\n", "", 1), v1alpha1.Controllers{}, "source-controller [1] patch concerned"},
		"with a directive":   {strings.Replace(controller, "annotations: {}", "annotations: {$patch: delete}", 1), v1alpha1.Controllers{}, "source-controller [1] patch concerned"},
		"of a config":        {strings.Replace(controller, "labels:", "annotations: {fluxtrust.dev/config: x}, labels:", 1), v1alpha1.Controllers{}, "source-controller [1] of x concerned"},
		"without containers": {strings.SplitN(controller, "      - {name: s", 2)[0], v1alpha1.Controllers{}, "source-controller [] concerned: spec.template.spec: this is a controller by its name and labels, and has no container that could run one; give the Deployment its containers, or name it under spec.controllers.exclude"},
		"that is broken":     {strings.Replace(controller, "image: x", "image: [x]", 1), v1alpha1.Controllers{}, "source-controller [] concerned: spec.template.spec.containers.[name=sidecar].image: expected a string, got a list"},
		"broken, somebody else's": {
			"apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: x}\nspec: {template: {spec: {containers: 5}}}\n",
			v1alpha1.Controllers{},
			`x [] patch: spec.template.spec.containers: expected a list, got the number 5`,
		},
		"broken metadata": {"apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: {}}\n", v1alpha1.Controllers{}, " [] patch: metadata.name: expected a string, got a mapping"},
		"additional by name": {
			"apiVersion: apps/v1\nkind: DaemonSet\nmetadata: {name: x, namespace: ns, labels: {a: b}}\nspec: {selector: {}, template: {spec: {containers: [{name: a}, {name: b}]}}}\n",
			v1alpha1.Controllers{Additional: []v1alpha1.AdditionalController{{Kind: "DaemonSet", Name: "x", Namespace: "ns", LabelSelector: "a=b"}}},
			"x [0 1] concerned",
		},
		"additional of another kind": {
			"apiVersion: apps/v1\nkind: DaemonSet\nmetadata: {name: x}\nspec: {selector: {}}\n",
			v1alpha1.Controllers{Additional: []v1alpha1.AdditionalController{{Kind: "Deployment", Name: "x"}}},
			"x []",
		},
		"additional of another label": {
			"apiVersion: apps/v1\nkind: DaemonSet\nmetadata: {name: x, labels: {a: c}}\nspec: {selector: {}}\n",
			v1alpha1.Controllers{Additional: []v1alpha1.AdditionalController{{Kind: "DaemonSet", LabelSelector: "a=b"}}},
			"x []",
		},
		"additional of another namespace": {
			"apiVersion: apps/v1\nkind: DaemonSet\nmetadata: {name: x, namespace: other}\nspec: {selector: {}}\n",
			v1alpha1.Controllers{Additional: []v1alpha1.AdditionalController{{Kind: "DaemonSet", Name: "x", Namespace: "ns"}}},
			"x []",
		},
		"parts": {
			"apiVersion: operators.coreos.com/v1alpha1\nkind: ClusterServiceVersion\nmetadata: {name: csv}\nspec: {install: {spec: {deployments: [{name: other}, " +
				"{name: flux-operator, label: {app.kubernetes.io/name: flux-operator}, spec: {template: {metadata: {annotations: {fluxtrust.dev/config: x}}, spec: {containers: [{name: manager}]}}}}]}}}\n",
			v1alpha1.Controllers{},
			"other []\nflux-operator [0] of x concerned",
		},
		"parts that cannot be read": {"apiVersion: operators.coreos.com/v1alpha1\nkind: ClusterServiceVersion\nspec: {install: 5}\n", v1alpha1.Controllers{}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, w := range of(t, tc.text, tc.config).Workloads {
				line := fmt.Sprintf("%s %v", w.Name(), w.Selected)
				if w.Owner != "" {
					line += " of " + w.Owner
				}
				if w.Patch {
					line += " patch"
				}
				if w.Concerned {
					line += " concerned"
				}
				if w.Err != nil {
					line += ": " + w.Err.Error()
				}
				got = append(got, line)
			}
			if joined := strings.Join(got, "\n"); joined != tc.want {
				t.Errorf("got\n%s\nwant\n%s", joined, tc.want)
			}
		})
	}
}

// TestOf: what is known of the stream as a whole.
func TestOf(t *testing.T) {
	i := of(t, controller+"---\n"+strings.Replace(controller, "v1.6.2-distroless", "v1.7.0", 1)+"---\napiVersion: fluxcd.controlplane.io/v1\nkind: FluxInstance\nspec: {components: [helm-controller, x]}\n",
		v1alpha1.Controllers{Additional: []v1alpha1.AdditionalController{{Kind: "Deployment", Name: "x"}, {Kind: "Deployment", Name: "source-controller"}}})
	got := fmt.Sprint(i.Controllers, i.Versions, i.Additional, i.Versions.Below("source-controller", "1.7.0"))
	if want := "map[helm-controller:true source-controller:true] map[source-controller:1.6.2] map[1:true] true"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestStoresFind(t *testing.T) {
	config := func(names, namespaces string) string {
		name, previous, _ := strings.Cut(names, ",")
		namespace, before, _ := strings.Cut(namespaces, ",")
		return fmt.Sprintf("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s, namespace: %q, annotations: {internal.config.kubernetes.io/previousNames: %q, internal.config.kubernetes.io/previousNamespaces: %q}}\n",
			name, namespace, previous, before)
	}
	for name, tc := range map[string]struct {
		objects    []string
		namespaces []string
		want       string
	}{
		"nothing":                        {[]string{config("other", "ns")}, []string{"ns"}, ""},
		"of another kind":                {[]string{"apiVersion: v1\nkind: Secret\nmetadata: {name: ca, namespace: ns}\n"}, []string{"ns"}, ""},
		"of another group":               {[]string{"apiVersion: x/v1\nkind: ConfigMap\nmetadata: {name: ca, namespace: ns}\n"}, []string{"ns"}, ""},
		"in another namespace":           {[]string{config("ca", "other")}, []string{"ns"}, ""},
		"the present name":               {[]string{config("new,ca", "ns"), config("ca", "ns")}, []string{"ns"}, "ca ns"},
		"a former name":                  {[]string{config("ca-2456789bcd", "ns"), config("new,ca", "ns")}, []string{"ns"}, "new ns"},
		"a name with a suffix":           {[]string{config("ca-2456789bcd", "ns")}, []string{"ns"}, "ca-2456789bcd ns"},
		"a former name with a suffix":    {[]string{config("p-ca-2456789bcd,ca-2456789bcd", "ns")}, []string{"ns"}, "p-ca-2456789bcd ns"},
		"no suffix of kustomize":         {[]string{config("ca-2456789bca", "ns")}, []string{"ns"}, ""},
		"without a namespace":            {[]string{config("ca", "")}, []string{"ns"}, "ca "},
		"with one before without":        {[]string{config("ca", ""), config("ca", "ns")}, []string{"ns"}, "ca ns"},
		"the name before the namespace":  {[]string{config("new,ca", "ns"), config("ca", "")}, []string{"ns"}, "ca "},
		"wanted without a namespace":     {[]string{config("ca", "other")}, []string{""}, "ca other"},
		"wanted in a former namespace":   {[]string{config("ca", "new,old")}, []string{"old"}, "ca new"},
		"wanted in several":              {[]string{config("ca", "b"), config("ca", "a")}, []string{"a", "b"}, "ca b"},
		"the first":                      {[]string{config("ca", "ns"), config("ca", "ns")}, []string{"ns"}, "ca ns"},
		"two old ones":                   {[]string{config("ca-2456789bcd", "ns"), config("ca-bcdfghkmtt", "ns")}, []string{"ns"}, "ca-2456789bcd ns or ca-bcdfghkmtt"},
		"two old ones in two namespaces": {[]string{config("ca-2456789bcd", "a"), config("ca-bcdfghkmtt", "b")}, []string{"a", "b"}, "ca-2456789bcd a or ca-bcdfghkmtt"},
		"made by trust-manager": {
			[]string{"apiVersion: trust.cert-manager.io/v1alpha1\nkind: Bundle\nmetadata: {name: ca}\nspec: {target: {configMap: {key: k}}}\n"},
			[]string{"ns"},
			"ca ",
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := ""
			found, other := of(t, strings.Join(tc.objects, "---\n"), v1alpha1.Controllers{}).Stores.Find(ConfigMap, "ca", tc.namespaces)
			if found != nil {
				got = found.Object.Name() + " " + found.Namespaces()[0]
			}
			if other != nil {
				got += " or " + other.Object.Name()
			}
			if got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
	bundle := "apiVersion: certificates.k8s.io/v1\nkind: ClusterTrustBundle\nmetadata: {name: ca}\nspec: {trustBundle: x}\n"
	if found, _ := of(t, bundle, v1alpha1.Controllers{}).Stores.Find(ClusterTrustBundle, "ca", nil); found == nil || string(found.Values[TrustBundleKey].Text) != "x" {
		t.Errorf("a ClusterTrustBundle: got %v", found)
	}
}

// TestStoresAreIndexed: a look-up reads a few groups, however many objects there are.
func TestStoresAreIndexed(t *testing.T) {
	s := &Stores{}
	for i := range 1000 {
		s.add(&Store{Object: krm.Reference("v1", ConfigMap, fmt.Sprintf("ns%d", i), "ca"), Kind: ConfigMap})
	}
	if len(s.named) != 1001 {
		t.Errorf("%d groups, want one per namespace and one for all", len(s.named))
	}
	if found, other := s.Find(ConfigMap, "ca", []string{""}); found != s.All[0] || other != nil {
		t.Errorf("found %v, %v", found, other)
	}
}

func TestStoreContent(t *testing.T) {
	for name, tc := range map[string]struct{ text, want string }{
		"a ConfigMap":         {"kind: ConfigMap\ndata: {b.crt: x, a.crt: y, a.key: z}\nbinaryData: {c.crt: Yg==}", "[a.crt b.crt c.crt] data.a.crt=y data.b.crt=x binaryData.c.crt=b"},
		"a Secret":            {"kind: Secret\ndata: {a: eA==, b: eA==}\nstringData: {b: y}", "[a b] data.a=x stringData.b=y"},
		"no base64":           {"kind: Secret\ndata: {a: '!'}", "[a] data.a is not valid base64; write it with: base64 < ca.crt"},
		"SOPS":                {"kind: Secret\nsops: {}\nstringData: {a: x}", "it is encrypted with SOPS [a] stringData.a=x"},
		"SOPS of a value":     {"kind: Secret\nstringData: {a: 'ENC[x]'}", "[a] stringData.a: it is encrypted with SOPS"},
		"OpenShift":           {"kind: ConfigMap\nmetadata: {labels: {config.openshift.io/inject-trusted-cabundle: 'true'}}", "OpenShift fills it in [ca-bundle.crt] ="},
		"trust-manager":       {"kind: ConfigMap\nmetadata: {labels: {trust.cert-manager.io/bundle: x}}\ndata: {a: x}", "trust-manager writes it [a] data.a=x"},
		"a placeholder":       {"kind: ConfigMap\ndata: {a: '${x}'}", "[a] data.a: it holds a ${…}, which Flux substitutes"},
		"one that stays":      {"kind: ConfigMap\nmetadata: {annotations: {kustomize.toolkit.fluxcd.io/substitute: disabled}}\ndata: {a: '${x}'}", "[a] data.a=${x}"},
		"of a config":         {"kind: ConfigMap\nmetadata: {annotations: {fluxtrust.dev/config: x}}", "of x []"},
		"with a hash":         {"kind: ConfigMap\nmetadata: {annotations: {internal.config.kubernetes.io/needsHashSuffix: enabled}}", "hashed []"},
		"that cannot be read": {"kind: Secret\nstringData: x", `stringData: expected keys and values, got a string []`},
	} {
		t.Run(name, func(t *testing.T) {
			s := of(t, "apiVersion: v1\n"+tc.text, v1alpha1.Controllers{}).Stores.All[0]
			var got []string
			if s.Err != nil {
				got = append(got, s.Err.Error())
			}
			if s.Owner != "" {
				got = append(got, "of "+s.Owner)
			}
			if s.Hashed() {
				got = append(got, "hashed")
			}
			if s.Unknown != "" {
				got = append(got, s.Unknown)
			}
			got = append(got, fmt.Sprint(s.Keys()))
			for _, key := range s.Keys() {
				switch v := s.Values[key]; {
				case v.Err != nil:
					got = append(got, strings.Replace(v.Err.Error(), ": ", " ", 1))
				case s.UnknownValue(v) != "":
					got = append(got, v.Path+": "+s.UnknownValue(v))
				default:
					got = append(got, v.Path+"="+string(v.Text))
				}
			}
			if joined := strings.Join(got, " "); joined != tc.want {
				t.Errorf("got\n%s\nwant\n%s", joined, tc.want)
			}
		})
	}
}

func TestEndpoint(t *testing.T) {
	for _, tc := range []struct{ kind, address, scheme, host string }{
		{"HelmRepository", "https://Charts.Example.com:8443/x", "https", "charts.example.com:8443"},
		{"HelmRepository", "HTTP://charts.example.com", "http", "charts.example.com"},
		{"HelmRepository", "oci://user:pass@oci.example.org/x", "oci", "oci.example.org"},
		{"HelmRepository", "https://${HOST}/x", "", ""},
		{"HelmRepository", "%zz", "", ""},
		{"Bucket", "minio.example.com:9000", "https", "minio.example.com:9000"},
		{"Bucket", "http://minio.example.com", "http", "minio.example.com"},
		{"ImageRepository", "images.example.org/fluxcd/x", "https", "images.example.org"},
		{"ImageRepository", "registry:5000/x", "https", "registry:5000"},
		{"ImageRepository", "localhost/x", "https", "localhost"},
		{"ImageRepository", "fluxcd/x", "https", "index.docker.io"},
		{"ImageRepository", "alpine", "https", "index.docker.io"},
		{"ImageRepository", "registry.example.com:5000", "https", "index.docker.io"},
		{"Provider", "https://hook.example.com/x", "https", "hook.example.com"},
		{"Provider", "projects/foo/topics/bar", "", ""},
		{"Provider", "", "", ""},
		{"GitRepository", "ssh://git@git.example.com/x", "ssh", "git.example.com"},
	} {
		scheme, host := endpoint(tc.kind, tc.address)
		if scheme != tc.scheme || host != tc.host {
			t.Errorf("%s %s: %q, %q, want %q, %q", tc.kind, tc.address, scheme, host, tc.scheme, tc.host)
		}
	}
}

func TestSources(t *testing.T) {
	for name, tc := range map[string]struct{ text, want string }{
		"a source":            {"kind: HelmRepository\nmetadata: {annotations: {fluxtrust.dev/config: x}}\nspec: {url: 'https://a.example.com', certSecretRef: {name: ca}}", "https a.example.com ca x"},
		"insecure":            {"kind: OCIRepository\nspec: {url: 'oci://a', insecure: true}", "oci a: insecure: true connects without TLS"},
		"insecure, to Helm":   {"kind: HelmRepository\nspec: {url: 'https://a', insecure: true}", "https a"},
		"http":                {"kind: HelmRepository\nspec: {url: 'http://a'}", "http a: http:// is no TLS"},
		"a patch":             {"kind: HelmRepository\nspec: {certSecretRef: {name: ca}}", "ca patch"},
		"with a directive":    {"kind: HelmRepository\nspec: {url: 'https://a', x: {$patch: delete}}", "https a patch"},
		"that is broken":      {"kind: HelmRepository\nspec: {url: []}", "error"},
		"no kind of a source": {"kind: Receiver\nspec: {url: 'https://a'}", ""},
	} {
		t.Run(name, func(t *testing.T) {
			var got string
			for _, s := range of(t, "apiVersion: source.toolkit.fluxcd.io/v1\n"+tc.text, v1alpha1.Controllers{}).Sources {
				got = strings.Join(slices.DeleteFunc([]string{s.Scheme, s.Host, s.Ref, s.Owner}, func(part string) bool { return part == "" }), " ")
				if why := s.WithoutTLS(); why != "" {
					got += ": " + why
				}
				if s.Err != nil {
					got = "error"
				} else if s.IsPatch() {
					got += " patch"
				}
			}
			if got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func TestInstallers(t *testing.T) {
	release := func(namespace, spec string) string {
		return fmt.Sprintf("apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: x, namespace: %q}\nspec: {%s}\n", namespace, spec)
	}
	chart := func(namespace, url string) string {
		return fmt.Sprintf("apiVersion: source.toolkit.fluxcd.io/v1\nkind: OCIRepository\nmetadata: {name: charts, namespace: %q}\nspec: {url: 'oci://x/%s'}\n", namespace, url)
	}
	const ref = "chartRef: {kind: OCIRepository, name: charts}"
	for name, tc := range map[string]struct {
		objects []string
		want    string
	}{
		"a FluxInstance":            {[]string{"apiVersion: fluxcd.controlplane.io/v1\nkind: FluxInstance\nmetadata: {namespace: ns}\nspec: {components: [source-controller], cluster: {type: openshift}}\n"}, "FluxInstance ns [source-controller] OpenShift"},
		"all components":            {[]string{"apiVersion: fluxcd.controlplane.io/v1\nkind: FluxInstance\n"}, "FluxInstance  all"},
		"of another group":          {[]string{"apiVersion: x/v1\nkind: FluxInstance\n"}, ""},
		"that is broken":            {[]string{"apiVersion: fluxcd.controlplane.io/v1\nkind: FluxInstance\nspec: {components: x}\n"}, `FluxInstance  all: spec.components: expected a list, got a string`},
		"a chart":                   {[]string{release("ns", "chart: {spec: {chart: charts/flux2}}")}, "flux2 ns all"},
		"another chart":             {[]string{release("ns", "chart: {spec: {chart: podinfo}}")}, ""},
		"no chart":                  {[]string{release("ns", "")}, ""},
		"in a target namespace":     {[]string{release("ns", "chart: {spec: {chart: flux-instance}}, targetNamespace: other, values: {instance: {components: [a, b]}}")}, "flux-instance other [a b]"},
		"by its own namespace":      {[]string{chart("other", "podinfo"), chart("ns", "flux2"), release("ns", ref)}, "flux2 ns all"},
		"not by another":            {[]string{chart("other", "flux2"), chart("ns", "podinfo"), release("ns", ref)}, ""},
		"not by another alone":      {[]string{chart("other", "flux2"), release("ns", ref)}, ""},
		"by the one that is named":  {[]string{chart("ns", "podinfo"), chart("other", "flux2"), release("ns", "chartRef: {kind: OCIRepository, name: charts, namespace: other}")}, "flux2 ns all"},
		"behind the release":        {[]string{release("ns", ref), chart("ns", "flux2")}, "flux2 ns all"},
		"a source without one":      {[]string{chart("", "flux2"), release("ns", ref)}, "flux2 ns all"},
		"a release without one":     {[]string{chart("ns", "flux2"), release("", ref)}, "flux2  all"},
		"that may be either":        {[]string{chart("a", "flux2"), chart("b", "podinfo"), release("", ref)}, ""},
		"of another kind":           {[]string{chart("ns", "flux2"), release("ns", "chartRef: {kind: HelmChart, name: charts}")}, ""},
		"by the name of the source": {[]string{release("ns", "chartRef: {kind: OCIRepository, name: flux2}")}, "flux2 ns all"},
	} {
		t.Run(name, func(t *testing.T) {
			got := ""
			for _, i := range of(t, strings.Join(tc.objects, "---\n"), v1alpha1.Controllers{}).Installers {
				kind := i.Kind.Chart
				if kind == "" {
					kind = i.Kind.Kind
				}
				got = fmt.Sprintf("%s %s %v", kind, i.Namespaces[0], i.Components)
				if slices.Equal(i.Components, flux.Components()) {
					got = fmt.Sprintf("%s %s all", kind, i.Namespaces[0])
				}
				if i.OpenShift {
					got += " OpenShift"
				}
				if i.Err != nil {
					got += ": " + i.Err.Error()
				}
			}
			if got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

// TestKindsOfTheConfig: every kind that spec.sources takes has a row.
func TestKindsOfTheConfig(t *testing.T) {
	for _, kind := range []v1alpha1.SourceKind{v1alpha1.HelmRepository, v1alpha1.OCIRepository, v1alpha1.Bucket, v1alpha1.ImageRepository, v1alpha1.Provider} {
		if !slices.ContainsFunc(flux.Kinds(), func(k flux.Kind) bool { return k.Name == string(kind) }) {
			t.Errorf("%s has no row", kind)
		}
	}
}

// TestOwnCAs: which Secrets may have a CA of a source in them.
func TestOwnCAs(t *testing.T) {
	const instance = "apiVersion: fluxcd.controlplane.io/v1\nkind: FluxInstance\nmetadata: {name: flux, namespace: fleet}\nspec:\n  distribution: {version: 2.x}\n"
	git := func(spec string) string {
		return "apiVersion: source.toolkit.fluxcd.io/v1\nkind: GitRepository\nmetadata: {name: a, namespace: apps}\nspec: {" + spec + "}\n"
	}
	patched := func(target, patch string) string {
		return instance + "  sync: {kind: OCIRepository, url: 'oci://a/b', pullSecret: pull}\n  kustomize:\n    patches:\n    - target: {kind: " + target + "}\n      patch: |\n        " + strings.ReplaceAll(patch, "\n", "\n        ") + "\n"
	}
	for name, tc := range map[string]struct{ stream, want string }{
		"Git":                       {git("url: 'https://a/b', secretRef: {name: x}"), "apps/x by spec.secretRef.name, credentials true"},
		"Git without a Secret":      {git("url: 'https://a/b'"), ""},
		"Git over SSH":              {git("url: 'ssh://git@a/b', secretRef: {name: x}"), ""},
		"Git without TLS":           {git("url: 'http://a/b', secretRef: {name: x}"), ""},
		"Git of a variable":         {git("url: '${url}', secretRef: {name: x}"), "apps/x by spec.secretRef.name, credentials true"},
		"charts":                    {strings.Replace(git("url: 'https://a/b', secretRef: {name: x}"), "GitRepository", "HelmRepository", 1), ""},
		"sync":                      {instance + "  sync: {kind: GitRepository, url: 'https://a/b', pullSecret: x}\n", "fleet/x by spec.sync.pullSecret, credentials true"},
		"sync over SSH":             {instance + "  sync: {kind: GitRepository, url: 'ssh://git@a/b', pullSecret: x}\n", ""},
		"sync without a Secret":     {instance + "  sync: {kind: GitRepository, url: 'https://a/b'}\n", ""},
		"no sync":                   {instance, ""},
		"a registry":                {instance + "  sync: {kind: OCIRepository, url: 'oci://a/b', pullSecret: x}\n", ""},
		"a registry, JSON 6902":     {patched("OCIRepository", "- op: add\n  path: /spec/certSecretRef\n  value: {name: x}"), "fleet/x by spec.kustomize.patches, credentials false"},
		"a registry, the name":      {patched("OCIRepository", "- op: replace\n  path: /spec/certSecretRef/name\n  value: x"), "fleet/x by spec.kustomize.patches, credentials false"},
		"a registry, merged":        {patched("''", "kind: OCIRepository\nmetadata: {name: any}\nspec: {certSecretRef: {name: x}}"), "fleet/x by spec.kustomize.patches, credentials false"},
		"patches of something else": {patched("GitRepository", "- op: add\n  path: /spec/certSecretRef\n  value: {name: x}"), ""},
		"a patch that is none":      {patched("OCIRepository", "]"), ""},
		"values of the chart":       {"apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: flux, namespace: a}\nspec:\n  targetNamespace: fleet\n  chart: {spec: {chart: flux-instance}}\n  values: {instance: {sync: {kind: GitRepository, url: 'https://a/b', pullSecret: x}}}\n", "fleet/x by spec.values.instance.sync.pullSecret, credentials true"},
		"a template":                {"apiVersion: fluxcd.controlplane.io/v1\nkind: ResourceSet\nmetadata: {name: a, namespace: b}\nspec:\n  resources:\n  - " + strings.ReplaceAll(strings.Replace(instance, "fleet", "<< inputs.a >>", 1)+"  sync: {kind: GitRepository, url: 'https://a/b', pullSecret: x}", "\n", "\n    ") + "\n", ""},
		"in a ResourceSet":          {"apiVersion: fluxcd.controlplane.io/v1\nkind: ResourceSet\nmetadata: {name: a, namespace: b}\nspec:\n  resources:\n  - " + strings.ReplaceAll(instance+"  sync: {kind: GitRepository, url: 'https://a/b', pullSecret: x}", "\n", "\n    ") + "\n", "fleet/x by spec.sync.pullSecret, credentials true"},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, own := range Of(objects(t, tc.stream), &v1alpha1.Controllers{}).OwnCAs() {
				got = append(got, fmt.Sprintf("%s/%s by %s, credentials %t", own.Namespaces[0], own.Name, own.Path, own.Credentials))
			}
			if strings.Join(got, "\n") != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}
