package command

import (
	"bytes"
	"encoding/json"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fluxtrust.dev/flux-trust/internal/bundle"
	"fluxtrust.dev/flux-trust/internal/probe"
)

// TestProbeHost shows a host, and saves its root when the fingerprint that is typed is
// the root's, and never otherwise.
func TestProbeHost(t *testing.T) {
	server, _ := serveTLS(t, emptyIndex)
	host := strings.TrimPrefix(server.URL, "https://")
	root := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	fingerprint := bundle.Fingerprint(server.Certificate())
	digits := strings.TrimPrefix(fingerprint, "sha256:")
	var pairs []string
	for i := 0; i < len(digits); i += 2 {
		pairs = append(pairs, strings.ToUpper(digits[i:i+2]))
	}
	trusted := filepath.Join(t.TempDir(), "roots.pem")
	if err := os.WriteFile(trusted, root, 0o600); err != nil {
		t.Fatal(err)
	}
	wrong := "sha256:" + strings.Repeat("0", 64)
	for name, tc := range map[string]struct {
		args   []string // FILE stands for the file to save to
		code   int
		stdout string
		stderr string
		file   string // what is there before
		saved  bool
	}{
		"a private root": {[]string{"--host", host}, 1, "× SelfSigned: tls: failed to verify certificate: x509: certificate signed by unknown authority\n", "", "", false},
		"its root":       {[]string{"--host", host}, 1, "its root: O=Acme Co\n  " + fingerprint + "\n", "", "", false},
		"what to do":     {[]string{"--host", host}, 1, "then: flux-trust probe --host " + host + " --save corp-ca.crt --fingerprint sha256:…, and flux-trust init corp-ca.crt --dir FOLDER\n", "", "", false},
		"a public root":  {[]string{"--host", host, "--system-roots", trusted}, 0, "√ the roots in " + trusted + " carry it", "", "", false},
		"saved":          {[]string{"--host", host, "--save", "FILE", "--fingerprint", fingerprint}, 0, "saved to FILE; next: flux-trust init FILE --dir FOLDER, the folder where Flux is\n", "", "", true},
		"as openssl prints it": {
			[]string{"--host", host, "--save", "FILE", "--fingerprint", "SHA256 Fingerprint=" + strings.Join(pairs, ":")}, 0, "saved to FILE", "", "", true,
		},
		"saved already":             {[]string{"--host", host, "--save", "FILE", "--fingerprint", fingerprint}, 0, "saved to FILE", "", string(root), true},
		"another file":              {[]string{"--host", host, "--save", "FILE", "--fingerprint", fingerprint}, 1, "", "the file exists and holds something else: nothing was saved", "mine\n", false},
		"another root":              {[]string{"--host", host, "--save", "FILE", "--fingerprint", wrong}, 1, "", "the root has " + fingerprint + ", and not the fingerprint that you gave: nothing was saved", "", false},
		"no fingerprint":            {[]string{"--host", host, "--save", "FILE"}, 1, "", "--save needs --fingerprint sha256:…", "", false},
		"no file":                   {[]string{"--host", host, "--fingerprint", fingerprint}, 1, "", "--fingerprint is for --save FILE", "", false},
		"half a fingerprint":        {[]string{"--host", host, "--save", "FILE", "--fingerprint", fingerprint[:20]}, 1, "", "--fingerprint is not a SHA-256", "", false},
		"an empty one":              {[]string{"--host", host, "--save", "FILE", "--fingerprint", ""}, 1, "", "--save needs --fingerprint", "", false},
		"SHA-1":                     {[]string{"--host", host, "--save", "FILE", "--fingerprint", strings.Repeat("ab", 20)}, 1, "", "--fingerprint is not a SHA-256", "", false},
		"nothing listens":           {[]string{"--host", "127.0.0.1:1"}, 1, "127.0.0.1:1 presents:\n  nothing\n× Refused: ", "", "", false},
		"nothing to save":           {[]string{"--host", "127.0.0.1:1", "--save", "FILE", "--fingerprint", wrong}, 1, "", "127.0.0.1:1 presents nothing", "", false},
		"no folder":                 {[]string{"--host", host, "--save", "FILE/x", "--fingerprint", fingerprint}, 1, "", "--save: ", "", false},
		"no host":                   {[]string{"--host", "user:s3cret@x"}, 1, "", "--host: write a host, or a host and a port", "", false},
		"with a config":             {[]string{"functionconfig.yaml", "--host", host}, 1, "", "flux-trust: error: --host needs no config and no input; leave functionconfig.yaml out\n", "", false},
		"with --wait":               {[]string{"--host", host, "--wait", "1m"}, 1, "", "--wait is for the sources of a config", "", false},
		"with an unknown --fail-on": {[]string{"--host", host, "--fail-on", "never"}, 1, "", "--fail-on never is not known", "", false},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "corp-ca.crt")
			if tc.file != "" {
				if err := os.WriteFile(file, []byte(tc.file), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			args := []string{"probe", "--system-roots", "None"}
			for _, arg := range tc.args {
				args = append(args, strings.Replace(arg, "FILE", file, 1))
			}
			stdout, stderr, code := run(nil, args...)
			want := strings.ReplaceAll(tc.stdout, "FILE", file)
			if code != tc.code || !strings.Contains(string(stdout), want) || !strings.Contains(string(stderr), tc.stderr) || tc.stderr != "" && len(stdout) > 0 {
				t.Errorf("exit code %d, want %d\n%s%s\nwant %s%s", code, tc.code, stdout, stderr, want, tc.stderr)
			}
			if strings.Contains(string(stdout)+string(stderr), "s3cret") {
				t.Errorf("a password is printed: %s%s", stdout, stderr)
			}
			have, err := os.ReadFile(file)
			switch {
			case tc.saved && !bytes.Equal(have, root):
				t.Errorf("%s, %v", have, err)
			case !tc.saved && string(have) != tc.file:
				t.Errorf("saved %s", have)
			}
		})
	}
	t.Run("into the folder where Flux is", func(t *testing.T) {
		t.Chdir(t.TempDir())
		if err := os.MkdirAll("clusters/prod", 0o750); err != nil {
			t.Fatal(err)
		}
		writeFile(t, "clusters/prod/kustomization.yaml", "resources: []\n")
		for file, want := range map[string]string{
			"clusters/prod/corp-ca.crt": "next: flux-trust init clusters/prod/corp-ca.crt --dir clusters/prod\n",
			"corp-ca.crt":               "next: flux-trust init corp-ca.crt --dir FOLDER, the folder where Flux is\n",
		} {
			stdout, stderr, _ := run(nil, "probe", "--host", host, "--save", file, "--fingerprint", fingerprint)
			if !strings.Contains(string(stdout), want) {
				t.Errorf("got\n%s%s\nwant %s", stdout, stderr, want)
			}
		}
		t.Chdir("clusters/prod")
		stdout, stderr, _ := run(nil, "probe", "--host", host, "--save", "corp-ca.crt", "--fingerprint", fingerprint)
		if want := "next: flux-trust init corp-ca.crt\n"; !strings.Contains(string(stdout), want) {
			t.Errorf("got\n%s%s\nwant %s", stdout, stderr, want)
		}
	})
	text, _, code := run(nil, "probe", "--host", host, "--system-roots", "None", "-o", "json")
	var got hostReport
	if err := json.Unmarshal(text, &got); err != nil || code != 1 || got.Root.Fingerprint != fingerprint || got.Failure == nil || got.Version != "test" {
		t.Errorf("%d, %v\n%s", code, err, text)
	}
	if text, _, _ = run(nil, "probe", "--host", host, "--system-roots", "None", "-o", "yaml"); !strings.Contains(string(text), "\nroot:\n") {
		t.Errorf("got\n%s", text)
	}
}

// TestSaveRoot has chains that a test server does not present.
func TestSaveRoot(t *testing.T) {
	own, above := "sha256:"+strings.Repeat("a", 64), "sha256:"+strings.Repeat("b", 64)
	chain := []probe.Certificate{{Subject: "CN=x", Fingerprint: own}, {Subject: "CN=issuing", Fingerprint: above}}
	file := filepath.Join(t.TempDir(), "corp-ca.crt")
	for fingerprint, want := range map[string]string{
		above:                               "the fingerprint is that of certificate 1, and not that of the root: nothing was saved",
		"sha256:" + strings.Repeat("c", 64): "the root was not presented and no public root carries the chain: nothing was saved",
	} {
		err := saveRoot(&probe.Presented{Chain: chain}, hostFlags{save: file, fingerprint: fingerprint})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	if _, err := os.Stat(file); err == nil {
		t.Error("a file was written")
	}
}

// TestProbeHostInspected does not call a host good because this machine trusts the proxy
// in front of it.
func TestProbeHostInspected(t *testing.T) {
	root := &probe.Certificate{Subject: "CN=Zscaler Root CA", Fingerprint: "sha256:" + strings.Repeat("a", 64)}
	r := hostReport{SystemRoots: "Host", Presented: &probe.Presented{
		Host: "charts.example.com", Chain: []probe.Certificate{{Subject: "CN=charts.example.com"}}, TrustedBy: []string{"system roots"}, Root: root,
		Inspector: &probe.Inspector{Subject: root.Subject, Fingerprint: root.Fingerprint, Why: `its name holds "zscaler"`},
	}}
	got := r.table(style{})
	for _, want := range []string{
		"! the system roots of this machine carry it, and its root looks like that of an inspecting proxy: its name holds \"zscaler\"\n",
		"its root: CN=Zscaler Root CA\n", "compare this with what the owner of the root gives you",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%s is missing in\n%s", want, got)
		}
	}
	if err := r.verdict(&probeFlags{failOn: "error"}); err != nil {
		t.Errorf("got %v", err)
	}
	if err := r.verdict(&probeFlags{failOn: "warning"}); err == nil {
		t.Error("--fail-on warning passes")
	}
}
