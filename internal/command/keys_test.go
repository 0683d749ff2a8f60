package command

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"os"
	"strings"
	"testing"
)

// TestKeysNeverPass puts a key into every value that is mounted, also where somebody
// else has the last word about the rest of it.
func TestKeysNeverPass(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	encoded := func(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }
	quoted := func(text string) string { return `"` + strings.NewReplacer("\n", `\n`, `"`, `\"`).Replace(text) + `"` }
	root := goldenRoot(t)
	block := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	dressed := map[string]string{
		"PEM": root + block, "a comment": "# " + strings.ReplaceAll(block, "\n", "\n# ") + "\n" + root, "base64 of the file": root + encoded(block),
		"its body": root + "  " + base64.StdEncoding.EncodeToString(der), "hexadecimal": fmt.Sprintf("%s# % x\n", root, der),
	}
	const (
		deployment = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: source-controller, namespace: flux-system}\n" +
			"spec: {selector: {}, template: {spec: {containers: [{name: manager, image: fluxcd/source-controller:v1.9.6}]}}}\n---\n"
		configMap = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ca\n  namespace: flux-system\n"
		secret    = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: ca\n  namespace: flux-system\n"
		bundle    = "apiVersion: certificates.k8s.io/v1\nkind: ClusterTrustBundle\nmetadata: {name: ca}\n"
	)
	all, some := "configMap: {name: ca}", "configMap: {name: ca, keys: [ca.crt]}"
	config := func(entry string) string {
		return "apiVersion: fluxtrust.dev/v1alpha1\nkind: FluxTrust\nmetadata: {name: corporate-ca}\nspec: {caBundle: [{" + entry + "}]}\n"
	}
	t.Chdir(t.TempDir())
	for where, tc := range map[string]struct {
		entry string
		input func(text string) string
	}{
		"data":           {some, func(text string) string { return configMap + "data: {ca.crt: " + quoted(text) + "}\n" }},
		"binaryData":     {some, func(text string) string { return configMap + "binaryData: {ca.crt: " + encoded(text) + "}\n" }},
		"data, a binary": {some, func(text string) string { return configMap + "data: {ca.crt: !!binary " + encoded(text) + "}\n" }},
		"data, merged":   {some, func(text string) string { return configMap + "data: {<<: {ca.crt: " + quoted(text) + "}}\n" }},
		"the whole object": {all, func(text string) string {
			return configMap + "data: {a.crt: " + quoted(root) + ", other: " + quoted(text) + "}\n"
		}},
		"the whole object, binaryData": {all, func(text string) string {
			return configMap + "data: {a.crt: " + quoted(root) + "}\nbinaryData: {other: " + encoded(text) + "}\n"
		}},
		"a Secret's data":       {"secret: {name: ca}", func(text string) string { return secret + "data: {ca.crt: " + encoded(text) + "}\n" }},
		"a Secret's stringData": {"secret: {name: ca}", func(text string) string { return secret + "stringData: {ca.crt: " + quoted(text) + "}\n" }},
		"a ClusterTrustBundle":  {"clusterTrustBundle: {name: ca}", func(text string) string { return bundle + "spec: {trustBundle: " + quoted(text) + "}\n" }},
		"of trust-manager": {some, func(text string) string {
			return configMap + "  labels: {trust.cert-manager.io/bundle: ca}\ndata: {ca.crt: " + quoted(text) + "}\n"
		}},
		"of OpenShift": {"configMap: {name: ca, keys: [ca-bundle.crt]}", func(text string) string {
			return configMap + "  labels: {config.openshift.io/inject-trusted-cabundle: \"true\"}\ndata: {ca-bundle.crt: " + quoted(text) + "}\n"
		}},
		"of SOPS":       {some, func(text string) string { return configMap + "data: {ca.crt: " + quoted(text) + "}\nsops: {mac: x}\n" }},
		"beside a ${…}": {some, func(text string) string { return configMap + "data: {ca.crt: " + quoted("${x}\n"+text) + "}\n" }},
		"optional, a marked": {some + ", optional: true", func(text string) string {
			return configMap + "  labels: {trust.cert-manager.io/bundle: ca}\ndata: {ca.crt: " + quoted(text) + "}\n"
		}},
	} {
		for how, text := range dressed {
			t.Run(where+", "+how, func(t *testing.T) {
				for file, content := range map[string]string{"config.yaml": config(tc.entry), "input.yaml": deployment + tc.input(text)} {
					if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
						t.Fatal(err)
					}
				}
				stdout, stderr, code := run(nil, "config.yaml", "input.yaml")
				if code != 1 || len(stdout) > 0 || !strings.Contains(string(stderr), "is a private key") {
					t.Errorf("exit code %d\n%s", code, stderr)
				}
				if strings.Contains(string(stderr), base64.StdEncoding.EncodeToString(der)[40:60]) {
					t.Errorf("the message shows the key:\n%s", stderr)
				}
			})
		}
	}
	for how, text := range dressed {
		t.Run("inline, "+how, func(t *testing.T) {
			if err := os.WriteFile("config.yaml", []byte(config("inline: {name: ca, pem: "+quoted(text)+"}")), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, stderr, code := run([]byte(deployment), "config.yaml", "-"); code != 1 || !strings.Contains(string(stderr), "is a private key") {
				t.Errorf("exit code %d\n%s", code, stderr)
			}
		})
	}
}
