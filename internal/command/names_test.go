package command

import (
	"os"
	"strings"
	"testing"
)

// TestNames: what the API server would refuse at the end is an error here, where the
// file is known, and names the field.
func TestNames(t *testing.T) {
	const (
		config     = "apiVersion: fluxtrust.dev/v1alpha1\nkind: FluxTrust\nmetadata: {name: corporate-ca}\nspec: {caBundle: [{configMap: {name: corp-ca, keys: [ca.crt]}}, {secret: {name: corp-ca}}]}\n"
		deployment = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: source-controller, namespace: flux-system}\n" +
			"spec: {selector: {}, template: {spec: {containers: [{name: manager, image: fluxcd/source-controller:v1.9.6}]}}}\n"
	)
	root := "\"" + strings.ReplaceAll(goldenRoot(t), "\n", `\n`) + "\""
	configMap := func(namespace, rest string) string {
		return deployment + "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: corp-ca, namespace: " + namespace + "}\ndata: {ca.crt: " + root + "}\n" + rest
	}
	secret := func(fields string) string {
		return configMap("flux-system", "---\napiVersion: v1\nkind: Secret\nmetadata: {name: corp-ca, namespace: flux-system}\n"+fields)
	}
	long := strings.Repeat("a", 254)
	t.Chdir(t.TempDir())
	for name, tc := range map[string]struct{ config, input, want string }{
		"all is well": {config, secret("stringData: {ca.crt: " + root + "}\n"), ""},
		"an escape": {
			config, configMap("flux-system", "binaryData: {a/b: QQ==}\n"),
			`ConfigMap flux-system/corp-ca (input.yaml, document 2): binaryData.a/b: is not a key for the API server`,
		},
		"two dots": {config, configMap("flux-system", "binaryData: {'..': QQ==}\n"), `binaryData...: is not a key for the API server`},
		"a key that is too long": {
			config, configMap("flux-system", "binaryData: {"+long+": QQ==}\n"),
			`binaryData.(254 characters, not shown): is not a key for the API server`,
		},
		"a key of both":             {config, configMap("flux-system", "binaryData: {ca.crt: QQ==}\n"), `binaryData.ca.crt: stands in data and binaryData, which the API server refuses; remove one`},
		"stringData wins over data": {config, secret("data: {ca.crt: QQ==}\nstringData: {ca.crt: " + root + "}\n"), ""},
		"a key of a Secret":         {config, secret("stringData: {'a b': x, ca.crt: " + root + "}\n"), `Secret flux-system/corp-ca (input.yaml, document 3): stringData.a b: is not a key`},
		"a key to be substituted":   {config, secret("stringData: {'${key}': x, ca.crt: " + root + "}\n"), ""},
		"a namespace": {
			strings.ReplaceAll(config, "corporate-ca", "x"), strings.ReplaceAll(configMap("Flux_System", ""), "namespace: flux-system", "namespace: Flux_System"),
			`metadata.namespace: "Flux_System" is not a namespace for the API server`,
		},
		"a config of two lines":  {strings.Replace(config, "name: corporate-ca", `name: "a\nb"`, 1), deployment, `config.yaml:3: metadata.name: the value cannot be the name of a config`},
		"a config with capitals": {strings.Replace(config, "name: corporate-ca", "name: Corporate_CA", 1), deployment, `config.yaml:3: metadata.name: "Corporate_CA" cannot be the name of a config`},
		"a name that is too long": {
			strings.Replace(config, "configMap: {name: corp-ca", "configMap: {name: "+long, 1), deployment,
			`spec.caBundle[0].configMap.name: the value cannot be the name of a ConfigMap`,
		},
		"a key of the config": {strings.Replace(config, "keys: [ca.crt]", "keys: [a/b, ..]", 1), deployment, `spec.caBundle[0].configMap.keys[1]: ".." cannot be a key`},
		"a container": {
			strings.Replace(config, "spec: {", "spec: {securityContext: {exceptContainers: [a.b]}, ", 1), deployment,
			`spec.securityContext.exceptContainers[0]: "a.b" cannot be the name of a container`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			for file, text := range map[string]string{"config.yaml": tc.config, "input.yaml": tc.input} {
				if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			_, stderr, code := run(nil, "config.yaml", "input.yaml")
			if tc.want == "" && code != 0 || tc.want != "" && (code != 1 || !strings.Contains(string(stderr), tc.want)) {
				t.Errorf("exit code %d\n%swant %s", code, stderr, tc.want)
			}
		})
	}
}
