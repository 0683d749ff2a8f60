package quote

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode"
)

func TestShown(t *testing.T) {
	const key = "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg"
	for name, tc := range map[string]struct {
		how  func(string) string
		text string
		want string
	}{
		"name":                   {Name, "corp-ca-4kd8f2kmt9", "corp-ca-4kd8f2kmt9"},
		"name of a pod":          {Name, "source-controller-7d9f6c8b5d-x2k4z", "source-controller-7d9f6c8b5d-x2k4z"},
		"name of a signer":       {Name, "example.com:corporate:ca-bundle", "example.com:corporate:ca-bundle"},
		"short wrong name":       {Name, "Corp_CA", "Corp_CA"},
		"name with a line break": {Name, "x\n::error::y", `x\n::error::y`},
		"long wrong name":        {Name, "x\n::error::y\n::error::z", "(23 characters, not shown)"},
		"key as a name":          {Name, strings.ToLower(key), "(48 characters, not shown)"},
		"digest as a name":       {Name, strings.Repeat("0123456789abcdef", 4), "(64 characters, not shown)"},
		"too long":               {Name, strings.Repeat("a-", 150), "(300 characters, not shown)"},
		"key":                    {Key, "Company-Root-Certificates-2024.crt", "Company-Root-Certificates-2024.crt"},
		"key of an annotation":   {Key, "kustomize.toolkit.fluxcd.io/substitute", "kustomize.toolkit.fluxcd.io/substitute"},
		"field":                  {Key, "allowPrivilegeEscalation", "allowPrivilegeEscalation"},
		"base64 as a key":        {Key, key, "(48 characters, not shown)"},
		"words as a key":         {Key, "Correct.Horse_Battery.Staple", "(28 characters, not shown)"},
		"kind":                   {Kind, "ValidatingAdmissionPolicyBinding", "ValidatingAdmissionPolicyBinding"},
		"base64 as a kind":       {Kind, key, "(48 characters, not shown)"},
		"apiVersion":             {APIVersion, "source.toolkit.fluxcd.io/v1beta2", "source.toolkit.fluxcd.io/v1beta2"},
		"base64 as apiVersion":   {APIVersion, key, "(48 characters, not shown)"},
		"image":                  {Image, "ghcr.io/fluxcd/source-controller:v1.8.0@sha256:" + strings.Repeat("ab12", 16), "ghcr.io/fluxcd/source-controller:v1.8.0@sha256:" + strings.Repeat("ab12", 16)},
		"base64 as an image":     {Image, key, "(48 characters, not shown)"},
		"host":                   {Host, "Charts.example.com:8443", "Charts.example.com:8443"},
		"host with a password":   {Host, "user:password@charts.example.com", "(32 characters, not shown)"},
		"file":                   {File, "clusters/my cluster/gotk-components.yaml", "clusters/my cluster/gotk-components.yaml"},
		"URL":                    {URL, "https://github.com/fluxcd/flux2/manifests/install?ref=v2.9.4", "https://github.com/fluxcd/flux2/manifests/install?ref=v2.9.4"},
		"URL of git":             {URL, "ssh://git@git.example.com:7999/platform/flux.git", "ssh://git@git.example.com:7999/platform/flux.git"},
		"URL with a password":    {URL, "https://me:hunter2@git.example.com/platform", "(43 characters, not shown)"},
		"URL with a token":       {URL, "https://git.example.com/platform/flux?private_token=abc", "(55 characters, not shown)"},
		"words as a file":        {File, "correct horse battery staple", "(28 characters, not shown)"},
		"path list":              {PathList, "/etc/ssl/certs:/etc/pki/tls/certs:$(MORE)", "/etc/ssl/certs:/etc/pki/tls/certs:$(MORE)"},
		"base64 as a path list":  {PathList, "/" + key, "(49 characters, not shown)"},
		"field path":             {FieldPath, "spec.containers.[name=a.b].env[0].data.ca.crt", "spec.containers.[name=a.b].env[0].data.ca.crt"},
		"path with a key":        {FieldPath, "stringData." + key + "[0].x", "stringData.(48 characters, not shown)[0].x"},
		"path with words":        {FieldPath, "a.[name=Correct Horse Battery Staple].b", "a.[name=(28 characters, not shown)].b"},
		"path with a file":       {FieldPath, "data.Company-Root-Certificates-2024.crt", "data.Company-Root-Certificates-2024.crt"},
		"path of an annotation":  {FieldPath, "metadata.annotations.kustomize.toolkit.fluxcd.io/substitute", "metadata.annotations.kustomize.toolkit.fluxcd.io/substitute"},
		"path with brackets":     {FieldPath, "a[0].\n##[error]x\a", `a[0].\n#\x23[error]x\a`},
		"quoted by a library":    {Quoted, `container "manager" must not include "NET_ADMIN", "a\n::error::"; "Correct Horse Battery Staple"`, `container "manager" must not include "NET_ADMIN", "a\n::error::"; "(28 characters, not shown)"`},
		"capability":             {Word, "CAP_CHECKPOINT_RESTORE", "CAP_CHECKPOINT_RESTORE"},
		"boolean":                {Word, "true", "true"},
		"sentence as a word":     {Word, "correct horse battery staple", "(28 characters, not shown)"},
		"digest":                 {Digest, "sha256:" + strings.Repeat("0b9c", 16), "sha256:" + strings.Repeat("0b9c", 16)},
		"no digest":              {Digest, strings.Repeat("0b9c", 16), "(64 characters, not shown)"},
		"text":                   {Text, "a/b", "a/b"},
		"long text":              {Text, "correct horse battery staple", "(28 characters, not shown)"},
		"subject":                {Subject, "CN=Großes CA,O=A\nValid: 3 controllers", "CN=Großes CA,O=A Valid: 3 controllers"},
		"subject with bidi":      {Subject, "CN=\u202eAC toor", `CN=\u202eAC toor`},
		"long subject":           {Subject, "CN=" + strings.Repeat("ab ", 60), "CN=" + strings.Repeat("ab ", 32) + "a…"},
	} {
		if got := tc.how(tc.text); got != tc.want {
			t.Errorf("%s: got %s, want %s", name, got, tc.want)
		}
	}
	if got := strings.Join(Each(Key, []string{"ca.crt", key}), ", "); got != "ca.crt, (48 characters, not shown)" {
		t.Errorf("a list: got %s", got)
	}
}

func TestLine(t *testing.T) {
	fingerprint := "sha256:" + strings.Repeat("0b9c", 16)
	for text, want := range map[string]string{
		"spec.template.spec.containers.[name=manager].securityContext.allowPrivilegeEscalation: set to false": "",
		"pinned is " + fingerprint: "",
		"put PEM certificates in, which start with -----BEGIN CERTIFICATE-----":  "",
		"/tmp/TestCanary1234567/001/functionconfig.yaml: is not valid YAML":      "",
		"wrote /tmp/tmp.Ro7fHiiy5x/helmrelease.yaml":                             "",
		"https://ghcr.io/v2/stefanprodan/manifests/podinfo/blobs/" + fingerprint: "",
		"a\nb\rc\x1b[2Jd\u2028e\u202ef\u200bg\xffh\u00a0i\x07":                   `a\nb\rc\x1b[2Jd\u2028e\u202ef\u200bg\xffh\u00a0i\a`,
		"Größe 漢字 \uFFFD":                                                               "",
		"a ##[error]b, ###[x, ##vso[task.complete]c, ## d #[e":                          `a #\x23[error]b, ##\x23[x, #\x23vso[task.complete]c, ## d #[e`,
		"key MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg, AGE-SECRET-KEY-1QQQQQQQ": "key (48 characters, not shown), (23 characters, not shown)",
	} {
		if want == "" {
			want = text
		}
		if got := Line(text); got != want {
			t.Errorf("%q: got %s", text, got)
		}
	}
	if got := Line(strings.Repeat("word ", 2000)); len(got) > maxLine || !strings.HasSuffix(got, "…") {
		t.Errorf("a long one has %d bytes", len(got))
	}
}

// TestHexGroups: groups of hexadecimal digits are shown up to what an address or a UUID has.
func TestHexGroups(t *testing.T) {
	for _, text := range []string{"until 2075-01-01 10:20:30, 0b9c1d53-9070-46a9-564e-d2f5811f8497", "fe80:aabb:ccdd:eeff:0011:2233:4455:6677 10.20.30.40", "is 12 34 56 78 and a bed added"} {
		if got := Line(text); got != text {
			t.Errorf("got %s, want %s", got, text)
		}
	}
	if got := Line("key " + strings.Repeat("0b:9c:", 20) + "aa"); got != "key (122 characters, not shown)" {
		t.Errorf("got %s", got)
	}
}

// TestKeysOverLines: what openssl and dumps print of a key is not shown, though no line of
// it has enough of it, and neither is it where the line breaks are gone.
func TestKeysOverLines(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	rows := func(b []byte) string {
		var out strings.Builder
		for i, c := range b {
			if i%15 == 0 {
				out.WriteString("\n    ")
			}
			out.WriteString(hex.EncodeToString([]byte{c}) + ":")
		}
		return strings.TrimSuffix(out.String(), ":") + "\n"
	}
	bytes := der[36:68] // the private part
	for name, text := range map[string]string{
		"named":              "Private-Key: (256 bit)\npriv:" + rows(bytes) + "ASN1 OID: prime256v1\n",
		"not named":          "open x" + rows(bytes) + ": no such file",
		"quoted once more":   "open x" + strings.ReplaceAll(rows(bytes), "\n", `\n`),
		"of Windows":         strings.ReplaceAll(rows(bytes), "\n", "\r\n"),
		"hexdump -C":         "a\n" + hex.Dump(der),
		"xxd":                "a\n" + xxd(der),
		"PEM of short lines": "-----BEGIN PRIVATE KEY-----\n" + strings.Join(pieces(base64.StdEncoding.EncodeToString(der), 16), "\n") + "\n",
	} {
		folded := strings.Join(strings.Fields(text), " ")
		for how, show := range map[string]func(string) string{"Line": Line, "Subject": Subject, "Quoted": Quoted, "Text": Text, "FieldPath": FieldPath} {
			said := strings.NewReplacer(":", "", " ", "", `\n`, "", `\r`, "").Replace(show(text) + " | " + show(folded))
			secret := hex.EncodeToString(bytes)
			if strings.HasPrefix(name, "PEM") {
				secret = base64.StdEncoding.EncodeToString(der)
			}
			for i := 0; i+20 <= len(secret); i++ {
				if strings.Contains(said, secret[i:i+20]) {
					t.Errorf("%s, %s: %s comes out in %s", name, how, secret[i:i+20], said)
					break
				}
			}
		}
	}
}

// xxd writes bytes as the program does.
func xxd(b []byte) string {
	var out strings.Builder
	for at := 0; at < len(b); at += 16 {
		fmt.Fprintf(&out, "%08x:", at)
		for _, group := range pieces(hex.EncodeToString(b[at:min(at+16, len(b))]), 4) {
			out.WriteString(" " + group)
		}
		out.WriteString("  ................\n")
	}
	return out.String()
}

// pieces cuts a text into pieces of a length.
func pieces(text string, length int) []string {
	var all []string
	for ; len(text) > length; text = text[length:] {
		all = append(all, text[:length])
	}
	return append(all, text)
}

// TestLineHidesKeys: whatever surrounds it, no 20 characters of a key get through.
func TestLineHidesKeys(t *testing.T) {
	for range 50 {
		for name, der := range keys(t) {
			body := base64.StdEncoding.EncodeToString(der)
			block := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
			for how, text := range map[string]string{
				"PEM": block, "quoted": strings.ReplaceAll(block, "\n", `\n`), "one line": body, "indented": strings.ReplaceAll(block, "\n", "\n    "),
				"URL": base64.RawURLEncoding.EncodeToString(der), "hexadecimal": hex.EncodeToString(der),
				"of openssl": grouped(der, 1, ":"), "with spaces": grouped(der, 1, " "), "with dashes": strings.ToUpper(grouped(der, 1, "-")), "of xxd": grouped(der, 2, " "), "of words": grouped(der, 4, "."), "with dots": grouped(der, 1, "."),
			} {
				got := Line("the value \"" + text + "\" is wrong")
				if at := Overlap(got, text, 20); strings.Trim(at, "-") != "" && !strings.Contains(at, "-----") {
					t.Errorf("%s, %s: %s comes through in\n%s", name, how, at, got)
				}
				for what, show := range map[string]func(string) string{"Name": Name, "Key": Key, "Image": Image, "Host": Host, "File": File, "PathList": PathList, "FieldPath": FieldPath, "Value": Value} {
					if got := show(text); Overlap(got, text, 20) != "" && !strings.Contains(got, "-----") {
						t.Errorf("%s, %s: comes through %s: %s", name, how, what, got)
					}
				}
			}
		}
	}
}

// grouped returns bytes in hexadecimal, some at a time.
func grouped(data []byte, size int, separator string) string {
	var groups []string
	for chunk := range slices.Chunk(data, size) {
		groups = append(groups, hex.EncodeToString(chunk))
	}
	return strings.Join(groups, separator)
}

// Overlap returns the first n characters in a row that two texts share, or "".
func Overlap(a, b string, n int) string {
	for i := 0; i+n <= len(b); i++ {
		if strings.Contains(a, b[i:i+n]) {
			return b[i : i+n]
		}
	}
	return ""
}

func keys(t *testing.T) map[string][]byte {
	t.Helper()
	made := map[string][]byte{}
	add := func(name string, key any, err error) {
		if err == nil {
			made[name], err = x509.MarshalPKCS8PrivateKey(key)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	add("EC", ec, err)
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	add("Ed25519", ed, err)
	return made
}

func FuzzLine(f *testing.F) {
	f.Add("x\n::error::y\x1b[2J")
	f.Add("MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg")
	for _, unit := range []string{"\x1c", "##[", "MIGHAgEAMBMGByqGSM49 ", "漢字 ", "\U000E0001"} {
		f.Add("000000D0000000" + strings.Repeat(unit, maxLine/len(unit)-3) + " the end")
	}
	f.Fuzz(func(t *testing.T, text string) {
		for name, got := range map[string]string{
			"Line": Line(text), "Name": Name(text), "Key": Key(text), "Text": Text(text), "File": File(text), "URL": URL(text), "Subject": Subject(text), "Word": Word(text),
		} {
			if strings.ContainsFunc(got, func(r rune) bool { return !unicode.IsPrint(r) }) {
				t.Errorf("%s lets %q through", name, got)
			}
			if name == "Line" && Line(got) != got {
				t.Errorf("%q is not what it is a second time: %q", got, Line(got))
			}
		}
	})
}

func TestWithout(t *testing.T) {
	text := []byte("resources: [../base/of/the/cluster.yaml]\nliterals:\n- password=Correct Horse Battery Staple\nname: a-name-of-twenty-characters\n")
	for message, want := range map[string]string{
		"short": "short",
		"no match for what stands in no text here":                                     "no match for what stands in no text here",
		"invalid literal 'password=Correct Horse Battery Staple', expected key=value":  "invalid literal '(37 characters, not shown)', expected key=value",
		"invalid literal \"Correct Horse Battery Staple\" and again Correct Horse Bat": "invalid literal \"(28 characters, not shown)\" and again Correct Horse Bat",
		"../base/of/the/cluster.yaml: no such file; a-name-of-twenty-characters":       "../base/of/the/cluster.yaml: no such file; a-name-of-twenty-characters",
	} {
		if got := Without(message, nil, text); got != want {
			t.Errorf("%s: got %s, want %s", message, got, want)
		}
	}
	if got := Without(strings.Repeat("x", 2*longestMessage)); len(got) > longestMessage+8 {
		t.Errorf("a long one has %d bytes", len(got))
	}
}
