package v1alpha1

import (
	"fluxtrust.dev/flux-trust/internal/bundle"
	"fluxtrust.dev/flux-trust/internal/flux"
)

// GroupVersion and Kind identify the config.
const (
	GroupVersion = "fluxtrust.dev/v1alpha1"
	Kind         = "FluxTrust"
)

// FluxTrust is the config of one run of the function.
type FluxTrust struct {
	// APIVersion is always fluxtrust.dev/v1alpha1.
	APIVersion string `json:"apiVersion"`
	// Kind is always FluxTrust.
	Kind string `json:"kind"`
	// Metadata names the config. The name is written on every object that the
	// function changes, so that a later run recognises its own work.
	Metadata Metadata `json:"metadata"`
	// Spec says what to trust, where to mount it and what to harden.
	Spec Spec `json:"spec"`
}

// Metadata is the part of the Kubernetes object metadata that a config uses.
type Metadata struct {
	// Name of the config. Required.
	Name string `json:"name"`
	// Namespace is accepted, because kustomize and kpt may set it, and not used.
	Namespace string `json:"namespace,omitempty"`
	// Labels are accepted and not used.
	Labels map[string]string `json:"labels,omitempty"`
	// Annotations tell kustomize and kpt how to run the function
	// (config.kubernetes.io/function); the function itself does not use them.
	Annotations map[string]string `json:"annotations,omitempty"`
}

// Spec says what to trust, where to mount it and what to harden.
type Spec struct {
	// Mode is Transform (default) or Validate.
	Mode Mode `json:"mode,omitempty"`
	// OnNoControllers says what happens when the stream holds no Flux
	// controller: Error (default), Warn or Ignore.
	OnNoControllers Reaction `json:"onNoControllers,omitempty"`
	// CABundle lists the roots to trust. At least one, unless mount.method is
	// None.
	CABundle []CABundleEntry `json:"caBundle,omitempty"`
	// Mount says how the roots reach the controllers.
	Mount Mount `json:"mount,omitempty"`
	// Proxy is the one through which the controllers reach what is outside of the
	// cluster (default: none, and variables that are there stay).
	Proxy *Proxy `json:"proxy,omitempty"`
	// SecurityContext says how the pods are hardened.
	SecurityContext SecurityContext `json:"securityContext,omitempty"`
	// Extras are what some companies need besides, and off unless written here.
	Extras ControllerExtras `json:"extras,omitempty"`
	// Controllers narrows or widens what counts as a controller.
	Controllers Controllers `json:"controllers,omitempty"`
	// Sources sets trust per Flux object.
	Sources []Source `json:"sources,omitempty"`
}

// Mode is what a run does.
type Mode string

// The modes.
const (
	// Transform changes the stream.
	Transform Mode = "Transform"
	// Validate changes nothing and reports one error per thing missing.
	Validate Mode = "Validate"
)

func (Mode) values() []string { return []string{string(Transform), string(Validate)} }

// Reaction is what a run does about a finding.
type Reaction string

// The reactions.
const (
	// Error ends the run with an error.
	Error Reaction = "Error"
	// Warn reports a warning and goes on.
	Warn Reaction = "Warn"
	// Ignore goes on silently.
	Ignore Reaction = "Ignore"
)

func (Reaction) values() []string { return []string{string(Error), string(Warn), string(Ignore)} }

// CABundleEntry is one source of roots. Exactly one of ConfigMap, Secret,
// ClusterTrustBundle and Inline is set.
type CABundleEntry struct {
	// ConfigMap in the namespace of the controllers.
	ConfigMap *ConfigMapSource `json:"configMap,omitempty"`
	// Secret in the namespace of the controllers.
	Secret *SecretSource `json:"secret,omitempty"`
	// ClusterTrustBundle of the cluster.
	ClusterTrustBundle *ClusterTrustBundleSource `json:"clusterTrustBundle,omitempty"`
	// Inline holds the PEM itself; the function creates the ConfigMap.
	Inline *InlineSource `json:"inline,omitempty"`
	// Optional lets pods start without the object (default false). An object
	// that arrives later is only trusted after a restart.
	Optional bool `json:"optional,omitempty"`
	// Fingerprints pins the entry: sha256:<hex> of each certificate, and no
	// other certificate is accepted. Colons and capitals, as openssl prints them,
	// are taken, too.
	Fingerprints []string `json:"fingerprints,omitempty"`
	// Allow lists findings to take as exceptions, which are reported as infos.
	Allow []Finding `json:"allow,omitempty"`
}

// Finding is something about an entry that the function warns of or refuses.
type Finding string

// The findings that are not about certificates; bundle.Codes has the others.
const (
	// NotInStream means that the object is somebody else's to provide.
	NotInStream Finding = "NotInStream"
	// KubernetesVersion means that the entry needs a recent cluster.
	KubernetesVersion Finding = "KubernetesVersion"
)

func (Finding) values() []string {
	values := []string{string(NotInStream), string(KubernetesVersion)}
	for _, code := range bundle.Codes() {
		values = append(values, string(code))
	}
	return values
}

// ConfigMapSource selects keys of a ConfigMap.
type ConfigMapSource struct {
	// Name of the ConfigMap, as written in its manifest: without the hash
	// suffix or prefix that kustomize adds.
	Name string `json:"name"`
	// Keys that hold PEM certificates. May be left out when the ConfigMap is in
	// the stream, or when the entry is the only one: then every key is used.
	Keys []string `json:"keys,omitempty"`
}

// SecretSource selects keys of a Secret.
type SecretSource struct {
	// Name of the Secret, as written in its manifest.
	Name string `json:"name"`
	// Keys that hold PEM certificates (default: ca.crt). Never a private key.
	Keys []string `json:"keys,omitempty"`
}

// ClusterTrustBundleSource selects ClusterTrustBundles by name, or by signer
// and label. It needs Kubernetes 1.37, where the API is stable.
type ClusterTrustBundleSource struct {
	// Name of one ClusterTrustBundle.
	Name string `json:"name,omitempty"`
	// SignerName selects all bundles of a signer.
	SignerName string `json:"signerName,omitempty"`
	// LabelSelector narrows the bundles of a signer, as in kubectl -l (default:
	// all of them).
	LabelSelector string `json:"labelSelector,omitempty"`
}

// InlineSource holds the PEM itself.
type InlineSource struct {
	// Name of the ConfigMap that the function creates in every namespace with
	// controllers, with the PEM under the key ca.crt.
	Name string `json:"name"`
	// PEM holds one or more CERTIFICATE blocks.
	PEM string `json:"pem"`
	// Immutable appends a hash of the PEM to the name and makes the ConfigMap
	// immutable (default false).
	Immutable bool `json:"immutable,omitempty"`
}

// Mount says how the roots reach the controllers.
type Mount struct {
	// Method is Directory (default), File, InitContainer or None.
	Method Method `json:"method,omitempty"`
	// Path of the mount in the container: absolute and clean (default
	// /etc/ssl/flux-trust; /etc/ssl/certs for the method File).
	Path string `json:"path,omitempty"`
	// SystemRoots is Keep (default) or Replace: trust the bundle alone.
	SystemRoots SystemRoots `json:"systemRoots,omitempty"`
	// InitContainer is used by the method InitContainer.
	InitContainer InitContainer `json:"initContainer,omitempty"`
}

// Method is a way to mount the roots.
type Method string

// The methods.
const (
	// Directory mounts a projected volume and adds it to SSL_CERT_DIR.
	Directory Method = "Directory"
	// File mounts one file per key into /etc/ssl/certs.
	File Method = "File"
	// InitContainerMethod assembles one bundle before the controller starts.
	InitContainerMethod Method = "InitContainer"
	// None mounts nothing, and takes away what an earlier run mounted.
	None Method = "None"
)

// Methods returns the methods.
func Methods() []Method { return []Method{Directory, File, InitContainerMethod, None} }

func (Method) values() []string {
	var values []string
	for _, m := range Methods() {
		values = append(values, string(m))
	}
	return values
}

// SystemRoots says what happens to the public roots of the image.
type SystemRoots string

// The choices for the public roots.
const (
	// Keep trusts the public roots beside the bundle.
	Keep SystemRoots = "Keep"
	// Replace trusts the bundle alone.
	Replace SystemRoots = "Replace"
)

func (SystemRoots) values() []string { return []string{string(Keep), string(Replace)} }

// InitContainer configures the method InitContainer.
type InitContainer struct {
	// Image of the init container (default: the controller's own image). It needs
	// sh, find and awk, and the public roots in /etc/ssl/certs/ca-certificates.crt.
	Image string `json:"image,omitempty"`
}

// ControllerExtras are opt-in.
type ControllerExtras struct {
	// AcceptNegativeSerials lets the controllers read certificates with a negative
	// serial number, which some inspecting proxies issue and Go refuses since 1.23:
	// GODEBUG=x509negativeserial=1, beside what GODEBUG holds already (default false).
	AcceptNegativeSerials bool `json:"acceptNegativeSerials,omitempty"`
}

// SecurityContext says how the pods are hardened.
type SecurityContext struct {
	// Profile is Restricted (default), OpenShift or None.
	Profile Profile `json:"profile,omitempty"`
	// ExceptContainers are names of containers and init containers that are
	// left alone.
	ExceptContainers []string `json:"exceptContainers,omitempty"`
	// Extras are stricter than the profile asks for, and off unless they are
	// written here: each may break a pod or need something of the nodes.
	Extras Extras `json:"extras,omitempty"`
}

// Extras are opt-in. Each has the name of the field that it sets, and takes the
// one value that is stricter than the default of Kubernetes. It replaces a value
// that is less strict, and stays in the manifests when it is taken out of the
// config, as everything that is hardened does.
type Extras struct {
	// RunAsUser is Image: controllers run explicitly as the user and group of
	// their image, where these are known (default: not set). A volume that
	// belongs to somebody else becomes unreadable.
	RunAsUser ImageUser `json:"runAsUser,omitempty"`
	// HostUsers is false: the pod gets a user namespace (default: not set). Needs
	// Kubernetes 1.33 and nodes that support it.
	HostUsers *bool `json:"hostUsers,omitempty"`
	// AppArmorProfile is RuntimeDefault (default: not set). A node without
	// AppArmor refuses the pod.
	AppArmorProfile AppArmorProfile `json:"appArmorProfile,omitempty"`
	// SupplementalGroupsPolicy is Strict: groups that the image gives to its user
	// do not count (default: not set). Needs Kubernetes 1.33 and a container
	// runtime that supports it, or the node refuses the pod.
	SupplementalGroupsPolicy SupplementalGroupsPolicy `json:"supplementalGroupsPolicy,omitempty"`
	// EnableServiceLinks is false: no env variables for the Services of the
	// namespace (default: not set). Breaks what reads them.
	EnableServiceLinks *bool `json:"enableServiceLinks,omitempty"`
	// EmptyDirSizeLimit is a quantity such as 1Gi for every emptyDir without a
	// limit (default: not set). A pod that writes more is evicted: choose more
	// than the largest artifact of source-controller and its unpacked copies.
	EmptyDirSizeLimit string `json:"emptyDirSizeLimit,omitempty"`
}

// ImageUser is where the user of a container comes from.
type ImageUser string

// UserOfImage is the user and group that the image was built with.
const UserOfImage ImageUser = "Image"

func (ImageUser) values() []string { return []string{string(UserOfImage)} }

// AppArmorProfile is a type of AppArmor profile.
type AppArmorProfile string

// AppArmorRuntimeDefault is the profile of the container runtime.
const AppArmorRuntimeDefault AppArmorProfile = "RuntimeDefault"

func (AppArmorProfile) values() []string { return []string{string(AppArmorRuntimeDefault)} }

// SupplementalGroupsPolicy says which groups a process gets.
type SupplementalGroupsPolicy string

// StrictGroups are those of the pod alone.
const StrictGroups SupplementalGroupsPolicy = "Strict"

func (SupplementalGroupsPolicy) values() []string { return []string{string(StrictGroups)} }

// Profile is a set of hardening rules.
type Profile string

// The profiles.
const (
	// Restricted is the Pod Security Standard of that name.
	Restricted Profile = "Restricted"
	// OpenShift is Restricted, and leaves to the platform what its SCC
	// restricted-v2 sets: users, groups, SELinux and seccomp.
	OpenShift Profile = "OpenShift"
	// NoProfile changes no securityContext.
	NoProfile Profile = "None"
)

func (Profile) values() []string {
	return []string{string(Restricted), string(OpenShift), string(NoProfile)}
}

// Controllers narrows or widens what counts as a controller.
type Controllers struct {
	// Include lists the controllers to change (default: every known one).
	Include []Controller `json:"include,omitempty"`
	// Exclude lists controllers to leave alone.
	Exclude []Controller `json:"exclude,omitempty"`
	// Additional lists other workloads to treat the same way.
	Additional []AdditionalController `json:"additional,omitempty"`
}

// Controller is the name of a Flux controller, whatever its Deployment is
// called.
type Controller string

func (Controller) values() []string { return flux.Names() }

// AdditionalController selects workloads that are not Flux controllers, or are
// and run in another kind of workload. All fields that are set must match; Name
// or LabelSelector is required.
type AdditionalController struct {
	// Kind of the workload: Deployment (default), StatefulSet or DaemonSet.
	Kind WorkloadKind `json:"kind,omitempty"`
	// Name of the workload.
	Name string `json:"name,omitempty"`
	// Namespace of the workload (default: any).
	Namespace string `json:"namespace,omitempty"`
	// LabelSelector over the labels of the workload, as in kubectl -l.
	LabelSelector string `json:"labelSelector,omitempty"`
}

// WorkloadKind is a kind of object with a pod template.
type WorkloadKind string

// The kinds of workloads.
const (
	// Deployment is what Flux itself uses.
	Deployment WorkloadKind = "Deployment"
	// StatefulSet is used by some platforms for controllers with storage.
	StatefulSet WorkloadKind = "StatefulSet"
	// DaemonSet runs a pod per node.
	DaemonSet WorkloadKind = "DaemonSet"
)

// WorkloadKinds returns the kinds of workloads.
func WorkloadKinds() []WorkloadKind { return []WorkloadKind{Deployment, StatefulSet, DaemonSet} }

func (WorkloadKind) values() []string {
	var values []string
	for _, kind := range WorkloadKinds() {
		values = append(values, string(kind))
	}
	return values
}
