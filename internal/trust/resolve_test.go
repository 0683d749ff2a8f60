package trust

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"
	"reflect"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/internal/bundle"
	"fluxtrust.dev/flux-trust/internal/inventory"
	"fluxtrust.dev/flux-trust/internal/krm"
)

var today = time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)

// newRoot makes a root that is valid between two days.
func newRoot(t *testing.T, from, until time.Time) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "root"}, NotBefore: from, NotAfter: until,
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

// resolve resolves a bundle for controllers in flux-system, in a stream of objects.
func resolve(t *testing.T, caBundle, stream string, o Options) (Bundle, krm.Findings) {
	t.Helper()
	config, err := v1alpha1.Parse("test", []byte("apiVersion: fluxtrust.dev/v1alpha1\nkind: FluxTrust\nmetadata: {name: test}\nspec:\n  caBundle:\n"+caBundle))
	if err != nil {
		t.Fatal(err)
	}
	return Resolve(config, storesIn(stream), []string{"flux-system"}, o)
}

// storesIn returns the objects of a stream.
func storesIn(stream string) *inventory.Stores {
	var objects []*krm.Object
	for _, text := range strings.Split(stream, "\n---\n") {
		objects = append(objects, krm.NewObject(yaml.MustParse(text).YNode(), nil))
	}
	return inventory.Of(objects, &v1alpha1.Controllers{}).Stores
}

func object(kind, field, text string) string {
	return "apiVersion: v1\nkind: " + kind + "\nmetadata: {name: corp-ca, namespace: flux-system}\n" + field + ":\n  ca.crt: |\n    " +
		strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n    ") + "\n"
}

// TestClock runs the same input on several days: the results change, the output
// never does.
func TestClock(t *testing.T) {
	old := newRoot(t, today.AddDate(-10, 0, 0), today.AddDate(0, 0, -1))
	good := newRoot(t, today.AddDate(-1, 0, 0), today.AddDate(1, 0, 0))
	future := newRoot(t, today.AddDate(0, 0, 1), today.AddDate(1, 0, 0))
	const entry = "  - configMap: {name: corp-ca}\n"
	for name, tc := range map[string]struct {
		caBundle, text string
		now            time.Time
		severity       krm.Severity
		want           string
	}{
		"valid":                       {entry, good, today, "", ""},
		"soon":                        {entry, good, today.AddDate(1, 0, -10), krm.Warning, "add its successor beside it now"},
		"expired beside a valid one":  {entry, old + good, today, krm.Warning, "has expired on 2026-05-31"},
		"the valid one later":         {entry, old + good, today.AddDate(2, 0, 0), krm.Error, "no certificate of the bundle is valid today; add one that is"},
		"expired alone":               {entry, old, today, krm.Error, "no certificate of the bundle is valid today"},
		"expired, and allowed":        {entry + "    allow: [Expired]\n", old, today, krm.Info, "(allowed: Expired)"},
		"not yet valid":               {entry, future, today, krm.Error, "no certificate of the bundle is valid today"},
		"not yet, beside a valid one": {entry, future + good, today, krm.Warning, "is not valid before 2026-06-02"},
	} {
		t.Run(name, func(t *testing.T) {
			b, found := resolve(t, tc.caBundle, object("ConfigMap", "data", tc.text), Options{Now: tc.now})
			wantFinding(t, found, tc.severity, tc.want)
			if b.Unusable != (tc.severity == krm.Error) {
				t.Errorf("it is unusable: %t", b.Unusable)
			}
			later, _ := resolve(t, tc.caBundle, object("ConfigMap", "data", tc.text), Options{Now: today.AddDate(0, 6, 0)})
			if !b.Unusable && !later.Unusable && (b.Digest != later.Digest || !reflect.DeepEqual(b.Projections, later.Projections)) {
				t.Error("the clock changes the output")
			}
		})
	}
}

// wantFinding looks for a finding; with no severity there must be no warning and
// no error.
func wantFinding(t *testing.T, found krm.Findings, severity krm.Severity, want string) {
	t.Helper()
	for _, f := range found {
		if severity == "" && f.Severity != krm.Info {
			t.Errorf("got %s: %s", f.Severity, f.Message)
		}
		if f.Severity == severity && strings.Contains(f.Message, want) {
			return
		}
	}
	if severity != "" {
		t.Errorf("got %s\nwant %s: %s", said(found), severity, want)
	}
}

// TestContent reads certificates from every field that may hold them.
func TestContent(t *testing.T) {
	root := newRoot(t, today.AddDate(-1, 0, 0), today.AddDate(1, 0, 0))
	encoded := base64.StdEncoding.EncodeToString([]byte(root))
	bundleOf := func(text string) string {
		return "apiVersion: certificates.k8s.io/v1beta1\nkind: ClusterTrustBundle\nmetadata: {name: \"corp.example:x\"}\nspec:\n  signerName: corp.example/x\n  trustBundle: |\n    " +
			strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n    ") + "\n"
	}
	const configMap, secret = "  - configMap: {name: corp-ca, keys: [ca.crt]}\n", "  - secret: {name: corp-ca}\n"
	for name, tc := range map[string]struct {
		caBundle, resource string
		severity           krm.Severity
		want               string
		digest             bool
	}{
		"data":              {configMap, object("ConfigMap", "data", root), "", "", true},
		"binaryData":        {configMap, object("ConfigMap", "binaryData", encoded), "", "", true},
		"binaryData, bad":   {configMap, object("ConfigMap", "binaryData", "%"), krm.Error, "is not valid base64", false},
		"Secret data":       {secret, object("Secret", "data", encoded), "", "", true},
		"Secret, wrapped":   {secret, object("Secret", "data", encoded[:40]+"\n"+encoded[40:]), "", "", true},
		"Secret, no base64": {secret, object("Secret", "data", root), krm.Error, "is not valid base64", false},
		"stringData":        {secret, object("Secret", "stringData", root), "", "", true},
		"stringData wins":   {secret, object("Secret", "data", "%%%") + "stringData:\n  ca.crt: |\n    " + strings.ReplaceAll(strings.TrimSpace(root), "\n", "\n    ") + "\n", "", "", true},
		"bad content":       {secret, object("Secret", "stringData", "x"), krm.Error, "there is no line -----BEGIN CERTIFICATE-----", false},
		"missing, optional": {"  - secret: {name: corp-ca, keys: [other]}\n    optional: true\n", object("Secret", "stringData", root), krm.Warning, `has no key "other"`, false},
		"trust bundle":      {"  - clusterTrustBundle: {name: \"corp.example:x\"}\n    allow: [KubernetesVersion]\n", bundleOf(root), krm.Info, "(allowed: KubernetesVersion)", true},
		"bad trust bundle":  {"  - clusterTrustBundle: {name: \"corp.example:x\"}\n", bundleOf("x"), krm.Error, "there is no line", false},
		"of a signer":       {"  - clusterTrustBundle: {signerName: corp.example/x}\n", bundleOf(root), krm.Info, "the cluster may have more bundles of this signer", false},
		"bad of a signer":   {"  - clusterTrustBundle: {signerName: corp.example/x}\n", bundleOf("x"), krm.Error, "there is no line", false},
		"of another":        {"  - clusterTrustBundle: {signerName: corp.example/y}\n", bundleOf("x"), krm.Info, "the cluster may have more", false},
		"optional, absent":  {"  - configMap: {name: later}\n    optional: true\n", object("Secret", "stringData", root), krm.Info, "is not in the stream and optional", false},
	} {
		t.Run(name, func(t *testing.T) {
			b, found := resolve(t, tc.caBundle, tc.resource, Options{Now: today})
			wantFinding(t, found, tc.severity, tc.want)
			if got := b.Digest != "" && !b.Unusable; got != tc.digest {
				t.Errorf("a digest: %t, want %t", got, tc.digest)
			}
		})
	}
}

// TestResolve: what is found about the objects of a bundle, and what goes into the
// volume.
func TestResolve(t *testing.T) {
	root := newRoot(t, today.AddDate(-1, 0, 0), today.AddDate(1, 0, 0))
	other := newRoot(t, today.AddDate(-1, 0, 0), today.AddDate(1, 0, 0))
	fingerprint := func(text string) string {
		certificates, _ := bundle.Parse([]byte(text))
		return bundle.Fingerprint(certificates[0].Certificate)
	}
	in := func(namespace, name string) string {
		return strings.Replace(object("ConfigMap", "data", root), "{name: corp-ca, namespace: flux-system}", "{name: "+name+", namespace: "+namespace+"}", 1)
	}
	ca, none := object("ConfigMap", "data", root), "apiVersion: v1\nkind: Service\n"
	const entry = "  - configMap: {name: corp-ca}\n"
	const secret = "  - secret: {name: corp-ca}\n"
	pin := "    fingerprints: [\"" + fingerprint(root) + "\"]\n"
	external := func(name, more string) string {
		return "apiVersion: external-secrets.io/v1\nkind: ExternalSecret\nmetadata: {name: " + name + ", namespace: flux-system}\nspec: {secretStoreRef: {name: vault}" + more + "}\n"
	}
	const writes = "spec.caBundle[0]: ExternalSecret flux-system/corp-ca writes it"
	indented := "        " + strings.ReplaceAll(strings.TrimSpace(root), "\n", "\n        ") + "\n"
	for name, tc := range map[string]struct {
		caBundle, stream string
		options          Options
		want             string // of the findings
		projected        string
		unknown          string
		unusable         bool
	}{
		"known":                        {caBundle: entry, stream: ca, projected: "ConfigMap corp-ca [corp-ca-ca.crt]"},
		"a Secret":                     {caBundle: "  - secret: {name: corp-ca}\n", stream: object("Secret", "stringData", root), projected: "Secret corp-ca [corp-ca-ca.crt]"},
		"not in the stream":            {caBundle: entry, stream: none, want: "warning NotInStream\ninfo RestartByHand spec.caBundle", projected: "ConfigMap corp-ca []", unknown: "spec.caBundle[0]: it is not in the stream"},
		"allowed":                      {caBundle: entry + "    allow: [NotInStream]\n", stream: none, want: "info NotInStream\ninfo RestartByHand spec.caBundle", projected: "ConfigMap corp-ca []", unknown: "spec.caBundle[0]: it is not in the stream"},
		"optional":                     {caBundle: entry + "    optional: true\n", stream: none, want: "info NotInStream\ninfo RestartByHand spec.caBundle", projected: "ConfigMap corp-ca []", unknown: "spec.caBundle[0]: it is not in the stream"},
		"in another namespace":         {caBundle: entry, stream: in("apps", "corp-ca"), want: "error NotInStream", unusable: true, projected: "ConfigMap corp-ca []"},
		"without a namespace":          {caBundle: entry, stream: strings.Replace(ca, ", namespace: flux-system", "", 1), want: "warning NotInStream metadata.namespace", projected: "ConfigMap corp-ca [corp-ca-ca.crt]"},
		"keys that are not known":      {caBundle: entry + "  - secret: {name: x}\n", stream: none, want: "warning NotInStream\nerror KeysUnknown spec.caBundle[0].configMap.keys\nwarning NotInStream", unusable: true, projected: "the source  [], Secret x [x-ca.crt]"},
		"no keys":                      {caBundle: entry, stream: "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: corp-ca, namespace: flux-system}\n", want: "error KeysUnknown spec.caBundle[0].configMap.keys", unusable: true, projected: "the source  []"},
		"no such key":                  {caBundle: "  - configMap: {name: corp-ca, keys: [x]}\n", stream: ca, want: "error NoSuchKey spec.caBundle[0].configMap.keys", unusable: true, projected: "ConfigMap corp-ca [corp-ca-x]"},
		"two that may be meant":        {caBundle: entry, stream: in("flux-system", "corp-ca-2456789bcd") + "---\n" + in("flux-system", "corp-ca-bcdfghkmtt"), want: "error Ambiguous spec.caBundle[0].configMap", unusable: true, projected: "the source  []"},
		"a finished build":             {caBundle: entry, stream: in("flux-system", "corp-ca-2456789bcd"), projected: "ConfigMap corp-ca-2456789bcd [corp-ca-ca.crt]"},
		"of which names follow":        {caBundle: entry, stream: in("flux-system", "corp-ca-2456789bcd"), options: Options{FollowsNames: true}, projected: "ConfigMap corp-ca [corp-ca-ca.crt]"},
		"that cannot be read":          {caBundle: entry, stream: strings.Replace(ca, "\ndata:", "\ndata: x\nmore:", 1), want: "error WrongType data", unusable: true, projected: "the source  []"},
		"base64 that is none":          {caBundle: "  - secret: {name: corp-ca}\n", stream: object("Secret", "data", "!"), want: "error BadBase64 data.ca.crt", unusable: true, projected: "Secret corp-ca [corp-ca-ca.crt]"},
		"a placeholder":                {caBundle: entry, stream: object("ConfigMap", "data", "${CA}"), want: "warning Placeholder data.ca.crt\ninfo RestartByHand spec.caBundle", unknown: "spec.caBundle[0]: it holds a ${…}, which Flux substitutes", projected: "ConfigMap corp-ca [corp-ca-ca.crt]"},
		"an optional key":              {caBundle: "  - configMap: {name: corp-ca, keys: [ca.crt, x]}\n    optional: true\n", stream: ca, want: "warning NoSuchKey data\ninfo RestartByHand spec.caBundle", unknown: "spec.caBundle[0]: an optional key is missing", projected: "ConfigMap corp-ca [corp-ca-ca.crt corp-ca-x]"},
		"pinned":                       {caBundle: entry + "    fingerprints: [\"" + fingerprint(root) + "\"]\n", stream: ca, projected: "ConfigMap corp-ca [corp-ca-ca.crt]"},
		"another is pinned":            {caBundle: entry + "    fingerprints: [\"" + fingerprint(other) + "\"]\n", stream: ca, want: "error NotPinned spec.caBundle[0].fingerprints\nerror PinNotFound spec.caBundle[0].fingerprints", unusable: true, projected: "ConfigMap corp-ca [corp-ca-ca.crt]"},
		"pinned, not in it":            {caBundle: entry + "    fingerprints: [\"" + fingerprint(root) + "\"]\n", stream: none, want: "warning NotInStream\nwarning Unchecked spec.caBundle[0].fingerprints\ninfo RestartByHand spec.caBundle", unknown: "spec.caBundle[0]: it is not in the stream", projected: "ConfigMap corp-ca []"},
		"a Secret of External Secrets": {caBundle: secret, stream: external("corp-ca", ""), want: "info RestartByHand spec.caBundle", unknown: writes, projected: "Secret corp-ca [corp-ca-ca.crt]"},
		"pinned, of External Secrets":  {caBundle: secret + pin, stream: external("corp-ca", ""), want: "warning Unchecked spec.caBundle[0].fingerprints\ninfo RestartByHand spec.caBundle", unknown: writes, projected: "Secret corp-ca [corp-ca-ca.crt]"},
		"pinned, overwritten":          {caBundle: secret + pin, stream: external("corp-ca", "") + "---\n" + object("Secret", "stringData", root), want: "error Unchecked spec.caBundle[0].fingerprints", unusable: true, projected: "Secret corp-ca [corp-ca-ca.crt]"},
		"under another name":           {caBundle: secret + pin, stream: external("x", ", target: {name: corp-ca}"), want: "warning Unchecked spec.caBundle[0].fingerprints\ninfo RestartByHand spec.caBundle", unknown: strings.Replace(writes, "corp-ca", "x", 1), projected: "Secret corp-ca [corp-ca-ca.crt]"},
		"other keys are merged":        {caBundle: secret + pin, stream: external("corp-ca", ", target: {creationPolicy: Merge}, data: [{secretKey: x}]") + "---\n" + object("Secret", "stringData", root), projected: "Secret corp-ca [corp-ca-ca.crt]"},
		"the key is merged":            {caBundle: secret + pin, stream: external("corp-ca", ", target: {creationPolicy: Merge}, data: [{secretKey: ca.crt}]") + "---\n" + object("Secret", "stringData", root), want: "error Unchecked spec.caBundle[0].fingerprints", unusable: true, projected: "Secret corp-ca [corp-ca-ca.crt]"},
		"writes nothing":               {caBundle: secret + pin, stream: external("corp-ca", ", target: {creationPolicy: None}") + "---\n" + object("Secret", "stringData", root), projected: "Secret corp-ca [corp-ca-ca.crt]"},
		"writes another Secret":        {caBundle: secret + pin, stream: external("corp-ca", ", target: {name: x}") + "---\n" + object("Secret", "stringData", root), projected: "Secret corp-ca [corp-ca-ca.crt]"},
		"writes it elsewhere":          {caBundle: secret + pin, stream: strings.Replace(external("corp-ca", ""), "flux-system", "apps", 1) + "---\n" + object("Secret", "stringData", root), projected: "Secret corp-ca [corp-ca-ca.crt]"},
		"a ConfigMap of the name":      {caBundle: entry + pin, stream: external("corp-ca", "") + "---\n" + ca, projected: "ConfigMap corp-ca [corp-ca-ca.crt]"},
		"of another group":             {caBundle: secret + pin, stream: strings.Replace(external("corp-ca", ""), "external-secrets.io", "example.com", 1) + "---\n" + object("Secret", "stringData", root), projected: "Secret corp-ca [corp-ca-ca.crt]"},
		"in every namespace":           {caBundle: secret + pin, stream: "apiVersion: external-secrets.io/v1\nkind: ClusterExternalSecret\nmetadata: {name: x}\nspec: {externalSecretName: corp-ca, externalSecretSpec: {dataFrom: []}}\n", want: "warning Unchecked spec.caBundle[0].fingerprints\ninfo RestartByHand spec.caBundle", unknown: "spec.caBundle[0]: ClusterExternalSecret x writes it", projected: "Secret corp-ca [corp-ca-ca.crt]"},
		"a SealedSecret":               {caBundle: secret + pin, stream: "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata: {name: corp-ca, namespace: flux-system}\nspec: {encryptedData: {ca.crt: x}}\n", want: "warning Unchecked spec.caBundle[0].fingerprints\ninfo RestartByHand spec.caBundle", unknown: "spec.caBundle[0]: SealedSecret flux-system/corp-ca writes it", projected: "Secret corp-ca [corp-ca-ca.crt]"},
		"a Certificate":                {caBundle: secret + pin, stream: "apiVersion: cert-manager.io/v1\nkind: Certificate\nmetadata: {name: x, namespace: flux-system}\nspec: {secretName: corp-ca}\n", want: "warning Unchecked spec.caBundle[0].fingerprints\ninfo RestartByHand spec.caBundle", unknown: "spec.caBundle[0]: Certificate flux-system/x writes it", projected: "Secret corp-ca [corp-ca-ca.crt]"},
		"expired":                      {caBundle: entry, stream: ca, options: Options{Now: today.AddDate(3, 0, 0)}, want: "warning Expired data.ca.crt\nerror NoValidRoot spec.caBundle", unusable: true, projected: "ConfigMap corp-ca [corp-ca-ca.crt]"},
		"twice":                        {caBundle: entry + "  - inline:\n      name: x\n      pem: |\n" + indented, stream: ca, want: "warning Duplicate spec.caBundle[1]", projected: "ConfigMap corp-ca [corp-ca-ca.crt], ConfigMap x [x-ca.crt]"},
		"inline":                       {caBundle: "  - inline:\n      name: x\n      pem: |\n" + indented, stream: none, projected: "ConfigMap x [x-ca.crt]"},
		"a ClusterTrustBundle":         {caBundle: "  - clusterTrustBundle: {name: x}\n", stream: none, want: "warning KubernetesVersion spec.caBundle[0].clusterTrustBundle\nwarning NotInStream\ninfo RestartByHand spec.caBundle", unknown: "spec.caBundle[0]: it is not in the stream", projected: "ClusterTrustBundle x []"},
		"what trust-manager makes":     {caBundle: entry, stream: "apiVersion: trust.cert-manager.io/v1alpha1\nkind: Bundle\nmetadata: {name: corp-ca}\nspec: {target: {configMap: {key: k}}}\n", want: "info RestartByHand spec.caBundle", unknown: "spec.caBundle[0]: trust-manager writes it", projected: "ConfigMap corp-ca [corp-ca-k]"},
		"a key that it lacks":          {caBundle: "  - configMap: {name: corp-ca, keys: [x]}\n", stream: "apiVersion: trust.cert-manager.io/v1alpha1\nkind: Bundle\nmetadata: {name: corp-ca}\nspec: {target: {configMap: {key: k}}}\n", want: "error NoSuchKey spec.caBundle[0].configMap.keys", unusable: true, projected: "ConfigMap corp-ca [corp-ca-x]"},
		"what OpenShift fills in":      {caBundle: "  - configMap: {name: corp-ca, keys: [x]}\n", stream: "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: corp-ca, namespace: flux-system, labels: {config.openshift.io/inject-trusted-cabundle: 'true'}}\n", want: "info RestartByHand spec.caBundle", unknown: "spec.caBundle[0]: OpenShift fills it in", projected: "ConfigMap corp-ca [corp-ca-x]"},
		"too large":                    {caBundle: "  - configMap: {name: corp-ca, keys: [ca.crt]}\n", stream: ca + "  large: " + strings.Repeat("x", bundle.MaxSize) + "\n", want: "error TooLarge data", unusable: true, projected: "ConfigMap corp-ca [corp-ca-ca.crt]"},
	} {
		t.Run(name, func(t *testing.T) {
			if tc.options.Now.IsZero() {
				tc.options.Now = today
			}
			b, found := resolve(t, tc.caBundle, tc.stream, tc.options)
			if got := said(found); got != tc.want {
				t.Errorf("got\n%s\nwant\n%s", got, tc.want)
			}
			var projected []string
			for _, p := range b.Projections {
				projected = append(projected, fmt.Sprintf("%s %v", p, p.files()))
			}
			if got := strings.Join(projected, ", "); got != tc.projected {
				t.Errorf("projected is %s, want %s", got, tc.projected)
			}
			if b.Unknown != tc.unknown || b.Unusable != tc.unusable {
				t.Errorf("unknown is %q, unusable is %t", b.Unknown, b.Unusable)
			}
		})
	}
}

// TestInlineName: the name of an immutable object changes with its content, in the
// alphabet of kustomize's suffixes.
func TestInlineName(t *testing.T) {
	i := &v1alpha1.InlineSource{Name: "x", PEM: "a"}
	if got := InlineName(i); got != "x" {
		t.Errorf("got %s", got)
	}
	i.Immutable = true
	first := InlineName(i)
	i.PEM = "b"
	if second := InlineName(i); first == second || inventory.WithoutSuffix(first) != "x" {
		t.Errorf("got %s, then %s", first, second)
	}
}

func TestUniqueName(t *testing.T) {
	used := map[string]bool{}
	long := strings.Repeat("x", 300)
	for _, tc := range []struct{ want, got string }{
		{"a-b-c", "a-b-c"},
		{"a-b-c", "a-b-c-2"},
		{"a-b-c", "a-b-c-3"},
		{"a-b-c-2", "a-b-c-2-2"},
		{long, long[:255]},
		{long, long[:253] + "-2"},
	} {
		if got := uniqueName(tc.want, used); got != tc.got {
			t.Errorf("got %q, want %q", got, tc.got)
		}
	}
}

// TestSelectorOf: every operator that the API has.
func TestSelectorOf(t *testing.T) {
	for selector, want := range map[string]string{
		"a=b": "[{a In [b]}]", "a!=b": "[{a NotIn [b]}]", "a in (b,c)": "[{a In [b c]}]", "a notin (b)": "[{a NotIn [b]}]", "a": "[{a Exists []}]", "!a": "[{a DoesNotExist []}]", "": "[]",
		"a>1": `labelSelector "a>1": a ClusterTrustBundle cannot be selected with gt`,
	} {
		s, err := selectorOf(&v1alpha1.ClusterTrustBundleSource{SignerName: "x", LabelSelector: selector})
		got := fmt.Sprint(err)
		if err == nil {
			got = fmt.Sprint(s.MatchExpressions)
		}
		if got != want {
			t.Errorf("%q: got %s, want %s", selector, got, want)
		}
	}
}
