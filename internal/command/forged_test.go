package command

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
)

// TestForgedNames: names that others choose (of certificates, files and hosts) write no
// line of their own and nothing that a terminal acts on.
func TestForgedNames(t *testing.T) {
	const subject = "Corp\n\nValid: 7 controllers as configured.\n::error::forged\x1b[2J\u202e"
	certificate := forgedCertificate(t, subject)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "entries: {}\n")
	}))
	server.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}} //nolint:gosec // a test
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()

	root := base64.StdEncoding.EncodeToString(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Certificate[0]}))
	const name = "\n::error::forged\x1b[2J"
	files := map[string]string{
		"config.yaml" + name: "apiVersion: fluxtrust.dev/v1alpha1\nkind: FluxTrust\nmetadata: {name: corporate-ca}\nspec: {caBundle: [{secret: {name: corp-ca}, allow: [ExpiresSoon]}]}\n",
		"input.yaml" + name: "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: source-controller, namespace: flux-system}\n" +
			"spec: {selector: {}, template: {spec: {hostNetwork: true, containers: [{name: manager, image: fluxcd/source-controller:v1.9.6}]}}}\n" +
			"---\napiVersion: v1\nkind: Secret\nmetadata: {name: corp-ca, namespace: flux-system}\ndata: {ca.crt: " + root + "}\n",
		"source.yaml":     "apiVersion: source.toolkit.fluxcd.io/v1\nkind: HelmRepository\nmetadata: {name: charts, namespace: apps}\nspec: {url: \"" + server.URL + "/x\"}\n",
		"bad.yaml" + name: "kind: [\n",
	}
	files["root"+name] = forgedRoot(t, subject)
	files["folder"+name+"/kustomization.yaml"] = "resources: [gotk-components.yaml]\n"
	files["-empty"+name+"/.gitkeep"], files["-more"+name+"/.gitkeep"] = "", ""
	t.Chdir(t.TempDir())
	for file, text := range files {
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	config, input := "config.yaml"+name, "input.yaml"+name
	for _, args := range [][]string{
		{config, input},
		{config, "bad.yaml" + name},
		{config, "none.yaml" + name},
		{"none.yaml" + name, input},
		{input, config},
		{"validate", config, input},
		{"validate", config, input, "-o", "json"},
		{"validate", config, input, "-o", name},
		{"validate", config, input, "-o", "sarif"},
		{"validate", config, input, "-o", "github"},
		{"validate", config, input, "-o", "junit"},
		{"validate", config, input, "-o", "markdown"},
		{"validate", config, input, "--against", input, "--expires-within", "90d"},
		{"validate", config, input, "--against", "none" + name},
		{"validate", config, input, "--fail-on", name},
		{"validate", config, input, "--expires-within", name},
		{"patches", config, input, "-o", "kustomization"},
		{"patches", config, "-o", name},
		{"patches", config, "--write", "none" + name},
		{"patches", config, "--check", "folder" + name},
		{"patches", config, "--check", "folder" + name, "-o", "github"},
		{"init", "root" + name, "--dir", "folder" + name},
		{"init", "root" + name, "--dir", "-empty" + name},
		{"init", "root" + name, "--dir", "none" + name},
		{"init", "none" + name},
		{"probe", config, input, "source.yaml", "--system-roots", "None"},
		{"probe", config, input, "source.yaml", "--system-roots", "None", "-o", "json"},
		{"probe", config, input, "source.yaml", "--system-roots", "None", "-o", "yaml"},
		{"probe", config, input, "source.yaml", "--system-roots", "none" + name},
		{"schema", "-o", name},
		{"version", name},
		{"--" + name},
	} {
		stdout, stderr, _ := run(nil, args...)
		said := string(stderr)
		if args[0] == "validate" || args[0] == "probe" || args[0] == "init" || slices.Contains(args, "--check") {
			said += string(stdout)
		}
		if said == "" {
			t.Errorf("%q says nothing", args)
		}
		if i := strings.IndexFunc(said, func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }); i >= 0 {
			t.Errorf("%q: a raw character in\n%q", args, said)
		}
		for line := range strings.Lines(said) {
			if line = strings.TrimSpace(line); strings.HasPrefix(line, "::error::") || strings.HasPrefix(line, "Valid: 7") {
				t.Errorf("%q: a forged line in\n%s", args, said)
			}
		}
	}
	next, _, _ := run(nil, "init", "root"+name, "--dir", "-more"+name)
	if want := `git add $'./-more\n::error::forged\033[2J/corporate-ca-configmap.yaml'`; !strings.Contains(string(next), want) {
		t.Errorf("a command does not name the folder\n%s", next)
	}
	if report, _, _ := run(nil, "validate", config, input); !strings.Contains(string(report), `Corp\n\nValid: 7 controllers`) {
		t.Errorf("the subject is not in\n%s", report)
	}
}

// forgedRoot returns the PEM of a root of that name.
func forgedRoot(t *testing.T, name string) string {
	t.Helper()
	return pemOf(forgedCertificate(t, name).Certificate[0])
}

// forgedCertificate returns the certificate of a CA that is a server on 127.0.0.1 as well.
func forgedCertificate(t *testing.T, name string) tls.Certificate {
	t.Helper()
	der, key := signed(t, &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign, DNSNames: []string{"charts.example.com"},
	}, nil, nil)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// TestExampleOfAConfig: the lines of an example stay lines, in a result as well.
func TestExampleOfAConfig(t *testing.T) {
	const list = "apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nitems: []\nfunctionConfig:\n  apiVersion: fluxtrust.dev/v1alpha1\n  kind: FluxTrust\n  metadata: {name: x}\n  spec: {}\n"
	stdout, stderr, code := run([]byte(list))
	want := "write for example:\n      caBundle:\n      - configMap: {name: corporate-ca, keys: [ca.crt]}"
	if code != 1 || !strings.Contains(string(stderr), want) || !strings.Contains(resultsOf(t, stdout), want) {
		t.Errorf("exit code %d\n%s\n%s", code, stdout, stderr)
	}
}
