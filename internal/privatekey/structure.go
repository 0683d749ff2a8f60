package privatekey

import "bytes"

// The tags of ASN.1 (X.690) that keys are made of.
const (
	tagInteger     = 0x02
	tagBitString   = 0x03
	tagOctetString = 0x04
	tagOID         = 0x06
	tagSequence    = 0x30
	tagContext0    = 0xa0 // and 0xa1
)

// element is the beginning of an ASN.1 value; body may be cut off.
type element struct {
	// size of the whole value, or -1 where an end mark says where it ends.
	size int
	// body is what stands behind tag and length, rest what stands behind the value.
	body, rest []byte
}

// read reads tag and length.
func read(data []byte, tag byte) (element, bool) {
	if len(data) < 2 || data[0] != tag {
		return element{}, false
	}
	length, head := int(data[1]), 2
	if data[1] >= 0x80 {
		octets := int(data[1] & 0x7f)
		if octets == 0 {
			return element{size: -1, body: data[head:]}, true
		}
		const most = 3 // 16 MiB
		if octets > most || len(data) < head+octets {
			return element{}, false
		}
		length = 0
		for _, b := range data[head : head+octets] {
			length = length<<8 | int(b)
		}
		head += octets
	}
	e := element{size: head + length, body: data[head:]}
	if len(e.body) >= length {
		e.rest = e.body[length:]
		e.body = e.body[:length]
	}
	return e, true
}

// structure returns what kind of private key begins with these bytes, and how many
// there are of it, or "". It looks at no more than the first elements, so that a key
// that is cut off is one, too.
//
// PKCS #8: RFC 5958. PKCS #1: RFC 8017, A.1.2. SEC 1: RFC 5915. PKCS #12: RFC 7292.
func structure(data []byte) (form string, size int) {
	outer, ok := read(data, tagSequence)
	if !ok {
		return "", 0
	}
	size = max(1, min(outer.size, len(data)))
	if algorithm, ok := read(outer.body, tagSequence); ok {
		if encrypts(algorithm.body) && next(algorithm.rest, tagOctetString) {
			return "encrypted PKCS #8", size
		}
		return "", 0
	}
	version, ok := read(outer.body, tagInteger)
	if !ok || version.size != 3 || len(version.body) != 1 {
		return "", 0
	}
	switch fields := version.rest; version.body[0] {
	case 0, 1:
		return unencrypted(outer, fields, version.body[0] == 1), size
	case 3:
		// The content of a PKCS #12 file is signed or authenticated data.
		content, ok := read(fields, tagSequence)
		if ok && bytes.HasPrefix(content.body, []byte("\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07")) {
			return "PKCS #12 store", size
		}
	}
	return "", 0
}

// unencrypted returns the kind of a key by what follows its version.
func unencrypted(outer element, fields []byte, one bool) string {
	if algorithm, ok := read(fields, tagSequence); ok {
		// The beginning of a version 1 certificate goes on with a name instead.
		if _, ok := read(algorithm.body, tagOID); ok && next(algorithm.rest, tagOctetString) {
			return "PKCS #8"
		}
		return ""
	}
	if modulus, ok := read(fields, tagInteger); ok {
		const smallest = 32 // bytes of a modulus
		if modulus.size > smallest && (outer.size < 0 || outer.size > 2*modulus.size) && (modulus.rest == nil || next(modulus.rest, tagInteger)) {
			return "PKCS #1"
		}
		return ""
	}
	if scalar, ok := read(fields, tagOctetString); ok && one && isScalar(scalar) {
		return "SEC 1"
	}
	return ""
}

// isScalar reports whether this is the private part of an elliptic curve: what follows
// are its parameters, its public part, or nothing.
func isScalar(e element) bool {
	const shortest, longest = 16, 80 // bytes
	return e.size >= shortest && e.size <= longest && (len(e.rest) == 0 || e.rest[0] == tagContext0 || e.rest[0] == tagContext0+1)
}

// next reports whether a value of that tag comes next. Where the bytes end before, it
// may.
func next(rest []byte, tag byte) bool {
	return len(rest) > 0 && rest[0] == tag
}

// encrypts reports whether an algorithm encrypts keys with a password: PKCS #5 (RFC
// 8018) or PKCS #12 (RFC 7292, appendix C).
func encrypts(algorithm []byte) bool {
	oid, ok := read(algorithm, tagOID)
	return ok && (bytes.HasPrefix(oid.body, []byte("\x2a\x86\x48\x86\xf7\x0d\x01\x05")) ||
		bytes.HasPrefix(oid.body, []byte("\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x01")))
}

type mark struct {
	bytes []byte
	form  string
}

// magic returns how files that are no ASN.1 begin.
func magic() []mark {
	return []mark{
		{[]byte("openssh-key-v1\x00"), "OpenSSH"},
		{[]byte("\xfe\xed\xfe\xed\x00\x00\x00\x01"), "Java key store"},
		{[]byte("\xfe\xed\xfe\xed\x00\x00\x00\x02"), "Java key store"},
		{[]byte("\xce\xce\xce\xce\x00\x00\x00\x01"), "Java key store"},
		{[]byte("\xce\xce\xce\xce\x00\x00\x00\x02"), "Java key store"},
	}
}
