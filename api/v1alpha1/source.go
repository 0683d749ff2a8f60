package v1alpha1

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/labels"
)

// Source sets trust on Flux objects of some kinds. All filters that are set must
// match; of two entries that select the same object, the first counts.
type Source struct {
	// Kinds of objects: HelmRepository, OCIRepository, Bucket, ImageRepository
	// or Provider. At least one.
	Kinds []SourceKind `json:"kinds"`
	// Names of objects (default: any).
	Names []string `json:"names,omitempty"`
	// LabelSelector over the labels of the objects, as in kubectl -l (default:
	// any).
	LabelSelector string `json:"labelSelector,omitempty"`
	// Hosts are globs over the host of the object's URL, such as *.example.com
	// (default: any). A glob with a port is held against host:port.
	Hosts []string `json:"hosts,omitempty"`
	// CertSecretRef is set on the objects. Where the stream has no such Secret, the
	// function adds it, with the certificates of caBundle under ca.crt.
	CertSecretRef LocalObjectReference `json:"certSecretRef"`
}

// LocalObjectReference names an object in the same namespace.
type LocalObjectReference struct {
	// Name of the object. Required.
	Name string `json:"name"`
}

// SourceKind is a kind of Flux object with a certSecretRef.
type SourceKind string

// The kinds of Flux objects with a certSecretRef.
const (
	HelmRepository  SourceKind = "HelmRepository"
	OCIRepository   SourceKind = "OCIRepository"
	Bucket          SourceKind = "Bucket"
	ImageRepository SourceKind = "ImageRepository"
	Provider        SourceKind = "Provider"
)

func (SourceKind) values() []string {
	return []string{string(HelmRepository), string(OCIRepository), string(Bucket), string(ImageRepository), string(Provider)}
}

// instead says what to do about a kind that exists and has no certSecretRef.
func (SourceKind) instead(value string) string {
	switch value {
	case "GitRepository":
		return "a GitRepository has no certSecretRef: it takes its CA from the key ca.crt of the Secret in spec.secretRef, beside the credentials; " +
			"remove it here (with spec.caBundle the controllers trust the CA for every repository), or put ca.crt into that Secret"
	case "HelmChart", "HelmRelease":
		return "a " + value + " trusts what its source trusts; write HelmRepository or OCIRepository"
	default:
		return ""
	}
}

func (s *Source) validate(p *problems, at string) {
	if len(s.Kinds) == 0 {
		p.add(at+".kinds", "is missing; write one or more of %s", strings.Join(SourceKind("").values(), ", "))
	}
	for i, kind := range s.Kinds {
		if slices.Contains(s.Kinds[:i], kind) {
			p.add(fmt.Sprintf("%s.kinds[%d]", at, i), "appears twice; remove one")
		}
	}
	for i, name := range s.Names {
		p.checkName(fmt.Sprintf("%s.names[%d]", at, i), name, "an object")
	}
	if _, err := labels.Parse(s.LabelSelector); err != nil {
		p.add(at+".labelSelector", "%s is not a label selector; write for example app=tofu", show(s.LabelSelector))
	}
	for i, host := range s.Hosts {
		_, err := path.Match(host, "")
		if host == "" || err != nil || strings.ContainsAny(host, "/@ ") {
			p.add(fmt.Sprintf("%s.hosts[%d]", at, i), "%s is not a glob over hosts; write for example charts.example.com, *.example.com or *.example.com:8443", show(host))
		}
	}
	p.checkName(at+".certSecretRef.name", s.CertSecretRef.Name, "a Secret")
}
