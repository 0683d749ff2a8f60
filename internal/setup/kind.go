package setup

import "fmt"

// Kind is what a folder is, as far as it matters here.
type Kind string

// The kinds.
const (
	// Bootstrap is a folder that flux bootstrap fills, or is going to: it gets patches.
	Bootstrap Kind = "Bootstrap"
	// Kustomization is any other folder with one: it gets patches, too.
	Kustomization Kind = "Kustomization"
	// Remote is a kustomization that fetches what it builds: the user gets lines to add.
	Remote Kind = "Remote"
	// Manifests is a folder without one, with Flux in files, which are changed.
	Manifests Kind = "Manifests"
	// Package is a kpt package, whose Kptfile gets the function.
	Package Kind = "Package"
	// Empty is a folder without manifests: the user gets lines to add.
	Empty Kind = "Empty"
)

// plan says what the folder is to be.
func (k Kind) plan(o *Options, c *config, given []Root) (*Plan, error) {
	switch k {
	case Manifests:
		return o.manifests(c, given)
	case Package:
		return o.kptPackage(c, given)
	case Empty:
		return o.empty(c, given)
	default:
		return o.folder(k, c, given)
	}
}

// says names a kind in a sentence.
func (k Kind) says() string {
	switch k {
	case Bootstrap:
		return "a folder of flux bootstrap"
	case Kustomization:
		return "a folder with a kustomization"
	case Remote:
		return "a folder with a kustomization that fetches what it builds"
	case Manifests:
		return "a folder with manifests and no kustomization"
	case Package:
		return "a kpt package"
	default:
		return "a folder without manifests"
	}
}

// comment returns the comment of a new config, which says where it may stand.
func (k Kind) comment(name string) string {
	const start = "# Written by flux-trust init. "
	switch k {
	case Bootstrap, Kustomization:
		return start + fmt.Sprintf(`It stands beside kustomization.yaml, and is named by
# none of its fields: Flux refuses every function, so patches make the change there. After
# every change of this file or of the certificates:
#   flux-trust patches %s.yaml --write .
`, name)
	case Manifests:
		return start + `It stands beside the manifests of Flux, and Flux leaves
# it out of what it applies. Never put it under transformers: in a folder that Flux
# builds: it refuses every function. After every change of this file or of the manifests:
` + fmt.Sprintf("#   flux-trust patches %s.yaml --write .\n", name)
	case Package:
		return start + `The Kptfile names it, and kpt leaves it out of what it
# applies. Never put it under transformers: in a folder that Flux builds: it refuses every
# function, so render the package before you commit it.
`
	default:
		return start + `It may stand under transformers: where you run
# kustomize build yourself. Never put it there in a folder that Flux builds: it refuses
# every function. There use flux-trust patches.
`
	}
}

// annotation returns further annotations of a new config.
func (k Kind) annotation() string {
	if k == Remote || k == Empty {
		return "    config.kubernetes.io/function: |\n      exec:\n        path: flux-trust\n"
	}
	return ""
}
