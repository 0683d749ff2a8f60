package bundle

import (
	"bytes"
	"crypto/x509"
	"encoding/asn1"
	"fmt"
)

// signedData is 1.2.840.113549.1.7.2, the content of PKCS #7 files with certificates
// (RFC 5652, section 5).
const signedData = "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02"

// isPKCS7 reports whether bytes are PKCS #7 with certificates, in DER or BER.
func isPKCS7(data []byte) bool {
	const longestHeader = 6
	return len(data) > 0 && data[0] == 0x30 && bytes.Contains(data[:min(len(data), longestHeader+len(signedData))], []byte(signedData))
}

// parsePKCS7 returns the certificates of PKCS #7 in DER.
func parsePKCS7(data []byte) ([]*x509.Certificate, error) {
	var file struct {
		Type    asn1.ObjectIdentifier
		Content struct {
			Version      int
			Algorithms   asn1.RawValue
			Content      asn1.RawValue
			Certificates asn1.RawValue `asn1:"optional,tag:0"`
			Lists        asn1.RawValue `asn1:"optional,tag:1"`
			Signers      asn1.RawValue
		} `asn1:"explicit,tag:0"`
	}
	if _, err := asn1.Unmarshal(data, &file); err != nil {
		return nil, fmt.Errorf("PKCS #7: %w", err)
	}
	certificates, err := x509.ParseCertificates(file.Content.Certificates.Bytes)
	if err != nil {
		return nil, fmt.Errorf("PKCS #7: %w", err)
	}
	return certificates, nil
}
