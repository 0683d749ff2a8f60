package e2e

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestCompletionInBash loads the script into a bash and presses TAB.
func TestCompletionInBash(t *testing.T) {
	function := program(t, "FLUX_TRUST")
	if _, err := exec.LookPath("bash"); err != nil {
		t.Skip("SKIPPED: bash is not on the PATH")
	}
	// What the package bash-completion brings, in short.
	const shell = `
_get_comp_words_by_ref() { words=("${COMP_WORDS[@]}") cword=$COMP_CWORD cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}; }
_filedir() { COMPREPLY=($(compgen -f -X "!*.@($1)" -- "$cur")); }
compopt() { :; }
shopt -s extglob
source <(flux-trust completion bash)
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMP_LINE="$*" COMP_POINT=${#COMP_LINE} COMP_TYPE=9
__start_flux-trust
printf '%s\n' "${COMPREPLY[@]}" | sort`
	for line, want := range map[string]string{
		"validate -o ":                     "github json junit markdown sarif text",
		"patches x.yaml -o kustom":         "kustomization",
		"sch":                              "schema",
		"validate functionconfig.y":        "functionconfig.yaml",
		"validate functionconfig.yaml exp": "expected.yaml",
	} {
		args := append([]string{"-c", shell, "bash", "flux-trust"}, strings.Split(line, " ")...)
		got := run(t, filepath.Join(examples, "quickstart"), "bash", args...)
		if words := strings.Join(strings.Fields(got.stdout), " "); words != want {
			t.Errorf("flux-trust %s<TAB> gives %q and not %q\n%s", line, words, want, got.stderr)
		}
	}
	for _, name := range []string{"zsh", "fish", "powershell"} {
		if got := run(t, ".", function, "completion", name); got.code != 0 || !strings.Contains(got.stdout, "__complete") {
			t.Errorf("%s: exit code %d\n%s", name, got.code, got.stderr)
		}
	}
}
