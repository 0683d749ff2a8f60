package installer

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/internal/codes"
	"fluxtrust.dev/flux-trust/internal/flux"
	"fluxtrust.dev/flux-trust/internal/inventory"
	"fluxtrust.dev/flux-trust/internal/krm"
	"fluxtrust.dev/flux-trust/internal/patches"
	"fluxtrust.dev/flux-trust/internal/trust"
)

func read(t *testing.T, text string) *inventory.Inventory {
	t.Helper()
	var objects []*krm.Object
	for _, document := range strings.Split(text, "\n---\n") {
		n, err := yaml.Parse(document)
		if err != nil {
			t.Fatal(err)
		}
		objects = append(objects, krm.NewObject(n.YNode(), nil))
	}
	return inventory.Of(objects, &v1alpha1.Controllers{})
}

// objects holds an installer of each row, with a place for what stands around its
// patches.
func objects() map[string]string {
	return map[string]string{
		"FluxInstance":  "apiVersion: fluxcd.controlplane.io/v1\nkind: FluxInstance\nmetadata: {name: flux}\nspec:\n%s",
		"flux-instance": "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: flux}\nspec:\n  chart: {spec: {chart: flux-instance}}\n  values:\n    instance:\n%s",
		"flux2":         "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: flux}\nspec:\n  chart: {spec: {chart: flux2}}\n%s",
	}
}

func made(names ...string) []patches.Patch {
	var found []patches.Patch
	for _, name := range names {
		found = append(found, patches.Patch{Target: patches.Target{Kind: "Deployment", Name: name}, Body: "# fluxtrust.dev/config: corp\nkind: Deployment\n"})
	}
	return found
}

func corp() trust.Settings {
	return trust.Settings{Owner: "corp", Mount: v1alpha1.Mount{Method: v1alpha1.Directory}}
}

// applied makes patches those of an installer, and returns it as YAML.
func applied(t *testing.T, text string, p []patches.Patch, s trust.Settings) (after string, owned bool, found krm.Findings, err error) {
	t.Helper()
	i := read(t, text).Installers
	if len(i) != 1 || i[0].Err != nil {
		t.Fatalf("got %v", i)
	}
	owned, found = Apply(i[0], nil, p, s)
	return yaml.NewRNode(i[0].Object.After().Node).MustString(), owned, found, i[0].Object.Err()
}

func said(found krm.Findings) string {
	var lines []string
	for _, f := range found {
		lines = append(lines, strings.TrimSpace(fmt.Sprintf("%s %s %s", f.Severity, f.Code, f.Path)))
	}
	return strings.Join(lines, "\n")
}

// TestThereAndBack: for every row of flux.Installers, patches are put beside those of
// others, replaced in their places, and taken out again.
func TestThereAndBack(t *testing.T) {
	others := map[string]map[string]string{
		"nothing": {"FluxInstance": "  distribution: {version: 2.x}\n", "flux-instance": "      distribution: {version: 2.x}\n", "flux2": "  interval: 1h\n"},
		"patches of others": {
			"FluxInstance":  "  kustomize:\n    patches:\n    - patch: mine # mine\n",
			"flux-instance": "      kustomize:\n        patches:\n        - patch: mine # mine\n",
			"flux2":         "  postRenderers:\n  - kustomize:\n      patches:\n      - patch: mine # mine\n",
		},
	}
	paths := map[string]string{"FluxInstance": "spec.kustomize.patches", "flux-instance": "spec.values.instance.kustomize.patches", "flux2": "spec.postRenderers"}
	for _, kind := range flux.Installers() {
		if kind.Operator {
			continue // whose values have no list of patches
		}
		name := kind.Chart
		if name == "" {
			name = kind.Kind
		}
		for around, texts := range others {
			text := fmt.Sprintf(objects()[name], texts[name])
			before := yaml.MustParse(text).MustString()
			one, owned, found, err := applied(t, text, made("a"), corp())
			if err != nil || owned || said(found) != "info Patches "+paths[name] || strings.Count(one, "fluxtrust.dev/config: corp") != 1 {
				t.Errorf("%s, %s: got %v, %t, %s\n%s", name, around, err, owned, said(found), one)
			}
			if strings.Contains(text, "mine") && !strings.Contains(one, "patch: mine # mine") {
				t.Errorf("%s, %s: the user's is lost\n%s", name, around, one)
			}
			if again, owned, found, err := applied(t, one, made("a"), corp()); err != nil || !owned || again != one || len(found) > 0 {
				t.Errorf("%s, %s: again gives %v, %t, %s\n%s", name, around, err, owned, said(found), again)
			}
			two, _, _, err := applied(t, one, made("a", "b"), corp())
			if err != nil || strings.Count(two, "fluxtrust.dev/config: corp") != 2 {
				t.Errorf("%s, %s: two are %v\n%s", name, around, err, two)
			}
			if back, _, _, err := applied(t, two, made("a"), corp()); err != nil || back != one {
				t.Errorf("%s, %s: one again is %v\n%s\nnot\n%s", name, around, err, back, one)
			}
			back, owned, found, err := applied(t, two, nil, corp())
			if err != nil || !owned || back != before || said(found) != "info PatchesNoLonger "+paths[name] {
				t.Errorf("%s, %s: back comes %v, %t, %s\n%s\nnot\n%s", name, around, err, owned, said(found), back, before)
			}
		}
	}
}

// TestPatchesNamed: what is patched is named, and not the pattern that finds it.
func TestPatchesNamed(t *testing.T) {
	p := patches.Patch{Target: patches.Target{Kind: "Deployment", Name: "^(.+-)?(source-controller|helm-controller)(-.+)?$"}, Body: made("a")[0].Body, Names: []string{"source-controller", "helm-controller"}}
	other := p
	other.Target.Name, other.Names = "^flux-operator$", []string{"flux-operator"}
	_, _, found, err := applied(t, fmt.Sprintf(objects()["flux2"], "  interval: 1h\n"), []patches.Patch{p, other}, corp())
	if want := "patches the controllers that it installs: source-controller, helm-controller, flux-operator"; err != nil || len(found) != 1 || found[0].Message != want {
		t.Errorf("got %v, %v, want %s", found, err, want)
	}
}

func TestApply(t *testing.T) {
	instance := func(patches string) string {
		return fmt.Sprintf(objects()["FluxInstance"], "  kustomize:\n    patches:"+patches+"\n")
	}
	none := corp()
	none.Mount.Method = v1alpha1.None
	restricted := corp()
	restricted.Security.Profile = v1alpha1.Restricted
	proxied := corp()
	proxied.Proxy, proxied.Extras.AcceptNegativeSerials = &v1alpha1.Proxy{HTTPS: "http://p"}, true
	const own = "{patch: \"# fluxtrust.dev/config: corp\\n\"}"
	for name, tc := range map[string]struct {
		text     string
		made     []patches.Patch
		settings trust.Settings
		want     string // of the findings, or the error
	}{
		"null":                   {instance(" null"), made("a"), corp(), "info Patches spec.kustomize.patches"},
		"an empty list":          {instance(" []"), made("a"), corp(), "info Patches spec.kustomize.patches"},
		"no list":                {instance(" {}"), made("a"), corp(), "spec.kustomize.patches: expected a list, got a mapping"},
		"of another config":      {instance(" [{patch: \"# fluxtrust.dev/config: other\\n\"}]"), made("a"), corp(), `spec.kustomize.patches[0]: FluxTrust "other" has added this patch`},
		"of another, to be left": {instance(" [{patch: \"# fluxtrust.dev/config: other\\n\"}]"), nil, none, ""},
		"the same variable":      {instance(" [{patch: \"name: SSL_CERT_DIR\"}]"), made("a"), corp(), "warning PatchConflict spec.kustomize.patches[0].patch\ninfo Patches spec.kustomize.patches"},
		"a proxy without one":    {instance(" [{patch: \"name: HTTPS_PROXY\"}]"), made("a"), corp(), "info Patches spec.kustomize.patches"},
		"the same proxy":         {instance(" [{patch: \"name: HTTPS_PROXY\"}]"), made("a"), proxied, "warning PatchConflict spec.kustomize.patches[0].patch\ninfo Patches spec.kustomize.patches"},
		"the same GODEBUG":       {instance(" [{patch: \"name: GODEBUG\"}]"), made("a"), proxied, "warning PatchConflict spec.kustomize.patches[0].patch\ninfo Patches spec.kustomize.patches"},
		"a weaker pod":           {instance(" [{patch: \"spec: {template: {spec: {containers: [{name: manager, securityContext: {readOnlyRootFilesystem: false}}]}}}\"}]"), made("a"), restricted, "warning PatchConflict spec.kustomize.patches[0].patch\ninfo Patches spec.kustomize.patches"},
		"a weaker pod, by JSON":  {instance(" [{patch: \"[{op: replace, path: /spec/template/spec/containers/0/securityContext/runAsNonRoot, value: false}]\"}]"), made("a"), restricted, "warning PatchConflict spec.kustomize.patches[0].patch\ninfo Patches spec.kustomize.patches"},
		"no securityContext":     {instance(" [{patch: \"[{op: remove, path: /spec/template/spec/securityContext}]\"}]"), made("a"), restricted, "warning PatchConflict spec.kustomize.patches[0].patch\ninfo Patches spec.kustomize.patches"},
		"weaker, not judged":     {instance(" [{patch: \"spec: {template: {spec: {hostNetwork: true}}}\"}]"), made("a"), corp(), "info Patches spec.kustomize.patches"},
		"as strict":              {instance(" [{patch: \"spec: {template: {spec: {hostNetwork: false, securityContext: {runAsUser: 1000}}}}\"}]"), made("a"), restricted, "info Patches spec.kustomize.patches"},
		"env of the chart":       {fmt.Sprintf(objects()["flux2"], "  values:\n    sourceController:\n      extraEnv: [{name: A, value: b}, {name: SSL_CERT_DIR, value: /x}]\n"), made("a"), corp(), "warning PatchConflict spec.values.sourceController.extraEnv.[name=SSL_CERT_DIR]\ninfo Patches spec.postRenderers"},
		"of another kind":        {instance(" [{target: {kind: StatefulSet}, patch: \"name: SSL_CERT_DIR\"}]"), made("a"), corp(), "info Patches spec.kustomize.patches"},
		"counted behind ours":    {instance(" [" + own + ", {patch: \"path: /spec/template/spec/volumes/0\"}]"), made("a"), corp(), "warning PatchConflict spec.kustomize.patches[1].patch\ninfo Patches spec.kustomize.patches"},
		"a list behind ours":     {instance(" [" + own + ", {patch: \"path: /spec/template/spec/containers/0/env\"}]"), made("a"), corp(), "warning PatchConflict spec.kustomize.patches[1].patch\ninfo Patches spec.kustomize.patches"},
		"appended behind ours":   {instance(" [" + own + ", {patch: \"path: /spec/template/spec/volumes/-\"}]"), made("a"), corp(), "info Patches spec.kustomize.patches"},
		"counted before ours":    {instance(" [{patch: \"path: /spec/template/spec/volumes/0\"}, " + own + "]"), made("a"), corp(), "info Patches spec.kustomize.patches"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, found, err := applied(t, tc.text, tc.made, tc.settings)
			got := said(found)
			if err != nil {
				got = err.Error()
			}
			if got != tc.want && (err == nil || !strings.HasPrefix(got, tc.want)) {
				t.Errorf("got\n%s\nwant\n%s", got, tc.want)
			}
		})
	}
}

// TestCopies: patches of spec.valuesFrom come first, as often as it is run, and go
// again.
func TestCopies(t *testing.T) {
	release := func(more string) string {
		return "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: flux, namespace: ns}\nspec:\n  chart: {spec: {chart: flux-instance}}\n" + more
	}
	const from = "  valuesFrom: [{kind: ConfigMap, name: v}]\n"
	values := func(kind, patch string) string {
		return "\n---\napiVersion: v1\nkind: " + kind + "\nmetadata: {name: v, namespace: ns}\nSTRINGS:\n  values.yaml: |\n    instance:\n      kustomize:\n        patches:" + patch + "\n"
	}
	const one = "\n        - target: {kind: Namespace}\n          patch: |\n            - op: add\n"
	run := func(t *testing.T, text string, p []patches.Patch) (string, error) {
		t.Helper()
		found := read(t, strings.NewReplacer("kind: Secret\n", "kind: Secret\n", "STRINGS", map[bool]string{true: "stringData", false: "data"}[strings.Contains(text, "kind: Secret\n")]).Replace(text))
		i := found.Installers[0]
		copies, _ := Copies(i, found.Stores, "corp")
		Apply(i, copies, p, corp())
		return yaml.NewRNode(i.Object.After().Node).MustString(), i.Object.Err()
	}
	for name, tc := range map[string]struct {
		more, values, want string // want is what comes before ours, or the error
	}{
		"a ConfigMap":                   {from, values("ConfigMap", one), "copied from ConfigMap v, key values.yaml\n            - op: add\n"},
		"no list in it":                 {from, values("ConfigMap", ""), ""},
		"an own list":                   {from + "  values: {instance: {kustomize: {patches: [{patch: mine}]}}}\n", values("ConfigMap", one), "patch: mine"},
		"an own list, without":          {from + "  values: {instance: {kustomize: {patches: []}}}\n", "", ""},
		"an own list, without, and one": {from + "  values: {instance: {kustomize: {patches: []}}}\n", values("ConfigMap", one), "error: spec.valuesFrom.[name=v]: holds patches that the empty list"},
		"not there":                     {from, "", "error: spec.valuesFrom.[name=v]: may hold a list instance.kustomize.patches, which that of flux-trust would hide: Helm replaces lists; and ConfigMap v, key values.yaml, is not in the stream"},
		"a Secret":                      {"  valuesFrom: [{kind: Secret, name: v}]\n", values("Secret", one), "error: spec.valuesFrom.[name=v]: Secret v, key values.yaml, holds a list"},
		"a Secret without":              {"  valuesFrom: [{kind: Secret, name: v}]\n", values("Secret", " []"), ""},
		"one value":                     {"  valuesFrom: [{kind: Secret, name: x, targetPath: instance.sync.path}]\n", "", ""},
		"one value that is in the way":  {"  valuesFrom: [{kind: Secret, name: x, targetPath: instance.kustomize.patches}]\n", "", "error: spec.valuesFrom.[name=x]: sets instance.kustomize.patches"},
		"another key":                   {"  valuesFrom: [{kind: ConfigMap, name: v, valuesKey: x}]\n", values("ConfigMap", one), ""},
	} {
		t.Run(name, func(t *testing.T) {
			text := release(tc.more) + tc.values
			first, err := run(t, text, made("corp", "a"))
			if message, ok := strings.CutPrefix(tc.want, "error: "); ok || err != nil {
				if err == nil || !ok || !strings.HasPrefix(err.Error(), message) {
					t.Errorf("got %v, want %s", err, tc.want)
				}
				return
			}
			if at := strings.LastIndex(first, "name: a"); !strings.Contains(first[:max(at, 0)], tc.want) {
				t.Errorf("no %q before ours in\n%s", tc.want, first)
			}
			for _, again := range []string{first + tc.values, first} { // also where only the release is at hand
				if second, err := run(t, again, made("corp", "a")); err != nil || second != first {
					t.Errorf("a second run: %v\n%s\nand had\n%s", err, second, first)
				}
			}
			back, err := run(t, first+tc.values, nil)
			if err != nil || strings.Contains(back, "corp") {
				t.Errorf("taken out: %v\n%s", err, back)
			}
		})
	}
}

// TestPatches: one patch for all controllers that change in the same way, for those
// that are installed and that the config is about.
func TestPatches(t *testing.T) {
	label := func(w *inventory.Workload, s trust.Settings) krm.Findings {
		w.Object.Edit().Ensure("metadata", "annotations").PutText("profile", string(s.Security.Profile))
		var found krm.Findings
		found.Add(krm.Info, codes.Trusts, w.Object, krm.Difference{}, "no news")
		if w.Name() == "source-controller" {
			found.Add(krm.Warning, codes.LeftAlone, w.Object, krm.Difference{}, "a warning")
		}
		return found
	}
	c := &v1alpha1.FluxTrust{Metadata: v1alpha1.Metadata{Name: "corp"}, Spec: v1alpha1.Spec{
		Controllers: v1alpha1.Controllers{Exclude: []v1alpha1.Controller{"helm-controller"}}, SecurityContext: v1alpha1.SecurityContext{Profile: v1alpha1.Restricted},
	}}
	s := Stock{Namespaces: []string{"ns"}, Components: []string{"source-controller", "helm-controller", "kustomize-controller", "unknown"}}
	about := krm.Reference("v1", "FluxInstance", "ns", "flux")
	for profile, openShift := range map[string]bool{"Restricted": false, "OpenShift": true} {
		s.OpenShift = openShift
		p, found, err := Patches(s, c, label, about)
		if err != nil || len(p) != 1 || !strings.Contains(p[0].Target.Name, "source-controller|kustomize-controller") || strings.Contains(p[0].Target.Name, "helm") || !strings.Contains(p[0].Body, "profile: "+profile) {
			t.Errorf("got %v, %v", p, err)
		}
		if len(found) != 1 || found[0].Code != codes.LeftAlone || found[0].Object != about {
			t.Errorf("found %v", found)
		}
	}
	if _, found, err := Patches(s, c, label, nil); err != nil || found[0].Object.Name() != "source-controller" {
		t.Errorf("about the controller itself: %v, %v", found, err)
	}
	for want, fail := range map[string]error{
		"the source-controller that it installs: a.b: is wrong": &krm.FieldError{Code: codes.PathTaken, Path: "a.b", Message: "is wrong"},
		krm.ErrReported.Error():                                 krm.ErrReported,
	} {
		_, _, err := Patches(s, c, func(w *inventory.Workload, _ trust.Settings) krm.Findings { w.Object.Fail(fail); return nil }, about)
		if err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
		if errors.Is(fail, krm.ErrReported) != errors.Is(err, krm.ErrReported) {
			t.Errorf("%v is told again", err)
		}
	}
	if p, _, err := Patches(Stock{Namespaces: []string{""}}, c, label, about); err != nil || len(p) > 0 {
		t.Errorf("of nothing: %v, %v", p, err)
	}
}

// TestStock: every controller of Flux can be made, and is found as one.
func TestStock(t *testing.T) {
	for _, openShift := range []bool{false, true} {
		workloads, err := (Stock{Namespaces: []string{"ns", "old"}, Components: flux.Names(), OpenShift: openShift}).deployments(&v1alpha1.Controllers{})
		if err != nil || len(workloads) != len(flux.Names()) {
			t.Fatalf("got %d, %v", len(workloads), err)
		}
		for i, w := range workloads {
			mounts := w.In(w.Object.Before).Get("spec", "template", "spec").Items("containers")[0].Items("volumeMounts")
			if w.Err != nil || w.Patch || !slices.Equal(w.Selected, []int{0}) || w.Name() != flux.Names()[i] || len(mounts) == 0 || !slices.Equal(w.Object.Namespaces, []string{"ns", "old"}) {
				t.Errorf("%s: %v", w.Name(), w)
			}
			if set := w.Object.Before.Get("spec", "template", "spec", "securityContext").Exists(); set == openShift {
				t.Errorf("%s has a securityContext: %t", w.Name(), set)
			}
		}
	}
	if found, err := Deployments("ns"); err != nil || len(found) != len(flux.Names()) {
		t.Errorf("got %d, %v", len(found), err)
	}
}

func TestCheckReferences(t *testing.T) {
	c := &v1alpha1.FluxTrust{Spec: v1alpha1.Spec{CABundle: []v1alpha1.CABundleEntry{{ConfigMap: &v1alpha1.ConfigMapSource{Name: "a"}}, {Secret: &v1alpha1.SecretSource{Name: "b"}}}}}
	for name, tc := range map[string]struct{ text, want string }{
		"as they are":    {"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n---\napiVersion: v1\nkind: Secret\nmetadata: {name: b}\n", ""},
		"not there":      {"kind: x\n", ""},
		"a hash to come": {"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, annotations: {internal.config.kubernetes.io/needsHashSuffix: enabled}}\n", "spec.caBundle[0].configMap.name: ConfigMap a gets a hash suffix"},
		"another name":   {"apiVersion: v1\nkind: Secret\nmetadata: {name: p-b, annotations: {internal.config.kubernetes.io/previousNames: b}}\n", "spec.caBundle[1].secret.name: Secret b is called p-b by now"},
	} {
		err := CheckReferences(c, read(t, tc.text).Stores, []string{""})
		if err == nil && tc.want != "" || err != nil && (tc.want == "" || !strings.HasPrefix(err.Error(), tc.want)) {
			t.Errorf("%s: got %v, want %s", name, err, tc.want)
		}
	}
}

// TestCheckArtifact: what flux-operator pulls itself is told where flux-operator is not
// known to get what the controllers get, and nowhere else.
func TestCheckArtifact(t *testing.T) {
	const (
		operator = "\n---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: flux-operator, labels: {app.kubernetes.io/name: flux-operator}}\nspec:\n  selector: {}\n  template:\n    spec:\n      containers:\n      - name: manager\n        image: ghcr.io/controlplaneio-fluxcd/flux-operator:v0.58.1\n"
		trusting = operator + "        env: [{name: SSL_CERT_FILE, value: /ca/ca.crt}]\n"
		mounting = operator + "        volumeMounts: [{name: ca, mountPath: %s}]\n      volumes: [{name: ca, %s}]\n"
		release  = "\n---\napiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: flux-operator}\nspec:\n  chart: {spec: {chart: flux-operator}}\n"
		patch    = "\n---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: flux-operator}\nspec: {template: {spec: {containers: [{name: manager, image: ghcr.io/controlplaneio-fluxcd/flux-operator:v1}]}}}\n"
	)
	instance := func(distribution string) string {
		return fmt.Sprintf(objects()["FluxInstance"], "  distribution: {"+distribution+"}")
	}
	chart := func(distribution string) string {
		return fmt.Sprintf(objects()["flux-instance"], "      distribution: {"+distribution+"}")
	}
	const (
		pulled  = "artifact: 'oci://registry.example.com/manifests'"
		unknown = "info OperatorPulls spec.distribution.artifact"
		left    = "warning OperatorPulls spec.distribution.artifact"
		unseen  = "warning Unchecked spec.distribution.artifact"
	)
	store := func(kind, key, value string) string {
		return "\n---\napiVersion: v1\nkind: " + kind + "\nmetadata: {name: corp}\n" + map[string]string{"Secret": "stringData", "ConfigMap": "data"}[kind] + ":\n  " + key + ": |\n    " + strings.ReplaceAll(strings.TrimSpace(value), "\n", "\n    ") + "\n"
	}
	data, err := os.ReadFile("../../examples/quickstart/certs/Company-Root-CA.crt")
	if err != nil {
		t.Fatal(err)
	}
	root := string(data)
	mounted := func(at, volume string) string { return instance(pulled) + fmt.Sprintf(mounting, at, volume) }
	const over, file = "/etc/ssl/certs", "/etc/ssl/certs/corp.crt, subPath: ca.crt"
	none, without := v1alpha1.Controllers{}, v1alpha1.Controllers{Exclude: []v1alpha1.Controller{flux.Operator}}
	only := v1alpha1.Controllers{Include: []v1alpha1.Controller{"source-controller"}}
	for name, tc := range map[string]struct {
		stream string
		config v1alpha1.Controllers
		want   string
	}{
		"in its image":                        {instance("version: 2.x"), none, ""},
		"not in the stream":                   {instance(pulled), none, unknown},
		"a patch of it":                       {instance(pulled) + patch, none, unknown},
		"its Deployment":                      {instance(pulled) + operator, none, ""},
		"its HelmRelease":                     {instance(pulled) + release, none, ""},
		"left out":                            {instance(pulled) + operator, only, left},
		"left out, a HelmRelease":             {instance(pulled) + release, only, left},
		"a file that no volume has":           {instance(pulled) + trusting, only, unseen},
		"a HelmRelease with roots of its own": {instance(pulled) + release + "  values: {extraEnvs: [{name: SSL_CERT_DIR, value: /ca}]}\n", only, unseen},
		"a ConfigMap over the folder":         {mounted(over, "configMap: {name: corp}") + store("ConfigMap", "ca.crt", root), only, unknown},
		"one file of it":                      {mounted(file, "configMap: {name: corp}") + store("ConfigMap", "ca.crt", root), only, unknown},
		"another file of it":                  {mounted(file, "configMap: {name: corp}") + store("ConfigMap", "other.crt", root), only, left},
		"a file under another name":           {mounted("/etc/ssl/certs/corp.crt, subPath: x", "configMap: {name: corp, items: [{key: ca.crt, path: x}]}") + store("ConfigMap", "ca.crt", root), only, unknown},
		"a Secret":                            {mounted(over, "secret: {secretName: corp}") + store("Secret", "ca.crt", root), only, unknown},
		"a projected volume":                  {mounted(over, "projected: {sources: [{secret: {name: corp}}]}") + store("Secret", "ca.crt", root), only, unknown},
		"none of its certificates":            {mounted(over, "configMap: {name: corp}") + store("ConfigMap", "ca.crt", "x"), only, left},
		"a ConfigMap that is not here":        {mounted(over, "configMap: {name: corp}"), only, unseen},
		"a Secret that is not here":           {mounted(file, "secret: {secretName: corp}"), only, unseen},
		"a volume of the node":                {mounted(over, "hostPath: {path: /etc/ssl/certs}"), only, unseen},
		"elsewhere":                           {mounted("/data", "configMap: {name: corp}"), only, left},
		"excluded, with a mount":              {mounted(over, "configMap: {name: corp}"), without, unknown},
		"at SSL_CERT_FILE": {
			instance(pulled) + trusting + "        volumeMounts: [{name: ca, mountPath: /ca}]\n      volumes: [{name: ca, configMap: {name: corp}}]\n" + store("ConfigMap", "ca.crt", root), only, unknown,
		},
		"beside SSL_CERT_FILE": {
			instance(pulled) + trusting + "        volumeMounts: [{name: ca, mountPath: /ca}]\n      volumes: [{name: ca, configMap: {name: corp}}]\n" + store("ConfigMap", "other.crt", root), only, left,
		},
		"at SSL_CERT_DIR": {
			instance(pulled) + operator + "        env: [{name: SSL_CERT_DIR, value: '/etc/ssl/certs:/ca/'}]\n        volumeMounts: [{name: ca, mountPath: /ca/}]\n      volumes: [{name: ca, secret: {secretName: corp}}]\n" + store("Secret", "ca.crt", root), only, unknown,
		},
		"a variable from elsewhere": {instance(pulled) + operator + "        env: [{name: SSL_CERT_FILE, valueFrom: {configMapKeyRef: {name: x, key: y}}}]\n", only, unseen},
		"of another container": {
			instance(pulled) + operator + "      - name: proxy\n        env: [{name: SSL_CERT_FILE, value: /ca/ca.crt}]\n", only, left,
		},
		"excluded":                 {instance(pulled) + operator, without, unknown},
		"the default of the chart": {chart("version: 2.x"), none, strings.Replace(unknown, "spec.", "spec.values.instance.", 1)},
		"none in the chart":        {chart("artifact: ''"), none, ""},
		"the chart flux2":          {fmt.Sprintf(objects()["flux2"], "  interval: 1h"), none, ""},
	} {
		t.Run(name, func(t *testing.T) {
			all := read(t, tc.stream)
			found := CheckArtifact(all.Installers[0], all, &tc.config)
			if got := said(found); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
			if host := "registry.example.com"; len(found) > 0 && strings.Contains(tc.stream, host) && !strings.Contains(found[0].Message, "is pulled from "+host+" by") {
				t.Error(found[0].Message)
			}
		})
	}
}
