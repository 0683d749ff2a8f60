package bundle

import (
	"bytes"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"encoding/pem"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"
)

// pkcs7 writes certificates as openssl crl2pkcs7 -nocrl does.
func pkcs7(t *testing.T, certificates ...*x509.Certificate) []byte {
	t.Helper()
	var raw []byte
	for _, c := range certificates {
		raw = append(raw, c.Raw...)
	}
	type content struct {
		Version      int
		Algorithms   []asn1.RawValue `asn1:"set"`
		Content      struct{ Type asn1.ObjectIdentifier }
		Certificates asn1.RawValue
		Signers      []asn1.RawValue `asn1:"set"`
	}
	der, err := asn1.Marshal(struct {
		Type    asn1.ObjectIdentifier
		Content content `asn1:"explicit,tag:0"`
	}{asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2}, content{
		Version: 1, Content: struct{ Type asn1.ObjectIdentifier }{asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 1}},
		Certificates: asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 0, IsCompound: true, Bytes: raw},
	}})
	return try(t, der, err)
}

func inUTF16(text string) []byte {
	out := []byte("\xff\xfe")
	for _, u := range utf16.Encode([]rune(text)) {
		out = append(out, byte(u), byte(u>>8))
	}
	return out
}

// asKind writes bytes under the marks of a kind.
func asKind(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

// TestShapes names files, says what the cure is, and reads them without it.
func TestShapes(t *testing.T) {
	a, b := root(t), root(t, subject("Other root"))
	one, both := asPEM(a), asPEM(a)+asPEM(b)
	lost := strings.ReplaceAll(both, "\n", "")
	for name, tc := range map[string]struct {
		data string
		code Code
		line int
		cure string
		read int // certificates
	}{
		"PEM":                            {both, "", 0, "", 2},
		"PEM with comments":              {"# x\n" + one + "\n# y\n" + asPEM(b) + "that was all\n", "", 0, "", 2},
		"DER":                            {string(a.Raw), BinaryDER, 0, "openssl x509 -inform der -in ca.der -out ca.crt", 1},
		"two DER":                        {string(a.Raw) + string(b.Raw), BinaryDER, 0, "openssl x509 -inform der", 2},
		"PKCS #7":                        {string(pkcs7(t, a, b)), InPKCS7, 0, "openssl pkcs7 -inform der -print_certs -in ca.p7b -out ca.crt", 2},
		"PKCS #7 in PEM":                 {asKind("PKCS7", pkcs7(t, a, b)), "", 0, "", 2},
		"PKCS #7 as a certificate":       {one + asKind("CERTIFICATE", pkcs7(t, b)), "", 0, "", 2},
		"X509 certificate":               {asKind("X509 CERTIFICATE", a.Raw) + asPEM(b), "", 0, "", 2},
		"trusted certificate":            {asKind("TRUSTED CERTIFICATE", append(slices.Clone(a.Raw), "\x30\x00"...)), "", 0, "", 1},
		"UTF-16":                         {string(inUTF16(both)), InUTF16, 0, "iconv -f UTF-16", 2},
		"byte order mark":                {"\ufeff" + both, ByteOrderMark, 1, "sed", 2},
		"byte order mark in the middle":  {one + "\ufeff" + asPEM(b), ByteOrderMark, 11, "sed", 2},
		"byte order mark and a comment":  {"\ufeff# x\n" + both, "", 0, "", 2},
		"CR":                             {strings.ReplaceAll(both, "\n", "\r"), LineEnds, 1, "tr '\\r' '\\n'", 2},
		"encoded twice":                  {base64.StdEncoding.EncodeToString([]byte(both)) + "\n", EncodedTwice, 0, "base64 -d", 2},
		"encoded three times":            {base64.StdEncoding.EncodeToString([]byte(base64.StdEncoding.EncodeToString([]byte(both)))), "", 0, "", 0},
		"UTF-16, encoded":                {base64.StdEncoding.EncodeToString(inUTF16(both)), EncodedTwice, 0, "base64 -d", 2},
		"no newlines":                    {lost, NewlinesLost, 1, "write the certificate itself", 2},
		"spaces for newlines":            {"# x\n" + strings.ReplaceAll(both, "\n", " "), NewlinesLost, 2, "write the certificate itself", 2},
		`\n for newlines`:                {`"` + strings.ReplaceAll(both, "\n", `\n`) + `"`, NewlinesLost, 1, "sed", 2},
		"a page":                         {"<!DOCTYPE html>\n<html><body>Sign in</body></html>\n", WebPage, 1, "download the certificate again", 0},
		"a page in XML":                  {"\n<?xml version=\"1.0\"?><!-- x -->\n<HTML lang=en>", WebPage, 1, "download the certificate again", 0},
		"a conflict":                     {"<<<<<<< HEAD\n" + one + "=======\n" + asPEM(b) + ">>>>>>> main\n", Conflict, 1, "resolve the conflict", 0},
		"the end of a conflict":          {one + ">>>>>>> main\n", Conflict, 11, "resolve the conflict", 0},
		"gzip":                           {"\x1f\x8b\x08\x00", OtherFile, 0, "gzip -d", 0},
		"ZIP":                            {"PK\x03\x04....", OtherFile, 0, "unpack it", 0},
		"Git LFS":                        {"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 1\n", OtherFile, 0, "git lfs pull", 0},
		"JSON":                           {`{"errors": ["permission denied"]}`, OtherFile, 1, "put the certificate itself here", 0},
		"a manifest":                     {"apiVersion: v1\nkind: ConfigMap\ndata: {}\n", OtherFile, 1, "put the certificate itself here", 0},
		"a NUL byte":                     {one + "\x00", Malformed, 11, "export the certificate again", 0},
		"binary":                         {"\xfe\xed\xfe\xed", Malformed, 0, "export the certificate again", 0},
		"a ruler of equal signs":         {"Root\n====\n" + one, "", 0, "", 1},
		"text with other numbers of < >": {"<<<<<< six\n<<<<<<<< eight\n" + one, "", 0, "", 1},
	} {
		t.Run(name, func(t *testing.T) {
			shape, found := ShapeOf([]byte(tc.data))
			if found != (tc.code != "") || found && (shape.Code != tc.code || shape.Line != tc.line || !strings.Contains(shape.Cure, tc.cure)) {
				t.Errorf("got %+v, want %s in line %d: %s", shape, tc.code, tc.line, tc.cure)
			}
			if found {
				if _, findings := Parse([]byte(tc.data)); !slices.ContainsFunc(findings, func(f Finding) bool {
					return f.Code == tc.code && f.Fatal() && f.Unreadable() && f.Message == shape.String()
				}) {
					t.Errorf("Parse says %v", findings)
				}
			}
			certificates, findings := Read([]byte(tc.data))
			if len(certificates) != tc.read || (len(findings) == 0) != (tc.read > 0) {
				t.Fatalf("read %d certificates, want %d; %v", len(certificates), tc.read, findings)
			}
			for i, want := range []*x509.Certificate{a, b}[:tc.read] {
				if !bytes.Equal(certificates[i].Raw, want.Raw) {
					t.Errorf("certificate %d is another one", i)
				}
			}
		})
	}
}

// TestReadRefusesKeys: whatever a file is, a key in it ends the work.
func TestReadRefusesKeys(t *testing.T) {
	one := asPEM(root(t))
	der, err := x509.MarshalPKCS8PrivateKey(newKey(t, ""))
	key := asKind("PRIVATE KEY", try(t, der, err))
	for name, data := range map[string]string{
		"PEM": one + key, "DER": string(der), "UTF-16": string(inUTF16(one + key)), "encoded": base64.StdEncoding.EncodeToString([]byte(one + key)),
		"PKCS #12": "\x30\x82\x01\x00\x02\x01\x03\x30\x82\x00\xf8\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01\xa0\x82\x00\xf8",
	} {
		certificates, findings := Read([]byte(data))
		if len(certificates) > 0 || len(findings) == 0 || findings[0].Code != PrivateKey {
			t.Errorf("%s: got %d certificates and %v", name, len(certificates), findings)
		}
	}
}
