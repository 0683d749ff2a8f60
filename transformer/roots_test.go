package transformer

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/kustomize/kyaml/fn/framework"
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
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

// trustIn runs the function over a controller and one more resource.
func trustIn(t *testing.T, caBundle, resource string, now time.Time) Outcome {
	t.Helper()
	config, err := v1alpha1.Parse("test", []byte("apiVersion: fluxtrust.dev/v1alpha1\nkind: FluxTrust\nmetadata: {name: test}\nspec:\n  caBundle:\n"+caBundle))
	if err != nil {
		t.Fatal(err)
	}
	return Run(config, []Resource{{Node: yaml.MustParse(managerHead)}, {Node: yaml.MustParse(resource)}}, now)
}

func object(kind, field, text string) string {
	return "apiVersion: v1\nkind: " + kind + "\nmetadata: {name: corp-ca}\n" + field + ":\n  ca.crt: |\n    " +
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
		severity       framework.Severity
		want           string
	}{
		"valid":                       {entry, good, today, "", ""},
		"soon":                        {entry, good, today.AddDate(1, 0, -10), framework.Warning, "add its successor beside it now"},
		"expired beside a valid one":  {entry, old + good, today, framework.Warning, "has expired on 2026-05-31"},
		"the valid one later":         {entry, old + good, today.AddDate(2, 0, 0), framework.Error, "no certificate of the bundle is valid today; add one that is"},
		"expired alone":               {entry, old, today, framework.Error, "no certificate of the bundle is valid today"},
		"expired, and allowed":        {entry + "    allow: [Expired]\n", old, today, framework.Info, "(allowed: Expired)"},
		"not yet valid":               {entry, future, today, framework.Error, "no certificate of the bundle is valid today"},
		"not yet, beside a valid one": {entry, future + good, today, framework.Warning, "is not valid before 2026-06-02"},
	} {
		t.Run(name, func(t *testing.T) {
			outcome := trustIn(t, tc.caBundle, object("ConfigMap", "data", tc.text), tc.now)
			wantResult(t, outcome, tc.severity, tc.want)
			if tc.severity == framework.Error {
				return
			}
			later := trustIn(t, tc.caBundle+"    # the same\n", object("ConfigMap", "data", tc.text), today.AddDate(0, 6, 0))
			if !later.Failed() && outcome.Items[0].MustString() != later.Items[0].MustString() {
				t.Error("the clock changes the output")
			}
		})
	}
}

// wantResult looks for a result; with no severity there must be no warning and
// no error.
func wantResult(t *testing.T, outcome Outcome, severity framework.Severity, want string) {
	t.Helper()
	for _, r := range outcome.Results() {
		if severity == "" && r.Severity != framework.Info {
			t.Errorf("got %s", r)
		}
		if r.Severity == severity && strings.Contains(r.Message, want) {
			return
		}
	}
	if severity != "" {
		t.Errorf("got %v\nwant %s: %s", outcome.Results(), severity, want)
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
		severity           framework.Severity
		want               string
		digest             bool
	}{
		"data":              {configMap, object("ConfigMap", "data", root), "", "", true},
		"binaryData":        {configMap, object("ConfigMap", "binaryData", encoded), "", "", true},
		"binaryData, bad":   {configMap, object("ConfigMap", "binaryData", "%"), framework.Error, "is not valid base64", false},
		"Secret data":       {secret, object("Secret", "data", encoded), "", "", true},
		"Secret, wrapped":   {secret, object("Secret", "data", encoded[:40]+"\n"+encoded[40:]), "", "", true},
		"Secret, no base64": {secret, object("Secret", "data", root), framework.Error, "is not valid base64", false},
		"stringData":        {secret, object("Secret", "stringData", root), "", "", true},
		"stringData wins":   {secret, object("Secret", "data", "%%%") + "stringData:\n  ca.crt: |\n    " + strings.ReplaceAll(strings.TrimSpace(root), "\n", "\n    ") + "\n", "", "", true},
		"bad content":       {secret, object("Secret", "stringData", "x"), framework.Error, "there is no line -----BEGIN CERTIFICATE-----", false},
		"missing, optional": {"  - secret: {name: corp-ca, keys: [other]}\n    optional: true\n", object("Secret", "stringData", root), framework.Warning, `has no key "other"`, false},
		"trust bundle":      {"  - clusterTrustBundle: {name: \"corp.example:x\"}\n    allow: [KubernetesVersion]\n", bundleOf(root), framework.Info, "(allowed: KubernetesVersion)", true},
		"bad trust bundle":  {"  - clusterTrustBundle: {name: \"corp.example:x\"}\n", bundleOf("x"), framework.Error, "there is no line", false},
		"of a signer":       {"  - clusterTrustBundle: {signerName: corp.example/x}\n", bundleOf(root), framework.Info, "the cluster may have more bundles of this signer", false},
		"bad of a signer":   {"  - clusterTrustBundle: {signerName: corp.example/x}\n", bundleOf("x"), framework.Error, "there is no line", false},
		"of another":        {"  - clusterTrustBundle: {signerName: corp.example/y}\n", bundleOf("x"), framework.Info, "the cluster may have more", false},
		"optional, absent":  {"  - configMap: {name: later}\n    optional: true\n", object("Secret", "stringData", root), framework.Info, "is not in the stream and optional", false},
	} {
		t.Run(name, func(t *testing.T) {
			outcome := trustIn(t, tc.caBundle, tc.resource, today)
			wantResult(t, outcome, tc.severity, tc.want)
			if got := strings.Contains(outcome.Items[0].MustString(), v1alpha1.DigestAnnotation); got != tc.digest {
				t.Errorf("digest annotation %t, want %t", got, tc.digest)
			}
		})
	}
}
