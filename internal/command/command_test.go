package command

import (
	"bytes"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
)

func TestCommandLine(t *testing.T) {
	root := goldenRoot(t)
	t.Chdir(t.TempDir())
	config := "apiVersion: fluxtrust.dev/v1alpha1\nkind: FluxTrust\nmetadata: {name: x}\nspec: {caBundle: [{configMap: {name: corp-ca}}]}\n"
	manifest := "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: source-controller}\n" +
		"spec: {selector: {}, template: {spec: {containers: [{name: manager, image: fluxcd/source-controller}]}}}\n"
	for name, text := range map[string]string{
		"config.yaml": config, "in.yaml": manifest, "empty.yaml": "\n", "two.yaml": config + "---\n" + config,
		"list.yaml": "apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nitems: []\n", "bad.yaml": "a: 1\n---\nb: [\n",
		"root.crt":   root,
		"cycle.yaml": "apiVersion: v1\nkind: List\nitems: &a\n- {apiVersion: v1, kind: List, items: *a}\n",
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, tc := range map[string]struct {
		args  string
		stdin string
		want  string // on stderr; "" for success
	}{
		"files":                  {args: "config.yaml in.yaml"},
		"stdin":                  {args: "config.yaml -", stdin: manifest},
		"version":                {args: "version"},
		"version flag":           {args: "--version"},
		"help":                   {args: "--help"},
		"no input":               {"config.yaml", "", "no input: name files behind config.yaml, or - for stdin"},
		"no config":              {"nope.yaml in.yaml", "", "the config, which is the first argument, cannot be read: open nope.yaml"},
		"config from stdin":      {"- in.yaml", config, "the first argument is the config, a file; - is for inputs"},
		"patches":                {args: "patches config.yaml -o kustomization"},
		"patches without format": {"patches config.yaml", "", "-o says where the patches go; write one of kustomization, "},
		"patches as what":        {"patches config.yaml -o yaml", "", "-o yaml is not known; write one of kustomization, "},
		"patches as a report":    {"patches config.yaml -o markdown", "", "-o markdown is a report, which --check makes; patches are printed as one of kustomization, "},
		"validate without input": {"validate config.yaml", "", "no input: name files behind config.yaml"},
		"validate as what":       {"validate config.yaml in.yaml -o yaml", "", "-o yaml is not known; write one of text, json, sarif, "},
		"validate nothing":       {"validate", "", "no config was given: flux-trust validate CONFIG INPUT... (see flux-trust validate --help)"},
		"patches of nothing":     {"patches", "", "no config was given: flux-trust patches CONFIG [INPUT...] -o FORMAT (see"},
		"probe nothing":          {"probe", "", "no config was given: flux-trust probe CONFIG INPUT... (see"},
		"version with a flag":    {"version -o json", "", "unknown shorthand flag: 'o' in -o (see flux-trust version --help)"},
		"bad value of a flag":    {"probe config.yaml in.yaml --timeout x", "", "--timeout x is no duration; write for example --timeout 30s (see flux-trust probe --help)"},
		"swapped":                {"in.yaml config.yaml", "", "the config, which is the first argument, is of kind \"Deployment\""},
		"two configs in a file":  {"two.yaml in.yaml", "", "the config holds more than one document"},
		"config as input":        {"config.yaml in.yaml config.yaml", "", "config.yaml is the config and cannot be an input, too"},
		"no such input":          {"config.yaml nope.yaml", "", "an input cannot be read: open nope.yaml"},
		"folder":                 {"config.yaml .", "", "the input . is a folder; name its files, or write - in its place and build it: kustomize build . |"},
		"device":                 {"config.yaml /dev/zero", "", "an input cannot be read: read /dev/zero: is a device, which may never end; name a file"},
		"device as config":       {"/dev/zero in.yaml", "", "cannot be read: read /dev/zero: is a device"},
		"device as certificate":  {"init /dev/zero", "", "a certificate cannot be read: read /dev/zero: is a device"},
		"endless certificate":    {"init -", strings.Repeat("x", 4<<20+1), "is larger than 4 MiB"},
		"empty file":             {"config.yaml empty.yaml", "", "the input empty.yaml is empty; has the command that writes it failed"},
		"empty stdin":            {"config.yaml -", "", "the input stdin is empty"},
		"stdin twice":            {"config.yaml - -", manifest, "- appears twice among the inputs"},
		"broken input":           {"config.yaml in.yaml bad.yaml", "", "bad.yaml: document 2: is not valid YAML: line"},
		"aliases in a circle":    {"config.yaml cycle.yaml", "", "has more than 100000 values once its aliases are expanded"},
		"ResourceList as a file": {"config.yaml list.yaml", "", "list.yaml holds a ResourceList, which flux-trust reads without arguments: flux-trust < list.yaml"},
		"plain YAML without":     {"", manifest, "stdin is not a ResourceList; for plain YAML give a config and \"-\""},
		"nothing on stdin":       {"", "", "stdin is empty and so is not a ResourceList"},
		"no functionConfig":      {"", "kind: ResourceList\nitems: []\n", "no config was given: name a file with a FluxTrust"},
		"misspelt command":       {"validat config.yaml in.yaml", "", "validat is neither a command nor the file of a config; did you mean flux-trust validate?"},
		"no command":             {"nowhere in.yaml", "", "the config, which is the first argument, cannot be read: open nowhere"},
		"misspelt flag":          {"patches config.yaml --wirte .", "", "unknown flag: --wirte; did you mean --write? (see flux-trust patches --help)"},
		"misspelt flag of all":   {"config.yaml in.yaml --wrte", "", "unknown flag: --wrte; did you mean --write? (see flux-trust --help)"},
		"certificate as config":  {"root.crt in.yaml", "", "root.crt is a certificate, and no config; make one with: flux-trust init root.crt --dir DIR"},
		"unknown flag":           {"config.yaml in.yaml -o x", "", "unknown shorthand flag: 'o' in -o; the output goes to stdout"},
	} {
		t.Run(name, func(t *testing.T) {
			stdout, stderr, code := run([]byte(tc.stdin), strings.Fields(tc.args)...)
			if tc.want == "" {
				if code != 0 || len(stdout) == 0 {
					t.Errorf("exit code %d\n%s", code, stderr)
				}
				return
			}
			isList := strings.HasPrefix(tc.stdin, "kind: ResourceList") // comes back with its results
			if code != 1 || len(stdout) > 0 != isList || !strings.Contains(string(stderr), "flux-trust: error: "+tc.want) && !strings.Contains(string(stderr), tc.want) {
				t.Errorf("exit code %d, %d bytes on stdout, stderr\n%s\nwant %s", code, len(stdout), stderr, tc.want)
			}
		})
	}
}

// TestResourceListKeepsWhatItGot: results of functions that ran before, fields
// that nobody knows, annotations of orchestrators.
func TestResourceListKeepsWhatItGot(t *testing.T) {
	input := `apiVersion: config.kubernetes.io/v1
kind: ResourceList
x-unknown: stays
functionConfig:
  apiVersion: fluxtrust.dev/v1alpha1
  kind: FluxTrust
  metadata: {name: x}
  spec: {onNoControllers: Warn, caBundle: [{configMap: {name: corp-ca}}]}
items:
- apiVersion: v1
  kind: ConfigMap
  metadata:
    name: a # with a comment
    annotations:
      internal.config.kubernetes.io/index: '7'
      config.kubernetes.io/path: 'a.yaml'
- [not, a, resource]
results:
- message: from before
  severity: info
`
	stdout, stderr, code := run([]byte(input))
	if code != 0 {
		t.Fatalf("%s", stderr)
	}
	before, after, _ := strings.Cut(string(stdout), "- message: 'no Flux controller among 2 resources")
	if before != input || !strings.Contains(after, "severity: warning") {
		t.Errorf("got\n%s", stdout)
	}
}

type brokenReader struct{ data io.Reader }

func (r brokenReader) Read(p []byte) (int, error) {
	if n, err := r.data.Read(p); err == nil {
		return n, nil
	}
	return 0, errors.New("the pipe is broken")
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errors.New("no space left") }

func TestBrokenStreams(t *testing.T) {
	config, input := stockFile(t, "config.yaml"), stockFile(t, "input.yaml")
	t.Chdir(t.TempDir())
	writeFile(t, "config.yaml", config)
	writeFile(t, "input.yaml", input)
	var out, errOut bytes.Buffer
	code := Execute([]string{"config.yaml", "-"}, "test", brokenReader{strings.NewReader("a: 1\n")}, &out, &errOut)
	if code != 1 || out.Len() > 0 || !strings.Contains(errOut.String(), "the pipe is broken") {
		t.Errorf("exit code %d, stdout %q, stderr %q", code, &out, &errOut)
	}
	errOut.Reset()
	code = Execute([]string{"config.yaml", "input.yaml"}, "test", nil, brokenWriter{}, &errOut)
	if code != 1 || !strings.Contains(errOut.String(), "writing to stdout: no space left") {
		t.Errorf("exit code %d, stderr %q", code, &errOut)
	}
}
