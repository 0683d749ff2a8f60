package bundle

import (
	"bytes"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"encoding/binary"
	"encoding/pem"
	"fmt"
	"strings"
	"unicode/utf16"
)

// Read returns the certificates of a file in any form that people have them in: PEM with
// comments, DER, PKCS #7, PEM in UTF-16, encoded once more, or without line breaks. Here
// a form is nothing to complain about: the findings are those of the certificates
// written as PEM, private keys, and what cannot be read.
func Read(data []byte) ([]Certificate, []Finding) {
	if keys := Keys(data); len(keys) > 0 {
		return nil, keys
	}
	const deepest = 4
	for range deepest {
		shape, found := ShapeOf(data)
		if !found {
			break
		}
		plain, ok := convert(data, shape.Code)
		if !ok {
			break
		}
		data = plain
	}
	return Parse(rewritten(data))
}

// convert returns a file of some shape without it.
func convert(data []byte, shape Code) ([]byte, bool) {
	switch shape {
	case BinaryDER:
		certificates, err := x509.ParseCertificates(data)
		return asText(certificates), err == nil
	case InPKCS7:
		certificates, err := parsePKCS7(data)
		return asText(certificates), err == nil
	case InUTF16:
		return fromUTF16(data), true
	case ByteOrderMark:
		return bytes.ReplaceAll(data, []byte("\ufeff"), nil), true
	case LineEnds:
		return bytes.ReplaceAll(data, []byte("\r"), []byte("\n")), true
	case EncodedTwice:
		plain, err := base64.StdEncoding.DecodeString(string(bytes.Join(bytes.Fields(data), nil)))
		return plain, err == nil
	case NewlinesLost:
		return withLines(data), true
	default:
		return nil, false
	}
}

// asText writes certificates as PEM.
func asText(certificates []*x509.Certificate) []byte {
	var text []byte
	for _, c := range certificates {
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})...)
	}
	return text
}

// fromUTF16 decodes a text in either order of bytes.
func fromUTF16(data []byte) []byte {
	var order binary.ByteOrder = binary.LittleEndian
	if bytes.HasPrefix(data, []byte("\xfe\xff")) || len(data) > 1 && data[0] == 0 {
		order = binary.BigEndian
	}
	units := make([]uint16, len(data)/2)
	for i := range units {
		units[i] = order.Uint16(data[2*i:])
	}
	return bytes.TrimPrefix([]byte(string(utf16.Decode(units))), []byte("\ufeff"))
}

// withLines puts the line breaks back into PEM texts that have lost them.
func withLines(data []byte) []byte {
	text := strings.NewReplacer(`\r`, "", `\n`, "\n").Replace(string(data))
	var out strings.Builder
	for {
		before, rest, found := strings.Cut(text, beginMark)
		kind, rest, closed := strings.Cut(rest, dashes)
		body, rest, ended := strings.Cut(rest, endMark+kind+dashes)
		if !found || !closed || !ended {
			out.WriteString(text)
			return []byte(out.String())
		}
		out.WriteString(strings.TrimRight(before, " \t") + "\n" + beginMark + kind + dashes + "\n")
		out.WriteString(strings.Join(strings.Fields(body), "\n") + "\n" + endMark + kind + dashes + "\n")
		text = rest
	}
}

// rewritten returns a PEM text whose blocks with certificates of other kinds are those
// that Go reads.
func rewritten(text []byte) []byte {
	var out []byte
	written := 0
	for rest := text; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return append(out, text[written:]...)
		}
		certificates, err := inBlock(block)
		if err != nil || len(certificates) == 0 {
			continue
		}
		end := len(text) - len(rest)
		out = append(out, text[written:bytes.LastIndex(text[:end], []byte(beginMark))]...)
		out = append(out, asText(certificates)...)
		written = end
	}
}

// inBlock returns the certificates of a block that Go skips.
func inBlock(block *pem.Block) ([]*x509.Certificate, error) {
	switch {
	case isPKCS7(block.Bytes):
		return parsePKCS7(block.Bytes)
	case block.Type == "TRUSTED CERTIFICATE", block.Type == "X509 CERTIFICATE":
		// What openssl trusts it for stands behind the certificate.
		var der asn1.RawValue
		if _, err := asn1.Unmarshal(block.Bytes, &der); err != nil {
			return nil, fmt.Errorf("%s: %w", block.Type, err)
		}
		return x509.ParseCertificates(der.FullBytes)
	default:
		return nil, nil
	}
}
