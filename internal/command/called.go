package command

import (
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"fluxtrust.dev/flux-trust/internal/pattern"
)

const programName = "flux-trust"

// calledAs returns what people type before the arguments. The command line of Flux runs
// a program flux-NAME in its folder of plugins as "flux NAME", by its whole path.
func calledAs(program string, getenv func(string) string) string {
	dir := getenv("FLUXCD_PLUGINS")
	if dir == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return programName
		}
		dir = filepath.Join(home, ".fluxcd", "plugins")
	}
	if filepath.Dir(program) == filepath.Clean(dir) && strings.HasPrefix(filepath.Base(program), programName) {
		return "flux trust"
	}
	return programName
}

// atStart finds the program where a line of an example runs it.
var atStart = pattern.Pattern{Text: `(?m)(^ *|\| )` + programName + `\b`}

// inAdvice finds the program where a message says how to run it.
var inAdvice = pattern.Pattern{Text: `([:,;|(]|\b(?:and|of|run|see|that|which|with))(\s+)` + programName + `(\s+)(<|CONFIG|--help|functionconfig\.yaml|init|patches|probe|validate)(\s|[),;]|$)`}

// advise makes a message use the name that the program was called by.
func advise(message, name string) string {
	if name == programName {
		return message
	}
	return inAdvice.Get().ReplaceAllString(message, "${1}${2}"+name+"${3}${4}${5}")
}

// speaking writes messages for people with the name that the program was called by.
type speaking struct {
	io.Writer
	name string
}

// reportTo returns the standard output of a command that prints a report.
func reportTo(cmd *cobra.Command) speaking {
	return speaking{cmd.OutOrStdout(), cmd.Root().DisplayName()}
}

func (s speaking) Write(text []byte) (int, error) {
	if _, err := io.WriteString(s.Writer, advise(string(text), s.name)); err != nil {
		return 0, err
	}
	return len(text), nil
}

// speakAs makes help and examples use the name that the program was called by.
func speakAs(root *cobra.Command, name string) {
	root.Annotations = map[string]string{cobra.CommandDisplayNameAnnotation: name}
	if name == programName {
		return
	}
	for _, cmd := range append(root.Commands(), root) {
		cmd.Example = atStart.Get().ReplaceAllString(cmd.Example, "${1}"+name)
	}
}
