package command

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"fluxtrust.dev/flux-trust/internal/probe"
)

const troubleshooting = "../../docs/troubleshooting.md"

// TestTroubleshooting: what people search for is found, each with its cause, how to tell
// and a cure, and every code of the probe has the anchor that it prints.
func TestTroubleshooting(t *testing.T) {
	data, err := os.ReadFile(troubleshooting)
	if err != nil {
		t.Fatal(err)
	}
	text := string(data)
	known, help := strings.Index(text, "\n## Every known failure\n"), strings.Index(text, "\n## Where the bundle does not help\n")
	if known < 0 || help < known {
		t.Fatal("the parts are not there, or stand in another order")
	}
	sections := map[string]string{}
	for _, section := range strings.Split(text[known:help], "\n### ")[1:] {
		heading, body, _ := strings.Cut(section, "\n")
		if _, ok := sections[heading]; ok {
			t.Errorf("%s appears twice", heading)
		}
		// The last one ends before the next part.
		body, _, _ = strings.Cut(body, "\n## ")
		sections[heading] = body
		shape := regexp.MustCompile("(?s)^\n```\n.+?\n```\n\n[A-Z`].+?\\.\n\n\\*\\*How to tell:\\*\\* .+?\\.\n\n\\*\\*Cure:\\*\\* .+?\\.\n")
		if !shape.MatchString(body) {
			t.Errorf("%s lacks a text, a cause, how to tell, or a cure:\n%s", heading, body)
		}
	}
	for _, k := range probe.Known() {
		body, ok := sections[string(k.Code)]
		if cure := "**Cure:** " + k.Cure + ".\n"; !ok || !strings.Contains(body, cure) {
			t.Errorf("#%s is no anchor, or does not say what the probe says: %s", strings.ToLower(string(k.Code)), cure)
		}
	}
	var blocks strings.Builder
	for _, body := range sections {
		_, block, _ := strings.Cut(body, "```\n")
		block, _, _ = strings.Cut(block, "```")
		blocks.WriteString(block)
	}
	for _, want := range []string{
		"certificate signed by unknown authority", "certificate is valid for", "failed to parse CA certificate", "cannot append certificate into certificate pool",
		"must contain either 'ca.crt' or both", "contains 'tls.crt' but missing 'tls.key'", "failed to login to OCI registry", "failed to determine artifact digest",
		"legacy Common Name field", "doesn't contain any IP SANs", "not authorized to sign for this name", "possibly because of", "negative serial number",
		"unrecognized name", "SSL certificate problem: unable to get local issuer certificate", "failed to run '/usr/bin/git fetch", "pulling artifact", "i/o timeout",
		"violates PodSecurity", "unable to validate against any security context constraint",
	} {
		if !strings.Contains(blocks.String(), want) {
			t.Errorf("nobody finds %s", want)
		}
	}
	for _, want := range []string{"kubeconfig", "admission webhooks", "nodes that pull images", "the `flux` CLI", "`SSL_CERT_FILE`", "--ca-file", "goes round `HTTPS_PROXY`"} {
		if !strings.Contains(text[help:], want) {
			t.Errorf("it does not say where the bundle does not help: %s", want)
		}
	}
	if strings.Contains(text, "The CA is trusted, and the name is not") {
		t.Error("Go looks at the name before the chain: nothing says that the CA is trusted")
	}
}
