package bundle

import (
	"bytes"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestJudgeIsThatOfGo holds what is said about random roots against crypto/x509 itself:
// of the Go that runs the tests, with the defaults of several versions, and of those
// that FLUX_TRUST_TOOLCHAINS names (go1.27.3, …), which the go command must find or be
// able to fetch.
func TestJudgeIsThatOfGo(t *testing.T) {
	cases := 4000
	if testing.Short() {
		cases = 800
	}
	random := rand.New(rand.NewPCG(7, 7)) //nolint:gosec // a test that repeats
	f := newForger(t, random)
	roots := make([][]byte, cases)
	var input bytes.Buffer
	for i := range roots {
		c := f.randomRoot()
		roots[i] = f.make(c)
		fmt.Fprintln(&input, base64.StdEncoding.EncodeToString(roots[i]), base64.StdEncoding.EncodeToString(f.server(c.subject, c.signer)))
	}
	toolchains := append([]string{"local"}, strings.Fields(os.Getenv("FLUX_TRUST_TOOLCHAINS"))...)
	for _, toolchain := range toolchains {
		for _, language := range []string{"1.22", "1.26"} {
			t.Run(toolchain+" as "+language, func(t *testing.T) {
				program, version := buildVerify(t, toolchain, language)
				g, err := ParseGo(version, language, "")
				if err != nil {
					t.Fatal(err)
				}
				command := exec.CommandContext(t.Context(), program) //nolint:gosec // built above
				command.Stdin = bytes.NewReader(input.Bytes())
				out, err := command.Output()
				if err != nil {
					t.Fatal(err)
				}
				trusted := 0
				for i, want := range strings.Fields(string(out)) {
					got := "no"
					if trusts(roots[i], g) {
						got = "yes"
						trusted++
					}
					if got != want {
						t.Errorf("we say %s, Go says %s of\n%s", got, want, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: roots[i]}))
					}
				}
				if trusted < cases/10 || trusted > cases*9/10 {
					t.Errorf("%d of %d roots are trusted: the test is worth little", trusted, cases)
				}
			})
		}
	}
}

// buildVerify compiles testdata/verify, and returns the program and the minor version of
// Go that made it.
func buildVerify(t *testing.T, toolchain, language string) (program, version string) {
	t.Helper()
	folder := t.TempDir()
	source, err := os.ReadFile("testdata/verify/main.go")
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"main.go": string(source), "go.mod": "module verify\n\ngo " + language + "\n"} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run := func(args ...string) string {
		command := exec.CommandContext(t.Context(), "go", args...) //nolint:gosec // the go command
		command.Dir = folder
		command.Env = append(os.Environ(), "GOTOOLCHAIN="+toolchain, "GOFLAGS=-mod=mod", "GODEBUG=")
		out, err := command.CombinedOutput()
		if err != nil {
			t.Fatalf("go %s: %v: %s", strings.Join(args, " "), err, out)
		}
		return strings.TrimSpace(string(out))
	}
	program = filepath.Join(folder, "verify")
	run("build", "-o", program, ".")
	parts := strings.Split(strings.TrimPrefix(run("env", "GOVERSION"), "go"), ".")
	return program, strings.Join(parts[:2], ".")
}

// trusts says what Parse and Check say: whether a Go takes a root for a server of
// example.com.
func trusts(root []byte, g Go) bool {
	certificates, _ := Parse(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root}))
	if len(certificates) == 0 {
		return false
	}
	c := certificates[0].Certificate
	for _, r := range refusals(c) {
		if r.applies(g) && !r.ours {
			return false
		}
	}
	return allows(c, "server.example.com")
}

// allows reads name constraints as RFC 5280 has them, for one name.
func allows(c *x509.Certificate, host string) bool {
	within := func(domains []string) bool {
		for _, d := range domains {
			if host == d || strings.HasSuffix(host, "."+d) {
				return true
			}
		}
		return false
	}
	return (len(c.PermittedDNSDomains) == 0 || within(c.PermittedDNSDomains)) && !within(c.ExcludedDNSDomains)
}
