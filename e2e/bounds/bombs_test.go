package bounds

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

// mostMemory is what an input of less than 1 MiB may take, in MiB.
const mostMemory = 300

// full repeats a text until it has nearly 1 MiB.
func full(text string) part { return part{text, (1<<20 - 4096) / len(text)} }

// dense repeats a value until a resource has nearly as many as it may.
func dense(value string) part { return part{value, 145_000} }

// TestBombs throws small inputs at the function that cost much for their size: each ends
// within the same memory, with a result or an error.
func TestBombs(t *testing.T) {
	function := os.Getenv("FLUX_TRUST")
	if function == "" {
		t.Skip("SKIPPED: FLUX_TRUST is not set; run this test with: make test")
	}
	aliases := part{"*a,", 300_000}
	tower := part{"x0: &x0 [x, x]\n", 1}
	for i := range 200 {
		tower.text += fmt.Sprintf("x%d: &x%[1]d [*x%d, *x%[2]d]\n", i+1, i)
	}
	deep := func(open, inner, end string) part {
		return part{strings.Repeat(open, 9000) + inner + strings.Repeat(end, 9000), 1}
	}
	numbered := func(format string) part {
		var text strings.Builder
		for i := 0; text.Len() < 900<<10; i++ {
			fmt.Fprintf(&text, format, i)
		}
		return part{text.String(), 1}
	}
	x := func(parts ...part) []part { // as a field of the controller
		return append(append([]part{{deployment + "x: ", 1}}, parts...), part{"\n", 1})
	}
	one := func(text string) part { return part{text, 1} }
	padding := one("# " + strings.Repeat("x", 500<<10) + "\n")
	for name, input := range map[string][]part{
		"aliases of a list":       x(one("\n  a: &a ["), part{"1,", 500}, one("]\n  b: ["), part{"*a,", 1000}, one("]")),
		"aliases of a scalar":     x(one("\n  a: &a "), part{"z", 78 << 10}, one("\n  b: ["), part{"*a,", 26 << 10}, one("]")),
		"aliases of long scalars": x(one("\n  a: &a "), part{"z", 100 << 10}, one("\n  b: ["), aliases, one("]")),
		"as many as there may be": x(one("\n  a: &a "), part{"z", 80}, one("\n  b: ["), part{"*a,", 99_000}, one("]")),
		"as long as they may be":  x(one("\n  a: &a "), part{"z", 800 << 10}, one("\n  b: ["), part{"*a,", 9}, one("]")),
		"aliases of aliases":      {one(deployment), tower},
		"an alias of itself":      x(one("&a [*a]")),
		"merge keys":              x(one("\n  a: &a {k: v}\n  b: {<<: ["), part{"*a,", 30_000}, one("]}")),
		"merge keys of merge keys": {one(deployment), one("y0: &y0 {a: b}\n"), func() part {
			text := ""
			for i := range 400 {
				text += fmt.Sprintf("y%d: &y%[1]d {<<: *y%d, k%[1]d: v}\n", i+1, i)
			}
			return one(text)
		}()},
		"a flow list":            x(one("["), full("1,"), one("1]")),
		"a flow list, dense":     append([]part{padding}, x(one("["), dense("1,"), one("1]"))...),
		"empty mappings":         append([]part{padding}, x(one("["), dense("{},"), one("1]"))...),
		"a block list":           append([]part{one("# " + strings.Repeat("x", 400<<10) + "\n")}, x(one("\n"), dense("- 1\n"))...),
		"nulls in a list":        append([]part{padding}, x(one("\n"), dense("-\n"))...),
		"a mapping":              x(one("{"), numbered("a%d: 1,"), one("}")),
		"a block mapping":        x(one("\n"), numbered("  a%d:\n")),
		"fields":                 {one(deployment), numbered("a%d:\n")},
		"the same key":           x(one("\n"), full("  a:\n")),
		"nested lists":           x(deep("[", "1", "]")),
		"nested mappings":        x(deep("{a: ", "1", "}")),
		"nested dashes":          x(one("\n"), part{"- ", 9900}, one("1")),
		"nested keys":            x(one("\n  "), part{"? ", 9900}, one("1")),
		"nested lists, many":     x(one("["), part{strings.Repeat("[", 400) + strings.Repeat("]", 400) + ",", 1200}, one("1]")),
		"nested JSON":            {one("{\n \"kind\":\"Deployment\",\"x\":"), deep("[", "", "]"), one("}")},
		"wide JSON":              {one("{\n"), part{" ", 100_000}, one("\"kind\":\"Deployment\",\"x\":["), part{"1,", 90_000}, one("1]}")},
		"empty JSON":             {full("{}")},
		"JSON that ends early":   {full("{\"a\":")},
		"comments":               {one(deployment), full("# c\n")},
		"comments in a list":     x(one("\n"), full("- 1\n# comment\n")),
		"comments of lines":      x(one("\n"), full("- 1 # c\n")),
		"comments in a flow":     x(one("[\n"), full("1, # c\n"), one("1]")),
		"blank lines":            x(one("\n"), full("- abcdefgh\n\n")),
		"an empty text":          x(one("|\n  z\n"), full("\n"), one("  z")),
		"a long line":            x(full("z")),
		"a line of words":        x(full("z ")),
		"a text over lines":      x(one("z\n"), full("  z\n")),
		"a text over blanks":     x(one("z\n"), full("\n"), one("  z")),
		"spaces in quotes":       x(one("\"a"), full(" "), one("\"")),
		"escapes":                x(one("\""), full("\\t"), one("\"")),
		"texts":                  x(one("\n"), full("- |\n  z\n")),
		"quoted texts":           x(one("\n"), full("- 'a'\n\n- >-\n  b\n  c\n")),
		"tags":                   x(one("["), full("!!str 1,"), one("1]")),
		"anchors":                x(one("["), numbered("&a%d 1,"), one("1]")),
		"colons":                 x(one("a"), full(":")),
		"an open quote":          x(one("\"a"), full("\n  a")),
		"empty documents":        {full("---\n"), one(deployment)},
		"documents":              {full("--- a\n"), one("---\n" + deployment)},
		"documents with anchors": {full("--- &a\n"), one("---\n" + deployment)},
		"Deployments":            {full("---\nkind: Deployment\n"), one("---\n" + deployment)},
		"Lists":                  {full("---\nkind: List\nitems: []\n"), one("---\n" + deployment)},
		"empty items":            {one("kind: List\nitems:\n"), full("- {}\n")},
		"items":                  {one("kind: List\nitems:\n"), full("- kind: Deployment\n")},
		"items in JSON":          {one(`{"kind":"List","items":[`), full(`{"kind":"Deployment"},`), one("{}]}")},
		"nested Lists":           {one("kind: List\nitems:\n- "), deep("{kind: List, items: [", "", "]}"), one("\n")},
		"labels":                 {one(deployment + "  labels: {"), numbered("a%d: b,"), one("}\n")},
		"former names":           {one(deployment + "  annotations: {internal.config.kubernetes.io/previousNames: \""), full("a,"), one("\"}\n")},
		"keys of a ConfigMap":    {one("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: z-scaler-ca}\ndata:\n"), numbered("  k%d: x\n"), one("---\n" + deployment)},
		"long keys":              {one("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: z-scaler-ca}\ndata:\n"), numbered("  k%015d: x\n"), one("---\n" + deployment)},
		"references":             {one(deployment + "---\nkind: FluxInstance\nx:\n"), full("- secretRef: {}\n"), one("---\nkind: Secret\nmetadata: {name: a}\n")},
		"values in a line":       {one(deployment + "---\n{\"kind\":\"FluxInstance\",\"x\":["), full(`{"valuesFrom":[]},`), one("{}]}\n---\nkind: Secret\nmetadata: {name: a}\n")},
		"names by alias":         {one("kind: ConfigMap\nx: &x a\ny:\n"), full("- name: *x\n"), one("---\nkind: FluxInstance\nvaluesFrom: [{name: b}]\n---\n" + deployment)},
		"names of names":         {one("kind: ConfigMap\nx: "), full("name:"), one("\n---\nkind: FluxInstance\nvaluesFrom: [{name: b}]\n---\n" + deployment)},
		"CRLF":                   {one(strings.ReplaceAll(deployment, "\n", "\r\n") + "x:\r\n"), full("- abcdefgh\r\n")},
	} {
		t.Run(name, func(t *testing.T) {
			file, size := writeParts(t, input)
			runBounded(t, size, exec.Command(function, "../../examples/quickstart/functionconfig.yaml", file))
		})
	}
	list := "apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nfunctionConfig:\n  apiVersion: fluxtrust.dev/v1alpha1\n  kind: FluxTrust\n" +
		"  metadata: {name: x}\n  spec: {onNoControllers: Ignore, caBundle: [{configMap: {name: corp-ca}}]}\n"
	for name, input := range map[string][]part{
		"a config in itself":        {one(list + "  x: &a [*a]\nitems:\n- {}\n")},
		"aliases in the config":     {one(list + "  a: &a ["), part{"1,", 500}, one("]\n  b: ["), part{"*a,", 1000}, one("]\nitems:\n- {}\n")},
		"aliases in results":        {one(list + "results:\n- message: &a "), part{"z", 100 << 10}, one("\n  b: ["), aliases, one("]\nitems:\n- {}\n")},
		"aliases of results":        {one(list + "results:\n- &a ["), part{"1,", 500}, one("]\n- ["), part{"*a,", 1000}, one("]\nitems:\n- {}\n")},
		"aliases of an item":        {one(list + "items:\n- &a ["), part{"1,", 500}, one("]\n"), part{"- *a\n", 1000}},
		"aliases of a long scalar":  {one(list + "items:\n- &a "), part{"z", 100 << 10}, one("\n"), part{"- *a\n", 100_000}},
		"fields":                    {one(list), numbered("a%d:\n"), one("items:\n- {}\n")},
		"results":                   {one(list + "results:\n"), full("- {message: a}\n"), one("items:\n- {}\n")},
		"empty items":               {one(list + "items:\n"), full("- {}\n")},
		"empty items in flow style": {one(list + "items: ["), full("{},"), one("{}]\n")},
		"items in flow style":       {one(list + "items: ["), padding, dense("{},"), one("{}]\n")},
		"Deployments":               {one(list + "items:\n"), full("- kind: Deployment\n")},
		"nested items":              {one(list + "items: "), deep("[", "", "]"), one("\n")},
	} {
		t.Run("ResourceList, "+name, func(t *testing.T) {
			file, size := writeParts(t, input)
			cmd := exec.Command(function)
			stdin, err := os.Open(file)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = stdin.Close() }()
			cmd.Stdin = stdin
			runBounded(t, size, cmd)
		})
	}
}

// runBounded runs a command on an input of so many bytes.
func runBounded(t *testing.T, size int, cmd *exec.Cmd) {
	t.Helper()
	if size >= 1<<20 {
		t.Fatalf("the input has %d bytes", size)
	}
	var stderr bytes.Buffer
	var stdout counter
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if code := cmd.ProcessState.ExitCode(); code != 0 && code != 1 || code == 1 && !strings.Contains(stderr.String(), "flux-trust: ") || code == 0 && stdout == 0 {
		t.Errorf("%v, %d bytes on stdout\n%.2000s", err, stdout, &stderr)
	}
	if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok && runtime.GOOS == "linux" {
		peak := int(usage.Maxrss) >> 10
		if t.Logf("peak %d MiB for %d KiB, exit code %d", peak, size>>10, cmd.ProcessState.ExitCode()); peak > mostMemory {
			t.Errorf("more than %d MiB", mostMemory)
		}
	}
}
