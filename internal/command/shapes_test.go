package command

import (
	"bytes"
	"compress/gzip"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"html"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf16"
)

// shape is a way in which people keep a private key.
type shape struct {
	// text holds the key, secret is the part of it that nothing may repeat.
	text, secret string
}

// grouped is hexadecimal as openssl -text prints it.
func grouped(b []byte) string {
	var out strings.Builder
	for i, c := range b {
		if i%15 == 0 {
			out.WriteString("\n    ")
		}
		fmt.Fprintf(&out, "%02x:", c)
	}
	return strings.TrimSuffix(out.String(), ":") + "\n"
}

// shapesOfKeys makes a key in every shape.
func shapesOfKeys(t *testing.T) map[string]shape {
	t.Helper()
	must := func(b []byte, err error) []byte {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	key, err := rsa.GenerateKey(rand.Reader, 1024) //nolint:gosec // small is fast
	if err != nil {
		t.Fatal(err)
	}
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der := must(x509.MarshalPKCS8PrivateKey(curve))
	encoded := base64.StdEncoding.EncodeToString(der)
	text := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	random := func(n int) []byte {
		b := make([]byte, n)
		_, _ = rand.Read(b) // it never fails
		return b
	}
	b64 := func(n int) string { return base64.StdEncoding.EncodeToString(random(n)) }
	wide := []byte{0xff, 0xfe}
	for _, c := range utf16.Encode([]rune(text)) {
		wide = append(wide, byte(c), byte(c>>8))
	}
	var zipped bytes.Buffer
	w := gzip.NewWriter(&zipped)
	_, _ = w.Write([]byte(text))
	_ = w.Close()
	d, age := base64.RawURLEncoding.EncodeToString(random(32)), strings.ToUpper(hex.EncodeToString(random(29)))
	putty, pgp, jks, wire := b64(330), b64(400), base64.StdEncoding.EncodeToString(append([]byte("\xfe\xed\xfe\xed\x00\x00\x00\x02\x00\x00\x00\x01\x00\x00\x00\x01\x00\x05alias"), random(400)...)), b64(32)
	scalar, private := random(32), key.D.Bytes()
	open := base64.StdEncoding.EncodeToString(append([]byte("openssh-key-v1\x00\x00\x00\x00\x04none"), random(160)...))
	kubeconfig := base64.StdEncoding.EncodeToString([]byte(text))
	quotedText := strconv.Quote(text)
	return map[string]shape{
		"PKCS #8 in a URL":         {"https://vault.example.com/v1?key=" + url.QueryEscape(encoded) + "&x=1", encoded},
		"JWK set":                  {`{"keys":[{"kty":"EC","crv":"P-256","x":"` + b64(32) + `","d":"` + d + `"}]}`, d},
		"PuTTY":                    {"PuTTY-User-Key-File-3: ssh-rsa\nEncryption: none\nComment: x\nPublic-Lines: 1\nAAAA\nPrivate-Lines: 1\n" + putty + "\nPrivate-MAC: " + hex.EncodeToString(scalar) + "\n", putty},
		"OpenSSH on one line":      {"-----BEGIN OPENSSH PRIVATE KEY-----" + open + "-----END OPENSSH PRIVATE KEY-----", open},
		"OpenSSH without marks":    {open, open},
		"age":                      {"# created: 2025\nAGE-SECRET-KEY-1" + age + "\n", age},
		"age for SOPS":             {"SOPS_AGE_KEY=AGE-SECRET-KEY-1" + age, age},
		"kubeconfig":               {"users: [{name: a, user: {client-key-data: " + kubeconfig + "}}]", kubeconfig},
		"PEM in JSON":              {`{"key": ` + quotedText + `}`, encoded},
		"PEM in JSON in JSON":      {strconv.Quote(`{"key": ` + quotedText + `}`), encoded},
		"UTF-16":                   {string(wide), encoded},
		"hexdump -C":               {hex.Dump(der), hex.EncodeToString(der)},
		"xxd":                      {xxd(der), hex.EncodeToString(der)},
		"openssl rsa -text":        {"Private-Key: (1024 bit, 2 primes)\nmodulus:" + grouped(key.N.Bytes()) + "publicExponent: 65537 (0x10001)\nprivateExponent:" + grouped(private), hex.EncodeToString(private)},
		"openssl ec -text":         {"priv:" + grouped(scalar) + "pub:" + grouped(random(65)), hex.EncodeToString(scalar)},
		"groups without a name":    {grouped(scalar), hex.EncodeToString(scalar)},
		"groups behind a word":     {"key" + grouped(private), hex.EncodeToString(private)},
		"groups with other breaks": {strings.ReplaceAll(grouped(private), "\n    ", "\r\n\t"), hex.EncodeToString(private)},
		"PGP":                      {"-----BEGIN PGP PRIVATE KEY BLOCK-----\n\n" + pgp + "\n=abcd\n-----END PGP PRIVATE KEY BLOCK-----\n", pgp},
		"gzip in base64":           {base64.StdEncoding.EncodeToString(zipped.Bytes()), base64.StdEncoding.EncodeToString(zipped.Bytes())},
		"indented PEM":             {"    " + strings.ReplaceAll(text, "\n", "\n\t  "), encoded},
		"quoted mail":              {"> " + strings.ReplaceAll(text, "\n", "\n> "), encoded},
		"Java key store":           {jks, jks},
		"WireGuard":                {"[Interface]\nPrivateKey = " + wire, wire},
		"PEM without line breaks":  {strings.ReplaceAll(text, "\n", " "), encoded},
		"DER in base64":            {encoded, encoded},
		"DER in hexadecimal":       {hex.EncodeToString(der), hex.EncodeToString(der)},
	}
}

// xxd writes bytes as the program does.
func xxd(b []byte) string {
	var out strings.Builder
	for at := 0; at < len(b); at += 16 {
		row := b[at:min(at+16, len(b))]
		fmt.Fprintf(&out, "%08x:", at)
		for i := 0; i < len(row); i += 2 {
			fmt.Fprintf(&out, " %x", row[i:min(i+2, len(row))])
		}
		out.WriteString("  ................\n")
	}
	return out.String()
}

// letters returns the letters and digits of a text, as a reader puts lines together.
func lettersOf(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return r
		}
		return -1
	}, strings.NewReplacer(`\n`, "", `\r`, "", `\t`, "").Replace(text))
}

// TestShapes: a key in any shape comes out of no command, wherever it stands, and in the
// bundle it is refused, or not called good.
func TestShapes(t *testing.T) {
	root := strings.TrimSpace(goldenRoot(t))
	controller, _, _ := strings.Cut(stockFile(t, "input.yaml"), "---\n")
	const config = "apiVersion: fluxtrust.dev/v1alpha1\nkind: FluxTrust\nmetadata: {name: corp}\nspec:\n  caBundle:\n  - configMap: {name: corp-ca, keys: [ca.crt]}\n"
	object := func(kind, field, value string) string {
		return "---\napiVersion: v1\nkind: " + kind + "\nmetadata: {name: corp-ca, namespace: flux-system}\n" + field + ":\n  ca.crt: " + value + "\n"
	}
	good := object("ConfigMap", "data", strconv.Quote(root))
	t.Chdir(t.TempDir())
	for name, s := range shapesOfKeys(t) {
		t.Run(name, func(t *testing.T) {
			public := strings.HasPrefix(name, "groups ") // as a modulus is, or a signature
			value := func(text string) string {
				quoted, err := json.Marshal(text) // as YAML reads it as well
				if err != nil {
					t.Fatal(err)
				}
				return string(quoted)
			}
			both := value(root + "\n" + s.text)
			in64 := base64.StdEncoding.EncodeToString([]byte(root + "\n" + s.text))
			secret := strings.Replace(config, "configMap:", "secret:", 1)
			deployment := func(old, more string) string {
				changed := strings.Replace(controller, old, old+more, 1)
				if changed == controller {
					t.Fatalf("there is no %s in\n%s", old, controller)
				}
				return changed + good
			}
			for where, tc := range map[string]struct {
				config, input string
				refused       bool
			}{
				"ConfigMap":         {config, controller + object("ConfigMap", "data", both), true},
				"binaryData":        {config, controller + object("ConfigMap", "binaryData", in64), true},
				"Secret":            {secret, controller + object("Secret", "stringData", both), true},
				"Secret in base64":  {secret, controller + object("Secret", "data", in64), true},
				"key of a Secret":   {config, controller + good + "---\napiVersion: v1\nkind: Secret\nmetadata: {name: corp-ca, namespace: flux-system}\nstringData: {" + value(s.text) + ": x}\n", false},
				"inline":            {strings.Split(config, "  - ")[0] + "  - inline: {name: corp-ca, pem: " + both + "}\n", controller, true},
				"name of the entry": {strings.Replace(config, "name: corp-ca", "name: "+value(s.text), 1), controller, false},
				"fingerprint":       {config + "    fingerprints: [" + value(s.text) + "]\n", controller + good, true},
				"name of a config":  {strings.Replace(config, "name: corp}", "name: "+value(s.text)+"}", 1), controller + good, false},
				"unknown field":     {config + "  " + value(s.text) + ": x\n", controller + good, true},
				"path of the mount": {config + "  mount: {path: " + value(s.text) + "}\n", controller + good, false},
				"annotation":        {config, deployment("metadata:", "\n  annotations: {fluxtrust.dev/config: "+value(s.text)+"}"), false},
				"record":            {config, deployment("metadata:", "\n  annotations: {fluxtrust.dev/config: corp, fluxtrust.dev/previous: "+value(s.text)+"}"), false},
				"SSL_CERT_FILE":     {config, deployment("env:", "\n        - {name: SSL_CERT_FILE, value: "+value(s.text)+"}"), false},
				"GODEBUG":           {config + "  extras: {acceptNegativeSerials: true}\n", deployment("env:", "\n        - {name: GODEBUG, value: "+value(s.text)+"}"), false},
				"HTTPS_PROXY":       {config, deployment("env:", "\n        - {name: HTTPS_PROXY, value: "+value(s.text)+"}"), false},
				"another file":      {config, s.text, false},
			} {
				writeFile(t, "config.yaml", tc.config)
				writeFile(t, "input.yaml", tc.input)
				for _, args := range [][]string{
					{"config.yaml", "input.yaml"},
					{"validate", "config.yaml", "input.yaml"},
					{"validate", "config.yaml", "input.yaml", "-o", "json"},
					{"validate", "config.yaml", "input.yaml", "-o", "github"},
					{"probe", "config.yaml", "input.yaml", "--timeout", "1s"},
					{"patches", "config.yaml", "input.yaml"},
				} {
					stdout, stderr, code := run(nil, args...)
					said := string(stderr)
					if args[0] == "validate" || args[0] == "probe" {
						said += string(stdout)
					}
					notRepeated(t, where+": "+strings.Join(args, " "), s, said)
					if tc.refused && !public && args[0] == "config.yaml" && code == 0 && !strings.Contains(said, "warning: ") {
						t.Errorf("%s: it is taken for good:\n%s", where, said)
					}
				}
			}
			file := filepath.Join("in", strings.Map(func(r rune) rune {
				if r == '/' || r == 0 {
					return '_'
				}
				return r
			}, s.text[:min(len(s.text), 200)]))
			if err := os.MkdirAll("in", 0o750); err != nil {
				t.Fatal(err)
			}
			writeFile(t, "config.yaml", config)
			for _, args := range [][]string{{"config.yaml", file}, {"validate", "config.yaml", file}, {"probe", "config.yaml", file}, {"probe", "config.yaml", "input.yaml", "--system-roots", file}, {"init", file}, {"patches", "config.yaml", "--check", file}} {
				_, stderr, code := run(nil, args...)
				if code == 0 {
					t.Errorf("%v: exit code 0", args)
				}
				notRepeated(t, "a file: "+strings.Join(args[:1], " "), s, string(stderr))
			}
		})
	}
}

// notRepeated holds what was said against a key, put together from all lines.
func notRepeated(t *testing.T, what string, s shape, said string) {
	t.Helper()
	const n = 24
	secret, all := lettersOf(s.secret), lettersOf(html.UnescapeString(said))
	for i := 0; i+n <= len(secret); i++ {
		if strings.Contains(all, secret[i:i+n]) {
			t.Errorf("%s: %s of the key comes out in\n%.1500s", what, secret[i:i+n], said)
			return
		}
	}
}
