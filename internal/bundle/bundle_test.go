package bundle

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf16"
)

// keyMaterial is what must never stand in a message: the base64 of a key.
const keyMaterial = "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgZm9yIHRlc3RzIG9u"

// TestFindings holds every text against what is said about it: the code, and a
// part of the message that says what to do. "" means nothing to say.
func TestFindings(t *testing.T) {
	a, b := root(t), root(t, subject("Other root"))
	one, two := asPEM(a), asPEM(b)
	lines := strings.SplitAfter(one, "\n")
	body := strings.Join(lines[1:len(lines)-2], "")
	block := func(kind, body string) string {
		return "-----BEGIN " + kind + "-----\n" + body + "-----END " + kind + "-----\n"
	}
	replace := func(old, by string) string { return strings.Replace(one, old, by, 1) }
	key := block("PRIVATE KEY", keyMaterial+"\n")
	issuerKey := newKey(t, "")
	issuer := newCertificate(t, issuerKey, nil, nil, subject("Real root"))
	signed := func(options ...option) string {
		return asPEM(newCertificate(t, newKey(t, ""), issuer, issuerKey, append(options, subject("Below"))...))
	}
	withKey := func(kind string) string { return asPEM(newCertificate(t, newKey(t, kind), nil, nil)) }
	var utf16LE, utf16BE bytes.Buffer
	for _, u := range utf16.Encode([]rune(one)) {
		utf16LE.Write([]byte{byte(u), byte(u >> 8)})
		utf16BE.Write([]byte{byte(u >> 8), byte(u)})
	}

	for name, tc := range map[string]struct {
		text string
		code Code
		want string
	}{
		// What is fine.
		"one":                       {one, "", ""},
		"two":                       {one + two, "", ""},
		"no final newline":          {strings.TrimSpace(one), "", ""},
		"CRLF":                      {strings.ReplaceAll(one+two, "\n", "\r\n"), "", ""},
		"comments before":           {"# Corporate root\nsubject=CN = x\n\n" + one, "", ""},
		"comments between":          {one + "\n# the other one\nissuer: y\n" + two, "", ""},
		"comment behind":            {one + "\n# that was all\n\n", "", ""},
		"blank lines":               {"\n\n" + one + "\n\n" + two + "\n\n", "", ""},
		"white space behind a mark": {replace("CERTIFICATE-----\n", "CERTIFICATE----- \t\n"), "", ""},
		"long lines":                {block("CERTIFICATE", strings.ReplaceAll(body, "\n", "")+"\n"), "", ""},
		"no key usage":              {asPEM(root(t, noKeyUsage)), "", ""},
		"RSA 2048":                  {withKey("rsa2048"), "", ""},
		"Ed25519":                   {withKey("ed25519"), "", ""},
		"ECDSA with SHA-512":        {asPEM(root(t, sha512)), "", ""},

		// What Go skips without a word.
		"empty":                      {"", Malformed, "is empty"},
		"white space only":           {" \n\t\n", Malformed, "is empty"},
		"no certificate":             {"hello\n", Malformed, "there is no line -----BEGIN CERTIFICATE-----"},
		"a placeholder":              {"<put your root here>", Malformed, "there is no line"},
		"base64 without marks":       {body, EncodedTwice, "without the marks of PEM"},
		"DER":                        {string(a.Raw), BinaryDER, "openssl x509 -inform der"},
		"two DER":                    {string(a.Raw) + string(b.Raw), BinaryDER, "openssl x509 -inform der"},
		"binary":                     {"\xfe\xed\xfe\xed", Malformed, "is binary, not PEM"},
		"NUL":                        {one + "\x00", Malformed, "a NUL byte in this line"},
		"UTF-16 little endian":       {utf16LE.String(), InUTF16, "iconv -f UTF-16"},
		"UTF-16 big endian":          {utf16BE.String(), InUTF16, "iconv -f UTF-16"},
		"UTF-16 with mark":           {"\xff\xfe" + utf16LE.String(), InUTF16, "iconv -f UTF-16"},
		"byte order mark":            {"\ufeff" + one, ByteOrderMark, "byte order mark"},
		"CR only":                    {strings.ReplaceAll(one, "\n", "\r"), LineEnds, "tr '\\r' '\\n'"},
		"CR in a block":              {replace(lines[1]+lines[2], strings.TrimSpace(lines[1])+"\r"+lines[2]), "", ""},
		"no newline between":         {strings.TrimSpace(one) + two, Malformed, "no newline between two certificates"},
		"indented":                   {"  " + strings.ReplaceAll(one, "\n", "\n  "), Malformed, "is indented"},
		"indented with tabs":         {"\t" + one, Malformed, "is indented"},
		"text before the mark":       {"cert: " + one, Malformed, "something before the mark"},
		"text behind BEGIN":          {replace("CERTIFICATE-----\n", "CERTIFICATE----- x\n"), Malformed, "something behind the mark"},
		"text behind END":            {strings.TrimSpace(one) + " x\n", Malformed, "something behind -----END"},
		"text behind the last":       {one + "verify return:1\n", "", ""},
		"base64 behind the last":     {one + body, Malformed, "without its mark"},
		"cut off":                    {strings.Join(lines[:3], ""), Malformed, "is cut off"},
		"cut off before another":     {strings.Join(lines[:3], "") + two, Malformed, "is cut off"},
		"BEGIN only":                 {lines[0], Malformed, "is cut off"},
		"END only":                   {two + lines[len(lines)-2], Malformed, "ends a certificate that does not begin"},
		"other END":                  {replace("-----END CERTIFICATE", "-----END X509"), Malformed, "does not end what begins in line 1"},
		"bad base64":                 {replace(lines[1], "!!!!"+lines[1]), Malformed, "is not valid base64"},
		"missing characters":         {replace(lines[1], lines[1][2:]), Malformed, "is not valid base64"},
		"other certificate bytes":    {block("CERTIFICATE", "AAAA\n"), Malformed, "is not a certificate that Go can read"},
		"bytes behind":               {string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: append(slices.Clone(a.Raw), 0)})), Malformed, "is not a certificate that Go can read"},
		"empty block":                {block("CERTIFICATE", ""), Malformed, "is not a certificate that Go can read"},
		"headers":                    {replace("CERTIFICATE-----\n", "CERTIFICATE-----\nX-Origin: corp\n\n"), Malformed, "has header lines"},
		"headers without blank line": {replace("CERTIFICATE-----\n", "CERTIFICATE-----\nX-Origin: corp\n"), Malformed, "has header lines"},
		"four dashes":                {strings.ReplaceAll(one, "-----", "----"), Malformed, "with five dashes"},
		"six dashes":                 {strings.ReplaceAll(one, "-----", "------"), Malformed, "before the mark"},
		"commented out":              {"# " + strings.ReplaceAll(one, "\n", "\n# ") + "\n" + two, "", ""},
		"a ruler of s_client":        {one + "---\n", "", ""},
		"stars of keytool":           {one + "*******\n\x1a", "", ""},
		"a ruler in words":           {"---BEGIN corporate roots---\n" + one, "", ""},
		"body before the first":      {body + one, Malformed, "text of a certificate or of a key without its mark"},
		"spaces in the marks":        {strings.ReplaceAll(one, "-----BEGIN", "----- BEGIN"), Malformed, "with five dashes"},
		"lower case":                 {strings.ReplaceAll(one, "CERTIFICATE", "certificate"), Malformed, "which Go skips; remove it"},
		"trusted certificate":        {strings.ReplaceAll(one, "CERTIFICATE", "TRUSTED CERTIFICATE"), Malformed, "openssl x509 -in ca.pem -out ca.crt"},
		"X509 certificate":           {strings.ReplaceAll(one, "CERTIFICATE", "X509 CERTIFICATE"), Malformed, "openssl x509 -in ca.pem -out ca.crt"},
		"certificate request":        {strings.ReplaceAll(one, "CERTIFICATE", "CERTIFICATE REQUEST"), Malformed, "is a certificate request"},
		"PKCS #7":                    {strings.ReplaceAll(one, "CERTIFICATE", "PKCS7"), InPKCS7, "openssl pkcs7 -print_certs"},
		"CRL":                        {one + block("X509 CRL", body), Malformed, "is not a certificate but a X509 CRL"},
		"public key":                 {one + block("PUBLIC KEY", body), Malformed, "is not a certificate but a PUBLIC KEY"},
		"parameters":                 {block("EC PARAMETERS", body) + one, Malformed, "is not a certificate but a EC PARAMETERS"},

		// Keys.
		"private key":           {one + key, PrivateKey, "is a private key"},
		"private key first":     {key + one, PrivateKey, "is a private key"},
		"RSA private key":       {strings.ReplaceAll(key, "PRIVATE", "RSA PRIVATE") + one, PrivateKey, "is a private key"},
		"encrypted private key": {strings.ReplaceAll(key, "PRIVATE", "ENCRYPTED PRIVATE") + one, PrivateKey, "is a private key"},
		"OpenSSH private key":   {one + strings.ReplaceAll(key, "PRIVATE", "OPENSSH PRIVATE"), PrivateKey, "is a private key"},
		"private key cut off":   {one + "-----BEGIN PRIVATE KEY-----\n" + keyMaterial, PrivateKey, "is a private key"},
		"key as kind":           {"-----BEGIN " + keyMaterial + "-----\nx\n-----END " + keyMaterial + "-----\n", Malformed, "which Go skips; remove it"},
		"key behind":            {one + keyMaterial + "\n", PrivateKey, "is a private key (PKCS #8)"},

		// Certificates that are no good as roots.
		"unknown critical":        {asPEM(root(t, critical)), Unusable, "has a critical extension that Go does not know (1.2.3.4)"},
		"for clients only":        {asPEM(root(t, forClients)), Unusable, "is not meant for servers"},
		"for servers":             {asPEM(root(t, forServersToo)), "", ""},
		"version 1":               {version1Root, Version1, "is an X.509 version 1 certificate"},
		"server, self-signed":     {asPEM(root(t, leaf)), NotCA, "is the self-signed certificate of a server"},
		"server":                  {signed(leaf), NotCA, `put in the certificate of its issuer, "CN=Real root"`},
		"no basic constraints":    {asPEM(root(t, noConstraints)), NotCA, "basicConstraints CA:TRUE"},
		"no keyCertSign":          {asPEM(root(t, noCertSign)), NoCertSign, "lacks keyCertSign"},
		"intermediate":            {signed(), NotSelfSigned, `is an intermediate: it was issued by "CN=Real root"`},
		"RSA 1024":                {withKey("rsa1024"), WeakKey, "RSA key of 1024 bits"},
		"DSA":                     {dsaRoot, WeakKey, "DSA key, with which Go verifies nothing"},
		"SHA-1":                   {sha1Root, WeakSignature, "is signed with SHA1-RSA"},
		"expired":                 {asPEM(root(t, valid(now.AddDate(-2, 0, 0), now.AddDate(0, 0, -1)))), Expired, "has expired on 2026-05-31"},
		"expires today":           {asPEM(root(t, valid(now.AddDate(-2, 0, 0), now.Add(time.Hour)))), ExpiresSoon, "expires on 2026-06-01"},
		"expires in 29 days":      {asPEM(root(t, valid(now.AddDate(-2, 0, 0), now.AddDate(0, 0, 29)))), ExpiresSoon, "add its successor beside it now"},
		"expires in 31 days":      {asPEM(root(t, valid(now.AddDate(-2, 0, 0), now.AddDate(0, 0, 31)))), "", ""},
		"not yet valid":           {asPEM(root(t, valid(now.AddDate(0, 0, 1), now.AddDate(1, 0, 0)))), NotYetValid, "is not valid before 2026-06-02"},
		"twice":                   {one + two + one, Duplicate, "stands in line 1 already"},
		"over 256 KiB":            {"#" + strings.Repeat("x", 256<<10) + "\n" + one, Large, "kubectl apply needs --server-side"},
		"over 1 MiB":              {"#" + strings.Repeat("x", 1<<20) + "\n" + one, TooLarge, "holds at most 1024 KiB"},
		"a name with line breaks": {asPEM(root(t, leaf, subject("x\n"+strings.Repeat("y", 200)))), NotCA, `"CN=x yyyyyy`},
	} {
		t.Run(name, func(t *testing.T) {
			certificates, findings := Parse([]byte(tc.text))
			findings = append(findings, Check(certificates, now)...)
			for _, f := range findings {
				if strings.Contains(f.String(), keyMaterial[:20]) || strings.ContainsAny(f.Message, "\n\r") {
					t.Errorf("the message repeats the input: %s", f)
				}
			}
			if tc.code == "" {
				if len(findings) > 0 {
					t.Errorf("got %v, want nothing", findings)
				}
				return
			}
			if !slices.ContainsFunc(findings, func(f Finding) bool { return f.Code == tc.code && strings.Contains(f.Message, tc.want) }) {
				t.Errorf("got %v, want %s: %s", findings, tc.code, tc.want)
			}
		})
	}
}

func TestLines(t *testing.T) {
	one := asPEM(root(t))
	_, findings := Parse([]byte("# one\n" + one + "\n\n-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n" + one))
	line := strings.Count(one, "\n") + 4
	if len(findings) != 1 || findings[0].Line != line || !strings.HasPrefix(findings[0].String(), fmt.Sprintf("line %d: ", line)) {
		t.Errorf("got %v, want one finding in line %d", findings, line)
	}
	if got := (Finding{Message: "x"}).String(); got != "x" {
		t.Errorf("got %q", got)
	}
}

func TestFatal(t *testing.T) {
	warnings := []Code{Expired, ExpiresSoon, NotYetValid, NotSelfSigned, WeakSignature, Version1, NegativeSerial, GoVersion, NameConstraints, BrokenSignature, Duplicate, Large}
	for _, code := range append(Codes(), TooLarge, Malformed, PrivateKey, Unusable) {
		if got := (Finding{Code: code}).Fatal(); got == slices.Contains(warnings, code) {
			t.Errorf("Fatal(%s) = %t", code, got)
		}
	}
}

func TestValid(t *testing.T) {
	expired := Certificate{Certificate: root(t, valid(now.AddDate(-2, 0, 0), now.AddDate(0, 0, -1)))}
	good := Certificate{Certificate: root(t)}
	if Valid([]Certificate{expired}, now) || !Valid([]Certificate{expired, good}, now) || Valid(nil, now) {
		t.Error("Valid wants one certificate that is valid now")
	}
}

func TestDigest(t *testing.T) {
	a, b := Certificate{Certificate: root(t)}, Certificate{Certificate: root(t)}
	digest := Digest([]Certificate{a, b})
	if !strings.HasPrefix(digest, "sha256:") || len(digest) != len("sha256:")+64 {
		t.Errorf("got %q", digest)
	}
	if Digest([]Certificate{b, a, b}) != digest {
		t.Error("order and duplicates change the digest")
	}
	if Digest([]Certificate{a}) == digest {
		t.Error("a certificate less does not change the digest")
	}
}

// FuzzParse holds the parser against Go's own: where nothing is said about a
// text, a pool takes exactly the certificates that were found.
func FuzzParse(f *testing.F) {
	one, two := asPEM(root(f)), asPEM(root(f))
	for _, seed := range []string{
		one, one + two, "# x\n" + one, strings.TrimSpace(one) + two, "\ufeff" + one, " " + one, strings.ReplaceAll(one, "\n", "\r"),
		strings.Replace(one, "\n", "\nA: b\n\n", 1), one + "x", one[:100], one + "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
		"-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----", strings.ReplaceAll(one, "\n", "\r\n"),
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		Read(text)
		certificates, findings := Parse(text)
		for _, finding := range findings {
			if finding.Code != Large {
				return
			}
		}
		want, got := x509.NewCertPool(), x509.NewCertPool()
		if !want.AppendCertsFromPEM(text) {
			t.Fatal("Go finds no certificate, and there is no finding")
		}
		for _, c := range certificates {
			got.AddCert(c.Certificate)
		}
		if !got.Equal(want) {
			t.Error("Go takes other certificates than were found")
		}
	})
}
