package command

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/rogpeppe/go-internal/txtar"
	"sigs.k8s.io/kustomize/kyaml/kio"
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"fluxtrust.dev/flux-trust/internal/report"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestGolden runs the scripts of testdata/golden and testdata/patches, of which each has
// a config, manifests, the command lines and what they print. What cannot stand in an
// archive, because its last line has no end, is in a folder of the same name.
func TestGolden(t *testing.T) {
	for _, dir := range []string{"testdata/golden", "testdata/patches"} {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			root, err := filepath.Abs(dir)
			if err != nil {
				t.Fatal(err)
			}
			entries, err := os.ReadDir(dir)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range entries {
				if _, err := os.Stat(filepath.Join(dir, e.Name()+".txtar")); e.IsDir() && err != nil {
					t.Errorf("%s has no archive beside it; write %s.txtar as the others are", e.Name(), e.Name())
				}
			}
			testscript.Run(t, testscript.Params{
				Dir: dir, UpdateScripts: *update, RequireUniqueNames: true,
				Setup: func(e *testscript.Env) error {
					folder := filepath.Join(root, strings.TrimPrefix(filepath.Base(e.WorkDir), "script-"))
					if _, err := os.Stat(folder); os.IsNotExist(err) {
						return nil
					}
					return os.CopyFS(e.WorkDir, os.DirFS(folder))
				},
			})
		})
	}
}

// goldenCase is a case of testdata/golden.
type goldenCase struct {
	name, config, input string
	expected            string // "" where it must end with exit code 1
	isJSON              bool
}

func goldenCases(tb testing.TB) []goldenCase {
	tb.Helper()
	files, err := filepath.Glob("testdata/golden/*.txtar")
	if err != nil || len(files) == 0 {
		tb.Fatalf("no golden files: %v", err)
	}
	var cases []goldenCase
	for _, file := range files {
		name := strings.TrimSuffix(file, ".txtar")
		c := goldenCase{name: filepath.Base(name), config: goldenFile(tb, name, "config.yaml")}
		for _, extension := range []string{".yaml", ".json"} {
			if input := goldenFile(tb, name, "input"+extension); input != "" {
				c.input, c.expected, c.isJSON = input, goldenFile(tb, name, "expected"+extension), extension == ".json"
			}
		}
		cases = append(cases, c)
	}
	return cases
}

// goldenFile returns a file of a case, such as testdata/golden/stock, or "".
func goldenFile(tb testing.TB, name, file string) string {
	tb.Helper()
	if text, err := os.ReadFile(filepath.Join(name, file)); err == nil {
		return string(text)
	}
	archive, err := txtar.ParseFile(name + ".txtar")
	if err != nil {
		tb.Fatal(err)
	}
	for _, f := range archive.Files {
		if f.Name == file {
			return string(f.Data)
		}
	}
	return ""
}

// stockFile returns a file of the case of a stock controller.
func stockFile(tb testing.TB, file string) string {
	tb.Helper()
	return goldenFile(tb, "testdata/golden/stock", file)
}

// TestEveryWay runs every golden case in the other way of use, a second time, and in
// Validate mode.
func TestEveryWay(t *testing.T) {
	for _, c := range goldenCases(t) {
		t.Run(c.name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			input, expected := "input.yaml", "expected.yaml"
			if c.isJSON {
				input, expected = "input.json", "expected.json"
			}
			for name, text := range map[string]string{"config.yaml": c.config, input: c.input, expected: c.expected} {
				if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if c.expected == "" {
				resourceList(t, input, input, 1)
				return
			}
			again, stderr, code := run([]byte(c.expected), "config.yaml", "-")
			if code != 0 || string(again) != c.expected {
				t.Errorf("a second run gives exit code %d and changes bytes:\n%s%s", code, stderr, again)
			}
			resourceList(t, input, expected, 0)
			validates(t, input, expected)
		})
	}
}

// validates holds Validate mode against Transform: what was changed is not valid
// before, and afterwards nothing is wrong but what Pod Security refuses still.
func validates(t *testing.T, input, expected string) {
	t.Helper()
	before, err := os.ReadFile(input)
	if err != nil {
		t.Fatal(err)
	}
	after, err := os.ReadFile(expected)
	if err != nil {
		t.Fatal(err)
	}
	if said, stderr, code := run(before, "validate", "config.yaml", "-"); code == 0 && !bytes.Equal(before, after) {
		t.Errorf("valid, although the function changes it\n%s%s", said, stderr)
	}
	text, stderr, code := run(after, "validate", "config.yaml", "-", "-o", "json")
	var v report.Report
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatalf("%v\n%s%s", err, text, stderr)
	}
	if v.Valid != (code == 0) {
		t.Errorf("exit code %d, valid %t", code, v.Valid)
	}
	for _, r := range v.Findings {
		if r.Severity == "error" && !strings.Contains(r.Message, "refused by ") && !strings.Contains(r.Message, "cannot be checked, because") {
			t.Errorf("after the function: %s", &r)
		}
	}
}

// resourceList runs the function over the input as an orchestrator would, and
// holds the items against those of another file.
func resourceList(t *testing.T, input, expected string, wantCode int) {
	t.Helper()
	items := readResources(t, input)
	config, err := yaml.ReadFile("config.yaml")
	if err != nil {
		t.Fatal(err)
	}
	in := wrap(t, items, config)
	stdout, stderr, code := run(in)
	if code != wantCode {
		t.Fatalf("ResourceList: exit code %d, want %d\n%s", code, wantCode, stderr)
	}
	reader := kio.ByteReader{Reader: bytes.NewReader(stdout), OmitReaderAnnotations: true}
	got, err := reader.Read()
	if err != nil {
		t.Fatalf("ResourceList: %v\n%s", err, stdout)
	}
	if hasError := strings.Contains(reader.Results.MustString(), "severity: error"); hasError != (wantCode != 0) {
		t.Errorf("ResourceList: exit code %d, but results %s", code, reader.Results.MustString())
	}
	want := readResources(t, expected)
	if len(got) != len(want) {
		t.Fatalf("ResourceList: %d items, want %d", len(got), len(want))
	}
	for i := range want {
		if wantCode != 0 { // as it came in, valid or not
			if g, w := got[i].MustString(), want[i].MustString(); g != w {
				t.Errorf("ResourceList: item %d is\n%s\nwant\n%s", i, g, w)
			}
			continue
		}
		g, errG := got[i].MarshalJSON()
		w, errW := want[i].MarshalJSON()
		if errG != nil || errW != nil {
			t.Fatal(errG, errW)
		}
		if !bytes.Equal(g, w) {
			t.Errorf("ResourceList: item %d is\n%s\nwant\n%s", i, g, w)
		}
	}
}

// wrap makes a ResourceList. kyaml's writer would drop an empty metadata.
func wrap(t *testing.T, items []*yaml.RNode, config *yaml.RNode) []byte {
	t.Helper()
	list := yaml.MustParse("apiVersion: config.kubernetes.io/v1\nkind: ResourceList\n")
	sequence := &yaml.Node{Kind: yaml.SequenceNode}
	for _, item := range items {
		sequence.Content = append(sequence.Content, item.YNode())
	}
	if err := list.PipeE(yaml.SetField("items", yaml.NewRNode(sequence))); err != nil {
		t.Fatal(err)
	}
	if err := list.PipeE(yaml.SetField("functionConfig", config)); err != nil {
		t.Fatal(err)
	}
	return []byte(list.MustString())
}

// readResources reads the resources of a file with kyaml, without aliases.
func readResources(t *testing.T, file string) []*yaml.RNode {
	t.Helper()
	return readAll(t, contents(t, file), filepath.Ext(file) == ".json")
}

func readAll(t *testing.T, data []byte, isJSON bool) []*yaml.RNode {
	t.Helper()
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	data = bytes.ReplaceAll(data, []byte("}\n{"), []byte("}\n---\n{"))
	data = bytes.ReplaceAll(data, []byte("\n...\n"), []byte("\n"))
	if isJSON {
		data = bytes.ReplaceAll(data, []byte("\t"), []byte(" "))
		data = bytes.ReplaceAll(data, []byte(`\ud83d\ude00`), []byte("\U0001F600"))
	}
	reader := kio.ByteReader{Reader: bytes.NewReader(data), OmitReaderAnnotations: true, DisableUnwrapping: true, AnchorsAweigh: true}
	items, err := reader.Read()
	if err != nil {
		t.Fatal(err)
	}
	return items
}

func run(stdin []byte, args ...string) (stdout, stderr []byte, code int) {
	var out, errOut bytes.Buffer
	code = Execute(args, "test", bytes.NewReader(stdin), &out, &errOut)
	return out.Bytes(), errOut.Bytes(), code
}

func compare(t *testing.T, file string, got []byte) {
	t.Helper()
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s: got\n%s\nwant\n%s", file, got, want)
	}
}
