package privatekey

import (
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/cryptotest"
	"unicode/utf16"
)

// dressing writes a text in another way.
type dressing struct {
	name  string
	dress func(r *chacha, text string) string
}

func dressings() []dressing {
	perLine := func(f func(i int, line string) string) func(*chacha, string) string {
		return func(_ *chacha, text string) string {
			lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
			for i, l := range lines {
				lines[i] = f(i, l)
			}
			return strings.Join(lines, "\n") + "\n"
		}
	}
	prefix := func(p string) dressing {
		return dressing{"prefix " + p, perLine(func(_ int, l string) string { return p + l })}
	}
	return []dressing{
		prefix("# "), prefix("#"), prefix("// "), prefix("; "), prefix("> "), prefix("| "), prefix("    "), prefix("\t"), prefix("REM "), prefix("dnl "), prefix(" * "), prefix("- "),
		{"behind padding", func(r *chacha, text string) string { return "="[:r.IntN(2)] + "0X0AB"[:r.IntN(6)] + "\n" + text }},
		{"line numbers", perLine(func(i int, l string) string { return fmt.Sprintf("%5d  %s", i+1, l) })},
		{"quotes", perLine(func(_ int, l string) string { return quoted(l) + "," })},
		{"a suffix", perLine(func(_ int, l string) string { return l + " \\" })},
		{"CRLF", func(_ *chacha, text string) string { return strings.ReplaceAll(text, "\n", "\r\n") }},
		{"newlines gone", func(_ *chacha, text string) string { return strings.ReplaceAll(text, "\n", "") }},
		{"newlines to spaces", func(_ *chacha, text string) string { return strings.ReplaceAll(text, "\n", " ") }},
		{"newlines escaped", func(_ *chacha, text string) string { return strings.ReplaceAll(text, "\n", `\n`) }},
		{"JSON", func(_ *chacha, text string) string { b, _ := json.Marshal(text); return `{"key": ` + string(b) + "}" }}, //nolint:errcheck // a string
		{"base64", func(_ *chacha, text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }},
		{"base64, wrapped", func(r *chacha, text string) string {
			return wrap(base64.StdEncoding.EncodeToString([]byte(text)), 20+r.IntN(80))
		}},
		{"base64 for URLs", func(_ *chacha, text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }},
		{"base64 of UTF-16", func(_ *chacha, text string) string {
			var b []byte
			for _, u := range utf16.Encode([]rune(text)) {
				b = append(b, byte(u), byte(u>>8))
			}
			return base64.StdEncoding.EncodeToString(b)
		}},
		{"base32", func(_ *chacha, text string) string { return base32.StdEncoding.EncodeToString([]byte(text)) }},
		{"base32, wrapped", func(r *chacha, text string) string {
			return wrap(base32.StdEncoding.EncodeToString([]byte(text)), 20+r.IntN(80))
		}},
		{"hexadecimal", func(_ *chacha, text string) string { return hex.EncodeToString([]byte(text)) }},
		{"hexadecimal, wrapped", func(r *chacha, text string) string { return wrap(hex.EncodeToString([]byte(text)), 10+r.IntN(90)) }},
		{"xxd", func(_ *chacha, text string) string { return xxd([]byte(text)) }},
		{"hexdump", func(_ *chacha, text string) string { return hex.Dump([]byte(text)) }},
	}
}

func quoted(s string) string { return `"` + s + `"` }

func xxd(b []byte) string {
	var out strings.Builder
	for i := 0; i < len(b); i += 16 {
		line := b[i:min(i+16, len(b))]
		fmt.Fprintf(&out, "%08x: ", i)
		for j := 0; j < 16; j += 2 {
			fmt.Fprintf(&out, "%-4x ", line[min(j, len(line)):min(j+2, len(line))])
		}
		out.WriteByte(' ')
		for _, c := range line {
			if !isText(c) || c < ' ' {
				c = '.'
			}
			out.WriteByte(c)
		}
		out.WriteByte('\n')
	}
	return out.String()
}

// texts returns the ways to write a key as text, without any PEM mark where it has bytes.
func texts(r *chacha, f form) map[string]string {
	if f.der == nil {
		return map[string]string{"as it is": f.text}
	}
	body := base64.StdEncoding.EncodeToString(f.der)
	body32 := base32.StdEncoding.EncodeToString(f.der)
	array, _ := json.Marshal(ints(f.der)) //nolint:errcheck // numbers
	return map[string]string{
		"PEM":            string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: f.der})),
		"base32":         wrap(body32, 64),
		"a body":         wrap(body, 64),
		"any width":      wrap(body, 4+r.IntN(100)),
		"one line":       body + "\n",
		"without end":    strings.TrimRight(wrap(body[:len(body)*2/3], 64), "=\n"),
		"for URLs":       base64.RawURLEncoding.EncodeToString(f.der),
		"hexadecimal":    wrap(hex.EncodeToString(f.der), 2*(8+r.IntN(60))),
		"with colons":    colons(f.der),
		"upper case":     strings.ToUpper(colons(f.der)),
		"a C array":      "0x" + strings.Join(strings.Split(strings.TrimSuffix(fmt.Sprintf("% x", f.der), " "), " "), ", 0x"),
		"\\x":            `\x` + strings.Join(strings.Split(fmt.Sprintf("% x", f.der), " "), `\x`),
		"numbers":        string(array),
		"xxd":            xxd(f.der),
		"hexdump":        hex.Dump(f.der),
		"under a banner": "# Corporate root, do not share\n" + wrap(body, 76),
	}
}

func ints(b []byte) []int {
	out := make([]int, len(b))
	for i, c := range b {
		out[i] = int(c)
	}
	return out
}

// TestFindEveryDressing writes every kind of key in every form and dressing.
func TestFindEveryDressing(t *testing.T) {
	cryptotest.SetGlobalRandom(t, 1)
	r := newChaCha(1)
	forms := newForms(t, r)
	for name, f := range forms {
		for written, text := range texts(r, f) {
			check(t, text, name+", "+written)
			for _, d := range dressings() {
				check(t, d.dress(r, text), name+", "+written+", "+d.name)
			}
		}
	}
}

// TestFindRandomDressings puts dressings upon dressings.
func TestFindRandomDressings(t *testing.T) {
	cryptotest.SetGlobalRandom(t, 2)
	r := newChaCha(2)
	cases := 2000
	if testing.Short() {
		cases = 200
	}
	forms := newForms(t, r)
	names := make([]string, 0, len(forms))
	for name := range forms {
		names = append(names, name)
	}
	slices.Sort(names)
	for range cases {
		name := names[r.IntN(len(names))]
		variants := texts(r, forms[name])
		var ways []string
		for way := range variants {
			ways = append(ways, way)
		}
		slices.Sort(ways)
		way := ways[r.IntN(len(ways))]
		text, how := variants[way], name+", "+way
		before := ""
		for range 1 + r.IntN(3) {
			d := dressings()[r.IntN(len(dressings()))]
			if d.name == "newlines gone" && gluesTo(before) {
				continue // letters of a prefix in the middle of a key: nobody can read that
			}
			before = d.name
			text, how = d.dress(r, text), how+", "+d.name
		}
		check(t, text, how)
		if t.Failed() {
			return
		}
	}
}

// gluesTo reports whether what a dressing puts before a line looks like a part of the
// line before, once the line break is gone.
func gluesTo(dressing string) bool {
	p, ok := strings.CutPrefix(dressing, "prefix ")
	return ok && strings.ContainsAny(p, "/RMdnl") || dressing == "line numbers" || dressing == "xxd" || dressing == "hexdump"
}

func check(t *testing.T, text, how string) {
	t.Helper()
	keys, complete := Find([]byte(text))
	if len(keys) == 0 || !complete {
		t.Errorf("%s: not found (complete: %t) in\n%.600s", how, complete, text)
	}
}
