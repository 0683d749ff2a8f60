package sources

import (
	"encoding/base64"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/internal/bundle"
	"fluxtrust.dev/flux-trust/internal/inventory"
	"fluxtrust.dev/flux-trust/internal/krm"
	"fluxtrust.dev/flux-trust/internal/trust"
)

var today = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func rootPEM(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile("../../examples/quickstart/certs/Company-Root-CA.crt")
	if err != nil {
		t.Fatal(err)
	}
	return string(data[strings.Index(string(data), "-----BEGIN"):])
}

func inventoryOf(t *testing.T, text string, c *v1alpha1.FluxTrust) *inventory.Inventory {
	t.Helper()
	return inventory.Of(read(t, text), &c.Spec.Controllers)
}

// sourceIn returns a source in the namespace apps.
func sourceIn(api, kind, metadata, spec string) string {
	return "apiVersion: " + api + "\nkind: " + kind + "\nmetadata: {name: a, namespace: apps" + metadata + "}\nspec: {" + spec + "}\n"
}

func helmRepository(metadata, spec string) string {
	return sourceIn("source.toolkit.fluxcd.io/v1", "HelmRepository", metadata, "url: 'https://charts.example.com:8443'"+spec)
}

func secretCA(metadata, content string) string {
	return "apiVersion: v1\nkind: Secret\nmetadata: {name: ca, namespace: apps" + metadata + "}\n" + content
}

func controllerOf(tag string) string {
	const name = "source-controller"
	return "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: " + name + ", labels: {app.kubernetes.io/part-of: flux}}\n" +
		"spec: {selector: {}, template: {spec: {containers: [{name: manager, image: 'x/fluxcd/" + name + ":" + tag + "'}]}}}\n"
}

func said(found krm.Findings) string {
	var lines []string
	for _, f := range found {
		about := ""
		if f.Object != nil {
			about = " " + f.Object.Kind()
		}
		lines = append(lines, strings.TrimSpace(fmt.Sprintf("%s %s%s %s", f.Severity, f.Code, about, f.Path)))
	}
	return strings.Join(lines, "\n")
}

func TestApply(t *testing.T) {
	const all = "{kinds: [HelmRepository, OCIRepository, Bucket, ImageRepository, Provider], certSecretRef: {name: ca}}"
	const set, ours = "spec.certSecretRef.name", ", annotations: {fluxtrust.dev/config: x}"
	root := rootPEM(t)
	held := "stringData:\n  ca.crt: |\n    " + strings.ReplaceAll(strings.TrimSpace(root), "\n", "\n    ") + "\n"
	bundles := func(b trust.Bundle) Bundles {
		return func() ([]trust.Bundle, krm.Findings) {
			var found krm.Findings
			found.Add(krm.Info, "Resolved", nil, krm.Difference{}, "told once")
			return []trust.Bundle{b}, found
		}
	}
	certificates, _ := bundle.Parse([]byte(root))
	known, unknown := bundles(trust.Bundle{Certificates: certificates}), bundles(trust.Bundle{Unknown: "reasons"})
	const v1, nothing = "source.toolkit.fluxcd.io/v1", "info Resolved"
	for name, tc := range map[string]struct {
		sources string // of the config
		stream  []string
		bundles Bundles
		want    string // of the findings
		ref     string // of the first source, afterwards
		secrets string
		counts  string // selected, changed, released
	}{
		"set":                        {all, []string{helmRepository("", "")}, known, nothing + "\ninfo TrustsSecret HelmRepository " + set, "ca", "apps/ca [ca.crt]", "1 1 0"},
		"set again":                  {all, []string{helmRepository(ours, ", certSecretRef: {name: ca}")}, known, nothing, "ca", "apps/ca [ca.crt]", "1 0 0"},
		"another name":               {all, []string{helmRepository(ours, ", certSecretRef: {name: old}")}, known, nothing + "\ninfo TrustsSecret HelmRepository " + set, "ca", "apps/ca [ca.crt]", "1 1 0"},
		"no longer selected":         {"{kinds: [Bucket], certSecretRef: {name: ca}}", []string{helmRepository(ours, ", certSecretRef: {name: ca}")}, known, "info TrustsSecretNoLonger HelmRepository spec.certSecretRef\nwarning SelectsNothing FluxTrust spec.sources[0]", "", "", "0 1 1"},
		"its own":                    {all, []string{helmRepository("", ", certSecretRef: {name: own}")}, known, "warning OwnReference HelmRepository " + set, "own", "", "1 0 0"},
		"its own, the same":          {all, []string{helmRepository("", ", certSecretRef: {name: ca}"), secretCA("", held)}, known, "", "ca", "", "1 0 0"},
		"a Secret of the user's":     {all, []string{helmRepository("", ""), secretCA("", held)}, known, "info TrustsSecret HelmRepository " + set, "ca", "", "1 1 0"},
		"that was renamed":           {all, []string{helmRepository("", ""), strings.Replace(secretCA(", annotations: {internal.config.kubernetes.io/previousNames: ca}", held), "name: ca", "name: p-ca", 1)}, known, "info TrustsSecret HelmRepository " + set, "p-ca", "", "1 1 0"},
		"of another config":          {all, []string{helmRepository("", ""), secretCA(", annotations: {fluxtrust.dev/config: y}", held)}, known, "error AnotherConfig Secret metadata.annotations.fluxtrust.dev/config\ninfo TrustsSecret HelmRepository " + set, "ca", "", "1 1 0"},
		"of another type":            {all, []string{helmRepository("", ""), secretCA("", held+"type: kubernetes.io/basic-auth\n")}, known, "warning SecretType Secret type\ninfo TrustsSecret HelmRepository " + set, "ca", "", "1 1 0"},
		"of another type, Flux 2.6":  {all, []string{helmRepository("", ""), secretCA("", held+"type: kubernetes.io/basic-auth\n"), controllerOf("v1.6.2")}, known, "error SecretType Secret type\nwarning ServerNamePinned HelmRepository spec.certSecretRef\ninfo TrustsSecret HelmRepository " + set, "ca", "", "1 1 0"},
		"of another type, Flux 2.7":  {all, []string{helmRepository("", ""), secretCA("", held+"type: kubernetes.io/basic-auth\n"), controllerOf("v1.7.0")}, known, "info TrustsSecret HelmRepository " + set, "ca", "", "1 1 0"},
		"with a hash to come":        {all, []string{helmRepository("", ""), secretCA(", annotations: {internal.config.kubernetes.io/needsHashSuffix: enabled}", held)}, known, "warning NameChanges Secret\ninfo TrustsSecret HelmRepository " + set, "ca", "", "1 1 0"},
		"without a CA":               {all, []string{helmRepository("", ""), secretCA("", "stringData: {x: y}\n")}, known, "warning SecretWithoutCA Secret data\ninfo TrustsSecret HelmRepository " + set, "ca", "", "1 1 0"},
		"a client certificate":       {all, []string{helmRepository("", ""), secretCA("", "stringData: {tls.crt: y}\n")}, known, "info TrustsSecret HelmRepository " + set, "ca", "", "1 1 0"},
		"base64 that is none":        {all, []string{helmRepository("", ""), secretCA("", "data: {ca.crt: '!'}\n")}, known, "warning BadBase64 Secret data.ca.crt\ninfo TrustsSecret HelmRepository " + set, "ca", "", "1 1 0"},
		"that cannot be read":        {all, []string{helmRepository("", ""), secretCA("", "data: x\n")}, known, "error WrongType Secret data\ninfo TrustsSecret HelmRepository " + set, "ca", "", "1 1 0"},
		"a bad CA, used":             {all, []string{helmRepository("", ""), secretCA("", "stringData: {ca.crt: x}\n")}, known, "error Malformed Secret stringData.ca.crt\ninfo TrustsSecret HelmRepository " + set, "ca", "", "1 1 0"},
		"a bad CA, of others":        {"{kinds: [Bucket], certSecretRef: {name: x}}", []string{helmRepository("", ", certSecretRef: {name: ca}"), secretCA("", "stringData: {ca.crt: x}\n")}, known, "warning Malformed Secret stringData.ca.crt\nwarning SelectsNothing FluxTrust spec.sources[0]", "ca", "", "0 0 0"},
		"in another namespace":       {"{kinds: [Bucket], certSecretRef: {name: x}}", []string{helmRepository("", ", certSecretRef: {name: ca}"), strings.Replace(secretCA("", held), "apps", "other", 1)}, known, "warning SecretElsewhere HelmRepository " + set + "\nwarning SelectsNothing FluxTrust spec.sources[0]", "ca", "", "0 0 0"},
		"a bundle that is not known": {all, []string{helmRepository("", "")}, unknown, nothing + "\nwarning SecretNotMade Secret\ninfo TrustsSecret HelmRepository " + set, "ca", "", "1 1 0"},
		"a Secret that is kept":      {all, []string{helmRepository(ours, ", certSecretRef: {name: ca}"), secretCA(ours, held)}, unknown, nothing + "\nwarning SecretKept Secret", "ca", "kept", "1 0 0"},
		"a Secret of an earlier run": {all, []string{helmRepository(ours, ", certSecretRef: {name: ca}"), secretCA(ours, held)}, known, nothing, "ca", "apps/ca [ca.crt]", "1 0 0"},
		"a Secret of no namespace":   {all, []string{helmRepository("", ""), strings.Replace(secretCA(ours, held), ", namespace: apps", "", 1)}, known, nothing + "\ninfo TrustsSecret HelmRepository " + set, "ca", "apps/ca [ca.crt]", "1 1 0"},
		"of an old controller":       {all, []string{controllerOf("v1.0.0"), helmRepository("", "")}, known, nothing + "\nwarning ServerNamePinned HelmRepository spec.certSecretRef\ninfo TrustsSecret HelmRepository " + set, "ca", "apps/ca [ca.crt caFile]", "1 1 0"},
		"of a later one":             {all, []string{controllerOf("v1.7.0"), helmRepository("", "")}, known, nothing + "\ninfo TrustsSecret HelmRepository " + set, "ca", "apps/ca [ca.crt]", "1 1 0"},
		"a version without":          {all, []string{sourceIn("source.toolkit.fluxcd.io/v1beta1", "HelmRepository", "", "url: 'https://a'")}, known, "error FieldMissing HelmRepository apiVersion", "", "", "1 0 0"},
		"a version that is unknown":  {all, []string{sourceIn("source.toolkit.fluxcd.io/v1alpha1", "HelmRepository", "", "url: 'https://a'")}, known, "error UnknownVersion HelmRepository apiVersion", "", "", "1 0 0"},
		"a version that is none":     {all, []string{sourceIn("source.toolkit.fluxcd.io/latest", "HelmRepository", "", "url: 'https://a'")}, known, "error UnknownVersion HelmRepository apiVersion", "", "", "1 0 0"},
		"a version to come":          {all, []string{sourceIn("source.toolkit.fluxcd.io/v3", "HelmRepository", "", "url: 'https://a'")}, known, "warning UnknownVersion HelmRepository apiVersion\n" + nothing + "\ninfo TrustsSecret HelmRepository " + set, "ca", "apps/ca [ca.crt]", "1 1 0"},
		"a controller without":       {all, []string{controllerOf("v1.0.0"), sourceIn("source.toolkit.fluxcd.io/v1beta2", "HelmRepository", "", "url: 'https://a'")}, known, "error FieldMissing HelmRepository spec.certSecretRef", "", "", "1 0 0"},
		"no TLS":                     {all, []string{sourceIn(v1, "HelmRepository", "", "url: 'http://a'")}, known, "info LeftAlone HelmRepository spec", "", "", "1 0 0"},
		"a patch":                    {all, []string{sourceIn(v1, "HelmRepository", "", "interval: 1h")}, known, "warning KustomizePatch HelmRepository", "", "", "1 0 0"},
		"a Bucket of a provider":     {all, []string{sourceIn(v1, "Bucket", "", "endpoint: a.example.com, provider: aws")}, known, "warning LeftAlone Bucket spec.provider", "", "", "1 0 0"},
		"a Provider":                 {all, []string{sourceIn("notification.toolkit.fluxcd.io/v1beta3", "Provider", "", "type: slack, address: 'https://a.example.com'")}, known, nothing + "\nwarning TrustsSecretAlone Provider spec.certSecretRef\ninfo TrustsSecret Provider " + set, "ca", "apps/ca [ca.crt]", "1 1 0"},
		"a registry of charts":       {all, []string{sourceIn(v1, "HelmRepository", "", "url: 'oci://a'")}, known, nothing + "\nwarning NoStatus HelmRepository spec.certSecretRef\ninfo TrustsSecret HelmRepository " + set, "ca", "apps/ca [ca.crt]", "1 1 0"},
		"verified, an old one":       {all, []string{controllerOf("v1.8.3"), sourceIn(v1, "OCIRepository", "", "url: 'oci://a', verify: {provider: cosign}")}, known, nothing + "\nwarning VerifiedWithoutCA OCIRepository spec.verify\ninfo TrustsSecret OCIRepository " + set, "ca", "apps/ca [ca.crt]", "1 1 0"},
		"verified":                   {all, []string{controllerOf("v1.9.0"), sourceIn(v1, "OCIRepository", "", "url: 'oci://a', verify: {provider: cosign}")}, known, nothing + "\ninfo TrustsSecret OCIRepository " + set, "ca", "apps/ca [ca.crt]", "1 1 0"},
		"status of commits":          {"{kinds: [Bucket], certSecretRef: {name: x}}", []string{sourceIn("notification.toolkit.fluxcd.io/v1beta3", "Provider", "", "type: gitlab, address: 'https://a', secretRef: {name: ca}"), secretCA("", held)}, known, "warning SeparateCA Provider spec.secretRef.name\nwarning SelectsNothing FluxTrust spec.sources[0]", "", "", "0 0 0"},
		"a token of a chat":          {"{kinds: [Bucket], certSecretRef: {name: x}}", []string{sourceIn("notification.toolkit.fluxcd.io/v1beta3", "Provider", "", "type: slack, address: 'https://a', secretRef: {name: ca}"), secretCA("", held)}, known, "warning SelectsNothing FluxTrust spec.sources[0]", "", "", "0 0 0"},
		"a GitRepository":            {all, []string{sourceIn(v1, "GitRepository", "", "url: 'https://a', secretRef: {name: ca}"), secretCA("", held)}, known, "warning SeparateCA GitRepository spec.secretRef.name\nwarning SelectsNothing FluxTrust spec.sources[0]", "", "", "0 0 0"},
		"a source that is broken":    {all, []string{sourceIn(v1, "HelmRepository", "", "url: []")}, known, "error WrongType HelmRepository spec.url\nwarning SelectsNothing FluxTrust spec.sources[0]", "", "", "0 0 0"},
		"of a kind not named":        {"{kinds: [Bucket], certSecretRef: {name: ca}}", []string{sourceIn(v1, "HelmRepository", "", "url: []")}, known, "warning SelectsNothing FluxTrust spec.sources[0]", "", "", "0 0 0"},
		"keys that appear twice":     {all, []string{helmRepository("", ", a: 1, a: 2")}, known, nothing + "\ninfo TrustsSecret HelmRepository " + set + "\nerror DuplicateKey HelmRepository spec.a", "", "apps/ca [ca.crt]", "1 0 0"},
		"by name":                    {"{kinds: [HelmRepository], names: [b], certSecretRef: {name: ca}}, " + all, []string{helmRepository("", "")}, known, nothing + "\ninfo TrustsSecret HelmRepository " + set + "\nwarning SelectsNothing FluxTrust spec.sources[0]", "ca", "apps/ca [ca.crt]", "1 1 0"},
		"by label":                   {"{kinds: [HelmRepository], labelSelector: 'a=b', certSecretRef: {name: x}}, " + all, []string{helmRepository(", labels: {a: b}", "")}, known, nothing + "\ninfo TrustsSecret HelmRepository " + set + "\nwarning SelectsNothing FluxTrust spec.sources[1]", "x", "apps/x [ca.crt]", "1 1 0"},
		"by host":                    {"{kinds: [HelmRepository], hosts: ['*.example.org'], certSecretRef: {name: x}}, {kinds: [HelmRepository], hosts: ['*.example.com'], certSecretRef: {name: ca}}", []string{helmRepository("", "")}, known, nothing + "\ninfo TrustsSecret HelmRepository " + set + "\nwarning SelectsNothing FluxTrust spec.sources[0]", "ca", "apps/ca [ca.crt]", "1 1 0"},
		"two in one namespace":       {all, []string{helmRepository("", ""), strings.Replace(helmRepository("", ""), "name: a,", "name: b,", 1)}, known, nothing + "\ninfo TrustsSecret HelmRepository " + set + "\ninfo TrustsSecret HelmRepository " + set, "ca", "apps/ca [ca.crt]", "2 2 0"},
		"two in two namespaces":      {all, []string{helmRepository("", ""), strings.Replace(helmRepository("", ""), "apps", "other", 1)}, known, nothing + "\ninfo TrustsSecret HelmRepository " + set + "\ninfo TrustsSecret HelmRepository " + set, "ca", "apps/ca [ca.crt], other/ca [ca.crt]", "2 2 0"},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := v1alpha1.Parse("c.yaml", []byte("apiVersion: fluxtrust.dev/v1alpha1\nkind: FluxTrust\nmetadata: {name: x}\nspec:\n  caBundle: [{configMap: {name: corp-ca}}]\n  sources: ["+tc.sources+"]\n"))
			if err != nil {
				t.Fatal(err)
			}
			i := inventoryOf(t, strings.Join(tc.stream, "---\n"), c)
			r, found := Apply(i, c, tc.bundles, today)
			if got := said(found); got != tc.want {
				t.Errorf("got\n%s\nwant\n%s", got, tc.want)
			}
			if ref := i.Sources[0].Object.After().Peek("spec", "certSecretRef", "name"); ref != tc.ref {
				t.Errorf("refers to %q, want %q", ref, tc.ref)
			}
			if i.Sources[0].Object.Changed() && r.Changed > 0 && (i.Sources[0].Object.After().Peek("metadata", "annotations", v1alpha1.ConfigAnnotation) == "x") != (tc.ref != "") {
				t.Errorf("the mark is wrong:\n%s", yaml.NewRNode(i.Sources[0].Object.After().Node).MustString())
			}
			var secrets []string
			for _, s := range r.Secrets {
				secrets = append(secrets, fmt.Sprintf("%s/%s %v", s.Namespace, s.Name, s.Keys))
				if s.PEM != (trust.Bundle{Certificates: certificates}).PEM() {
					t.Errorf("%s holds %s", s.Name, s.PEM)
				}
			}
			for range r.Kept {
				secrets = append(secrets, "kept")
			}
			if got := strings.Join(secrets, ", "); got != tc.secrets {
				t.Errorf("Secrets are %s, want %s", got, tc.secrets)
			}
			if got := fmt.Sprint(r.Selected, r.Changed, r.Released); got != tc.counts {
				t.Errorf("counts are %s, want %s", got, tc.counts)
			}
		})
	}
}

// TestSync: what flux-operator makes of spec.sync has its CA beside its credentials, too.
func TestSync(t *testing.T) {
	const instance = "apiVersion: fluxcd.controlplane.io/v1\nkind: FluxInstance\nmetadata: {name: flux, namespace: apps}\nspec:\n  distribution: {version: 2.x}\n  sync: {kind: GitRepository, url: 'https://a/b', pullSecret: ca}\n"
	held := "data:\n  ca.crt: " + base64.StdEncoding.EncodeToString([]byte(rootPEM(t))) + "\n"
	c := &v1alpha1.FluxTrust{Metadata: v1alpha1.Metadata{Name: "x"}}
	for secret, want := range map[string]string{
		held:                            "warning SeparateCA FluxInstance spec.sync.pullSecret",
		"stringData: {caFile: x}\n":     "warning SeparateCA FluxInstance spec.sync.pullSecret\nwarning Malformed Secret stringData.caFile",
		"stringData: {ca.crt: x}\n":     "warning SeparateCA FluxInstance spec.sync.pullSecret\nwarning Malformed Secret stringData.ca.crt",
		"stringData: {username: git}\n": "",
	} {
		if _, found := Apply(inventoryOf(t, instance+"---\n"+secretCA("", secret), c), c, nil, today); said(found) != want {
			t.Errorf("%sgives\n%s\nwant\n%s", secret, said(found), want)
		}
	}
	if _, found := Apply(inventoryOf(t, instance, c), c, nil, today); said(found) != "" {
		t.Errorf("without the Secret:\n%s", said(found))
	}
}

// TestCheckedOnce: a Secret that several sources refer to is complained of once.
func TestCheckedOnce(t *testing.T) {
	c := &v1alpha1.FluxTrust{Metadata: v1alpha1.Metadata{Name: "x"}}
	other := strings.Replace(helmRepository("", ", certSecretRef: {name: ca}"), "name: a,", "name: b,", 1)
	bad := secretCA("", "data: {ca.crt: "+base64.StdEncoding.EncodeToString([]byte("x"))+"}\n")
	_, found := Apply(inventoryOf(t, helmRepository("", ", certSecretRef: {name: ca}")+"---\n"+other+"---\n"+bad, c), c, nil, today)
	if got := said(found); got != "warning Malformed Secret data.ca.crt" {
		t.Errorf("got\n%s", got)
	}
}

func TestMatchesHost(t *testing.T) {
	for _, tc := range []struct {
		glob, host string
		want       bool
	}{
		{"*.example.com", "charts.example.com", true},
		{"*.Example.com", "charts.example.com:8443", true},
		{"*.example.com:8443", "charts.example.com:8443", true},
		{"*.example.com:1", "charts.example.com:8443", false},
		{"example.com", "charts.example.com", false},
		{"*", "", false},
		{"[[]::1]", "[::1]", true},
	} {
		if got := matchesHost(tc.glob, tc.host); got != tc.want {
			t.Errorf("%s, %s: %t", tc.glob, tc.host, got)
		}
	}
}
