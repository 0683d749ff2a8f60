package command

import (
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"fluxtrust.dev/flux-trust/internal/patches"
	"fluxtrust.dev/flux-trust/internal/report"
)

// TestCompletion asks what the scripts of every shell ask.
func TestCompletion(t *testing.T) {
	files := "yaml|yml|json|:8" // a filter for names of files
	for args, want := range map[string]string{
		"validate -o ":                  "text|json|sarif|github|junit|markdown|:4",
		"validate --output ":            "text|json|sarif|github|junit|markdown|:4",
		"validate ":                     files,
		"validate config.yaml ":         files,
		"probe config.yaml in.yaml -o ": "table|json|yaml|:4",
		"probe ":                        files,
		"schema -o ":                    "json|crd|:4",
		"schema ":                       ":0",
		"patches config.yaml -o ":       strings.Join(append(patches.FormatNames(), report.Names()...), "|") + "|:4",
		"patches config.yaml --write ":  ":16", // folders
		"patches ":                      files,
		"pa":                            "patches\t" + newPatches("").Short + "|:0",
		"corporate":                     ":0", // left to the shell
		"config.yaml ":                  files,
		"completion ":                   "bash\tGenerate the autocompletion script for bash|fish\tGenerate the autocompletion script for fish|powershell\tGenerate the autocompletion script for powershell|zsh\tGenerate the autocompletion script for zsh|:4",
	} {
		stdout, stderr, code := run(nil, append([]string{"__complete"}, strings.Split(args, " ")...)...)
		got := strings.ReplaceAll(strings.TrimSpace(string(stdout)), "\n", "|")
		if code != 0 || got != want {
			t.Errorf("%s<TAB>: exit code %d\n%s\nwant\n%s\n%s", args, code, got, want, stderr)
		}
	}
}

// TestCompletionOfOutput: every -o has values to complete, and each of them is known.
func TestCompletionOfOutput(t *testing.T) {
	for _, c := range newRoot(programName, "VERSION").Commands() {
		c.Flags().VisitAll(func(f *pflag.Flag) {
			complete, found := c.GetFlagCompletionFunc(f.Name)
			if f.Name != "output" {
				return
			}
			if !found {
				t.Errorf("%s -o completes nothing", c.Name())
				return
			}
			values, _ := complete(c, nil, "")
			for _, value := range values {
				if !strings.Contains(f.Usage, value) {
					t.Errorf("%s -o completes %s, which its help does not name", c.Name(), value)
				}
			}
		})
	}
	if _, directive := completeRoot(nil, nil, ""); directive != cobra.ShellCompDirectiveDefault {
		t.Error("the first argument is not left to the shell")
	}
}
