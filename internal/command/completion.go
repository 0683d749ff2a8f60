package command

import "github.com/spf13/cobra"

// completeFiles tells the shell to complete configs and inputs.
func completeFiles(_ *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	return []string{"yaml", "yml", "json"}, cobra.ShellCompDirectiveFilterFileExt
}

// completeRoot leaves the first argument to the shell, which has the names of the
// commands and takes any file where none of them fits.
func completeRoot(cmd *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
	if len(args) == 0 {
		return nil, cobra.ShellCompDirectiveDefault
	}
	return completeFiles(cmd, args, word)
}

// completeOutput gives the shell the values of -o.
func completeOutput(cmd *cobra.Command, values ...string) {
	// It fails when there is no such flag. A test completes every one.
	_ = cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
}
