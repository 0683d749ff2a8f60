package command

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// TestValidateIsFair: what validate could not see is no error, what follows from one
// fault is told once, and a value that differs is shown beside the one that is meant.
func TestValidateIsFair(t *testing.T) {
	stock, _, _ := strings.Cut(stockFile(t, "input.yaml"), "---\napiVersion: v1\nkind: ConfigMap")
	instance := "apiVersion: fluxcd.controlplane.io/v1\nkind: FluxInstance\nmetadata: {name: flux, namespace: flux-system}\nspec: {distribution: {version: 2.x, registry: ghcr.io/fluxcd}}\n"
	config := "apiVersion: fluxtrust.dev/v1alpha1\nkind: FluxTrust\nmetadata: {name: corporate-ca}\nspec: {caBundle: [{configMap: {name: corp-ca, keys: [ca.crt]}, allow: [NotInStream, Expired]}]}\n"
	old, root := forgedRoot(t, "Old root"), goldenRoot(t)
	configMap := func(pem string) string {
		return "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: corp-ca, namespace: flux-system}\ndata:\n  ca.crt: |\n    " + strings.ReplaceAll(strings.TrimSpace(pem), "\n", "\n    ") + "\n"
	}
	t.Chdir(t.TempDir())
	write := func(name, text string) {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("config.yaml", config)
	transformed := func(input string) string {
		write("input.yaml", input)
		stdout, stderr, code := run(nil, "config.yaml", "input.yaml")
		if code != 0 {
			t.Fatalf("exit code %d\n%s", code, stderr)
		}
		return string(stdout)
	}
	unseen, seen := transformed(stock), transformed(stock+configMap(root))
	withoutConfigMap, _, _ := strings.Cut(seen, "---\napiVersion: v1\nkind: ConfigMap")

	for name, tc := range map[string]struct {
		input  string
		errors int
		want   string // of the first finding that is one of these
	}{
		"as it was made":                {seen, 0, ""},
		"nothing seen by either":        {unseen, 0, "do not restart by themselves"},
		"the run had not seen it":       {unseen + configMap(root), 0, "metadata.annotations.fluxtrust.dev/ca-bundle: is missing, because the run that wrote the manifests had not seen the content of spec.caBundle"},
		"validate has not seen it":      {withoutConfigMap, 0, "the digest of the roots cannot be compared, because the content of spec.caBundle is not known (spec.caBundle[0]: it is not in the stream); give validate its objects as well"},
		"another bundle":                {withoutConfigMap + configMap(old), 1, "fluxtrust.dev/ca-bundle: is sha256:"},
		"the function was skipped":      {stock, 1, "no controller carries the change: the function was skipped; kustomize needs --enable-alpha-plugins --enable-exec"},
		"skipped, with the ConfigMap":   {stock + configMap(root), 1, "no controller carries the change: the function was skipped"},
		"skipped, a FluxInstance":       {instance, 1, "no controller carries the change: the function was skipped"},
		"a FluxInstance":                {transformed(instance), 0, ""},
		"a value that differs":          {strings.Replace(seen, "value: /etc/ssl/certs:/etc/ssl/flux-trust", "value: /etc/ssl/certs", 1), 1, "is /etc/ssl/certs; it must be /etc/ssl/certs:/etc/ssl/flux-trust"},
		"a mode in which nobody reads":  {strings.Replace(seen, "projected:\n", "projected:\n          defaultMode: 0\n", 1), 1, "projected.defaultMode: is 0; it must not be set"},
		"the mode of the API server":    {strings.Replace(seen, "projected:\n", "projected:\n          defaultMode: 420\n", 1), 0, ""},
		"a list where a mapping stands": {strings.Replace(seen, "configMap:\n              name: corp-ca", "configMap:\n              name: other", 1), 1, "is other; it must be corp-ca"},
	} {
		t.Run(name, func(t *testing.T) {
			write("input.yaml", tc.input)
			stdout, stderr, code := run(nil, "validate", "config.yaml", "input.yaml", "-o", "json")
			var report struct {
				Valid   bool
				Results []struct{ Code, Message, Severity string }
			}
			if err := json.Unmarshal(stdout, &report); err != nil {
				t.Fatalf("%v\n%s", err, stderr)
			}
			errors := 0
			for _, r := range report.Results {
				if r.Severity == "error" {
					errors++
				}
				if r.Code == "" {
					t.Errorf("a result without a code: %s", r.Message)
				}
			}
			text, _, _ := run(nil, "validate", "config.yaml", "input.yaml")
			if errors != tc.errors || report.Valid != (errors == 0) || (code == 0) != report.Valid || !strings.Contains(string(text), tc.want) {
				t.Errorf("exit code %d, %d errors, want %d and %s\n%s", code, errors, tc.errors, tc.want, text)
			}
			if tc.errors == 1 && report.Results[0].Severity != "error" {
				t.Errorf("the error is not the first\n%s", text)
			}
		})
	}
}

// TestLostRoot: a root that goes while its key stays is told of, and one that comes is
// not.
func TestLostRoot(t *testing.T) {
	stock, _, _ := strings.Cut(stockFile(t, "input.yaml"), "---\napiVersion: v1\nkind: ConfigMap")
	one, two, three := goldenRoot(t), forgedRoot(t, "Second root"), forgedRoot(t, "Third root")
	indent := func(pem string) string {
		return "      " + strings.ReplaceAll(strings.TrimSpace(pem), "\n", "\n      ") + "\n"
	}
	t.Chdir(t.TempDir())
	for name, tc := range map[string]struct {
		inline        bool
		before, after string
		want          string
	}{
		"one goes":                     {false, one + two, one, "a root that the last run trusted is no longer in spec.caBundle, under the same keys"},
		"one is replaced":              {false, one, two, "a root that the last run trusted is no longer in spec.caBundle"},
		"one comes":                    {false, one, one + two, ""},
		"two come":                     {false, one, two + three + one, ""},
		"nothing changes but comments": {false, one, "# the root\n" + one, ""},
		"one goes, inline":             {true, one + two, one, `"CN=Second root" (sha256:`},
		"one comes, inline":            {true, one, one + two, ""},
	} {
		t.Run(name, func(t *testing.T) {
			output := stock
			for i, pem := range []string{tc.before, tc.after} {
				entry, object := "configMap: {name: corp-ca, keys: [ca.crt]}", "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: corp-ca, namespace: flux-system}\ndata:\n  ca.crt: |\n"+indent(pem)
				if tc.inline {
					entry, object = "inline:\n      name: corp-ca\n      pem: |\n  "+strings.ReplaceAll(strings.TrimSuffix(indent(pem), "\n"), "\n", "\n  "), ""
				}
				if before, _, ok := strings.Cut(output, "---\napiVersion: v1\nkind: ConfigMap"); ok && !tc.inline {
					output = before
				}
				for file, text := range map[string]string{
					"config.yaml": "apiVersion: fluxtrust.dev/v1alpha1\nkind: FluxTrust\nmetadata: {name: corporate-ca}\nspec:\n  caBundle:\n  - " + entry + "\n    allow: [ExpiresSoon]\n", "input.yaml": output + object,
				} {
					if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
						t.Fatal(err)
					}
				}
				stdout, stderr, code := run(nil, "config.yaml", "input.yaml")
				if code != 0 {
					t.Fatalf("exit code %d\n%s", code, stderr)
				}
				if said := strings.Contains(string(stderr), "no longer"); i == 0 && said || i == 1 && said != (tc.want != "") || i == 1 && !strings.Contains(string(stderr), tc.want) {
					t.Errorf("run %d says\n%swant %s", i+1, stderr, tc.want)
				}
				output = string(stdout)
			}
		})
	}
}
