package command

import (
	"bytes"
	"encoding/json"
	"encoding/pem"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	batchv1 "k8s.io/api/batch/v1"
	kubeyaml "sigs.k8s.io/yaml"

	"fluxtrust.dev/flux-trust/internal/probe"
)

// TestProbe runs the command against a server on 127.0.0.1, with every set of
// system roots and in every format.
func TestProbe(t *testing.T) {
	for _, name := range []string{"SSL_CERT_FILE", "SSL_CERT_DIR", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"} {
		t.Setenv(name, "")
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" {
			t.Error("credentials are sent")
		}
		_, _ = io.WriteString(w, "apiVersion: v1\nentries: {}\n")
	}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	root := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
	indented := "        " + strings.ReplaceAll(strings.TrimSpace(root), "\n", "\n        ") + "\n"
	host := strings.TrimPrefix(server.URL, "https://")
	file := func(name, text string) string {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	// The certificate of the test server is not a CA, as Go trusts it.
	bundled := writeSpec(t, "  caBundle:\n  - inline:\n      name: corporate-ca\n      pem: |\n"+indented+"    allow: [NotCA, Expired, WeakKey]\n")
	other := writeSpec(t, "  caBundle:\n  - inline:\n      name: corporate-ca\n      pem: |\n        "+strings.ReplaceAll(strings.TrimSpace(goldenRoot(t)), "\n", "\n        ")+"\n")
	sources := file("sources.yaml", "apiVersion: source.toolkit.fluxcd.io/v1\nkind: HelmRepository\nmetadata: {name: charts, namespace: apps}\nspec: {url: \"https://user:s3cret@"+host+"/stable\"}\n"+
		"---\napiVersion: source.toolkit.fluxcd.io/v1\nkind: GitRepository\nmetadata: {name: ssh, namespace: apps}\nspec: {url: \"ssh://git@git.example.com/x\"}\n")
	roots := file("roots.pem", root)

	for name, tc := range map[string]struct {
		args []string
		code int
		want string // of the HelmRepository, in the table
	}{
		"by the bundle":           {[]string{bundled, sources, "--system-roots", "none"}, 0, "√ HOST  by bundle \\(O=Acme Co\\)  for HelmRepository apps/charts \\(index\\)\n"},
		"by a file":               {[]string{other, sources, "--system-roots", roots}, 0, "√ HOST  by system roots \\(O=Acme Co\\)  for HelmRepository apps/charts \\(index\\)\n"},
		"by both":                 {[]string{bundled, sources, "--system-roots", roots, "--fail-on", "warning"}, 0, "√ HOST  by system roots, bundle \\(O=Acme Co\\)  for HelmRepository apps/charts"},
		"by none":                 {[]string{other, sources, "--system-roots", "NONE"}, 1, "× HOST  for HelmRepository apps/charts \\(index\\)\n    SelfSigned: tls: failed to verify certificate: x509: certificate signed by unknown authority.*\n    cure: the server is its own root: compare its certificate.*\n    more: docs/troubleshooting.md#selfsigned\n    chain: O=Acme Co"},
		"not by those of Go here": {[]string{other, sources, "--system-roots", "Host", "--timeout", "5s", "--concurrency", "1"}, 1, "× HOST  for HelmRepository apps/charts \\(index\\)\n    SelfSigned"},
	} {
		t.Run(name, func(t *testing.T) {
			stdout, stderr, code := run(nil, append([]string{"probe"}, tc.args...)...)
			line := regexp.MustCompile(`(?m)^` + strings.ReplaceAll(tc.want, "HOST", regexp.QuoteMeta(host)))
			if code != tc.code || !line.Match(stdout) {
				t.Errorf("exit code %d, want %d\n%s%s\nwant %s", code, tc.code, stdout, stderr, line)
			}
			if !strings.Contains(string(stdout), "- git.example.com  for GitRepository apps/ssh\n    note: ssh:// is not HTTPS\n") {
				t.Errorf("got\n%s", stdout)
			}
			again, _, _ := run(nil, append([]string{"probe"}, tc.args...)...)
			if !bytes.Equal(stdout, again) {
				t.Errorf("a second run prints\n%s\nnot\n%s", again, stdout)
			}
			if strings.Contains(string(stdout)+string(stderr), "s3cret") {
				t.Errorf("a password is printed\n%s%s", stdout, stderr)
			}
		})
	}

	t.Run("formats", func(t *testing.T) {
		text, _, code := run(nil, "probe", bundled, sources, "--system-roots", "None", "-o", "json")
		var got probing
		if err := json.Unmarshal(text, &got); err != nil || code != 0 {
			t.Fatalf("%d, %v\n%s", code, err, text)
		}
		if got.OK != 1 || got.Skipped != 1 || got.Failed != 0 || len(got.Reports) != 2 || got.Reports[1].Result != probe.OK || len(got.Reports[1].Chain) != 1 {
			t.Errorf("got %+v", got)
		}
		if text, _, _ = run(nil, "probe", bundled, sources, "--system-roots", "None", "-o", "yaml"); !strings.Contains(string(text), "\n  trustedBy:\n  - bundle\n") {
			t.Errorf("got\n%s", text)
		}
	})

	t.Run("bad input", func(t *testing.T) {
		notKnown := writeSpec(t, "  caBundle: [{configMap: {name: corp-ca, keys: [ca.crt]}}]\n")
		for want, args := range map[string][]string{
			"-o csv is not known; write table, json or yaml":                                   {bundled, sources, "-o", "csv"},
			"--timeout 0s is not possible":                                                     {bundled, sources, "--timeout", "0s"},
			"--timeout 5 has no unit; write --timeout 5s (see ":                                {bundled, sources, "--timeout", "5"},
			"--wait 300 has no unit; write --wait 300s (see ":                                  {bundled, sources, "--wait", "300"},
			"--timeout soon is no duration; write for example --timeout 30s (see ":             {bundled, sources, "--timeout", "soon"},
			"--fail-on nothing is not known; write error or warning":                           {bundled, sources, "--fail-on", "nothing"},
			"--wait -1s is not possible":                                                       {bundled, sources, "--wait", "-1s"},
			"--save and --fingerprint are for --host":                                          {bundled, sources, "--save", "x"},
			"--concurrency 0 is not possible":                                                  {bundled, sources, "--concurrency", "0"},
			"--system-roots is neither Host nor None, and no file":                             {bundled, sources, "--system-roots", "Nobody"},
			"the file holds no PEM certificate":                                                {bundled, sources, "--system-roots", sources},
			"no input: name files":                                                             {bundled},
			"the inputs hold no Flux source":                                                   {bundled, file("empty.yaml", "kind: ConfigMap\napiVersion: v1\nmetadata: {name: a}\n")},
			"the content of spec.caBundle is not known (spec.caBundle[0]: it is not in the st": {notKnown, sources},
		} {
			stdout, stderr, code := run(nil, append([]string{"probe"}, args...)...)
			if code != 1 || len(stdout) > 0 || !strings.Contains(string(stderr), want) {
				t.Errorf("exit code %d, want 1 and %q\n%s%s", code, want, stdout, stderr)
			}
		}
	})
}

// TestProbeTable prints one report of each kind; docs/probe.md shows the table.
func TestProbeTable(t *testing.T) {
	certificate := func(subject, issuer string) probe.Certificate {
		return probe.Certificate{Subject: "CN=" + subject, Issuer: "CN=" + issuer}
	}
	const root = "sha256:5d41402abc4b2a76b9719d911017c592ae1b2c3d4e5f60718293a4b5c6d7e8f9"
	failure := func(code probe.Code, text string) *probe.Failure {
		return &probe.Failure{Code: code, Error: text, Cure: code.Cure()}
	}
	p := &probing{}
	p.take([]probe.Report{
		{
			Source: "GitRepository apps/config", Host: "git.corp.example.com", Role: "source", Result: probe.Skipped,
			Notes: []string{"ssh:// is not HTTPS"},
		},
		{
			Source: "OCIRepository apps/podinfo", Host: "oci.example.org", Role: "registry", Result: probe.Unchecked,
			Failure: failure(probe.CredentialsNotSent, "the registry asks for a login: the probe does not send the credentials of the source"),
		},
		{
			Source: "HelmRepository apps/company", Host: "charts.corp.example.com", Role: "index", Result: probe.OK, TrustedBy: []string{"bundle"},
			Chain: []probe.Certificate{certificate("charts.corp.example.com", "Corp Issuing CA"), certificate("Corp Issuing CA", "Corp Root")},
		},
		{
			Source: "HelmRepository apps/prometheus", Host: "prometheus-community.github.io", Role: "index", Result: probe.OK, TrustedBy: []string{"certSecretRef"},
			Chain: []probe.Certificate{certificate("*.github.io", "Corp Proxy CA"), certificate("Corp Proxy CA", "Corp Proxy CA")},
		},
		{
			Source: "HelmRepository apps/prometheus", Host: "github.com", Role: "charts", Result: probe.Failed,
			Chain:   []probe.Certificate{certificate("github.com", "Corp Proxy CA"), certificate("Corp Proxy CA", "Corp Proxy CA")},
			Failure: failure(probe.PinnedName, "tls: failed to verify certificate: x509: certificate is valid for github.com, not prometheus-community.github.io"),
		},
		{
			Source: "OCIRepository apps/podinfo", Host: "oci.example.org", Role: "registry", Result: probe.OK, TrustedBy: []string{"system roots"},
			Chain: []probe.Certificate{certificate("*.example.org", "Public CA")},
		},
		{
			Source: "Provider apps/chat", Host: "chat.example.org", Role: "source", Result: probe.Failed, Proxy: "proxy.corp.example.com:3128",
			Chain:     []probe.Certificate{certificate("chat.example.org", "Corp Proxy CA 2"), certificate("Corp Proxy CA 2", "Corp Proxy CA 2")},
			Failure:   failure(probe.UnknownAuthority, "tls: failed to verify certificate: x509: certificate signed by unknown authority"),
			Inspector: &probe.Inspector{Subject: "CN=Corp Proxy CA 2", Fingerprint: root, Why: `its name holds "proxy"`},
		},
	})
	data, err := os.ReadFile("../../docs/probe.md")
	if err != nil {
		t.Fatal(err)
	}
	if table := p.table(style{}); !strings.Contains(string(data), "```\n"+table+"```\n") {
		t.Errorf("docs/probe.md does not show\n%s", table)
	}
}

// TestProbeJob holds the Job of the example against the API and the Pod Security
// Standard restricted, and runs the arguments that it gives.
func TestProbeJob(t *testing.T) {
	data, err := os.ReadFile("../../examples/probe-job/job.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var job batchv1.Job
	if err := kubeyaml.UnmarshalStrict(data, &job); err != nil {
		t.Fatal(err)
	}
	template := &job.Spec.Template
	if reason := violations(t, template); reason != "" {
		t.Error(reason)
	}
	sources, err := os.ReadFile("../../examples/probe-job/sources.yaml")
	if err != nil {
		t.Fatal(err)
	}
	local := filepath.Join(t.TempDir(), "sources.yaml")
	if err := os.WriteFile(local, bytes.Replace(sources, []byte("https://stefanprodan.github.io"), []byte("https://127.0.0.1:1"), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	args := template.Spec.Containers[0].Args
	for i := range args {
		args[i] = strings.NewReplacer("/config/sources.yaml", local, "/config/", "../../examples/probe-job/", "/roots/ca-certificates.crt", "../../examples/quickstart/certs/Company-Root-CA.crt").Replace(args[i])
	}
	stdout, stderr, code := run(nil, append(args, "--timeout", "5s")...)
	if code != 1 || !strings.Contains(string(stdout), "× 127.0.0.1:1  for HelmRepository apps/podinfo (index)\n    Refused: ") {
		t.Errorf("exit code %d\n%s%s", code, stdout, stderr)
	}
}
