package bundle

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"math/big"
	"testing"
	"time"
)

// now is when the tests run.
var now = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

// option changes a certificate before it is signed.
type option func(*x509.Certificate)

func leaf(c *x509.Certificate) {
	c.IsCA, c.KeyUsage = false, x509.KeyUsageDigitalSignature
	c.DNSNames = []string{"proxy.example.com"}
}
func noConstraints(c *x509.Certificate) { c.IsCA, c.BasicConstraintsValid = false, false }
func noCertSign(c *x509.Certificate)    { c.KeyUsage = x509.KeyUsageCRLSign }
func noKeyUsage(c *x509.Certificate)    { c.KeyUsage = 0 }
func sha512(c *x509.Certificate)        { c.SignatureAlgorithm = x509.ECDSAWithSHA512 }
func subject(name string) option        { return func(c *x509.Certificate) { c.Subject.CommonName = name } }

func valid(from, until time.Time) option {
	return func(c *x509.Certificate) { c.NotBefore, c.NotAfter = from, until }
}

// newKey makes a key of the kind of a test.
func newKey(tb testing.TB, kind string) crypto.Signer {
	tb.Helper()
	var key crypto.Signer
	var err error
	switch kind {
	case "rsa1024":
		key, err = rsa.GenerateKey(rand.Reader, 1024) //nolint:gosec // a weak key is what the test is about
	case "rsa2048":
		key, err = rsa.GenerateKey(rand.Reader, 2048)
	case "ed25519":
		_, key, err = ed25519.GenerateKey(rand.Reader)
	default:
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	}
	if err != nil {
		tb.Fatal(err)
	}
	return key
}

// newCertificate makes a root, or with an issuer what that has signed.
func newCertificate(tb testing.TB, key crypto.Signer, issuer *x509.Certificate, issuerKey crypto.Signer, options ...option) *x509.Certificate {
	tb.Helper()
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		tb.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "Test root"},
		NotBefore: now.AddDate(-1, 0, 0), NotAfter: now.AddDate(10, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	for _, o := range options {
		o(template)
	}
	if issuer == nil {
		issuer, issuerKey = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, issuer, key.Public(), issuerKey)
	if err != nil {
		tb.Fatal(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

func root(tb testing.TB, options ...option) *x509.Certificate {
	tb.Helper()
	return newCertificate(tb, newKey(tb, ""), nil, nil, options...)
}

func asPEM(c *x509.Certificate) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}))
}

// sha1Root is a self-signed root with a SHA-1 signature, which Go no longer
// makes. Its key is gone.
const sha1Root = `-----BEGIN CERTIFICATE-----
MIIDBDCCAeygAwIBAgIUJ4czFBelj49s3qjx4pTfpYdvKcYwDQYJKoZIhvcNAQEF
BQAwGTEXMBUGA1UEAwwOT2xkIFNIQS0xIHJvb3QwIBcNMjYxMTI0MDQ1MjE5WhgP
MjA3NjAzMDYwNDUyMTlaMBkxFzAVBgNVBAMMDk9sZCBTSEEtMSByb290MIIBIjAN
BgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA058Ljvg5Zb3I7f52ZFU9grnS6nen
CM2TnQ5GGlXU/7U1B6KIVjWWoevfwvm7aDqG1SEfXEKoOhb5gt0sIXYhSRcG/w97
7Ux53r73Dh10KvpPgkJceVNpPWJvtX9CQ/9ansyt4pCe65SRHmT2NKCSHYdWqIDi
6vLVdsR2RqP8E303DJzlaE7ZmMCg9Ob1eq0f5f0kGvW/u4yDZgAXURVySCNR6CvR
PUaD7lN2vvUr3RB5qI+sIU2BGODMAMI1H/IOVwzvM6fjDLfGv7cneD8MciS1dIGp
0K7Ug9J+rFkF9Valo+f2RLGcJp12yizqTkhbX6Vng+hCDZad9UqCg8LdZwIDAQAB
o0IwQDAPBgNVHRMBAf8EBTADAQH/MA4GA1UdDwEB/wQEAwIBBjAdBgNVHQ4EFgQU
PcMnZbyCqy/Fo5smlScR2mg1x+4wDQYJKoZIhvcNAQEFBQADggEBAMEn0u2YBdtu
HOgXPtZIfHJyyO5FTtnbN7LZGPIc6r/qpiKGvnNnipiBVMlJZr3hzQ/vLjHhlpcK
Qtlqs0qjdzGob9hbBTO4HWA6haeY65ExiK0hpWd6QhJy+YqGHVfn7LR0Mbo0jByu
7NXr9p1BAAzyXqgVgWbLOHTR4onVbCO1jXF9/3M2sFrzxIERs/SMOlpoLljJ8BIg
VuNmS4mRddhwGWBBrDoVPkQg+k7fvUpiKz/lVX7muDS+nKeQ5cd/d8NfFs8iWtLB
lewqh2fCNxlRdn/jvudvRS1QoNo5jfXQ22bqUImLUvvKgEnb0O44WL93xRgnbOzu
bLVG2rcM4eg=
-----END CERTIFICATE-----
`

// dsaRoot has a DSA key, with which Go verifies nothing. The key is gone.
const dsaRoot = `-----BEGIN CERTIFICATE-----
MIIEUTCCA/6gAwIBAgIUdBAqHmDBTYm53KVjhpWnUligvn4wCwYJYIZIAWUDBAMC
MBMxETAPBgNVBAMMCERTQSByb290MCAXDTI2MTEyNDA0NTIyMVoYDzIwNzYwMzA2
MDQ1MjIxWjATMREwDwYDVQQDDAhEU0Egcm9vdDCCA0IwggI1BgcqhkjOOAQBMIIC
KAKCAQEA2p2cLaqEPI7pOkKtuoVe9uWuk0FKMs37pWZVAohovi6aViZ/mnMsWv+3
VVof6a3DIbKg/nkArAhp9bylbRFJoT5+y5GQVViAGRikJRTZPK2LZ+MQkwbZ8IDu
Z6HFfPms7QtLD7s+H9BTguZNY1OJAQBCsuJpjVESPNfkErxKwLbyRPqXua5ubsef
Wz3O7FvoNAnvbvKETzFeVIF8d6Zh0ziQZRQc3K5/qaiE7vvRwWn7wZLZfpJaDjv7
4jk6QPYDc4QxlX0QmVP7edIFgfEF9RXgLL+8LjMPL5+8C2q2yXpfDiLQHh/k9RjF
E4K0FXrF7Pe3mxXa8ZO+I+k2UqicSQIdAK+3rykfw5/oDLEhwWOFhRF3P9bBgOah
et/LZBcCggEAcp+Mh7Cz5vI+FJzRTaXavLQbMHxLfgPiEzRg/waQWp9yLTDKaCzJ
FfkuUUWD2+OZw3uxBcPT1NuGgLzrilYRyB8RB52wEenjp8f1WODZlHa2J9LeZ46u
bU3r62uj/aYoO/ocMTVvj5sdcolkvC8h78lXqS/4HTDAb1y2RIX1P3acNugMmumR
TQhdkPin0tPaNkcw7QVs0EYn7vjmzEhqnIOzgrJhjlHO6tVaIMEC+v5zIxVY2Uk/
uBF7L1TUUhAO1c4M3V+0Aj/XXQfq01DEllG9zy/pg+ksU8smH3R4M/P4S04+7VXo
c0JwVp/6zoeDyZBzR2sIvQbZ5UvrzpxIlgOCAQUAAoIBABVPwA3lkZV+bsnPcjW3
kjlPKuff2f5X+Q/ib1Wsni8J8hSSBDbunC71CX1GNkjdz5te8e4FxvY99SWYcwek
FLNM/urJ2Cc1J/JX6QZPy17L4sBZsRSq2L6Hupmb/xxWlDKBObu+z1W4G0ifvFPw
GL5z50Bcpwf3jALRweR4+oiIgA8lwspjpMk67kGcpDDFCBFdkuztWkd1h95jKXSV
6hmLo4NqOrXlvyab8HnFVXBdZiqr7Dn2gETJ2zATLNGagD+BXRsFpC8oUtjKWaeJ
XKtNglOeRHM3XhWciKp67aeKJlpu+WMNvDOAEvvA556hBAArYuhGJoSdwCzYcOeG
ldijQjBAMA8GA1UdEwEB/wQFMAMBAf8wDgYDVR0PAQH/BAQDAgEGMB0GA1UdDgQW
BBR+TNg5ZporDZ31bekIp69ri2qbqDALBglghkgBZQMEAwIDQAAwPQIcdrwlZZcd
V4Btt3BBWA0Ru9aheVbR9DK3mqaxNwIdAKD8t3E8yu2gdk4XHlnJ8Sb70rT0EoNU
7jlvWns=
-----END CERTIFICATE-----
`

// version1Root is a root without extensions. The key is gone.
const version1Root = `-----BEGIN CERTIFICATE-----
MIIBKDCBzwIUXt12jtT9L9KGS+xq8/rsJDtBco8wCgYIKoZIzj0EAwIwFjEUMBIG
A1UEAwwLT2xkIHYxIHJvb3QwIBcNMjYxMTI0MDUzODE3WhgPMjA3NjAzMDYwNTM4
MTdaMBYxFDASBgNVBAMMC09sZCB2MSByb290MFkwEwYHKoZIzj0CAQYIKoZIzj0D
AQcDQgAEik0dtk75QwtzcJ4Z/s3dO1CoKfGpSRf3+paFICdpU4ilFQq8wE76rYDI
+vI+byYJAE/cnxYb0o/ljcGeZ/NnEzAKBggqhkjOPQQDAgNIADBFAiAacZxrC2Fs
CSoLqisN8MTANqZ1MvHtVB2p9a6s6H/MdgIhALcllWkJdwyctGDQBhsde4tUF6Uy
e+xrEQ9DQNZtJcma
-----END CERTIFICATE-----
`

func critical(c *x509.Certificate) {
	c.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 2, 3, 4}, Critical: true, Value: []byte{5, 0}}}
}

func forClients(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} }

func forServersToo(c *x509.Certificate) {
	c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth}
}
