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
	// WeakKey is an RSA key below 2048 bits, or a key that Go cannot use (an
	// error).
	WeakKey Code = "WeakKey"
	// WeakSignature is a self-signature with SHA-1 or MD5 (a warning: nobody
	// checks the signature of a root).
	WeakSignature Code = "WeakSignature"
	// Version1 certificates are older than the extensions that say what a CA is; Go
	// trusts them (a warning).
	Version1 Code = "Version1"
	// Duplicate certificates stand in the bundle already (a warning).
	Duplicate Code = "Duplicate"
	// Large bundles do not fit into the annotation of kubectl apply (a warning).
	Large Code = "Large"
)

// The findings that no exception can make work.
const (
	// TooLarge bundles do not fit into a ConfigMap.
	TooLarge Code = "TooLarge"
	// Malformed text is skipped by Go without a word.
	Malformed Code = "Malformed"
	// Unusable certificates are never trusted by Go for what they have signed: an
	// unknown critical extension, or a purpose other than servers.
	Unusable Code = "Unusable"
	// PrivateKey must never stand in a bundle.
	PrivateKey Code = "PrivateKey"
)

// Codes returns the findings that a user may take as a reported exception.
func Codes() []Code {
	return []Code{Expired, ExpiresSoon, NotYetValid, NotCA, NoCertSign, NotSelfSigned, WeakKey, WeakSignature, Version1, Duplicate, Large}
}

// Finding is something that is wrong with a bundle.
type Finding struct {
	// Code is the kind of finding.
	Code Code
	// Line in the text, counted from 1; 0 for the text as a whole.
	Line int
	// Message says what is wrong and what to do.
	Message string
}

// Fatal tells whether a bundle with this finding must not be used.
func (f Finding) Fatal() bool {
	switch f.Code {
	case Expired, ExpiresSoon, NotYetValid, NotSelfSigned, WeakSignature, Version1, Duplicate, Large:
		return false
	default:
		return true
	}
}

func (f Finding) String() string {
	if f.Line == 0 {
		return f.Message
	}
	return fmt.Sprintf("line %d: %s", f.Line, f.Message)
}
