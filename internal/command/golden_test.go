package command

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sigs.k8s.io/kustomize/kyaml/kio"
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"fluxtrust.dev/flux-trust/internal/report"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestGolden runs every folder of testdata/golden: config.yaml and input.* in,
// expected.* and stderr.txt out. A folder without expected.* must end with exit
// code 1. Each is run in both ways of use, and twice.
func TestGolden(t *testing.T) {
	folders, err := filepath.Glob("testdata/golden/*")
	if err != nil || len(folders) == 0 {
		t.Fatalf("no golden folders: %v", err)
	}
	for _, folder := range folders {
		t.Run(filepath.Base(folder), func(t *testing.T) {
			t.Chdir(folder)
			inputs, err := filepath.Glob("input.*")
			if err != nil || len(inputs) != 1 {
				t.Fatalf("want one input.*, got %v, %v", inputs, err)
			}
			expectedFile := "expected" + filepath.Ext(inputs[0])
			stdout, stderr, code := run(nil, "config.yaml", inputs[0])
			if *update {
				writeGolden(t, expectedFile, stdout, stderr, code)
			}
			compare(t, "stderr.txt", stderr)
			expected, err := os.ReadFile(expectedFile)
			if os.IsNotExist(err) {
				if code != 1 || len(stdout) > 0 {
					t.Errorf("exit code %d and %d bytes on stdout, want 1 and none", code, len(stdout))
				}
				resourceList(t, inputs[0], inputs[0], 1)
				return
			}
			if code != 0 {
				t.Errorf("exit code %d, want 0\n%s", code, stderr)
			}
			compare(t, expectedFile, stdout)

			again, stderr, code := run(expected, "config.yaml", "-")
			if code != 0 || !bytes.Equal(again, expected) {
				t.Errorf("a second run gives exit code %d and changes bytes:\n%s%s", code, stderr, again)
			}
			resourceList(t, inputs[0], expectedFile, 0)
			validates(t, inputs[0], expectedFile)
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
	items := readAll(t, input)
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
	want := readAll(t, expected)
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

// readAll reads the resources of a file with kyaml, without aliases.
func readAll(t *testing.T, file string) []*yaml.RNode {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	data = bytes.ReplaceAll(data, []byte("}\n{"), []byte("}\n---\n{"))
	data = bytes.ReplaceAll(data, []byte("\n...\n"), []byte("\n"))
	if filepath.Ext(file) == ".json" {
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

func writeGolden(t *testing.T, expectedFile string, stdout, stderr []byte, code int) {
	t.Helper()
	if err := os.WriteFile("stderr.txt", stderr, 0o600); err != nil {
		t.Fatal(err)
	}
	if code != 0 {
		if err := os.Remove(expectedFile); err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		return
	}
	if err := os.WriteFile(expectedFile, stdout, 0o600); err != nil {
		t.Fatal(err)
	}
}
