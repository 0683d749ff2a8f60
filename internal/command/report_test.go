package command

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"math/big"
	"os"
	"strings"
	"testing"
	"time"

	"fluxtrust.dev/flux-trust/internal/report"
)

// rootUntil returns the PEM of a root that expires in some days.
func rootUntil(t *testing.T, name string, days int) string {
	t.Helper()
	der, _ := signed(t, &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(0, 0, days).Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}, nil, nil)
	return pemOf(der)
}

func indented(text string) string { return strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n    ") }

func configMapOf(pem string) string {
	return "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: corp-ca, namespace: flux-system}\ndata:\n  ca.crt: |\n    " + indented(pem) + "\n"
}

const (
	reportConfig     = "apiVersion: fluxtrust.dev/v1alpha1\nkind: FluxTrust\nmetadata: {name: corporate-ca}\nspec:\n  caBundle:\n  - configMap: {name: corp-ca, keys: [ca.crt]}\n"
	reportController = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: source-controller, namespace: flux-system}\n" +
		"spec: {selector: {}, template: {spec: {containers: [{name: manager, image: fluxcd/source-controller:v1.9.6}]}}}\n"
)

// reportFolder makes a folder with inputs that are as configured: now.yaml with the roots
// a and c, before.yaml with a and b.
func reportFolder(t *testing.T) {
	t.Helper()
	t.Chdir(t.TempDir())
	a, b, c := rootUntil(t, "Root A", 400), rootUntil(t, "Root B", 400), rootUntil(t, "Root C", 60)
	writeFile(t, "config.yaml", reportConfig)
	for file, roots := range map[string]string{"now.yaml": a + c, "before.yaml": a + b} {
		writeFile(t, "plain.yaml", reportController+configMapOf(roots))
		stdout, stderr, code := run(nil, "config.yaml", "plain.yaml")
		if code != 0 {
			t.Fatalf("%s", stderr)
		}
		writeFile(t, file, string(stdout))
	}
}

// TestReportLimits: what the exit code is 1 for.
func TestReportLimits(t *testing.T) {
	reportFolder(t)
	writeFile(t, "alone.yaml", reportController)
	writeFile(t, "allowed.yaml", strings.Replace(reportConfig, "keys: [ca.crt]}\n", "keys: [ca.crt]}\n    allow: [ExpiresSoon]\n", 1))
	cut := strings.TrimSuffix(string(contents(t, "now.yaml")), "\n")
	writeFile(t, "cut.yaml", cut)
	for args, want := range map[string]string{ // the last line, or ""
		"config.yaml now.yaml":                                        "",
		"config.yaml now.yaml --fail-on warning":                      "",
		"config.yaml cut.yaml":                                        "",
		"config.yaml cut.yaml --fail-on warning":                      "Not valid: 1 warning, and --fail-on warning.",
		"config.yaml now.yaml --expires-within 30d":                   "",
		"config.yaml now.yaml --expires-within 90d":                   "Not valid: 1 error.",
		"config.yaml now.yaml --expires-within 2160h":                 "Not valid: 1 error.",
		"allowed.yaml now.yaml --expires-within 90d":                  "",
		"config.yaml now.yaml --fail-on never":                        "--fail-on never is not known; write error or warning",
		"config.yaml now.yaml --expires-within 3m0":                   "--expires-within 3m0 is not a duration; write days or hours: 90d, 36h",
		"config.yaml now.yaml --expires-within 1y":                    "--expires-within 1y is not a duration; write days or hours: 90d, 36h",
		"config.yaml now.yaml --expires-within -5d":                   "--expires-within -5d is not a duration",
		"config.yaml now.yaml --expires-within 99999999999d":          "--expires-within 99999999999d is ",
		"config.yaml now.yaml --expires-within 40000d":                "--expires-within 40000d is more than a hundred years",
		"config.yaml now.yaml --against none.yaml":                    "--against: an input cannot be read: open none.yaml",
		"config.yaml now.yaml --against config.yaml":                  "--against: config.yaml is the config",
		"config.yaml - --against -":                                   "stdin can be read once: - stands among the inputs, and behind --against",
		"config.yaml now.yaml --against before.yaml":                  "",
		"config.yaml now.yaml --against alone.yaml --fail-on=error":   "",
		"config.yaml now.yaml --against alone.yaml --fail-on=warning": "",
	} {
		stdout, stderr, code := run(nil, append([]string{"validate"}, strings.Fields(args)...)...)
		if (code == 0) != (want == "") || !strings.Contains(string(stdout)+string(stderr), want) {
			t.Errorf("validate %s: exit code %d\n%s%s\nwant %s", args, code, stdout, stderr, want)
		}
	}
	if stdout, _, code := run(nil, "validate", "config.yaml", "alone.yaml", "--expires-within", "90d"); code != 1 || !strings.Contains(string(stdout), "cannot be said, because not all are known (spec.caBundle[0]: it is not in the stream)") {
		t.Errorf("exit code %d\n%s", code, stdout)
	}
}

// TestReportAgainst: the same is said of the input as it was, and of a report of it.
func TestReportAgainst(t *testing.T) {
	reportFolder(t)
	old, stderr, code := run(nil, "validate", "config.yaml", "before.yaml", "-o", "json")
	if code != 0 {
		t.Fatalf("%s%s", old, stderr)
	}
	writeFile(t, "before.json", string(old))
	for _, against := range []string{"before.yaml", "before.json"} {
		stdout, stderr, code := run(nil, "validate", "config.yaml", "now.yaml", "--against", against, "-o", "markdown")
		for _, want := range []string{"| **added** | <code>CN=Root C</code>", "| **removed** | <code>CN=Root B</code>", "| stays | <code>CN=Root A</code>"} {
			if code != 0 || strings.Count(string(stdout), want) != 1 {
				t.Errorf("%s: exit code %d, %s is not in\n%s%s", against, code, want, stdout, stderr)
			}
		}
		stdout, _, _ = run(nil, "validate", "config.yaml", "now.yaml", "--against", against, "-o", "json")
		var r report.Report
		if err := json.Unmarshal(stdout, &r); err != nil || len(r.Changes.Added) != 1 || len(r.Changes.Removed) != 1 {
			t.Errorf("%s: %v\n%s", against, err, stdout)
		}
	}
	if stdout, _, _ := run(nil, "validate", "config.yaml", "now.yaml", "--against", "now.yaml", "-o", "markdown"); !strings.Contains(string(stdout), "No root was added or removed since <code>now.yaml</code>.") {
		t.Errorf("got\n%s", stdout)
	}
}

// TestReportAgainstInline: roots and pins that the config holds are those of now, and the
// input as it was holds its own.
func TestReportAgainstInline(t *testing.T) {
	t.Chdir(t.TempDir())
	config := func(pem string) string {
		return "apiVersion: fluxtrust.dev/v1alpha1\nkind: FluxTrust\nmetadata: {name: corporate-ca}\nspec:\n  caBundle:\n  - inline:\n      name: corp-ca\n      pem: |\n        " +
			strings.ReplaceAll(strings.TrimSpace(pem), "\n", "\n        ") + "\n"
	}
	writeFile(t, "plain.yaml", reportController)
	for file, root := range map[string]string{"before": rootUntil(t, "Root B", 400), "now": rootUntil(t, "Root C", 400)} {
		writeFile(t, file+"-config.yaml", config(root))
		stdout, stderr, code := run(nil, file+"-config.yaml", "plain.yaml")
		if code != 0 {
			t.Fatalf("%s", stderr)
		}
		writeFile(t, file+".yaml", string(stdout))
	}
	stdout, stderr, code := run(nil, "validate", "now-config.yaml", "now.yaml", "--against", "before.yaml", "-o", "markdown")
	for _, want := range []string{"| **added** | <code>CN=Root C</code>", "| **removed** | <code>CN=Root B</code>"} {
		if code != 0 || !strings.Contains(string(stdout), want) {
			t.Errorf("exit code %d, %s is not in\n%s%s", code, want, stdout, stderr)
		}
	}
}

// TestReportLines: annotations stand at the line of the object that they are about.
func TestReportLines(t *testing.T) {
	t.Chdir(t.TempDir())
	for name, text := range map[string]string{
		"config.yaml": "apiVersion: fluxtrust.dev/v1alpha1\nkind: FluxTrust\nmetadata: {name: x}\nspec: {caBundle: [{configMap: {name: corp-ca, keys: [ca.crt]}}]}\n",
		"a.yaml":      "# a head\n\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: other}\n---\n# the controller\n" + pinnedController,
		"b.yaml":      "apiVersion: v1\nkind: Service\nmetadata: {name: other}\n---\n" + strings.ReplaceAll(pinnedController, "source-controller", "helm-controller"),
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	annotations, _, _ := run(nil, "validate", "config.yaml", "a.yaml", "b.yaml", "-o", "github")
	sarif, _, _ := run(nil, "validate", "config.yaml", "a.yaml", "b.yaml", "-o", "sarif")
	for _, want := range []string{"::error file=a.yaml,line=8,title=", "::warning file=config.yaml,title="} {
		if !strings.Contains(string(annotations), want) {
			t.Errorf("%s is not in\n%s", want, annotations)
		}
	}
	for _, want := range []string{`"startLine": 8`, `"startLine": 5`, `"startLine": 1`} {
		if !strings.Contains(string(sarif), want) {
			t.Errorf("%s is not in\n%s", want, sarif)
		}
	}
}
