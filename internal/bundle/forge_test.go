package bundle

import (
	"cmp"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	crand "crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"math/big"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
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
	for _, bits := range []int{512, 1000, 1024, 2048} {
		primes := [2]*big.Int{}
		for i := range primes {
			primes[i], err = crand.Prime(crand.Reader, bits/2)
			try(tb, primes[i], err)
		}
		for _, e := range []int64{1, 3, 65537, 1<<31 - 1, 1<<31 + 11, 1<<32 + 1, 1<<40 + 15, 1<<62 + 9} {
			f.addRSA(primes, e)
		}
	}
	f.addOddKeys()
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

// addRSA adds a key with an exponent that Go may not like: so it is not Go that signs.
func (f *forger) addRSA(primes [2]*big.Int, exponent int64) {
	one, e := big.NewInt(1), big.NewInt(exponent)
	n, phi := new(big.Int).Mul(primes[0], primes[1]), big.NewInt(1)
	for _, p := range primes {
		phi.Mul(phi, new(big.Int).Sub(p, one))
	}
	d := new(big.Int).ModInverse(e, phi)
	if d == nil {
		return
	}
	key, err := asn1.Marshal(struct{ N, E *big.Int }{n, e})
	try(f.tb, key, err)
	algorithm := pkix.AlgorithmIdentifier{Algorithm: asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 11}, Parameters: asn1.NullRawValue}
	f.keys = append(f.keys, forgedKey{fmt.Sprintf("RSA %d %d", n.BitLen(), exponent), f.spki(key, asn1.NullRawValue, 1, 2, 840, 113549, 1, 1, 1), algorithm, func(tbs []byte) []byte {
		sum := sha256.Sum256(tbs)
		size := (n.BitLen() + 7) / 8
		padded := make([]byte, size) // RFC 8017, section 9.2
		prefix := []byte("\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20")
		begin := size - len(prefix) - len(sum)
		for i := 2; i < begin-1; i++ {
			padded[i] = 0xff
		}
		padded[1] = 1
		copy(padded[begin:], prefix)
		copy(padded[begin+len(prefix):], sum[:])
		return new(big.Int).Exp(new(big.Int).SetBytes(padded), d, n).FillBytes(make([]byte, size))
	}})
}

// spki returns a public key in DER.
func (f *forger) spki(key []byte, parameters asn1.RawValue, oid ...int) []byte {
	der, err := asn1.Marshal(struct {
		Algorithm pkix.AlgorithmIdentifier
		Key       asn1.BitString
	}{pkix.AlgorithmIdentifier{Algorithm: oid, Parameters: parameters}, asn1.BitString{Bytes: key, BitLength: 8 * len(key)}})
	return try(f.tb, der, err)
}

// addOddKeys adds keys of kinds, and in forms, that Go does not read or cannot use.
func (f *forger) addOddKeys() {
	number := func(bits int) *big.Int { return new(big.Int).SetBit(big.NewInt(f.random.Int64()), bits, 1) }
	parameters, err := asn1.Marshal(struct{ P, Q, G *big.Int }{number(1023), number(159), number(1000)})
	try(f.tb, parameters, err)
	key, err := asn1.Marshal(number(1001))
	try(f.tb, key, err)
	curve := func(oid ...int) asn1.RawValue {
		der, err := asn1.Marshal(asn1.ObjectIdentifier(oid))
		return asn1.RawValue{FullBytes: try(f.tb, der, err)}
	}
	p256 := curve(1, 2, 840, 10045, 3, 1, 7)
	ec := []int{1, 2, 840, 10045, 2, 1}
	point := append([]byte{4}, make([]byte, 64)...) // on no curve
	for name, spki := range map[string][]byte{
		"DSA":                f.spki(key, asn1.RawValue{FullBytes: parameters}, 1, 2, 840, 10040, 4, 1),
		"X25519":             f.spki(make([]byte, 32), asn1.RawValue{}, 1, 3, 101, 110),
		"Ed448":              f.spki(make([]byte, 57), asn1.RawValue{}, 1, 3, 101, 113),
		"unknown":            f.spki([]byte("key"), asn1.NullRawValue, 1, 2, 3, 4),
		"secp256k1":          f.spki(point, curve(1, 3, 132, 0, 10), ec...),
		"point at no place":  f.spki(point, p256, ec...),
		"ML-DSA, short":      f.spki(make([]byte, 1311), asn1.RawValue{}, 2, 16, 840, 1, 101, 3, 4, 3, 17),
		"ML-DSA, parameters": f.spki(make([]byte, 1952), asn1.NullRawValue, 2, 16, 840, 1, 101, 3, 4, 3, 18),
		"RSA, modulus 0":     f.spki([]byte("\x30\x06\x02\x01\x00\x02\x01\x03"), asn1.NullRawValue, 1, 2, 840, 113549, 1, 1, 1),
		"RSA, modulus -1":    f.spki([]byte("\x30\x06\x02\x01\xff\x02\x01\x03"), asn1.NullRawValue, 1, 2, 840, 113549, 1, 1, 1),
		"RSA, exponent -1":   f.spki([]byte("\x30\x06\x02\x01\x09\x02\x01\xff"), asn1.NullRawValue, 1, 2, 840, 113549, 1, 1, 1),
	} {
		f.keys = append(f.keys, forgedKey{name, spki, pkix.AlgorithmIdentifier{Algorithm: asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 3, 2}}, func([]byte) []byte {
			return []byte("\x30\x06\x02\x01\x01\x02\x01\x01")
		}})
	}
	slices.SortFunc(f.keys, func(a, b forgedKey) int { return strings.Compare(a.name, b.name) })
	// The same keys in other forms.
	for _, k := range f.keys {
		switch {
		case k.name == "P-256":
			public, err := x509.ParsePKIXPublicKey(k.spki)
			try(f.tb, public, err)
			if known, ok := public.(*ecdsa.PublicKey); ok {
				k.name, k.spki = "P-256, compressed", f.spki(elliptic.MarshalCompressed(elliptic.P256(), known.X, known.Y), p256, ec...) //nolint:staticcheck // there is nothing else that compresses
				f.keys = append(f.keys, k)
			}
		case strings.HasPrefix(k.name, "RSA 2048 "):
			var info struct {
				Algorithm pkix.AlgorithmIdentifier
				Key       asn1.BitString
			}
			rest, err := asn1.Unmarshal(k.spki, &info)
			try(f.tb, rest, err)
			f.keys = append(f.keys, forgedKey{k.name + ", no parameters", f.spki(info.Key.Bytes, asn1.RawValue{}, 1, 2, 840, 113549, 1, 1, 1), k.algorithm, k.sign},
				forgedKey{k.name + ", PSS", f.spki(info.Key.Bytes, asn1.NullRawValue, 1, 2, 840, 113549, 1, 1, 10), k.algorithm, k.sign})
		}
	}
}

// forged says how a certificate is to be.
type forged struct {
	version         int // 1 to 3
	serial          *big.Int
	subject, issuer string
	nameType        int       // tag of their ASN.1 type; 0 is what suits them
	validity        [2]string // tag and value of both times; "" for years before and after now
	key, signer     forgedKey
	algorithm       asn1.ObjectIdentifier // of the signature, where it is said to be another one
	extensions      []pkix.Extension
	broken          bool // its signature
}

// make returns a certificate in DER.
func (f *forger) make(c forged) []byte {
	name := func(text string) asn1.RawValue {
		if c.nameType == 0 {
			der, err := asn1.Marshal(pkix.Name{CommonName: text}.ToRDNSequence())
			return asn1.RawValue{FullBytes: try(f.tb, der, err)}
		}
		value := "\x06\x03\x55\x04\x03" + short(string(rune(c.nameType))+text)
		return asn1.RawValue{FullBytes: []byte(short("\x30" + short("\x31"+short("\x30"+value))))}
	}
	validity := "\x30"
	for i, usual := range []string{"\x17250601000000Z", "\x17350601000000Z"} {
		validity += short(cmp.Or(c.validity[i], usual))
	}
	type tbs struct {
		Version    int `asn1:"optional,explicit,default:0,tag:0"`
		Serial     *big.Int
		Algorithm  pkix.AlgorithmIdentifier
		Issuer     asn1.RawValue
		Validity   asn1.RawValue
		Subject    asn1.RawValue
		Key        asn1.RawValue
		Extensions []pkix.Extension `asn1:"omitempty,optional,explicit,tag:3"`
	}
	algorithm := c.signer.algorithm
	if c.algorithm != nil {
		algorithm.Algorithm = c.algorithm
	}
	signed, err := asn1.Marshal(tbs{
		c.version - 1, c.serial, algorithm, name(c.issuer),
		asn1.RawValue{FullBytes: []byte(short(validity))},
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
	}{asn1.RawValue{FullBytes: signed}, algorithm, asn1.BitString{Bytes: signature, BitLength: 8 * len(signature)}})
	return try(f.tb, der, err)
}

// short returns a value of ASN.1 below 128 bytes, from its tag and what is in it.
func short(value string) string { return value[:1] + string([]byte{byte(len(value) - 1)}) + value[1:] }

func extension(critical bool, value string, oid ...int) pkix.Extension {
	return pkix.Extension{Id: oid, Critical: critical, Value: []byte(value)}
}

// server returns a certificate for server.example.com that a root has signed.
func (f *forger) server(root forged) []byte {
	san := "\x30\x14\x82\x12server.example.com"
	c := forged{version: 3, serial: big.NewInt(5), subject: "server", issuer: root.subject, nameType: root.nameType, signer: root.signer, extensions: []pkix.Extension{extension(false, san, 2, 5, 29, 17)}}
	c.key = f.key("P-256")
	return f.make(c)
}

// key returns the key of a name.
func (f *forger) key(name string) forgedKey {
	f.tb.Helper()
	i := slices.IndexFunc(f.keys, func(k forgedKey) bool { return k.name == name })
	if i < 0 {
		f.tb.Fatalf("no key %s", name)
	}
	return f.keys[i]
}

// randomRoot returns a root as somebody may have made it.
func (f *forger) randomRoot() (c forged) {
	r := f.random
	const seldom = 20
	c = forged{version: 3, serial: big.NewInt(1 + r.Int64N(1<<40)), subject: "Root", issuer: "Root", key: f.key([]string{"P-256", "P-384", "Ed25519", "RSA 2048 65537", "P-521"}[r.IntN(5)]), broken: r.IntN(seldom) == 0}
	if r.IntN(3) == 0 {
		c.key = f.keys[r.IntN(len(f.keys))]
	}
	c.signer = c.key
	switch r.IntN(8) {
	case 0:
		c.serial.Neg(c.serial)
	case 1:
		c.serial = big.NewInt(0)
	case 2:
		c.serial.Lsh(c.serial, 130)
	}
	if r.IntN(seldom) == 0 {
		c.nameType = []int{0x0c, 0x13, 0x14, 0x16, 0x1c, 0x1e}[r.IntN(6)]
		c.subject = []string{"Root", "R*@t", "R\u00f6\u00f6t", "\xff\xfe", "", "R\x00t", "\x00R\x00t", "Root "}[r.IntN(8)]
		c.issuer = c.subject
	}
	if r.IntN(seldom) == 0 {
		c.issuer = "Another root"
	}
	if r.IntN(seldom) == 0 {
		c.validity[0] = []string{"\x1820250601000000Z", "\x172506010000Z", "\x17250601000000+0100", "\x17270601000000Z", "\x17500601000000Z", "\x1800010101000000Z", "\x17250631000000Z"}[r.IntN(7)]
	}
	if r.IntN(seldom) == 0 {
		c.validity[1] = []string{"\x1820510101000000Z", "\x1899991231235959Z", "\x17260101000000Z", "\x1820510101000000.5Z", "\x17350601000000-0500", "\x17491231235959Z", "\x17240601000000Z"}[r.IntN(7)]
	}
	if r.IntN(seldom) == 0 {
		c.algorithm = []asn1.ObjectIdentifier{{1, 2, 840, 113549, 1, 1, 5}, {1, 2, 840, 113549, 1, 1, 4}, {1, 2, 840, 10045, 4, 1}, {1, 2, 3, 4}, {1, 2, 840, 113549, 1, 1, 10}}[r.IntN(5)]
	}
	if r.IntN(seldom) == 0 {
		c.version = 1 + r.IntN(2)
		if r.IntN(4) != 0 {
			return c
		}
	}
	maybe := func(odds int, critical bool, oid []int, values ...string) {
		if r.IntN(odds) != 0 {
			c.extensions = append(c.extensions, extension(critical, values[r.IntN(len(values))], oid...))
		}
	}
	rarely := func(critical bool, oid []int, values ...string) {
		if r.IntN(seldom) == 0 {
			c.extensions = append(c.extensions, extension(critical, values[r.IntN(len(values))], oid...))
		}
	}
	isCA, pathLength, noCA, negative := "\x30\x03\x01\x01\xff", "\x30\x06\x01\x01\xff\x02\x01\x00", "\x30\x00", "\x30\x06\x01\x01\xff\x02\x01\xff"
	maybe(12, r.IntN(2) == 0, []int{2, 5, 29, 19}, isCA, isCA, isCA, isCA, isCA, pathLength, noCA, negative)
	maybe(3, r.IntN(2) == 0, []int{2, 5, 29, 15}, "\x03\x02\x01\x06", "\x03\x02\x02\x04", "\x03\x02\x02\x04", "\x03\x02\x01\x02", "\x03\x02\x07\x00", "\x03\x01\x00")
	eku := func(last string) string { return "\x30\x0a\x06\x08\x2b\x06\x01\x05\x05\x07\x03" + last }
	rarely(r.IntN(2) == 0, []int{2, 5, 29, 37}, eku("\x01"), eku("\x02"), eku("\x03"), "\x30\x00", "\x30\x06\x06\x04\x55\x1d\x25\x00", "\x30\x04\x06\x02\x2a\x03")
	rarely(r.IntN(2) == 0, []int{1, 2, 3, 4}, "\x05\x00")
	rarely(r.IntN(2) == 0, []int{2, 5, 29, 36}, "\x30\x03\x80\x01\x00", "\x30\x03\x81\x01\x00", "\x30\x03\x80\x01\x05")
	rarely(r.IntN(2) == 0, []int{2, 5, 29, 54}, "\x02\x01\x00", "\x02\x01\x03")
	rarely(r.IntN(2) == 0, []int{2, 5, 29, 33}, "\x30\x0c\x30\x0a\x06\x03\x2a\x03\x04\x06\x03\x2a\x03\x05")
	rarely(r.IntN(2) == 0, []int{2, 5, 29, 32}, "\x30\x07\x30\x05\x06\x03\x2a\x03\x04", "\x30\x08\x30\x06\x06\x04\x55\x1d\x20\x00")
	constraint := func(which, name string) string { return short("\x30" + short(which+short("\x30"+short(name)))) }
	rarely(r.IntN(2) == 0, []int{2, 5, 29, 30}, constraint("\xa0", "\x82example.com"), constraint("\xa0", "\x82a.b.org"), constraint("\xa1", "\x82example.com"),
		constraint("\xa0", "\x82.example.com"), constraint("\xa1", "\x82.EXAMPLE.com"), constraint("\xa1", "\x82"), constraint("\xa0", "\x82"), constraint("\xa0", "\x82*.example.com"),
		constraint("\xa0", "\x82example.com."), constraint("\xa0", "\x82ex\u00e4mple.com"), constraint("\xa0", "\x81example.com"), constraint("\xa0", "\x81a@example.com"), constraint("\xa0", "\x86example.com"),
		constraint("\xa0", "\x87\x0a\x00\x00\x00\xff\x00\x00\x00"), constraint("\xa0", "\x87\x0a\x00\x00\x00\xff\x00\xff\x00"), constraint("\xa0", "\x87\x00"), constraint("\xa0", "\x88\x2a\x03"),
		constraint("\xa1", "\x87"+strings.Repeat("\x00", 10)+"\xff\xff\x0a\x00\x00\x00"+strings.Repeat("\xff", 13)+"\x00\x00\x00"), constraint("\xa2", "\x82a"), "\x30\x08\xa0\x06\x30\x04\xa4\x02\x30\x00", "\x30\x00", "\x30\x02\xa0\x00")
	rarely(r.IntN(3) == 0, []int{2, 5, 29, 14}, "\x04\x04abcd", "\x04\x00", "abcd")
	rarely(r.IntN(3) == 0, []int{2, 5, 29, 35}, "\x30\x06\x80\x04abcd", "\x30\x06\x80\x04wxyz", "\x30\x00", "\x04\x00")
	rarely(r.IntN(2) == 0, []int{2, 5, 29, 17}, short("\x30"+short("\x82a.example.com")), "\x30\x00", short("\x30"+short("\x82\xff")), short("\x30"+short("\x86://%")), short("\x30"+short("\x87\x0a\x00\x00\x00\x00")),
		short("\x30"+short("\x87"+strings.Repeat("\x00", 10)+"\xff\xff\x0a\x00\x00\x01")), short("\x30"+short("\x88\x2a\x03")), short("\x30"+short("\xa4\x30\x00")), short("\x30"+short("\x81a b")))
	rarely(r.IntN(3) == 0, []int{1, 3, 6, 1, 5, 5, 7, 1, 1}, short("\x30"+short("\x30"+"\x06\x08\x2b\x06\x01\x05\x05\x07\x30\x02"+short("\x86http://a"))), "\x30\x00", "\x05\x00")
	rarely(r.IntN(3) == 0, []int{2, 5, 29, 31}, "\x30\x00", short("\x30"+short("\x30"+short("\xa0"+short("\xa0"+short("\x86http://a"))))), "\x05\x00")
	rarely(r.IntN(3) == 0, []int{2, 5, 29, 9}, "\x30\x00")
	if r.IntN(30) == 0 && len(c.extensions) > 0 {
		c.extensions = append(c.extensions, c.extensions[0])
	}
	if r.IntN(12) == 0 && len(c.extensions) > 0 {
		e := &c.extensions[r.IntN(len(c.extensions))]
		e.Value = slices.Clone(e.Value)
		if len(e.Value) > 0 {
			e.Value[r.IntN(len(e.Value))] ^= 1 << r.IntN(8)
		}
	}
	return c
}
