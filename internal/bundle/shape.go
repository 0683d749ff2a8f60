package bundle

import (
	"bytes"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"unicode/utf8"
)

// Shape is a kind of file in which Go finds no certificates, or not all of them.
type Shape struct {
	// Code is that of the finding.
	Code Code
	// Line that shows it, counted from 1; 0 for the file as a whole.
	Line int
	// Name says what the file is, for a message that begins with "is": "DER, which Go
	// skips".
	Name string
	// Cure says what to do; where a command converts the file, it ends with that.
	Cure string
}

func (s Shape) String() string { return "is " + s.Name + "; " + s.Cure }

// ShapeOf returns what a file is, when that is something else than PEM as Go reads it.
// A single fault in a PEM text is not a shape.
func ShapeOf(data []byte) (Shape, bool) {
	for _, is := range []func([]byte) (Shape, bool){asn1File, packed, utf16Text, zeroByte, byteOrderMark, lineEnds, conflict, page, encodedTwice, newlinesLost, document} {
		if shape, ok := is(data); ok {
			return shape, true
		}
	}
	return Shape{}, false
}

// asn1File names what is ASN.1.
func asn1File(data []byte) (Shape, bool) {
	if len(data) == 0 {
		return Shape{}, false
	}
	if _, err := x509.ParseCertificates(data); err == nil {
		return Shape{Code: BinaryDER, Name: "DER, which Go skips", Cure: "convert it with: openssl x509 -inform der -in ca.der -out ca.crt"}, true
	}
	if isPKCS7(data) {
		return Shape{Code: InPKCS7, Name: "PKCS #7, which Go skips", Cure: "convert it with: openssl pkcs7 -inform der -print_certs -in ca.p7b -out ca.crt"}, true
	}
	if _, err := x509.ParseCertificateRequest(data); err == nil {
		return Shape{Code: OtherFile, Name: "a certificate request, not a certificate", Cure: "ask your CA for its root certificate"}, true
	}
	if _, err := x509.ParseRevocationList(data); err == nil {
		return Shape{Code: OtherFile, Name: "a revocation list, not a certificate", Cure: "ask your CA for its root certificate"}, true
	}
	return Shape{}, false
}

// packed names files that are known by their first bytes.
func packed(data []byte) (Shape, bool) {
	for _, m := range []struct{ magic, name, cure string }{
		{"\x1f\x8b", "packed with gzip", "unpack it with: gzip -d < ca.gz > ca.crt"},
		{"PK\x03\x04", "a ZIP archive", "unpack it, and take the certificate that is in it"},
		{"version https://git-lfs.github.com/spec/", "a pointer of Git LFS and not the file itself", "fetch it with: git lfs pull"},
	} {
		if bytes.HasPrefix(data, []byte(m.magic)) {
			return Shape{Code: OtherFile, Name: m.name, Cure: m.cure}, true
		}
	}
	return Shape{}, false
}

func utf16Text(data []byte) (Shape, bool) {
	is := bytes.HasPrefix(data, []byte("\xff\xfe")) || bytes.HasPrefix(data, []byte("\xfe\xff")) ||
		bytes.Contains(data, []byte("-\x00-\x00-")) || bytes.Contains(data, []byte("\x00-\x00-\x00-"))
	return Shape{Code: InUTF16, Name: "UTF-16, in which Go finds no certificate", Cure: "convert it with: iconv -f UTF-16 -t ASCII ca.txt > ca.crt"}, is
}

func zeroByte(data []byte) (Shape, bool) {
	i := bytes.IndexByte(data, 0)
	if i < 0 && (utf8.Valid(data) || bytes.Contains(data, []byte(beginMark))) {
		return Shape{}, false
	}
	s := Shape{Code: Malformed, Name: "binary, not PEM", Cure: "export the certificate again as PEM (Base64)"}
	if bytes.Contains(data, []byte(beginMark)) {
		s.Line, s.Name = lineOf(data, i), "a text with a NUL byte in this line, which no PEM has"
	}
	return s, true
}

func byteOrderMark(data []byte) (Shape, bool) {
	at := bytes.Index(data, []byte("\ufeff"+beginMark))
	return Shape{
		Code: ByteOrderMark, Line: lineOf(data, max(at, 0)), Name: "a text with a UTF-8 byte order mark in this line, which makes Go lose the certificate behind it",
		Cure: "remove it with: sed 's/\\xef\\xbb\\xbf//' ca.pem > ca.crt",
	}, at >= 0
}

func lineEnds(data []byte) (Shape, bool) {
	is := bytes.IndexByte(data, '\n') < 0 && bytes.IndexByte(bytes.TrimSpace(data), '\r') >= 0
	return Shape{Code: LineEnds, Line: 1, Name: "a text with lines that end in CR alone, in which Go finds no certificate", Cure: "convert it with: tr '\\r' '\\n' < ca.pem > ca.crt"}, is
}

func conflict(data []byte) (Shape, bool) {
	number := 0
	for line := range bytes.Lines(data) {
		number++
		line = bytes.TrimRight(line, "\r\n")
		for _, m := range []string{"<<<<<<<", "|||||||", ">>>>>>>"} {
			if rest, ok := bytes.CutPrefix(line, []byte(m)); ok && (len(rest) == 0 || rest[0] == ' ') {
				return Shape{
					Code: Conflict, Line: number, Name: "a file with a conflict of git, which trusts what stands on both sides",
					Cure: "resolve the conflict, and remove the marks",
				}, true
			}
		}
	}
	return Shape{}, false
}

func page(data []byte) (Shape, bool) {
	rest := bytes.ToLower(bytes.TrimSpace(data[:min(len(data), 4<<10)]))
	for _, skip := range []struct{ begin, end string }{{"<?xml", "?>"}, {"<!--", "-->"}} {
		if bytes.HasPrefix(rest, []byte(skip.begin)) {
			_, rest, _ = bytes.Cut(rest, []byte(skip.end))
			rest = bytes.TrimSpace(rest)
		}
	}
	for _, element := range []string{"<!doctype html", "<html", "<head", "<body", "<title", "<script"} {
		if bytes.HasPrefix(rest, []byte(element)) {
			return Shape{
				Code: WebPage, Line: 1, Name: "an HTML page, not a certificate: a server has answered the download with it, as for a login or an error",
				Cure: "look at it in a browser, and download the certificate again",
			}, true
		}
	}
	return Shape{}, false
}

func encodedTwice(data []byte) (Shape, bool) {
	decoded, err := base64.StdEncoding.DecodeString(string(bytes.Join(bytes.Fields(data), nil)))
	if err != nil {
		return Shape{}, false
	}
	if s, ok := asn1File(decoded); ok && (s.Code == BinaryDER || s.Code == InPKCS7) {
		how := "x509 -inform der"
		if s.Code == InPKCS7 {
			how = "pkcs7 -inform der -print_certs"
		}
		return Shape{
			Code: EncodedTwice, Name: "a certificate in base64 without the marks of PEM, in which Go finds none",
			Cure: "write them with: base64 -d < ca.b64 | openssl " + how + " > ca.crt",
		}, true
	}
	if _, inner := utf16Text(decoded); !inner && !bytes.Contains(decoded, []byte(beginMark)) {
		return Shape{}, false
	}
	return Shape{
		Code: EncodedTwice, Name: "a PEM text that is encoded once more, in which Go finds no certificate",
		Cure: "in a Secret, data is encoded once and stringData not at all; decode it with: base64 -d < ca.b64 > ca.crt",
	}, true
}

func newlinesLost(data []byte) (Shape, bool) {
	number := 0
	for line := range bytes.Lines(data) {
		number++
		_, mark, ok := bytes.Cut(line, []byte(beginMark))
		_, behind, closed := bytes.Cut(mark, []byte(dashes))
		switch {
		case !ok || !closed:
		case bytes.HasPrefix(behind, []byte(`\n`)), bytes.HasPrefix(behind, []byte(`\r`)):
			return Shape{
				Code: NewlinesLost, Line: number, Name: `a PEM text with \n in place of line breaks, in which Go finds no certificate`,
				Cure: `write them with: sed 's/\\n/\n/g' ca.txt > ca.crt`,
			}, true
		case len(bytes.TrimLeft(bytes.TrimLeft(behind, " \t"), base64Alphabet)) < len(bytes.TrimSpace(behind))-shortestBody:
			return Shape{
				Code: NewlinesLost, Line: number, Name: "a PEM text that has lost its line breaks, in which Go finds no certificate",
				Cure: "a substitution such as ${ca} strips them: write the certificate itself",
			}, true
		}
	}
	return Shape{}, false
}

// shortestBody is how many characters of base64 behind a mark are no word.
const shortestBody = 16

// document names texts that hold something else, or the certificate in a field.
func document(data []byte) (Shape, bool) {
	switch trimmed := bytes.TrimSpace(data); {
	case bytes.Contains(data, []byte(dashes+"BEGIN")):
	case startsLine(data, "apiVersion: ") && startsLine(data, "kind: "):
		return Shape{Code: OtherFile, Line: 1, Name: "a manifest, not a certificate", Cure: "put the certificate itself here"}, true
	case len(trimmed) > 0 && (trimmed[0] == '{' || trimmed[0] == '[') && json.Valid(trimmed):
		return Shape{Code: OtherFile, Line: 1, Name: "JSON, not a certificate", Cure: "put the certificate itself here"}, true
	}
	return Shape{}, false
}

// startsLine reports whether a line begins with some text.
func startsLine(data []byte, text string) bool {
	return bytes.HasPrefix(data, []byte(text)) || bytes.Contains(data, []byte("\n"+text))
}

func lineOf(data []byte, offset int) int { return 1 + bytes.Count(data[:offset], []byte("\n")) }
