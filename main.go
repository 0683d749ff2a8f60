// Command flux-trust gives Flux controllers a company CA.
package main

import (
	"os"

	"fluxtrust.dev/flux-trust/command"
)

// version is stamped by the build.
var version = "dev"

func main() {
	os.Exit(command.Execute(os.Args[1:], version, os.Stdin, os.Stdout, os.Stderr))
}
