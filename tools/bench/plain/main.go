// Command plain is the same function the usual way: kyaml's framework parses
// every resource and writes every resource anew. The benchmark holds flux-trust
// against it.
package main

import (
	"os"
	"time"

	"sigs.k8s.io/kustomize/kyaml/fn/framework"
	"sigs.k8s.io/kustomize/kyaml/kio"

	"fluxtrust.dev/flux-trust/transformer/processor"
)

func main() {
	source := &kio.ByteReadWriter{Reader: os.Stdin, Writer: os.Stdout, KeepReaderAnnotations: true}
	if err := framework.Execute(&processor.Processor{Now: time.Now()}, source); err != nil {
		println(err.Error())
		os.Exit(1)
	}
}
