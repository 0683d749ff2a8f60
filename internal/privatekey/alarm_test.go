package privatekey

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // as fingerprints are made
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/cryptotest"
	"time"
)

// newCertificate makes a root with a random name.
func newCertificate(tb testing.TB, r *chacha) *x509.Certificate {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	serial := new(big.Int).SetBytes(r.bytes(1 + r.IntN(19)))
	template := &x509.Certificate{
		SerialNumber: serial.Add(serial, big.NewInt(1)), Subject: pkix.Name{CommonName: name(r), Organization: []string{name(r)}, Country: []string{"DE"}},
		NotBefore: time.Unix(r.Int64N(1<<31), 0), NotAfter: time.Unix(1<<31+r.Int64N(1<<31), 0), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		tb.Fatal(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

func name(r *chacha) string {
	words := strings.Fields("Example GlobalSign Root CA G2 R5 ECC RSA 2048 TLS e-Szigno Főtanúsítvány SwissSign NetLock Arany QuoVadis XRamp TÜRKTRUST TUBITAK Kamu SM SSL " +
		"Kok Sertifikasi Surum 中国 金融 認證 Autoridad Certificación Firmaprofesional KISA HongkongPost IZENPE Class 3 DigiCert Assured ID Zscaler Intermediate (c) Inc. GmbH & Co. KG AAACertificateServices USERTrust")
	var out []string
	for range 1 + r.IntN(6) {
		out = append(out, words[r.IntN(len(words))])
	}
	return strings.Join(out, []string{" ", "_", "", " - "}[r.IntN(4)])
}

// comment writes something harmless about a certificate.
func comment(r *chacha, c *x509.Certificate) string {
	one, two, three, four := sha1.Sum(c.Raw), sha256.Sum256(c.Raw), sha512.Sum384(c.Raw), sha512.Sum512(c.Raw) //nolint:gosec // as fingerprints are made
	sum := [][]byte{one[:], two[:], three[:], four[:]}[r.IntN(4)]
	label := fmt.Sprintf("SHA%d", len(sum)*8)
	text := []string{
		"Issuer: " + c.Issuer.String(),
		"subject=" + c.Subject.String() + "\nissuer=" + c.Issuer.String(),
		"Label: \"" + name(r) + "\"\nSerial: " + c.SerialNumber.String(),
		"Serial Number:\n    " + strings.ToUpper(colons(c.SerialNumber.Bytes())),
		label + " Fingerprint=" + strings.ToUpper(strings.ReplaceAll(strings.Join(strings.Fields(colons(sum)), ""), "\n", "")),
		label + " Fingerprint: " + hex.EncodeToString(sum),
		fmt.Sprintf("% X", sum),
		"pin-sha256=\"" + base64.StdEncoding.EncodeToString(two[:]) + "\"\npin-sha256=\"" + base64.StdEncoding.EncodeToString(two[1:]) + "A=\"",
		strings.ToLower(label) + "-" + base64.StdEncoding.EncodeToString(sum),
		strings.ToLower(label) + "/" + base64.StdEncoding.EncodeToString(sum),
		wrap(base64.StdEncoding.EncodeToString(c.Raw), 16+r.IntN(80)),
		base64.StdEncoding.EncodeToString(c.RawSubjectPublicKeyInfo),
		string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})),
		base64.StdEncoding.EncodeToString(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})),
		hex.EncodeToString(c.Raw),
		hex.Dump(c.Raw),
		"Signature Value:\n" + colons(c.Signature),
		"        Subject Public Key Info:\n            Public Key Algorithm: id-ecPublicKey\n                Public-Key: (256 bit)\n                pub:\n" + colons(c.RawSubjectPublicKeyInfo[26:]) + "                ASN1 OID: prime256v1\n",
		"the private key: kept in an HSM, slot 3; the private keys of all CAs are kept at https://pki.example.com/corporate/root/certification-authorities/private-keys",
		"never put a private key into this file: its secret key must stay secret, key: value",
		"CN=" + name(r) + ",OU=" + name(r) + ",O=" + name(r),
		"/etc/ssl/certs/" + name(r) + ".pem -> /usr/share/ca-certificates/mozilla/" + name(r) + ".crt",
		c.NotAfter.String(),
		"2f1c8f4e-3c5d-4c1b-9d5e-0f6b2d7a9c11 550e8400-e29b-41d4-a716-446655440000",
		strings.Repeat("=", 78) + "\n" + strings.Repeat("-*", 40) + "\n" + strings.Repeat("/", 80),
	}[r.IntN(25)]
	return text
}

// TestNoFalseAlarm writes random comments around random certificates.
func TestNoFalseAlarm(t *testing.T) {
	cryptotest.SetGlobalRandom(t, 3)
	r := newChaCha(3)
	cases := 500
	if testing.Short() {
		cases = 50
	}
	certificates := make([]*x509.Certificate, 50)
	for i := range certificates {
		certificates[i] = newCertificate(t, r)
	}
	for range cases {
		var text strings.Builder
		for range 1 + r.IntN(4) {
			c := certificates[r.IntN(len(certificates))]
			for range r.IntN(5) {
				words := comment(r, c)
				if r.IntN(2) == 0 {
					words = "# " + strings.ReplaceAll(strings.TrimSpace(words), "\n", "\n# ")
				}
				text.WriteString(words + "\n")
			}
			text.WriteString(string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})))
		}
		quiet(t, text.String())
		if t.Failed() {
			return
		}
	}
}

func quiet(t *testing.T, text string) {
	t.Helper()
	keys, complete := Find([]byte(text))
	opaque := Opaque([]byte(text))
	if len(keys) > 0 || !complete || len(opaque) > 0 {
		t.Errorf("got %v, %t, %v for\n%.8000s", keys, complete, opaque, text)
	}
}

// TestNoFalseAlarmOnPublicRoots reads the roots of this machine, and what openssl
// prints of each.
func TestNoFalseAlarmOnPublicRoots(t *testing.T) {
	bundles, _ := filepath.Glob("/etc/ssl/certs/ca-*.crt")               //nolint:errcheck // the pattern is right
	singles, _ := filepath.Glob("/usr/share/ca-certificates/*/*.crt")    //nolint:errcheck // the pattern is right
	others, _ := filepath.Glob("/usr/lib/python3/dist-packages/*/*.pem") //nolint:errcheck // the pattern is right
	files := append(append(bundles, singles...), others...)
	if len(files) == 0 {
		t.Skip("no roots in /etc/ssl/certs, /usr/share/ca-certificates and certifi")
	}
	openssl, err := exec.LookPath("openssl")
	for i, file := range files {
		text, readErr := os.ReadFile(file)
		if readErr != nil {
			t.Fatal(readErr)
		}
		quiet(t, string(text))
		if err != nil || testing.Short() && i%10 != 0 || len(text) > 1<<16 {
			continue
		}
		dump, err := exec.CommandContext(t.Context(), openssl, "x509", "-in", file, "-text", "-fingerprint", "-sha256").Output() //nolint:gosec // the program of the machine
		if err != nil {
			continue // openssl itself cannot read it
		}
		quiet(t, string(dump))
		quiet(t, "# "+strings.ReplaceAll(string(dump), "\n", "\n# "))
	}
}
