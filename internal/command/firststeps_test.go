package command

import (
	"bytes"
	"encoding/pem"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestFirstSteps does what docs/first-steps.md shows, and holds the page against what was
// seen. Each run starts with a certificate in DER and a folder of an example.
func TestFirstSteps(t *testing.T) {
	const page = "../../docs/first-steps.md"
	file, err := filepath.Abs(page)
	if err != nil {
		t.Fatal(err)
	}
	text := string(contents(t, page))
	seen := firstSteps(t)
	for name, output := range seen {
		block := regexp.MustCompile("(?s)(<!-- seen: " + name + " -->\n```console\n).*?(```\n)")
		if !block.MatchString(text) {
			t.Errorf("%s has no block %s", page, name)
		}
		text = block.ReplaceAllStringFunc(text, func(found string) string {
			parts := block.FindStringSubmatch(found)
			return parts[1] + output + parts[2]
		})
	}
	if *update {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	compare(t, file, []byte(text))
}

// firstSteps returns what each block of the page is to show.
func firstSteps(t *testing.T) map[string]string {
	t.Helper()
	examples, err := filepath.Abs("../../examples")
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode([]byte(goldenRoot(t)))
	second := certificates(t)[1]
	t.Chdir(t.TempDir())
	writeFile(t, "Company-Root-CA.cer", string(block.Bytes))
	writeFile(t, "New-Root.pem", second)
	flux := func(from, to string) {
		if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
			t.Fatal(err)
		}
		writeFile(t, to, string(contents(t, filepath.Join(examples, from))))
	}
	flux("bootstrap/flux-system/gotk-components.yaml", "clusters/prod/flux-system/gotk-components.yaml")
	flux("bootstrap/flux-system/kustomization.yaml", "clusters/prod/flux-system/kustomization.yaml")
	flux("flux-instance/fluxinstance.yaml", "operator/fluxinstance.yaml")
	flux("helmrelease/helmrelease.yaml", "release/helmrelease.yaml")
	flux("kpt-package/flux-system/source-controller.yaml", "package/source-controller.yaml")
	writeFile(t, "package/Kptfile", "apiVersion: kpt.dev/v1\nkind: Kptfile\nmetadata:\n  name: package\n")
	if err := os.Mkdir("trust", 0o700); err != nil {
		t.Fatal(err)
	}
	const prod = " --dir clusters/prod/flux-system"
	seen := map[string]string{
		"bootstrap": shell(t, "init Company-Root-CA.cer"+prod, ""),
		"again":     shell(t, "init Company-Root-CA.cer"+prod, ""),
	}
	seen["check"] = shell(t, "patches clusters/prod/flux-system/corporate-ca.yaml --write clusters/prod/flux-system --check", "")
	seen["rotation"] = shell(t, "init New-Root.pem"+prod, "")
	seen["end"] = shell(t, "init New-Root.pem"+prod+" --force", "")
	seen["FluxInstance"] = shell(t, "init Company-Root-CA.cer --dir operator", "--- operator/fluxinstance.yaml")
	seen["HelmRelease"] = shell(t, "init Company-Root-CA.cer --dir release", "--- release/helmrelease.yaml")
	seen["kpt"] = shell(t, "init Company-Root-CA.cer --dir package", "--- package/Kptfile")
	seen["nothing"] = shell(t, "init Company-Root-CA.cer --dir trust", "--- /dev/null\n+++ trust/corporate-ca.yaml")
	return seen
}

// shell returns a command line and what it prints, from some line on.
func shell(t *testing.T, line, from string) string {
	t.Helper()
	var out bytes.Buffer
	if code := Execute(strings.Fields(line), "VERSION", strings.NewReader(""), &out, &out); code != 0 {
		t.Fatalf("%s: exit code %d\n%s", line, code, &out)
	}
	text := out.String()
	if from != "" {
		_, rest, found := strings.Cut(text, "\n"+from)
		if !found {
			t.Fatalf("%s does not print %s\n%s", line, from, text)
		}
		text = "…\n" + from + rest
	}
	return "$ flux-trust " + line + "\n" + text
}
