package privatekey

import (
	"encoding/base32"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"testing/cryptotest"
)

// TestOpaque writes bytes without a structure, such as the private lines of a PuTTY
// file or what openssl rsa -aes256 -traditional makes.
func TestOpaque(t *testing.T) {
	r := newChaCha(4)
	for i := range 300 {
		secret := r.bytes(96 + r.IntN(600))
		width := 16 + r.IntN(100)
		text := wrap(base64.StdEncoding.EncodeToString(secret), width)
		if i%3 == 1 {
			text = wrap(base64.RawURLEncoding.EncodeToString(secret), width)
		}
		if i%3 == 2 {
			text = wrap(base32.StdEncoding.EncodeToString(secret), width)
		}
		prefix := []string{"", "# ", "    ", "> "}[r.IntN(4)]
		text = "# The roots of Example Corp\n" + prefix + strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "\n", "\n"+prefix) + "\nsubject=CN = Example\n"
		got := Opaque([]byte(text))
		if len(got) == 0 || got[0] != 2 {
			t.Errorf("got %v for\n%s", got, text)
		}
	}
}

// TestOpaqueBesideCertificates hides bytes behind a certificate, and in a text that is
// encoded once more.
func TestOpaqueBesideCertificates(t *testing.T) {
	cryptotest.SetGlobalRandom(t, 5)
	r := newChaCha(5)
	c := newCertificate(t, r)
	certificate := base64.RawStdEncoding.EncodeToString(c.Raw)
	secret := base64.StdEncoding.EncodeToString(r.bytes(200))
	block := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}))
	for name, text := range map[string]string{
		"behind":            certificate + "\n" + secret,
		"before":            secret + "\n" + certificate,
		"in the same line":  certificate + secret,
		"cut off":           certificate[:len(certificate)-8] + "\n",
		"encoded":           base64.StdEncoding.EncodeToString([]byte("a note, and then\n" + secret)),
		"behind an encoded": base64.StdEncoding.EncodeToString([]byte(block)) + "\n" + secret,
	} {
		if got := Opaque([]byte(text)); len(got) == 0 {
			t.Errorf("%s: not found in\n%s", name, text)
		}
	}
}

// TestEffort reads texts that are made to be hard: twice the text takes no more than
// twice the memory, and some more for what grows in steps.
func TestEffort(t *testing.T) {
	var nested []byte
	for nested = []byte("x"); len(nested) < 60_000; {
		nested = []byte(base64.StdEncoding.EncodeToString(nested))
	}
	for name, piece := range map[string]string{
		"base64 of base64":  string(nested),
		"marks of keys":     "-----BEGIN PRIVATE KEY-----\n",
		"headers of keys":   "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC",
		"headers of others": "MIIEvTCC",
		"names":             "private key: d: priv: secret: ",
		"escapes":           `\\\\\n%25%25&#37;=3D`,
		"numbers":           "48,130,",
		"zero bytes":        "a\x00",
		"padding":           "AAAA====",
		"lines":             "\n",
		"a JWK without end": `"kty":"d":"`,
		"offsets":           "00000000: 00000010: ",
	} {
		t.Run(name, func(t *testing.T) {
			small := strings.Repeat(piece, 1+60_000/len(piece))
			once, twice := allocated(small), allocated(small+small)
			if twice > once*5/2+1<<20 {
				t.Errorf("%d bytes take %d, and twice as many %d", len(small), once, twice)
			}
			if most := uint64(600 * len(small)); once > most {
				t.Errorf("%d bytes take %d", len(small), once)
			}
		})
	}
}

func allocated(text string) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	Find([]byte(text))
	Opaque([]byte(text))
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// FuzzFind puts a key behind whatever else: it is found, or the search says that it was
// not complete.
func FuzzFind(f *testing.F) {
	r := newChaCha(6)
	var keys []string
	for name, form := range newForms(f, r) {
		for way, text := range texts(r, form) {
			if strings.Contains(name, "P-256") || way == "PEM" {
				keys = append(keys, text)
			}
		}
	}
	for i, text := range keys {
		f.Add([]byte(text), i)
	}
	f.Add([]byte("# a comment\n"), 0)
	f.Fuzz(func(t *testing.T, text []byte, n int) {
		key := keys[uint(n)%uint(len(keys))] //nolint:gosec // an index
		found, complete := Find([]byte(fmt.Sprintf("%s\n%s", text, key)))
		if len(found) == 0 && complete {
			t.Errorf("not found:\n%s", key)
		}
		Opaque(text)
	})
}
