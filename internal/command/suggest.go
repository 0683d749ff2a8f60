package command

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// flagError says what is wrong with a flag, and which one was meant.
func flagError(cmd *cobra.Command, err error) error {
	if wrong := (*pflag.InvalidValueError)(nil); errors.As(err, &wrong) && wrong.GetFlag().Value.Type() == "duration" {
		err = durationError(wrong.GetFlag().Name, wrong.GetValue())
	}
	hint := ""
	if unknown := (*pflag.NotExistError)(nil); errors.As(err, &unknown) {
		var names []string
		cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
		if name := nearest(unknown.GetSpecifiedName(), names); name != "" {
			hint = "; did you mean --" + name + "?"
		}
	}
	if cmd.HasParent() {
		return fmt.Errorf("%w%s (see %s --help)", err, hint, cmd.CommandPath())
	}
	if hint == "" {
		hint = "; the output goes to stdout and everything else is in the config"
	}
	return fmt.Errorf("%w%s (see %s --help)", err, hint, cmd.CommandPath())
}

// durationError says how to write a time, which most people write as a number first.
func durationError(flag, value string) error {
	if _, err := time.ParseDuration(value + "s"); err == nil {
		return fmt.Errorf("--%s %s has no unit; write --%s %ss", flag, value, flag, value)
	}
	return fmt.Errorf("--%s %s is no duration; write for example --%s 30s", flag, value, flag)
}

// checkCommand finds the command that was meant, where the first argument is neither one
// nor a file.
func checkCommand(root *cobra.Command, args []string) error {
	if len(args) == 0 || strings.ContainsAny(args[0], `./\`) {
		return nil
	}
	if _, err := os.Stat(args[0]); err == nil {
		return nil
	}
	var names []string
	for _, c := range root.Commands() {
		names = append(names, c.Name())
	}
	if name := nearest(args[0], names); name != "" {
		return fmt.Errorf("%s is neither a command nor the file of a config; did you mean %s %s?", args[0], root.DisplayName(), name)
	}
	return nil
}

// nearest returns the name that a misspelt one most likely means, or "".
func nearest(word string, names []string) string {
	const far = 2
	c := &cobra.Command{SuggestionsMinimumDistance: far}
	for _, name := range names {
		c.AddCommand(&cobra.Command{Use: name, Run: func(*cobra.Command, []string) {}})
	}
	if found := c.SuggestionsFor(word); len(word) > far && len(found) > 0 {
		return found[0]
	}
	return ""
}
