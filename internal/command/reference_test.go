package command

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// TestCommandReference writes the reference of the command line from the texts
// that --help prints.
func TestCommandReference(t *testing.T) {
	const file = "../../docs/command-line.md"
	var out strings.Builder
	out.WriteString("# Command line\n\n<!-- Generated from the commands by make update. -->\n\n" +
		"The exit code is 0, or 1 after any error. See [results](results.md).\n")
	root := newRoot(programName, "VERSION")
	describe(&out, root)
	for _, c := range root.Commands() {
		if c.IsAvailableCommand() && c.Name() != "help" && c.Name() != "completion" {
			describe(&out, c)
		}
	}
	out.WriteString(completion)
	if *update {
		if err := os.WriteFile(file, []byte(out.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	compare(t, file, []byte(out.String()))
}

// completion is what cobra adds and explains at length.
const completion = `
## flux-trust completion

` + "```\nflux-trust completion bash|zsh|fish|powershell\n```" + `

completion prints a script with which the shell completes commands, flags, the values
of -o, and the names of configs and inputs. With --help, each says how to keep it.

<!-- not run: shown by --help -->
` + "```sh\nsource <(flux-trust completion bash)\nflux-trust completion fish > ~/.config/fish/completions/flux-trust.fish\n```\n"

func describe(out *strings.Builder, c *cobra.Command) {
	name := c.CommandPath()
	text := strings.TrimSpace(c.Long)
	if text == "" {
		text = c.Short + "."
	}
	fmt.Fprintf(out, "\n## %s\n\n```\n%s\n```\n\n%s\n", name, c.UseLine(), text)
	if flags := c.LocalFlags().FlagUsages(); flags != "" {
		fmt.Fprintf(out, "\n```\n%s```\n", flags)
	}
	fmt.Fprintf(out, "\n<!-- not run: shown by --help -->\n```sh\n%s\n```\n", strings.ReplaceAll(strings.TrimPrefix(c.Example, "  "), "\n  ", "\n"))
}

// TestHelp: every command explains itself and shows an example.
func TestHelp(t *testing.T) {
	root := newRoot(programName, "VERSION")
	for _, c := range append(root.Commands(), root) {
		if c.Example == "" || c.Short == "" {
			t.Errorf("%s has no example, or no text", c.CommandPath())
		}
	}
}
