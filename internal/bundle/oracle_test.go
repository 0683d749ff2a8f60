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

	"fluxtrust.dev/flux-trust/internal/flux"
)

// TestJudgeIsThatOfGo holds what is said about random roots against crypto/x509 itself:
// of the Go that runs the tests, with the defaults of several versions.
func TestJudgeIsThatOfGo(t *testing.T) {
	cases := 4000
	if testing.Short() {
		cases = 800
	}
	roots := newRoots(t, cases)
	for _, language := range []string{"1.22", "1.26"} {
		t.Run("as "+language, func(t *testing.T) { roots.ask(t, "local", language) })
	}
}

// TestJudgeIsThatOfEveryGo asks the first and the last Go of each minor version that a
// release of Flux is built with.
func TestJudgeIsThatOfEveryGo(t *testing.T) {
	if os.Getenv("FLUX_TRUST_EVERY_GO") == "" {
		t.Skip("the Go of every release of Flux is asked by make check, with FLUX_TRUST_EVERY_GO=1: that fetches 14 toolchains, 1 GB in all")
	}
	toolchains := map[string][]string{
		"1.20": {"go1.20.1", "go1.20.14"},
		"1.21": {"go1.21.0", "go1.21.13"},
		"1.22": {"go1.22.0", "go1.22.12"},
		"1.23": {"go1.23.0", "go1.23.12"},
		"1.24": {"go1.24.0", "go1.24.13"},
		"1.25": {"go1.25.0", "go1.25.9"},
		"1.26": {"go1.26.0", "local"},
		"1.27": {"go1.27.0"},
	}
	roots := newRoots(t, 4000)
	roots.addMLDSA(t, toolchains["1.27"][0])
	for _, b := range flux.Builds() {
		if len(toolchains[b.Version]) == 0 {
			t.Errorf("Flux %s is built with Go %s, and no toolchain for that is named here", b.Flux, b.Version)
		}
		for _, toolchain := range toolchains[b.Version] {
			t.Run(fmt.Sprintf("Flux %s/%s as %s", b.Flux, toolchain, b.Language), func(t *testing.T) {
				if !isThere(t, toolchain) {
					t.Skip("without this Go, nothing is known of it")
				}
				roots.ask(t, toolchain, b.Language)
			})
		}
	}
}

// isThere reports whether a toolchain can be had, and says so where it cannot.
func isThere(t *testing.T, toolchain string) bool {
	t.Helper()
	command := exec.CommandContext(t.Context(), "go", "version")
	command.Env = append(os.Environ(), "GOTOOLCHAIN="+toolchain)
	out, err := command.CombinedOutput()
	if err != nil {
		t.Logf("SKIPPED: %s cannot be had: %v: %s", toolchain, err, out)
	}
	return err == nil
}

// madeRoots are roots, and the input of testdata/verify for them.
type madeRoots struct {
	forged []forged
	der    [][]byte
	input  []byte
}

func newRoots(t *testing.T, cases int) madeRoots {
	t.Helper()
	random := rand.New(rand.NewPCG(7, 7)) //nolint:gosec // a test that repeats
	f := newForger(t, random)
	var made madeRoots
	for range cases {
		c := f.randomRoot()
		made.forged = append(made.forged, c)
		made.der = append(made.der, f.make(c))
		made.input = fmt.Appendln(made.input, base64.StdEncoding.EncodeToString(made.der[len(made.der)-1]), base64.StdEncoding.EncodeToString(f.server(c)))
	}
	return made
}

// ask compares what we say of roots with what a Go says.
func (m madeRoots) ask(t *testing.T, toolchain, language string) {
	t.Helper()
	program, version := build(t, "verify", toolchain, language)
	g, err := ParseGo(version, language, "")
	if err != nil {
		t.Fatal(err)
	}
	answers := strings.Fields(output(t, program, m.input))
	trusted, unread, wrong := 0, 0, 0
	for i, der := range m.der {
		yes := trusts(der, g)
		if yes {
			trusted++
		}
		if yes == (answers[i] == "yes") {
			continue
		}
		if _, err := x509.ParseCertificate(der); !yes && err != nil {
			unread++ // what we cannot read is refused, whoever else reads it
			continue
		}
		const most = 20
		if wrong++; wrong <= most {
			t.Errorf("we trust: %t, Go says %s of %+v\n%s", yes, answers[i], describe(m.forged[i]), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
		}
	}
	t.Logf("%d roots: %d are trusted, %d only by Go, which reads what we do not, %d are wrong", len(m.der), trusted, unread, wrong)
	if trusted < len(m.der)/10 || trusted > len(m.der)*9/10 || len(answers) != len(m.der) {
		t.Errorf("%d of %d roots are trusted, %d answers: the test is worth little", trusted, len(m.der), len(answers))
	}
}

// addMLDSA adds a root for each kind of ML-DSA key.
func (m *madeRoots) addMLDSA(t *testing.T, toolchain string) {
	t.Helper()
	if !isThere(t, toolchain) {
		return
	}
	program, _ := build(t, "mldsa", toolchain, "1.27")
	made := output(t, program, nil)
	for line := range strings.Lines(made) {
		root, _, _ := strings.Cut(line, " ")
		der, err := base64.StdEncoding.DecodeString(root)
		if err != nil {
			t.Fatal(err)
		}
		m.forged, m.der = append(m.forged, forged{subject: "ML-DSA"}), append(m.der, der)
	}
	m.input = append(m.input, made...)
}

// output returns what a program writes.
func output(t *testing.T, program string, input []byte) string {
	t.Helper()
	command := exec.CommandContext(t.Context(), program)
	command.Stdin = bytes.NewReader(input)
	out, err := command.Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func describe(c forged) string {
	return fmt.Sprintf("key %s, version %d, serial %v, subject %q, issuer %q (type %d), validity %q, algorithm %v, extensions %v", c.key.name, c.version, c.serial, c.subject, c.issuer, c.nameType, c.validity, c.algorithm, c.extensions)
}

// build compiles a program in testdata, and returns it and the minor version of Go that
// made it.
func build(t *testing.T, name, toolchain, language string) (program, version string) {
	t.Helper()
	folder := t.TempDir()
	source, err := os.ReadFile(filepath.Join("testdata", name, "main.go"))
	if err != nil {
		t.Fatal(err)
	}
	for file, text := range map[string]string{"main.go": string(source), "go.mod": "module example.com/oracle\n\ngo " + language + "\n"} {
		if err := os.WriteFile(filepath.Join(folder, file), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run := func(args ...string) string {
		command := exec.CommandContext(t.Context(), "go", args...) //nolint:gosec // the go command
		command.Dir = folder
		command.Env = append(os.Environ(), "GOTOOLCHAIN="+toolchain, "GOFLAGS=-mod=mod", "GODEBUG=", "CGO_ENABLED=0")
		out, err := command.CombinedOutput()
		if err != nil {
			t.Fatalf("go %s: %v: %s", strings.Join(args, " "), err, out)
		}
		return strings.TrimSpace(string(out))
	}
	program = filepath.Join(folder, "program")
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
	return !now.Before(c.NotBefore) && !now.After(c.NotAfter) && allows(c, "server.example.com")
}

// allows reads name constraints as RFC 5280 has them, for one name.
func allows(c *x509.Certificate, host string) bool {
	within := func(domains []string) bool {
		for _, d := range domains {
			d = strings.ToLower(d)
			if bare := strings.TrimPrefix(d, "."); d == "" || host == d || strings.HasSuffix(host, "."+bare) {
				return true
			}
		}
		return false
	}
	return (len(c.PermittedDNSDomains) == 0 || within(c.PermittedDNSDomains)) && !within(c.ExcludedDNSDomains)
}
