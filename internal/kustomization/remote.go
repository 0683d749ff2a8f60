package kustomization

import (
	"fmt"
	"net/url"
	"path"
	"path/filepath"

	"fluxtrust.dev/flux-trust/internal/pattern"
	"fluxtrust.dev/flux-trust/internal/quote"
)

// RemoteError is an entry of a kustomization that kustomize would fetch.
type RemoteError struct {
	// File is the kustomization, Field such as resources[2], Entry what stands there.
	File, Field, Entry string
}

func (e *RemoteError) Error() string {
	return fmt.Sprintf("%s: %s: %q is not a local file, and flux-trust fetches nothing; fetch it, and name the result as INPUT: "+
		"%s | flux-trust patches CONFIG --write DIR -", e.File, e.Field, e.Entry, e.Command())
}

// Command returns the command that prints what the entry stands for.
func (e *RemoteError) Command() string {
	if ext := path.Ext(e.Entry); isRemoteFile(e.Entry) && (ext == ".yaml" || ext == ".yml") {
		return "curl -fsSL " + quote.Path(e.Entry) // kustomize builds folders alone
	}
	return "kustomize build " + quote.Path(e.Entry)
}

// repository matches what kustomize takes for a git repository, and a bit more:
// sigs.k8s.io/kustomize/api/internal/git, NewRepoSpecFromURL. No file has such a name.
var repository = pattern.Pattern{Text: `(?i)^(git::|gh:|github\.com[:/])|://|^[a-z][a-z0-9-]*@`}

// isRemoteFolder reports whether kustomize would clone an entry of resources,
// components, generators, transformers or validators, or download it.
func isRemoteFolder(entry string) bool {
	return isRemoteFile(entry) || repository.Get().MatchString(entry) && !filepath.IsAbs(entry)
}

// isRemoteFile reports whether kustomize would download the entry of a field that
// names files: sigs.k8s.io/kustomize/api/internal/loader, IsRemoteFile.
func isRemoteFile(entry string) bool {
	u, err := url.Parse(entry)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https")
}
