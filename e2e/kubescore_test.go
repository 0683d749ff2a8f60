package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// scores are the grades that kube-score gives, by object and check: 1 is critical,
// 10 is all right.
type scores map[string]int

func (s scores) sum() int {
	total := 0
	for _, grade := range s {
		total += grade
	}
	return total
}

// score runs kube-score over manifests.
func score(t *testing.T, dir, file string) scores {
	t.Helper()
	// kube-score ends with exit code 1 when a check is critical.
	got := run(t, dir, program(t, "KUBE_SCORE"), "score", "--output-format", "json", "--enable-optional-test", "container-seccomp-profile", file)
	var objects []struct {
		Name   string `json:"object_name"`
		Checks []struct {
			Check struct {
				ID string `json:"id"`
			} `json:"check"`
			Grade   int  `json:"grade"`
			Skipped bool `json:"skipped"`
		} `json:"checks"`
	}
	if err := json.Unmarshal([]byte(got.stdout), &objects); err != nil {
		t.Fatalf("%v\n%s", err, got.stderr)
	}
	s := scores{}
	for _, o := range objects {
		for _, c := range o.Checks {
			if !c.Skipped {
				s[o.Name+" "+c.Check.ID] = c.Grade
			}
		}
	}
	if len(s) == 0 {
		t.Fatalf("kube-score finds nothing to score in %s\n%s", file, got.stderr)
	}
	return s
}

// scoreConfig writes a config that hardens with some extras.
func scoreConfig(t *testing.T, dir, extras string) string {
	t.Helper()
	text := "apiVersion: fluxtrust.dev/v1alpha1\nkind: FluxTrust\nmetadata: {name: corporate-ca}\nspec:\n" +
		"  caBundle: [{configMap: {name: corp-ca, keys: [ca.crt]}, allow: [NotInStream]}]\n  securityContext: {extras: {" + extras + "}}\n"
	name := "config" + fmt.Sprint(len(extras)) + ".yaml"
	write(t, filepath.Join(dir, name), text)
	return name
}

// TestKubeScore holds the hardening against a judge that knows nothing of it:
// no check may become worse. The sums in docs/hardening.md are those that come
// out here.
func TestKubeScore(t *testing.T) {
	program(t, "KUBE_SCORE")
	documented := read(t, "../docs/hardening.md")
	golden := goldenFiles(t, "input.yaml")
	inputs := map[string]string{ // files, or golden cases, and whether the documentation has a row
		"examples/quickstart/flux-system/gotk-components.yaml": "a stock install",
		"sidecars":            "sidecars",
		"insecure-everywhere": "everything insecure",
		"no-tmp":              "",
		"extras":              "",
		"../shared/corpus/gotk/gotk-components-v2.9.4.yaml":                  "",
		"../shared/corpus/installs/flux-aio-cozystack.yaml":                  "",
		"../shared/corpus/installs/helm-flux2-2.10.0-default-flux2.1.0.yaml": "",
	}
	for input, row := range inputs {
		t.Run(filepath.Base(filepath.Dir(input))+"/"+filepath.Base(input), func(t *testing.T) {
			dir := t.TempDir()
			input, err := filepath.Abs(filepath.Join("..", input))
			if err != nil {
				t.Fatal(err)
			}
			if text := golden[filepath.Base(input)]; text != "" {
				input = filepath.Join(dir, "golden.yaml")
				write(t, input, text)
			}
			if _, err := os.Stat(input); os.IsNotExist(err) {
				t.Skipf("SKIPPED: %s is not there", input)
			}
			before := score(t, dir, input)
			line := fmt.Sprintf("| %s | %d", row, before.sum())
			for _, extras := range []string{"", "runAsUser: Image"} {
				got := run(t, dir, program(t, "FLUX_TRUST"), scoreConfig(t, dir, extras), input)
				if got.code != 0 {
					t.Fatal(got.stderr)
				}
				write(t, filepath.Join(dir, "after.yaml"), got.stdout)
				after := score(t, dir, "after.yaml")
				for check, grade := range before {
					if after[check] < grade {
						t.Errorf("%s: %s was %d and is %d", extras, check, grade, after[check])
					}
				}
				line += fmt.Sprintf(" | %d", after.sum())
			}
			t.Log(line)
			if row != "" && !strings.Contains(documented, line) {
				t.Errorf("docs/hardening.md has no line %s", line)
			}
		})
	}
}
