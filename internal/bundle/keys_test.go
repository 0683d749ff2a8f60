package bundle

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"slices"
	"strings"
	"testing"
)

// TestKeysInBundles dresses a key in what stands around the certificates of a bundle.
// All dressings are in the tests of package privatekey.
func TestKeysInBundles(t *testing.T) {
	one := asPEM(root(t))
	mark := "-----BEGIN PRIVATE KEY-----\n" + keyMaterial + "\n-----END PRIVATE KEY-----\n"
	lines := strings.Count(one, "\n")
	for name, tc := range map[string]struct {
		text string
		line int
	}{
		"as PEM":                   {one + mark, lines + 1},
		"commented out":            {"# root\n# " + strings.ReplaceAll(mark, "\n", "\n# ") + "\n" + one, 2},
		"in base64":                {one + "# " + base64.StdEncoding.EncodeToString([]byte(mark)) + "\n", lines + 1},
		"in base64 of base64":      {one + base64.StdEncoding.EncodeToString([]byte(base64.StdEncoding.EncodeToString([]byte(mark)))), lines + 1},
		"the whole file in base64": {base64.StdEncoding.EncodeToString([]byte(one + mark)), 1},
		"its body":                 {one + keyMaterial + "\n", lines + 1},
		"its body before":          {"  " + keyMaterial[:20] + "\n  " + keyMaterial[20:] + "\n" + one, 1},
		"as a certificate":         {one + asKind("CERTIFICATE", decoded(t, keyMaterial)), lines + 2},
		"in hexadecimal":           {one + "# " + hex.EncodeToString(decoded(t, keyMaterial)) + "\n", lines + 1},
		"age":                      {"# AGE-SECRET-KEY-1QQPQYQSZGPQYQSZGPQYQSZGPQYQSZGPQYQSZGPQYQSZGPQYQSZGPQ\n" + one, 1},
		"JWK":                      {one + `# {"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`, lines + 1},
		"in an extension": {asPEM(root(t, func(c *x509.Certificate) {
			c.ExtraExtensions = append(c.ExtraExtensions, extension(false, string(decoded(t, keyMaterial)), 1, 2, 3))
		})), 1},
		"as DER": {string(decoded(t, keyMaterial)), 1},
	} {
		t.Run(name, func(t *testing.T) {
			_, findings := Parse([]byte(tc.text))
			var lines []int
			for _, f := range findings {
				if f.Code == PrivateKey {
					lines = append(lines, f.Line)
					if !f.Fatal() || !strings.Contains(f.Message, "is a private key") {
						t.Errorf("got %v", f)
					}
				}
				if strings.Contains(f.Message, keyMaterial[:16]) {
					t.Errorf("the message shows the key: %s", f)
				}
			}
			if !slices.Equal(lines, []int{tc.line}) {
				t.Errorf("got %v, want one private key in line %d", findings, tc.line)
			}
		})
	}
}

func decoded(t *testing.T, text string) []byte {
	t.Helper()
	data, err := base64.StdEncoding.DecodeString(text)
	return try(t, data, err)
}

// TestOpaque: what cannot be read is told once, and not beside something that says what
// it is.
func TestOpaque(t *testing.T) {
	one := asPEM(root(t))
	unknown := base64.StdEncoding.EncodeToString(slices.Repeat([]byte("\x91\x3d\xf7\x08\xc2"), 40))
	for name, tc := range map[string]struct {
		text  string
		codes []Code
	}{
		"in a comment":              {"# " + unknown + "\n" + one, []Code{OpaqueText}},
		"as a certificate":          {asKind("CERTIFICATE", decoded(t, unknown)) + one, []Code{Malformed}},
		"of a kind":                 {asKind("DH PARAMETERS", decoded(t, unknown)) + one, []Code{Malformed}},
		"without marks":             {unknown[:64] + "\n" + unknown[64:128] + "\n" + one, []Code{Malformed}},
		"on a line of its own":      {one + unknown + "\n", []Code{OpaqueText}},
		"before the certificate":    {unknown + "\n" + one, []Code{OpaqueText}},
		"a short line":              {unknown[:80] + "\n" + one, []Code{OpaqueText}},
		"a certificate on one line": {base64.StdEncoding.EncodeToString(root(t).Raw) + "\n" + one, nil},
		"behind a key":              {"AGE-SECRET-KEY-1QQ\n" + unknown + "\n" + one, []Code{PrivateKey}},
		"a certificate and its key": {"# " + strings.ReplaceAll(one, "\n", "\n# ") + "\n" + one, nil},
	} {
		_, findings := Parse([]byte(tc.text))
		var codes []Code
		for _, f := range findings {
			codes = append(codes, f.Code)
		}
		if !slices.Equal(codes, tc.codes) {
			t.Errorf("%s: got %v, want %v", name, findings, tc.codes)
		}
	}
}

// TestKeyAlone: nothing is called a key alone that may hold a certificate.
func TestKeyAlone(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: public})
	both := slices.Concat(text, certificate)
	for name, tc := range map[string]struct {
		data []byte
		want string
	}{
		"PEM":             {text, "private key"},
		"DER":             {private, "private key"},
		"public":          {pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public}), "public key"},
		"beside":          {both, ""},
		"beside, encoded": {[]byte(base64.StdEncoding.EncodeToString(both)), ""},
		"certificate":     {certificate, ""},
		"nothing":         {nil, ""},
	} {
		if got := KeyAlone(tc.data); got != tc.want {
			t.Errorf("%s: %q", name, got)
		}
	}
}
