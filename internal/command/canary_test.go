package command

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"html"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"fluxtrust.dev/flux-trust/internal/patches"
	"fluxtrust.dev/flux-trust/internal/report"
)

// canaries are keys, as they get into a wrong place. None is a name that Kubernetes
// allows: such a name is shown, since a message has to say which object it is about.
var canaries = []string{
	"-----BEGIN PRIVATE KEY-----\n" + canaryBody[:64] + "\n" + canaryBody[64:128] + "\n" + canaryBody[128:] + "\n-----END PRIVATE KEY-----\n",
	canaryBody,
	"Correct Horse, Battery Staple: 4711",
	base64.StdEncoding.EncodeToString([]byte("-----BEGIN EC PRIVATE KEY-----\n" + canaryBody)),
	strings.Trim(strings.Repeat("30:2e:02:01:", 12), ":"), // as openssl shows one of 48 bytes
}

// canaryBody is a key that was made for this test.
const canaryBody = "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg/AUowR685120vHNy" +
	"KVkRQMN0iYaB8aw64oDGCOg0Yb6hRANCAASek/t78hF+zluz6jlUdB4pUb/CdkUP" +
	"JnJUdN5Qy2FuZSGYi8PcI9DIA1O6F2h/fAQlM+OJbPxrQviOuBTNwEf6"

// forgeries would write lines, colours or text of their own where they are printed raw.
var forgeries = []string{
	"x\n::error::forged\nflux-trust: 77 controllers found\n\x1b[2J",
	"\u202e\u2028::error::forged\r\nValid: 77 controllers as configured.",
	"\n##[error]x\x07",
	"corp ##[stop-commands]x ##vso[task.setvariable variable=a]b",
}

// TestPlanted puts keys, line breaks, escapes and marks into every position of every
// kind of input, the config included. None of a key, and nothing raw, is in what a
// command says.
func TestPlanted(t *testing.T) {
	everyPosition(t, slices.Concat(canaries, forgeries), func(t *testing.T, what, planted, said string) {
		t.Helper()
		if leaked := overlap(said, planted); leaked != "" && slices.Contains(canaries, planted) {
			t.Errorf("%s: %q comes out in\n%s", what, leaked, excerpt(said, leaked))
		}
		if i := strings.IndexFunc(said, func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }); i >= 0 {
			t.Errorf("%s: a raw %q comes out in\n%q", what, said[i], said[max(0, i-100):min(len(said), i+100)])
		}
		for line := range strings.Lines(said) {
			if isForged(line) {
				t.Errorf("%s: a line is forged:\n%s", what, said)
			}
		}
	})
}

// isForged reports whether a line is what forgeries would write: at its start, or, as
// runners of GitHub and Azure read it, anywhere.
func isForged(line string) bool {
	return slices.ContainsFunc([]string{"::error::", "flux-trust: 77", "Valid: 77"}, func(forged string) bool {
		return strings.HasPrefix(strings.TrimSpace(line), forged)
	}) || strings.Contains(line, "##[") || strings.Contains(line, "##vso[")
}

// overlap returns 20 characters in a row that stand in both texts, but for the marks of
// PEM, which messages name.
func overlap(said, planted string) string {
	const n = 20
	for i := 0; i+n <= len(planted); i++ {
		if part := planted[i : i+n]; !strings.Contains(part, "-----") && strings.Contains(said, part) {
			return part
		}
	}
	return ""
}

func excerpt(said, leaked string) string {
	i := strings.Index(said, leaked)
	return said[max(0, i-300):min(len(said), i+200)]
}

// seeds are folders with a config and an input, which together hold every kind of object that is read.
var seeds = []string{
	"canaries/deployments", "canaries/installers", "canaries/sources", "canaries/certificates",
}

// everyPosition plants texts at every position of configs and inputs, one at a time,
// runs every command and checks what it says.
func everyPosition(t *testing.T, texts []string, check func(t *testing.T, what, planted, said string)) {
	t.Helper()
	n := 0
	for _, seed := range seeds {
		dir := filepath.Join("testdata", seed)
		config, input := readTestFile(t, filepath.Join(dir, "config.yaml")), readTestFile(t, filepath.Join(dir, "input.yaml"))
		t.Run(filepath.Base(seed), func(t *testing.T) {
			t.Chdir(t.TempDir())
			for _, part := range []string{"config", "input"} {
				text := map[string]string{"config": config, "input": input}[part]
				plant(t, text, func(where string, set func(string) string) {
					n++
					if testing.Short() && n%11 != 0 {
						return
					}
					planted := texts[n%len(texts)]
					changed := map[string]string{"config": config, "input": input}
					changed[part] = set(planted)
					for command, said := range everything(t, n/len(texts), changed["config"], changed["input"]) {
						check(t, fmt.Sprintf("%s: %s, %s of the %s", seed, command, where, part), planted, said)
					}
					if t.Failed() {
						t.FailNow()
					}
				})
			}
		})
	}
	t.Logf("%d positions", n)
}

func readTestFile(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// plant calls f for every position of the documents in a text, with a function that
// returns the text with something planted there.
func plant(t *testing.T, text string, f func(where string, set func(string) string)) {
	t.Helper()
	var documents []*yaml.Node
	decoder := yaml.NewDecoder(strings.NewReader(text))
	for {
		var n yaml.Node
		if decoder.Decode(&n) != nil {
			break
		}
		documents = append(documents, &n)
	}
	write := func() string {
		var out bytes.Buffer
		encoder := yaml.NewEncoder(&out)
		for _, d := range documents {
			if err := encoder.Encode(d); err != nil {
				t.Fatal(err)
			}
		}
		return out.String()
	}
	scalar := func(text string) *yaml.Node {
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: yaml.NodeTagString, Value: text, Style: yaml.DoubleQuotedStyle}
	}
	var walk func(n *yaml.Node, path string)
	walk = func(n *yaml.Node, path string) {
		try := func(where string, change func(text string)) {
			before := *n
			before.Content = append([]*yaml.Node{}, n.Content...)
			f(path+" "+where, func(text string) string {
				defer func() { *n = before }()
				change(text)
				return write()
			})
		}
		if n.Kind != yaml.DocumentNode {
			try("as a value", func(text string) { *n = *scalar(text) })
			try("as a key", func(text string) {
				*n = yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{scalar(text), scalar(text)}}
			})
			try("as an entry", func(text string) { *n = yaml.Node{Kind: yaml.SequenceNode, Content: []*yaml.Node{scalar(text)}} })
		}
		switch n.Kind {
		case yaml.MappingNode:
			try("as another key", func(text string) { n.Content = append(n.Content, scalar(text), scalar("x")) })
			try("as a key that appears twice", func(text string) {
				n.Content = append(n.Content, scalar(text), scalar("x"), scalar(text), scalar("x"))
			})
			for i := 0; i+1 < len(n.Content); i += 2 {
				try("instead of the key "+n.Content[i].Value, func(text string) { n.Content[i] = scalar(text) })
				walk(n.Content[i+1], path+"."+n.Content[i].Value)
			}
		case yaml.SequenceNode, yaml.DocumentNode:
			if n.Kind == yaml.SequenceNode {
				try("as another entry", func(text string) { n.Content = append(n.Content, scalar(text)) })
			}
			for i, child := range n.Content {
				walk(child, fmt.Sprintf("%s[%d]", path, i))
			}
		}
	}
	for i, d := range documents {
		walk(d, fmt.Sprintf("document %d", i+1))
	}
}

// everything runs every command and returns what each says: stderr, reports and
// results, but not the stream that passes through. Formats take turns.
func everything(t *testing.T, turn int, config, input string) map[string]string {
	t.Helper()
	for name, text := range map[string]string{"config.yaml": config, "input.yaml": input} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	said := map[string]string{}
	_, stderr, _ := run(nil, "config.yaml", "input.yaml")
	said["plain"] = string(stderr)
	if format := append(report.Names(), "")[turn%(len(report.Names())+1)]; format != "" {
		stdout, stderr, _ := run(nil, "validate", "config.yaml", "input.yaml", "-o", format)
		said["validate -o "+format] = asRead(t, format, string(stdout)) + string(stderr)
	} else {
		format = patches.FormatNames()[turn/(len(report.Names())+1)%len(patches.FormatNames())]
		_, stderr, _ := run(nil, "patches", "config.yaml", "input.yaml", "-o", format)
		said["patches -o "+format] = string(stderr)
	}
	stdout, stderr, _ := run(canaryList(t, config, input))
	said["ResourceList"] = string(stderr)
	said["results"] = resultsOf(t, stdout)
	return said
}

// asRead holds a report against the syntax of its format, and returns what it says to a
// reader, so that no escape hides a piece of a key.
func asRead(t *testing.T, format, text string) string {
	t.Helper()
	switch format {
	case "json", "sarif":
		if text != "" && !json.Valid([]byte(text)) {
			t.Errorf("-o %s is not JSON:\n%s", format, text)
		}
	case "junit":
		if text != "" {
			if err := xml.Unmarshal([]byte(text), new(struct{})); err != nil {
				t.Errorf("-o junit is not XML: %v\n%s", err, text)
			}
		}
		return text + strings.ReplaceAll(html.UnescapeString(text), "\n", " ")
	case "markdown":
		for line := range strings.Lines(text) {
			if cells := strings.Count(line, "|"); cells != 0 && cells != 4 && cells != 5 || strings.ContainsAny(line, "@`") {
				t.Errorf("-o markdown has a line that is none of its own:\n%s", line)
			}
		}
		return text + strings.ReplaceAll(html.UnescapeString(text), "\n", " ")
	}
	return text
}

// canaryList puts a config and the documents of an input into a ResourceList.
func canaryList(t *testing.T, config, input string) []byte {
	t.Helper()
	list := &yaml.Node{Kind: yaml.SequenceNode}
	decoder := yaml.NewDecoder(strings.NewReader(input))
	for {
		var n yaml.Node
		if decoder.Decode(&n) != nil {
			break
		}
		list.Content = append(list.Content, n.Content[0])
	}
	var functionConfig yaml.Node
	if err := yaml.Unmarshal([]byte(config), &functionConfig); err != nil {
		t.Fatal(err)
	}
	text, err := yaml.Marshal(&yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{
		yaml.NewStringRNode("apiVersion").YNode(), yaml.NewStringRNode("config.kubernetes.io/v1").YNode(),
		yaml.NewStringRNode("kind").YNode(), yaml.NewStringRNode("ResourceList").YNode(),
		yaml.NewStringRNode("items").YNode(), list,
		yaml.NewStringRNode("functionConfig").YNode(), functionConfig.Content[0],
	}})
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// resultsOf returns the strings in the results of a ResourceList, one per line.
func resultsOf(t *testing.T, list []byte) string {
	t.Helper()
	if len(list) == 0 {
		return ""
	}
	var parsed struct {
		Results []any `yaml:"results"`
	}
	if err := yaml.Unmarshal(list, &parsed); err != nil {
		t.Fatalf("%v in\n%s", err, list)
	}
	var lines []string
	var walk func(value any)
	walk = func(value any) {
		switch v := value.(type) {
		case map[string]any:
			for _, child := range v {
				walk(child)
			}
		case []any:
			for _, child := range v {
				walk(child)
			}
		default:
			lines = append(lines, fmt.Sprint(v))
		}
	}
	walk(any(parsed.Results))
	if _, err := json.Marshal(parsed.Results); err != nil {
		t.Fatal(err)
	}
	return strings.Join(lines, "\n")
}
