package bundle

import "fmt"

// Code names a kind of finding.
type Code string

// The findings that a user may take as a reported exception.
const (
	// Expired certificates are trusted by nobody (a warning).
	Expired Code = "Expired"
	// ExpiresSoon means within 30 days (a warning).
	ExpiresSoon Code = "ExpiresSoon"
	// NotYetValid certificates are trusted later (a warning).
	NotYetValid Code = "NotYetValid"
	// NotCA certificates say that they may not sign others, or are those of a
	// server (an error).
	NotCA Code = "NotCA"
	// NoCertSign certificates have a key usage without keyCertSign (an error).
	NoCertSign Code = "NoCertSign"
	// NotSelfSigned certificates are intermediates as trust anchors (a warning).
	NotSelfSigned Code = "NotSelfSigned"
	// WeakKey is an RSA key below 2048 bits, or a key that Go refuses (an error).
	WeakKey Code = "WeakKey"
	// WeakSignature is a self-signature with SHA-1 or MD5 (a warning: nobody
	// checks the signature of a root).
	WeakSignature Code = "WeakSignature"
	// Version1 certificates are older than the extensions that say what a CA is; Go
	// trusts them (a warning).
	Version1 Code = "Version1"
	// Duplicate certificates stand in the bundle already (a warning).
	Duplicate Code = "Duplicate"
	// NegativeSerial numbers are refused by Go since 1.23 (an error when no other root
	// is of use, else a warning).
	NegativeSerial Code = "NegativeSerial"
	// GoVersion means that the Go of a controller refuses a root that another one trusts
	// (an error when no other root is of use, else a warning).
	GoVersion Code = "GoVersion"
	// NameConstraints limit the servers that a root may sign (a warning).
	NameConstraints Code = "NameConstraints"
	// BrokenSignature is a self-signature that does not verify (a warning: Go does not
	// look at it).
	BrokenSignature Code = "BrokenSignature"
	// OpaqueText is base64 that cannot be read, and may be a private key (an error).
	OpaqueText Code = "OpaqueText"
	// Large bundles do not fit into the annotation of kubectl apply (a warning).
	Large Code = "Large"
)

// The findings that no exception can make work.
const (
	// TooLarge bundles do not fit into a ConfigMap.
	TooLarge Code = "TooLarge"
	// Malformed text is skipped by Go without a word. What has a name of its own is
	// below.
	Malformed Code = "Malformed"
	// BinaryDER files have no marks, and are skipped by Go.
	BinaryDER Code = "BinaryDER"
	// InPKCS7 stand certificates that Go skips, also under the marks of a certificate.
	InPKCS7 Code = "InPKCS7"
	// InUTF16 texts hold no certificate that Go finds.
	InUTF16 Code = "InUTF16"
	// ByteOrderMark before a mark makes Go lose the certificate.
	ByteOrderMark Code = "ByteOrderMark"
	// LineEnds of CR alone make one line of everything.
	LineEnds Code = "LineEnds"
	// EncodedTwice is PEM in base64, or DER in base64 without the marks of PEM.
	EncodedTwice Code = "EncodedTwice"
	// NewlinesLost is PEM on one line.
	NewlinesLost Code = "NewlinesLost"
	// WebPage is HTML and no certificate.
	WebPage Code = "WebPage"
	// Conflict is what git leaves where two changes meet.
	Conflict Code = "Conflict"
	// OtherFile is a file of another kind: an archive, JSON, a request.
	OtherFile Code = "OtherFile"
	// Unusable certificates are never trusted by Go for what they have signed: an
	// unknown critical extension, or a purpose other than servers.
	Unusable Code = "Unusable"
	// PrivateKey must never stand in a bundle.
	PrivateKey Code = "PrivateKey"
)

// Codes returns the findings that a user may take as a reported exception.
func Codes() []Code {
	return []Code{Expired, ExpiresSoon, NotYetValid, NotCA, NoCertSign, NotSelfSigned, WeakKey, WeakSignature, Version1, NegativeSerial, GoVersion, NameConstraints, BrokenSignature, Duplicate, OpaqueText, Large}
}

// Finding is something that is wrong with a bundle.
type Finding struct {
	// Code is the kind of finding.
	Code Code
	// Line in the text, counted from 1; 0 for the text as a whole.
	Line int
	// Message says what is wrong and what to do.
	Message string
	// alone tells that no certificate beside it is of use.
	alone bool
}

// Fatal reports whether a bundle with this finding must not be used.
func (f Finding) Fatal() bool {
	switch f.Code {
	case NegativeSerial, GoVersion:
		return f.alone
	case Expired, ExpiresSoon, NotYetValid, NotSelfSigned, WeakSignature, Version1, NameConstraints, BrokenSignature, Duplicate, Large:
		return false
	default:
		return true
	}
}

// Unreadable reports whether the text, or a part of it, is something else than PEM
// certificates.
func (f Finding) Unreadable() bool {
	switch f.Code {
	case Malformed, BinaryDER, InPKCS7, InUTF16, ByteOrderMark, LineEnds, EncodedTwice, NewlinesLost, WebPage, Conflict, OtherFile, OpaqueText, PrivateKey:
		return true
	default:
		return false
	}
}

func (f Finding) String() string {
	if f.Line == 0 {
		return f.Message
	}
	return fmt.Sprintf("line %d: %s", f.Line, f.Message)
}
