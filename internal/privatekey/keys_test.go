package privatekey

import (
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"
)

// chacha makes what a test does repeatable.
type chacha struct {
	*rand.ChaCha8
	*rand.Rand
}

func newChaCha(seed uint64) *chacha {
	var s [32]byte
	binary.LittleEndian.PutUint64(s[:], seed)
	source := rand.NewChaCha8(s)
	return &chacha{source, rand.New(source)} //nolint:gosec // a test that repeats
}

func (r *chacha) bytes(n int) []byte {
	b := make([]byte, n)
	r.Read(b) //nolint:errcheck // it never fails
	return b
}

// form is a way to write a key down.
type form struct {
	// der is the key in bytes, or nil.
	der []byte
	// text is the key as a text of its own, or "".
	text string
}

// newForms writes keys of all kinds in all forms.
func newForms(tb testing.TB, r *chacha) map[string]form {
	tb.Helper()
	must := func(b []byte, err error) []byte {
		tb.Helper()
		if err != nil {
			tb.Fatal(err)
		}
		return b
	}
	forms := map[string]form{}
	rsaKey, err := rsa.GenerateKey(r.ChaCha8, 1024) //nolint:gosec // small is fast
	if err != nil {
		tb.Fatal(err)
	}
	keys := map[string]any{"RSA": rsaKey}
	for name, curve := range map[string]elliptic.Curve{"P-224": elliptic.P224(), "P-256": elliptic.P256(), "P-384": elliptic.P384(), "P-521": elliptic.P521()} {
		key, err := ecdsa.GenerateKey(curve, r.ChaCha8)
		if err != nil {
			tb.Fatal(err)
		}
		keys[name] = key
		forms["SEC 1 "+name] = form{der: must(x509.MarshalECPrivateKey(key))}
	}
	keys["Ed25519"] = ed25519.NewKeyFromSeed(r.bytes(ed25519.SeedSize))
	if keys["X25519"], err = ecdh.X25519().NewPrivateKey(r.bytes(32)); err != nil {
		tb.Fatal(err)
	}
	for name, key := range keys {
		forms["PKCS #8 "+name] = form{der: must(x509.MarshalPKCS8PrivateKey(key))}
	}
	forms["PKCS #1"] = form{der: x509.MarshalPKCS1PrivateKey(rsaKey)}
	forms["DSA"] = form{der: must(asn1.Marshal([]*big.Int{big.NewInt(0), integer(r, 128), integer(r, 20), integer(r, 127), integer(r, 126), integer(r, 19)}))}
	forms["encrypted PKCS #8"] = form{der: encrypted(tb, r)}
	forms["PKCS #12"] = form{der: store(tb, r)}
	forms["Java key store"] = form{der: append([]byte("\xfe\xed\xfe\xed\x00\x00\x00\x02\x00\x00\x00\x01\x00\x00\x00\x01\x00\x05alias"), r.bytes(700)...)}
	forms["OpenSSH"] = form{der: openSSH(r, keys["Ed25519"])}
	forms["PuTTY"] = form{text: puTTY(r)}
	forms["age"] = form{text: "AGE-SECRET-KEY-1" + letters(r, "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L", 58)}
	forms["JWK EC"] = form{text: fmt.Sprintf(`{"kty":"EC","crv":"P-256","x":%q,"y":%q,"d":%q}`, url(r), url(r), url(r))}
	forms["JWK Ed25519"] = form{text: fmt.Sprintf("{\n  \"crv\": \"Ed25519\",\n  \"d\": %q,\n  \"kty\": \"OKP\",\n  \"x\": %q\n}", url(r), url(r))}
	forms["JWK symmetric"] = form{text: fmt.Sprintf(`{"k":%q,"kty":"oct"}`, url(r))}
	forms["openssl rsa -text"] = form{text: rsaText(rsaKey)}
	forms["openssl ec -text"] = form{text: "Private-Key: (256 bit)\npriv:\n" + colons(r.bytes(32)) + "pub:\n" + colons(r.bytes(65)) + "ASN1 OID: prime256v1\n"}
	forms["openssl ed25519 -text"] = form{text: "ED25519 Private-Key:\npriv:\n" + colons(r.bytes(32)) + "pub:\n" + colons(r.bytes(32))}
	forms["WireGuard"] = form{text: "[Interface]\nPrivateKey = " + base64.StdEncoding.EncodeToString(r.bytes(32)) + "\n"}
	forms["a field"] = form{text: `{"privateKey": "` + hex.EncodeToString(r.bytes(32)) + `"}`}
	forms["RSA as XML"] = form{text: "<RSAKeyValue><Modulus>" + base64.StdEncoding.EncodeToString(r.bytes(128)) + "</Modulus><D>" + base64.StdEncoding.EncodeToString(r.bytes(128)) + "</D></RSAKeyValue>"}
	return forms
}

func integer(r *chacha, bytes int) *big.Int {
	b := r.bytes(bytes)
	b[0] |= 0x40
	return new(big.Int).SetBytes(b)
}

func letters(r *chacha, alphabet string, n int) string {
	var b strings.Builder
	for range n {
		b.WriteByte(alphabet[r.IntN(len(alphabet))])
	}
	return b.String()
}

// url is a number of 32 bytes as JWK has it.
func url(r *chacha) string { return base64.RawURLEncoding.EncodeToString(r.bytes(32)) }

type algorithm struct {
	Algorithm  asn1.ObjectIdentifier
	Parameters any
}

// encrypted is a key encrypted with PBES2, as openssl pkcs8 -topk8 writes it.
func encrypted(tb testing.TB, r *chacha) []byte {
	tb.Helper()
	type kdf struct {
		Salt       []byte
		Iterations int
		PRF        algorithm
	}
	type pbes2 struct{ KDF, Scheme algorithm }
	der, err := asn1.Marshal(struct {
		Algorithm algorithm
		Data      []byte
	}{algorithm{asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 13}, pbes2{
		algorithm{asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 12}, kdf{r.bytes(8), 2048, algorithm{asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 9}, asn1.NullRawValue}}},
		algorithm{asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, 42}, r.bytes(16)},
	}}, r.bytes(144)})
	if err != nil {
		tb.Fatal(err)
	}
	return der
}

// store is the beginning of a PKCS #12 file.
func store(tb testing.TB, r *chacha) []byte {
	tb.Helper()
	der, err := asn1.Marshal(struct {
		Version int
		Content struct {
			Type asn1.ObjectIdentifier
			Data []byte `asn1:"explicit,tag:0"`
		}
	}{3, struct {
		Type asn1.ObjectIdentifier
		Data []byte `asn1:"explicit,tag:0"`
	}{asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 1}, r.bytes(900)}})
	if err != nil {
		tb.Fatal(err)
	}
	return der
}

// openSSH is a key in the form of OpenSSH's PROTOCOL.key.
func openSSH(r *chacha, key any) []byte {
	public := []byte("\x00\x00\x00\x0bssh-ed25519\x00\x00\x00\x20")
	if k, ok := key.(crypto.Signer); ok {
		if p, ok := k.Public().(ed25519.PublicKey); ok {
			public = append(public, p...)
		}
	}
	text := func(b []byte) []byte { return append(binary.BigEndian.AppendUint32(nil, uint32(len(b))), b...) } //nolint:gosec // short
	out := []byte("openssh-key-v1\x00\x00\x00\x00\x04none\x00\x00\x00\x04none\x00\x00\x00\x00\x00\x00\x00\x01")
	return append(append(out, text(public)...), text(r.bytes(136))...)
}

func puTTY(r *chacha) string {
	body := func(n int) string { return wrap(base64.StdEncoding.EncodeToString(r.bytes(n)), 64) }
	return "PuTTY-User-Key-File-3: ssh-rsa\nEncryption: none\nComment: rsa-key\nPublic-Lines: 3\n" + body(140) +
		"Private-Lines: 8\n" + body(330) + "Private-MAC: " + hex.EncodeToString(r.bytes(32)) + "\n"
}

func colons(b []byte) string {
	var out strings.Builder
	for i, c := range b {
		if i%15 == 0 {
			out.WriteString("    ")
		}
		fmt.Fprintf(&out, "%02x", c)
		if i+1 < len(b) {
			out.WriteByte(':')
		}
		if i%15 == 14 || i+1 == len(b) {
			out.WriteByte('\n')
		}
	}
	return out.String()
}

func rsaText(key *rsa.PrivateKey) string {
	key.Precompute()
	return "Private-Key: (1024 bit, 2 primes)\nmodulus:\n" + colons(key.N.Bytes()) + "publicExponent: 65537 (0x10001)\nprivateExponent:\n" +
		colons(key.D.Bytes()) + "prime1:\n" + colons(key.Primes[0].Bytes()) + "prime2:\n" + colons(key.Primes[1].Bytes()) +
		"exponent1:\n" + colons(key.Precomputed.Dp.Bytes()) + "exponent2:\n" + colons(key.Precomputed.Dq.Bytes()) +
		"coefficient:\n" + colons(key.Precomputed.Qinv.Bytes())
}

// wrap breaks a text into lines.
func wrap(text string, width int) string {
	var out strings.Builder
	for len(text) > width {
		out.WriteString(text[:width] + "\n")
		text = text[width:]
	}
	return out.String() + text + "\n"
}
