package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// way is one to run the function over an example.
type way struct {
	name  string
	needs func(*testing.T) string // skips the way where something is missing; may be nil
	run   func(example) outcome
}

// ways are how people run the function.
var ways = []way{
	{"kustomize exec", nil, func(e example) outcome { return e.kustomize("exec: {path: flux-trust}") }},
	{"kustomize container", image, func(e example) outcome { return e.kustomize("container: {image: \"" + image(e.t) + "\"}") }},
	{"kpt render exec", kpt, func(e example) outcome { return e.kptRender("exec: flux-trust", "--allow-exec") }},
	{"kpt render image", kptImage, func(e example) outcome { return e.kptRender("image: "+kptImage(e.t), "--image-pull-policy=never") }},
	{"kpt eval", kpt, example.kptEval},
	{"filter", nil, example.filter},
	{"patches", nil, example.patches},
	{"patches --write", nil, example.patchesWritten},
}

// outcome is the stream that comes out, the one of a second run over it, and what the
// first run has said.
type outcome struct{ first, again, said string }

// senseless names what nobody would do, and why. The way "" stands for the rest.
var senseless = map[string]map[string]string{
	"bootstrap":     {"": "Flux builds this folder and runs no functions", "patches --write": ""},
	"flux-instance": {"patches --write": "the FluxInstance holds its patches itself"},
	"helmrelease":   {"patches --write": "the HelmRelease holds its patches itself"},
	"per-source-secrets": {
		"patches":         "the sources of Flux take no patches, only the controllers",
		"patches --write": "the sources of Flux take no patches, only the controllers",
	},
	"probe-job":  {"": "the Job of the command probe holds no controller to change"},
	"validators": {"patches": "mode Validate changes nothing", "patches --write": "mode Validate changes nothing"},
}

const configFile, expectedFile = "functionconfig.yaml", "expected.yaml"

// TestMatrix runs every way over every example, twice.
func TestMatrix(t *testing.T) {
	program(t, "FLUX_TRUST")
	program(t, "KUSTOMIZE")
	folders, err := os.ReadDir(examples)
	if err != nil {
		t.Fatal(err)
	}
	for _, way := range ways {
		t.Run(way.name, func(t *testing.T) {
			if way.needs != nil {
				way.needs(t)
			}
			for _, folder := range folders {
				why, ok := senseless[folder.Name()][way.name]
				if !ok {
					why = senseless[folder.Name()][""]
				}
				if why != "" {
					continue
				}
				t.Run(folder.Name(), func(t *testing.T) {
					t.Parallel()
					e := newExample(t, folder.Name())
					got := way.run(e)
					e.check(way.name, got)
					if got.first != got.again {
						t.Errorf("a second run changes\n%s\ninto\n%s", got.first, got.again)
					}
				})
			}
		})
	}
}

// TestExamples looks for what every example must have.
func TestExamples(t *testing.T) {
	folders, err := filepath.Glob(filepath.Join(examples, "*"))
	if err != nil {
		t.Fatal(err)
	}
	form := regexp.MustCompile(`(?s)^# .*\n## Overview\n.*\n## Usage\n.*\n## Expected\n`)
	warning := regexp.MustCompile(`(?s)^# Never put this under transformers: in a folder that Flux itself builds.*flux-trust patches.*\napiVersion: `)
	for _, folder := range folders {
		if !form.MatchString(read(t, filepath.Join(folder, "README.md"))) {
			t.Errorf("the README of %s is not Overview, Usage, Expected", folder)
		}
		if !strings.Contains(read(t, "../README.md"), "(examples/"+filepath.Base(folder)+"/README.md)") {
			t.Errorf("the README of the project does not list %s", folder)
		}
	}
	for _, file := range append(folders, "..") {
		if file = filepath.Join(file, configFile); !warning.MatchString(read(t, file)) {
			t.Errorf("%s does not warn of Flux's own builds", file)
		}
	}
	for name, reasons := range senseless {
		for by := range reasons {
			if !slices.Contains(folders, filepath.Join(examples, name)) || by != "" && !slices.ContainsFunc(ways, func(w way) bool { return w.name == by }) {
				t.Errorf("there is no example %s, or no way %s", name, by)
			}
		}
	}
}
