package command

import (
	"bytes"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

func TestCalledAs(t *testing.T) {
	home, err := os.UserHomeDir()
	if err != nil {
		t.Fatal(err)
	}
	plugins := filepath.Join(home, ".fluxcd/plugins")
	for name, tc := range map[string]struct{ program, plugins, want string }{
		"by its name":              {"flux-trust", "", "flux-trust"},
		"by its path":              {"/usr/local/bin/flux-trust", "", "flux-trust"},
		"as a plugin":              {plugins + "/flux-trust", "", "flux trust"},
		"as a plugin, on Windows":  {plugins + "/flux-trust.exe", "", "flux trust"},
		"plugins elsewhere":        {"/opt/plugins/flux-trust", "/opt/plugins/", "flux trust"},
		"not where the others are": {plugins + "/flux-trust", "/opt/plugins", "flux-trust"},
		"under another name":       {plugins + "/flux-other", "", "flux-trust"},
	} {
		t.Run(name, func(t *testing.T) {
			getenv := func(string) string { return tc.plugins }
			if got := calledAs(tc.program, getenv); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

// TestHelpAsCalled reads the help of every command: as a plugin it must not name a
// program that is not on the PATH, except where kpt is told which one to run.
func TestHelpAsCalled(t *testing.T) {
	for _, cmd := range append(newRoot("flux trust", "test").Commands(), newRoot("flux trust", "test")) {
		var help bytes.Buffer
		cmd.SetOut(&help)
		if err := cmd.Help(); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(help.String()) {
			if at := strings.TrimSpace(line); strings.HasPrefix(at, "flux-trust ") && !strings.Contains(at, "is a KRM function") || strings.Contains(line, "| flux-trust") {
				t.Errorf("%s: %s", cmd.Name(), line)
			}
		}
		if !strings.Contains(help.String(), "flux trust") {
			t.Errorf("%s: the help does not say flux trust\n%s", cmd.Name(), &help)
		}
	}
}

// TestAdviceAsCalled runs what goes wrong as a plugin: no message names a program that is
// not on the PATH.
func TestAdviceAsCalled(t *testing.T) {
	root := newRoot("flux trust", "test")
	for _, args := range [][]string{{}, {"nowhere.yaml", "x"}, {"-", "x"}, {"--write"}, {"../../examples/quickstart/certs/Company-Root-CA.crt", "x"}, {"validate"}} {
		var out bytes.Buffer
		root.SetArgs(args)
		root.SetIn(strings.NewReader(""))
		root.SetOut(&out)
		errOut := speaking{&out, root.DisplayName()}
		root.SetErr(errOut)
		err := root.Execute()
		if err == nil {
			t.Fatalf("%q: no error", args)
		}
		printError(errOut, err)
		message, _ := strings.CutPrefix(out.String(), "flux-trust: error: ")
		if strings.Contains(message, "flux-trust ") || !strings.Contains(message, "flux trust ") {
			t.Errorf("%q: %s", args, message)
		}
	}
	const name = "cannot read /srv/flux-trust init/a.yaml"
	if got := advise(name, "flux trust"); got != name {
		t.Errorf("got %s", got)
	}
}

// TestEveryAdvice reads the messages in the source: each that says how to run the program
// says so for the plugin, too. Examples, and what is written into files, are not messages.
func TestEveryAdvice(t *testing.T) {
	advice := regexp.MustCompile(`flux-trust (<|CONFIG|--help|functionconfig\.yaml|init|patches|probe|validate)\b`)
	found := 0
	for _, folder := range []string{"../../internal", "../../transformer", "../../api"} {
		if err := filepath.WalkDir(folder, func(path string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
			if err != nil {
				return err
			}
			ast.Inspect(file, func(n ast.Node) bool {
				literal, ok := n.(*ast.BasicLit)
				if !ok || literal.Kind != token.STRING {
					return true
				}
				text, err := strconv.Unquote(literal.Value)
				if err != nil || !advice.MatchString(text) || strings.HasPrefix(text, "  ") || strings.Contains(text, "# ") || text == "flux-trust probe" {
					return true
				}
				found++
				if said := advise(text, "flux trust"); advice.MatchString(said) {
					t.Errorf("%s: %s", path, said)
				}
				return true
			})
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	if found < 10 {
		t.Errorf("only %d messages were found", found)
	}
}

// TestReportAsCalled runs what reports as a plugin.
func TestReportAsCalled(t *testing.T) {
	t.Chdir(t.TempDir())
	for name, text := range map[string]string{
		"config.yaml": "apiVersion: fluxtrust.dev/v1alpha1\nkind: FluxTrust\nmetadata: {name: x}\nspec: {caBundle: [{configMap: {name: corp-ca, keys: [ca.crt]}, allow: [NotInStream]}]}\n",
		"patch.yaml":  "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: source-controller}\nspec: {template: {spec: {containers: [{name: manager, image: registry.example.com/source-controller}]}}}\n",
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range [][]string{{"validate", "config.yaml", "patch.yaml"}, {"validate", "config.yaml", "patch.yaml", "-o", "sarif"}, {"config.yaml", "patch.yaml"}} {
		root := newRoot("flux trust", "test")
		var out bytes.Buffer
		root.SetArgs(args)
		root.SetOut(&out)
		root.SetErr(speaking{&out, root.DisplayName()})
		if err := root.Execute(); !errors.Is(err, errReported) {
			t.Fatalf("%q: %v", args, err)
		}
		if text := out.String(); strings.Contains(text, "flux-trust CONFIG") || !strings.Contains(text, "flux trust CONFIG") {
			t.Errorf("%q: %s", args, text)
		}
	}
}

func TestVersion(t *testing.T) {
	var got [2]string
	for i, arg := range []string{"version", "--version"} {
		var out bytes.Buffer
		Execute([]string{arg}, "v1.2.3", nil, &out, &out)
		got[i] = out.String()
	}
	if got[0] != "flux-trust v1.2.3\n" || got[1] != got[0] {
		t.Errorf("got %q", got)
	}
}
