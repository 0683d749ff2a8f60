package bundle

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	crand "crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"math/big"
	"math/rand/v2"
	"testing"
	"time"
)

// forger makes certificates that no library would make.
type forger struct {
	tb     testing.TB
	random *rand.Rand
	keys   []forgedKey
}

// forgedKey signs with PKCS #1 v1.5, ECDSA or Ed25519, and SHA-256.
type forgedKey struct {
	name string
	spki []byte
	// algorithm of its signatures.
	algorithm pkix.AlgorithmIdentifier
	sign      func(tbs []byte) []byte
}

func newForger(tb testing.TB, random *rand.Rand) *forger {
	tb.Helper()
	f := &forger{tb: tb, random: random}
	for _, curve := range []elliptic.Curve{elliptic.P224(), elliptic.P256(), elliptic.P384(), elliptic.P521()} {
		key, err := ecdsa.GenerateKey(curve, crand.Reader)
		try(tb, key, err)
		f.keys = append(f.keys, f.signer(curve.Params().Name, key, asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 2}))
	}
	_, edwards, err := ed25519.GenerateKey(nil)
	try(tb, edwards, err)
	f.keys = append(f.keys, f.signer("Ed25519", edwards, asn1.ObjectIdentifier{1, 3, 101, 112}))
	small, err := rsa.GenerateKey(crand.Reader, 1024) //nolint:gosec // a weak key is what the test is about
	try(tb, small, err)
	large, err := rsa.GenerateKey(crand.Reader, 2048)
	try(tb, large, err)
	for _, e := range []int64{3, 65537, 1<<31 - 1, 1<<31 + 11, 1<<32 + 1, 1<<40 + 15, 1<<62 + 9} {
		f.addRSA(small, e)
		f.addRSA(large, e)
	}
	f.keys = append(f.keys, f.dsa())
	return f
}

// try returns what a function gave, or ends the test.
func try[T any](tb testing.TB, value T, err error) T {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
	return value
}

func (f *forger) signer(name string, key crypto.Signer, algorithm asn1.ObjectIdentifier) forgedKey {
	spki, err := x509.MarshalPKIXPublicKey(key.Public())
	try(f.tb, spki, err)
	return forgedKey{name, spki, pkix.AlgorithmIdentifier{Algorithm: algorithm}, func(tbs []byte) []byte {
		if _, ok := key.(ed25519.PrivateKey); ok {
			signature, err := key.Sign(nil, tbs, crypto.Hash(0))
			return try(f.tb, signature, err)
		}
		sum := sha256.Sum256(tbs)
		signature, err := key.Sign(crand.Reader, sum[:], crypto.SHA256)
		return try(f.tb, signature, err)
	}}
}

// addRSA adds a key with the primes of another and an exponent of its own, which Go may
// not like: so it is not Go that signs.
func (f *forger) addRSA(of *rsa.PrivateKey, exponent int64) {
	one, e := big.NewInt(1), big.NewInt(exponent)
	phi := big.NewInt(1)
	for _, p := range of.Primes {
		phi.Mul(phi, new(big.Int).Sub(p, one))
	}
	d := new(big.Int).ModInverse(e, phi)
	if d == nil {
		return
	}
	key, err := asn1.Marshal(struct{ N, E *big.Int }{of.N, e})
	try(f.tb, key, err)
	rsaEncryption := pkix.AlgorithmIdentifier{Algorithm: asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 1}, Parameters: asn1.NullRawValue}
	spki, err := asn1.Marshal(struct {
		Algorithm pkix.AlgorithmIdentifier
		Key       asn1.BitString
	}{rsaEncryption, asn1.BitString{Bytes: key, BitLength: 8 * len(key)}})
	try(f.tb, spki, err)
	algorithm := pkix.AlgorithmIdentifier{Algorithm: asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 11}, Parameters: asn1.NullRawValue}
	f.keys = append(f.keys, forgedKey{fmt.Sprintf("RSA %d %d", of.N.BitLen(), exponent), spki, algorithm, func(tbs []byte) []byte {
		sum := sha256.Sum256(tbs)
		size := (of.N.BitLen() + 7) / 8
		padded := make([]byte, size) // RFC 8017, section 9.2
		prefix := []byte("\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20")
		begin := size - len(prefix) - len(sum)
		for i := 2; i < begin-1; i++ {
			padded[i] = 0xff
		}
		padded[1] = 1
		copy(padded[begin:], prefix)
		copy(padded[begin+len(prefix):], sum[:])
		return new(big.Int).Exp(new(big.Int).SetBytes(padded), d, of.N).FillBytes(make([]byte, size))
	}})
}

// dsa is a key of a kind that Go reads and cannot use.
func (f *forger) dsa() forgedKey {
	number := func(bits int) *big.Int { return new(big.Int).SetBit(big.NewInt(f.random.Int64()), bits, 1) }
	parameters, err := asn1.Marshal(struct{ P, Q, G *big.Int }{number(1023), number(159), number(1000)})
	try(f.tb, parameters, err)
	key, err := asn1.Marshal(number(1001))
	try(f.tb, key, err)
	spki, err := asn1.Marshal(struct {
		Algorithm pkix.AlgorithmIdentifier
		Key       asn1.BitString
	}{pkix.AlgorithmIdentifier{Algorithm: asn1.ObjectIdentifier{1, 2, 840, 10040, 4, 1}, Parameters: asn1.RawValue{FullBytes: parameters}}, asn1.BitString{Bytes: key, BitLength: 8 * len(key)}})
	try(f.tb, spki, err)
	return forgedKey{"DSA", spki, pkix.AlgorithmIdentifier{Algorithm: asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 3, 2}}, func([]byte) []byte {
		return []byte("\x30\x06\x02\x01\x01\x02\x01\x01")
	}}
}

// forged says how a certificate is to be.
type forged struct {
	version         int // 1 to 3
	serial          *big.Int
	subject, issuer string
	key, signer     forgedKey
	extensions      []pkix.Extension
	broken          bool // its signature
}

// make returns a certificate in DER.
func (f *forger) make(c forged) []byte {
	type validity struct{ NotBefore, NotAfter time.Time }
	name := func(text string) pkix.RDNSequence { return pkix.Name{CommonName: text}.ToRDNSequence() }
	type tbs struct {
		Version    int `asn1:"optional,explicit,default:0,tag:0"`
		Serial     *big.Int
		Algorithm  pkix.AlgorithmIdentifier
		Issuer     pkix.RDNSequence
		Validity   validity
		Subject    pkix.RDNSequence
		Key        asn1.RawValue
		Extensions []pkix.Extension `asn1:"omitempty,optional,explicit,tag:3"`
	}
	signed, err := asn1.Marshal(tbs{
		c.version - 1, c.serial, c.signer.algorithm, name(c.issuer),
		validity{now.AddDate(-1, 0, 0), now.AddDate(9, 0, 0)},
		name(c.subject),
		asn1.RawValue{FullBytes: c.key.spki},
		c.extensions,
	})
	try(f.tb, signed, err)
	signature := c.signer.sign(signed)
	if c.broken {
		signature[len(signature)-1] ^= 1
	}
	der, err := asn1.Marshal(struct {
		Signed    asn1.RawValue
		Algorithm pkix.AlgorithmIdentifier
		Signature asn1.BitString
	}{asn1.RawValue{FullBytes: signed}, c.signer.algorithm, asn1.BitString{Bytes: signature, BitLength: 8 * len(signature)}})
	return try(f.tb, der, err)
}

func extension(critical bool, value string, oid ...int) pkix.Extension {
	return pkix.Extension{Id: oid, Critical: critical, Value: []byte(value)}
}

// server returns a certificate for server.example.com that a root has signed.
func (f *forger) server(issuer string, signer forgedKey) []byte {
	san := "\x30\x14\x82\x12server.example.com"
	return f.make(forged{version: 3, serial: big.NewInt(5), subject: "server", issuer: issuer, key: f.keys[1], signer: signer, extensions: []pkix.Extension{extension(false, san, 2, 5, 29, 17)}})
}

// randomRoot returns a root as somebody may have made it.
func (f *forger) randomRoot() (c forged) {
	r := f.random
	c = forged{version: 3, serial: big.NewInt(1 + r.Int64N(1<<40)), subject: "Root", issuer: "Root", key: f.keys[r.IntN(len(f.keys))], broken: r.IntN(8) == 0}
	c.signer = c.key
	switch r.IntN(8) {
	case 0:
		c.serial.Neg(c.serial)
	case 1:
		c.serial = big.NewInt(0)
	case 2:
		c.serial.Lsh(c.serial, 130)
	}
	if r.IntN(8) == 0 {
		c.issuer = "Another root"
	}
	if r.IntN(10) == 0 {
		c.version = 1
		return c
	}
	maybe := func(odds int, critical bool, oid []int, values ...string) {
		if r.IntN(odds) != 0 {
			c.extensions = append(c.extensions, extension(critical, values[r.IntN(len(values))], oid...))
		}
	}
	rarely := func(critical bool, oid []int, values ...string) {
		if r.IntN(12) == 0 {
			c.extensions = append(c.extensions, extension(critical, values[r.IntN(len(values))], oid...))
		}
	}
	isCA, pathLength, noCA, negative := "\x30\x03\x01\x01\xff", "\x30\x06\x01\x01\xff\x02\x01\x00", "\x30\x00", "\x30\x06\x01\x01\xff\x02\x01\xff"
	maybe(12, r.IntN(2) == 0, []int{2, 5, 29, 19}, isCA, isCA, isCA, isCA, isCA, pathLength, noCA, negative)
	maybe(3, r.IntN(2) == 0, []int{2, 5, 29, 15}, "\x03\x02\x01\x06", "\x03\x02\x02\x04", "\x03\x02\x02\x04", "\x03\x02\x01\x02")
	eku := func(last string) string { return "\x30\x0a\x06\x08\x2b\x06\x01\x05\x05\x07\x03" + last }
	rarely(r.IntN(2) == 0, []int{2, 5, 29, 37}, eku("\x01"), eku("\x02"), eku("\x03"), "\x30\x06\x06\x04\x55\x1d\x25\x00", "\x30\x04\x06\x02\x2a\x03")
	rarely(r.IntN(2) == 0, []int{1, 2, 3, 4}, "\x05\x00")
	rarely(r.IntN(2) == 0, []int{2, 5, 29, 36}, "\x30\x03\x80\x01\x00", "\x30\x03\x81\x01\x00", "\x30\x03\x80\x01\x05")
	rarely(r.IntN(2) == 0, []int{2, 5, 29, 54}, "\x02\x01\x00", "\x02\x01\x03")
	rarely(r.IntN(2) == 0, []int{2, 5, 29, 33}, "\x30\x0c\x30\x0a\x06\x03\x2a\x03\x04\x06\x03\x2a\x03\x05")
	rarely(r.IntN(2) == 0, []int{2, 5, 29, 32}, "\x30\x07\x30\x05\x06\x03\x2a\x03\x04", "\x30\x08\x30\x06\x06\x04\x55\x1d\x20\x00")
	rarely(r.IntN(2) == 0, []int{2, 5, 29, 30}, "\x30\x11\xa0\x0f\x30\x0d\x82\x0bexample.com", "\x30\x0d\xa0\x0b\x30\x09\x82\x07a.b.org",
		"\x30\x11\xa1\x0f\x30\x0d\x82\x0bexample.com", "\x30\x0e\xa0\x0c\x30\x0a\x87\x08\x0a\x00\x00\x00\xff\x00\x00\x00", "\x30\x08\xa0\x06\x30\x04\xa4\x02\x30\x00")
	rarely(false, []int{2, 5, 29, 14}, "\x04\x04abcd")
	rarely(false, []int{2, 5, 29, 35}, "\x30\x06\x80\x04abcd", "\x30\x06\x80\x04wxyz")
	if r.IntN(30) == 0 && len(c.extensions) > 0 {
		c.extensions = append(c.extensions, c.extensions[0])
	}
	return c
}
