package probe

import "slices"

// Code names a known failure.
type Code string

// The known failures; Known says more of each.
const (
	UnknownAuthority    Code = "UnknownAuthority"
	RenewedRoot         Code = "RenewedRoot"
	SelfSigned          Code = "SelfSigned"
	RootsReplaced       Code = "RootsReplaced"
	BundleNotMounted    Code = "BundleNotMounted"
	NotACA              Code = "NotACA"
	WeakSignature       Code = "WeakSignature"
	PinnedName          Code = "PinnedName"
	WrongName           Code = "WrongName"
	DefaultCertificate  Code = "DefaultCertificate"
	CommonName          Code = "CommonName"
	NoIPAddress         Code = "NoIPAddress"
	NameConstraint      Code = "NameConstraint"
	PathLength          Code = "PathLength"
	NegativeSerial      Code = "NegativeSerial"
	KeyUsage            Code = "KeyUsage"
	Expired             Code = "Expired"
	NotYetValid         Code = "NotYetValid"
	InvalidCertificate  Code = "InvalidCertificate"
	OldTLS              Code = "OldTLS"
	ClientCertificate   Code = "ClientCertificate"
	ClientRefused       Code = "ClientRefused"
	UnrecognizedName    Code = "UnrecognizedName"
	HandshakeRefused    Code = "HandshakeRefused"
	NotTLS              Code = "NotTLS"
	BrokenTLS           Code = "BrokenTLS"
	NotHTTP             Code = "NotHTTP"
	BrokenHTTP          Code = "BrokenHTTP"
	Timeout             Code = "Timeout"
	Refused             Code = "Refused"
	Unreachable         Code = "Unreachable"
	UnknownHost         Code = "UnknownHost"
	Closed              Code = "Closed"
	BadProxy            Code = "BadProxy"
	ProxyUnreachable    Code = "ProxyUnreachable"
	ProxyTLS            Code = "ProxyTLS"
	ProxyCredentials    Code = "ProxyCredentials"
	ProxyRefused        Code = "ProxyRefused"
	NoCA                Code = "NoCA"
	HalfPair            Code = "HalfPair"
	BadPair             Code = "BadPair"
	BadCA               Code = "BadCA"
	SecretType          Code = "SecretType"
	BadLogin            Code = "BadLogin"
	Page                Code = "Page"
	Unauthorized        Code = "Unauthorized"
	HTTPStatus          Code = "HTTPStatus"
	NotAnIndex          Code = "NotAnIndex"
	NotARegistry        Code = "NotARegistry"
	BadRealm            Code = "BadRealm"
	NotGit              Code = "NotGit"
	NotABucket          Code = "NotABucket"
	IndexTooLarge       Code = "IndexTooLarge"
	TooManyRedirects    Code = "TooManyRedirects"
	BadSource           Code = "BadSource"
	SecretUnknown       Code = "SecretUnknown"
	BundleUnknown       Code = "BundleUnknown"
	ProxyUnknown        Code = "ProxyUnknown"
	CredentialsNotSent  Code = "CredentialsNotSent"
	ChartNotRead        Code = "ChartNotRead"
	WorkloadIdentity    Code = "WorkloadIdentity"
	Substituted         Code = "Substituted"
	DependenciesUnknown Code = "DependenciesUnknown"
	KeyServiceUnknown   Code = "KeyServiceUnknown"
	RootOfThisMachine   Code = "RootOfThisMachine"
	Interrupted         Code = "Interrupted"
	Other               Code = "Other"
)

// KnownFailure is a failure and what to do about it.
type KnownFailure struct {
	Code Code
	// Cure is the one change that helps.
	Cure string
	// Unchecked tells that it is not known whether the source works.
	Unchecked bool
}

// unchecked reports whether a code says that something is not known.
func (c Code) unchecked() bool { return c.known().Unchecked }

// aboutTrust reports whether a Secret that is not known might help.
func (c Code) aboutTrust() bool {
	return slices.Contains([]Code{UnknownAuthority, RenewedRoot, SelfSigned, RootsReplaced, BundleNotMounted, NotACA, WeakSignature, ClientCertificate, ClientRefused, HandshakeRefused, PinnedName}, c)
}

// Cure returns the one change that helps against a failure.
func (c Code) Cure() string { return c.known().Cure }

func (c Code) known() KnownFailure {
	all := Known()
	i := slices.IndexFunc(all, func(k KnownFailure) bool { return k.Code == c })
	if i < 0 {
		i = len(all) - 1 // Other
	}
	return all[i]
}
