package codes

import (
	"fluxtrust.dev/flux-trust/internal/bundle"
	"fluxtrust.dev/flux-trust/internal/krm"
)

// The codes of findings. Those about certificates are in package bundle.
const (
	// The config and the stream.
	InvalidConfig     krm.Code = "InvalidConfig"
	NoControllers     krm.Code = "NoControllers"
	SelectsNothing    krm.Code = "SelectsNothing"
	NoContainer       krm.Code = "NoContainer"
	UnknownName       krm.Code = "UnknownController"
	NoDeployment      krm.Code = "NoDeployment"
	Truncated         krm.Code = "Truncated"
	KustomizePatch    krm.Code = "KustomizePatch"
	AnotherConfig     krm.Code = "AnotherConfig"
	NotCarried        krm.Code = "NotCarried"
	NotAsConfigured   krm.Code = "NotAsConfigured"
	RestartByHand     krm.Code = "RestartByHand"
	Placeholder       krm.Code = "Placeholder"
	UndefinedVariable krm.Code = "UndefinedVariable"

	// The bundle.
	NotInStream       krm.Code = "NotInStream"
	KubernetesVersion krm.Code = "KubernetesVersion"
	KeysUnknown       krm.Code = "KeysUnknown"
	NoSuchKey         krm.Code = "NoSuchKey"
	Ambiguous         krm.Code = "Ambiguous"
	BadBase64         krm.Code = "BadBase64"
	NotPinned         krm.Code = "NotPinned"
	PinNotFound       krm.Code = "PinNotFound"
	Unchecked         krm.Code = "Unchecked"
	NoValidRoot       krm.Code = "NoValidRoot"
	ExpiresWithin     krm.Code = "ExpiresWithin"

	// Trust in a pod.
	Trusts                  krm.Code = "Trusts"
	TrustsNoLonger          krm.Code = "TrustsNoLonger"
	RootsDropped            krm.Code = "RootsDropped"
	NameTaken               krm.Code = "NameTaken"
	PathTaken               krm.Code = "PathTaken"
	PathNotRead             krm.Code = "PathNotRead"
	EnvNotLiteral           krm.Code = "EnvNotLiteral"
	EnvTwice                krm.Code = "EnvTwice"
	RootFileMissing         krm.Code = "RootFileMissing"
	Proxied                 krm.Code = "Proxied"
	NoProxyCompleted        krm.Code = "NoProxyCompleted"
	NegativeSerialsAccepted krm.Code = "NegativeSerialsAccepted"
	NoProxyIncomplete       krm.Code = "NoProxyIncomplete"
	ProxyCredentials        krm.Code = "ProxyCredentials"
	ProxySecret             krm.Code = "ProxySecret"
	RecordUnreadable        krm.Code = "RecordUnreadable"
	VolumeEdited            krm.Code = "VolumeEdited"
	HidesPublicRoots        krm.Code = "HidesPublicRoots"
	NoShell                 krm.Code = "NoShell"
	FileNeverUpdated        krm.Code = "FileNeverUpdated"
	ChangedAlready          krm.Code = "ChangedAlready"
	TakesNoPatches          krm.Code = "TakesNoPatches"
	PatchesOfBoth           krm.Code = "PatchesOfBoth"
	Namesake                krm.Code = "Namesake"
	NameChanges             krm.Code = "NameChanges"
	SourcesNotPatched       krm.Code = "SourcesNotPatched"
	ConfigInBuild           krm.Code = "ConfigInBuild"
	HidesPatches            krm.Code = "HidesPatches"
	OperatorPulls           krm.Code = "OperatorPulls"
	PatchConflict           krm.Code = "PatchConflict"
	Patches                 krm.Code = "Patches"
	PatchesNoLonger         krm.Code = "PatchesNoLonger"
	FolderStale             krm.Code = "FolderStale"
	FolderFailed            krm.Code = "FolderFailed"

	// Hardening.
	Hardened             krm.Code = "Hardened"
	HardenedAsWell       krm.Code = "HardenedAsWell"
	TakenOver            krm.Code = "TakenOver"
	ExtraNotSet          krm.Code = "ExtraNotSet"
	TmpReadOnly          krm.Code = "TmpReadOnly"
	UnknownField         krm.Code = "UnknownField"
	RefusedByPodSecurity krm.Code = "RefusedByPodSecurity"
	RefusedBySCC         krm.Code = "RefusedBySCC"
	RefusedForWindows    krm.Code = "RefusedForWindows"

	// Flux sources and their Secrets.
	LeftAlone          krm.Code = "LeftAlone"
	OwnReference       krm.Code = "OwnReference"
	TrustsSecret       krm.Code = "TrustsSecret"
	TrustsSecretNoMore krm.Code = "TrustsSecretNoLonger"
	FieldMissing       krm.Code = "FieldMissing"
	UnknownVersion     krm.Code = "UnknownVersion"
	ServerNamePinned   krm.Code = "ServerNamePinned"
	VerifiedWithoutCA  krm.Code = "VerifiedWithoutCA"
	NoStatus           krm.Code = "NoStatus"
	TrustsSecretAlone  krm.Code = "TrustsSecretAlone"
	SecretElsewhere    krm.Code = "SecretElsewhere"
	SecretWithoutCA    krm.Code = "SecretWithoutCA"
	SecretType         krm.Code = "SecretType"
	SecretNotMade      krm.Code = "SecretNotMade"
	SecretKept         krm.Code = "SecretKept"
	SeparateCA         krm.Code = "SeparateCA"

	// Objects that the function provides.
	Added      krm.Code = "Added"
	Updated    krm.Code = "Updated"
	Removed    krm.Code = "Removed"
	NameExists krm.Code = "NameExists"
)

// Entry explains a code.
type Entry struct {
	Code krm.Code
	// Change is set where findings tell of a change that a run makes. A run that
	// changes nothing tells what differs instead.
	Change bool
	// Text is one sentence for the documentation.
	Text string
}

// Group is a part of the documentation.
type Group struct {
	Title   string
	Entries []Entry
}

// Groups returns every code.
func Groups() []Group {
	return []Group{
		{"The config and the stream", []Entry{
			{InvalidConfig, false, "The config is not one; every problem is a finding of its own."},
			{NoControllers, false, "The stream holds no Flux controller, or the config selects none of them (`spec.onNoControllers`)."},
			{SelectsNothing, false, "An entry of the config selects nothing in the stream."},
			{NoContainer, false, "A Deployment is a controller by its name and labels, and has no container that could run one."},
			{UnknownName, false, "Flux has a controller that this release does not know, and that is left alone."},
			{NoDeployment, false, "A StatefulSet or DaemonSet runs a controller of Flux, and is left alone: `spec.controllers.additional` can name it."},
			{Truncated, false, "An input ends within a line, and may be cut off."},
			{KustomizePatch, false, "The object looks like a patch of kustomize, and is left alone."},
			{AnotherConfig, false, "The object, or the patch, is the work of a FluxTrust of another name."},
			{NotCarried, false, "Validate: nothing in the stream says that a run has changed it. The function was skipped, or patches are not listed."},
			{NotAsConfigured, false, "Validate: a field, or an object, differs from what the config makes of it."},
			{RestartByHand, false, "The content of the bundle is not known, so pods do not restart by themselves when it changes."},
			{Placeholder, false, "A value holds a `${…}`, which Flux substitutes later; a PEM does not survive that."},
			{UndefinedVariable, false, "A controller holds a `${…}` that nothing defines, which is an error from kustomize-controller 1.9 on."},
			{krm.WrongType, false, "A field has another type than Kubernetes accepts."},
			{krm.InvalidName, false, "The API server refuses the name or the namespace of an object."},
			{krm.InvalidKey, false, "The API server refuses a key of a ConfigMap or Secret."},
			{krm.DuplicateKey, false, "A key appears twice in a mapping; readers disagree about which one counts."},
			{krm.Aliases, false, "The aliases or merge keys of an object cannot be expanded, or would make it too large."},
			{krm.Unspecified, false, "An error that has no code of its own."},
		}},
		{"The bundle", []Entry{
			{NotInStream, false, "An object of the bundle is not in the stream, or not in the namespace of the controllers (may be allowed)."},
			{KubernetesVersion, false, "An entry needs a recent version of Kubernetes (may be allowed)."},
			{KeysUnknown, false, "The keys of an object are not known, and the config does not list them."},
			{NoSuchKey, false, "An object lacks a key that the config names."},
			{Ambiguous, false, "Two objects of the stream may be meant by one name."},
			{BadBase64, false, "A value that must be base64 is not."},
			{NotPinned, false, "The bundle holds a certificate whose fingerprint is not among those of the entry."},
			{PinNotFound, false, "A fingerprint of the entry belongs to no certificate of the bundle."},
			{Unchecked, false, "Something could not be checked, because its content is not known."},
			{NoValidRoot, false, "No certificate of the whole bundle is valid today."},
			{ExpiresWithin, false, "A certificate expires within the time of `--expires-within`: an error, or a warning where a newer one of the same name is in the bundle (`allow: [ExpiresSoon]` takes it as it is)."},
		}},
		{"Certificates", []Entry{
			{krm.Code(bundle.Expired), false, "A certificate has expired (may be allowed)."},
			{krm.Code(bundle.ExpiresSoon), false, "A certificate expires within 30 days (may be allowed)."},
			{krm.Code(bundle.NotYetValid), false, "A certificate is not valid yet (may be allowed)."},
			{krm.Code(bundle.NotCA), false, "A certificate may not sign others, or is that of a server (may be allowed)."},
			{krm.Code(bundle.NoCertSign), false, "The key usage of a certificate lacks keyCertSign (may be allowed)."},
			{krm.Code(bundle.NotSelfSigned), false, "An intermediate stands where a root is expected (may be allowed)."},
			{krm.Code(bundle.WeakKey), false, "A key is too weak, or one that Go cannot use (may be allowed)."},
			{krm.Code(bundle.WeakSignature), false, "A root is signed with SHA-1 or MD5 (may be allowed)."},
			{krm.Code(bundle.Version1), false, "A certificate is older than the extensions that say what a CA is (may be allowed)."},
			{krm.Code(bundle.NegativeSerial), false, "A certificate has a negative serial number, and Go since 1.23 cannot read it without `GODEBUG=x509negativeserial=1` (may be allowed)."},
			{krm.Code(bundle.GoVersion), false, "The Go of a controller refuses a root that another Go trusts (may be allowed)."},
			{krm.Code(bundle.NameConstraints), false, "The name constraints of a root leave some servers only (may be allowed)."},
			{krm.Code(bundle.BrokenSignature), false, "A root is its own issuer, and its signature is not right; Go does not look at it (may be allowed)."},
			{krm.Code(bundle.OpaqueText), false, "Base64 that is not a certificate, and may be a private key (may be allowed)."},
			{krm.Code(bundle.Duplicate), false, "A certificate stands in the bundle twice (may be allowed)."},
			{krm.Code(bundle.Large), false, "The bundle does not fit into the annotation of `kubectl apply` (may be allowed)."},
			{krm.Code(bundle.TooLarge), false, "The bundle does not fit into a ConfigMap."},
			{krm.Code(bundle.Malformed), false, "Text that Go skips without a word."},
			{krm.Code(bundle.BinaryDER), false, "A file is DER, and not PEM."},
			{krm.Code(bundle.InPKCS7), false, "Certificates stand in PKCS #7, also where its marks are those of a certificate."},
			{krm.Code(bundle.InUTF16), false, "A file is UTF-16."},
			{krm.Code(bundle.ByteOrderMark), false, "A byte order mark stands before the mark of a certificate."},
			{krm.Code(bundle.LineEnds), false, "The lines of a file end in CR alone."},
			{krm.Code(bundle.EncodedTwice), false, "A PEM text is encoded in base64 once more."},
			{krm.Code(bundle.NewlinesLost), false, "A PEM text has lost its line breaks."},
			{krm.Code(bundle.WebPage), false, "A file is an HTML page."},
			{krm.Code(bundle.Conflict), false, "A file holds the marks of a conflict of git."},
			{krm.Code(bundle.OtherFile), false, "A file is not text with certificates: an archive, JSON, a certificate request."},
			{krm.Code(bundle.Unusable), false, "Go never trusts the certificate for servers."},
			{krm.Code(bundle.PrivateKey), false, "A private key stands in the bundle."},
		}},
		{"Trust in a pod", []Entry{
			{Trusts, true, "A controller trusts the bundle now."},
			{TrustsNoLonger, true, "A controller no longer trusts the bundle: the work of an earlier run is removed."},
			{RootsDropped, true, "Roots that a controller trusted are no longer trusted."},
			{NameTaken, false, "A volume or container has a name that the function writes, and is not the function's."},
			{PathTaken, false, "Another volume is mounted where the bundle is to be."},
			{PathNotRead, false, "Go does not look for roots in the directory of the bundle."},
			{EnvNotLiteral, false, "An env variable gets its value from elsewhere, so it cannot be extended."},
			{EnvTwice, false, "An env variable appears twice."},
			{RootFileMissing, false, "An env variable names a file with roots that no volume provides."},
			{Proxied, true, "A controller goes through the proxy of the config now."},
			{NoProxyCompleted, false, "`NO_PROXY` gets what Flux reaches inside the cluster, beside what the config lists."},
			{NegativeSerialsAccepted, false, "`GODEBUG` lets the controllers accept certificates with a negative serial number, as the config says."},
			{NoProxyIncomplete, false, "A controller has a proxy, and `NO_PROXY` does not keep what is inside the cluster away from it."},
			{ProxyCredentials, false, "A manifest holds the URL of a proxy with credentials."},
			{ProxySecret, false, "The Secret with the URL of the proxy is not in the stream, or does not hold what it must."},
			{RecordUnreadable, false, "The record of what was there before the function is not what the function wrote."},
			{VolumeEdited, false, "The volume of the bundle is not one that the function wrote."},
			{HidesPublicRoots, false, "The method File would hide the public roots of the image, or a volume of somebody else does."},
			{NoShell, false, "The method InitContainer needs an image with a shell."},
			{FileNeverUpdated, false, "The method File mounts files that the kubelet never updates."},
		}},
		{"Hardening", []Entry{
			{Hardened, true, "A field of a pod is set, replaced or removed, so that the pod meets the profile."},
			{HardenedAsWell, true, "A container that runs no controller is hardened, too, and may need to be excepted."},
			{TakenOver, true, "A container gets as its own what it has inherited from the pod, before the pod loses it."},
			{ExtraNotSet, false, "An extra of the config is not applied, because something in the pod speaks against it."},
			{TmpReadOnly, false, "`/tmp` of a controller is mounted read-only."},
			{UnknownField, false, "Kubernetes has no field of that name; names are case-sensitive."},
			{RefusedByPodSecurity, false, "The Pod Security admission refuses the pod as it stands."},
			{RefusedBySCC, false, "OpenShift's SCC restricted-v2 refuses the pod as it stands."},
			{RefusedForWindows, false, "The API server refuses a field in a pod of Windows."},
		}},
		{"Patches", []Entry{
			{Patches, true, "An object patches the controllers that it installs now."},
			{PatchesNoLonger, true, "An object no longer patches the controllers that it installs."},
			{PatchConflict, false, "A patch of somebody else undoes the function's, or is undone by it."},
			{ChangedAlready, false, "Patches are made from what was there before the function, and it has been here already."},
			{TakesNoPatches, false, "The object cannot be changed by a patch."},
			{PatchesOfBoth, false, "The inputs hold controllers, and objects that make such controllers."},
			{Namesake, false, "An object has the name of a controller and is none, and a patch would change it as well."},
			{NameChanges, false, "The build changes the name of an object, and no build tool follows it into a patch."},
			{SourcesNotPatched, false, "`spec.sources` is not part of the patches."},
			{HidesPatches, false, "Values of a HelmRelease may hold patches that those of the function would hide."},
			{OperatorPulls, false, "The manifests of a FluxInstance are pulled by flux-operator itself, which is not known to get what the config gives the controllers."},
			{FolderStale, false, "`patches --check`: `patches --write` would write to the folder."},
			{FolderFailed, false, "`patches --check`: the folder does not build, or no patch makes it build what the function makes of it."},
			{ConfigInBuild, false, "A folder builds a FluxTrust, which Flux would apply, and the API server does not know the kind."},
		}},
		{"Flux sources", []Entry{
			{TrustsSecret, true, "A source trusts the CA in a Secret now."},
			{TrustsSecretNoMore, true, "A source no longer refers to a Secret that an earlier run has set."},
			{LeftAlone, false, "A source has no use for a `certSecretRef`, and is left alone."},
			{OwnReference, false, "A source has a `certSecretRef` of its own, and is left alone."},
			{FieldMissing, false, "The API version of a source, or the controller in the stream, has no `certSecretRef`."},
			{UnknownVersion, false, "No release of Flux that is known serves the API version of an object. A newer one than those is treated as the newest that is known."},
			{ServerNamePinned, false, "The controller expects the name of the source's host from every server."},
			{VerifiedWithoutCA, false, "The controller fetches the signatures of a source without the CA of its Secret."},
			{NoStatus, false, "The source shows no TLS error itself."},
			{TrustsSecretAlone, false, "The controller trusts the CA in the Secret alone."},
			{SecretElsewhere, false, "The Secret of a source stands in another namespace."},
			{SecretWithoutCA, false, "The Secret of a source holds no CA."},
			{SecretType, false, "Flux before 2.7 does not read a Secret of that type."},
			{SecretNotMade, false, "The Secret of a source cannot be made, because the content of the bundle is not known."},
			{SecretKept, false, "A Secret stays as an earlier run has made it, because the content of the bundle is not known."},
			{SeparateCA, false, "A Secret with credentials holds a CA of its own, which no change of the bundle reaches."},
		}},
		{"Objects that the function provides", []Entry{
			{Added, true, "An object is added to the stream."},
			{Updated, true, "An object of an earlier run is brought up to date."},
			{Removed, true, "An object of an earlier run is no longer needed, and removed."},
			{NameExists, false, "An object of that name exists, and is not the function's."},
		}},
	}
}

// IsChange reports whether findings of a code tell of a change that a run makes.
func IsChange(code krm.Code) bool { return find(code).Change }

// Text explains a code in a sentence, or returns "".
func Text(code krm.Code) string { return find(code).Text }

func find(code krm.Code) Entry {
	for _, group := range Groups() {
		for _, entry := range group.Entries {
			if entry.Code == code {
				return entry
			}
		}
	}
	return Entry{}
}
