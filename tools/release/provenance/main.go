// Command provenance writes how a release was made: an in-toto statement with the
// SLSA provenance, unsigned. The same input gives the same bytes.
//
// Usage: provenance VERSION COMMIT IMAGE DIST
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "provenance:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 4 {
		return fmt.Errorf("%d arguments; write VERSION COMMIT IMAGE DIST", len(args))
	}
	version, commit, image, dist := args[0], args[1], args[2], args[3]
	name := "flux-trust_" + strings.TrimPrefix(version, "v")
	file := filepath.Join(dist, name+"_provenance.json")
	// One of an earlier run is no artifact.
	if err := os.RemoveAll(file); err != nil { //nolint:gosec // the caller names the folder
		return fmt.Errorf("removing the old one: %w", err)
	}
	made, err := readDist(dist, name)
	if err != nil {
		return err
	}
	s, err := statement(version, commit, image, made)
	if err != nil {
		return err
	}
	data, err := protojson.Marshal(s)
	if err != nil {
		return fmt.Errorf("writing the statement: %w", err)
	}
	// protojson varies its spaces.
	var out bytes.Buffer
	if err := json.Indent(&out, data, "", "  "); err != nil {
		return fmt.Errorf("writing the statement: %w", err)
	}
	out.WriteByte('\n')
	if err := os.WriteFile(file, out.Bytes(), 0o644); err != nil { //nolint:gosec // everybody may read it
		return fmt.Errorf("writing the statement: %w", err)
	}
	return nil
}
