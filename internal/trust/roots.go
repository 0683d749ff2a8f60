package trust

import (
	"path"
	"slices"
	"strings"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/internal/codes"
	"fluxtrust.dev/flux-trust/internal/inventory"
	"fluxtrust.dev/flux-trust/internal/krm"
	"fluxtrust.dev/flux-trust/internal/quote"
)

// isSystemDirectory reports whether Go looks into a directory when nothing tells it
// otherwise: https://cs.opensource.google/go/go/+/master:src/crypto/x509/root_linux.go
func isSystemDirectory(dir string) bool { return slices.Contains(systemDirectories(), dir) }

func systemDirectories() []string { return []string{v1alpha1.SystemDirectory, "/etc/pki/tls/certs"} }

// systemFiles lists the files with roots that Go looks for when nothing tells
// it otherwise, and that an image may have.
func systemFiles() []string {
	return []string{
		"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem",
		"/etc/pki/tls/cacert.pem", "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", "/etc/ssl/cert.pem", noFile,
	}
}

// CheckRootFiles says that a file with roots that somebody has named is in no volume:
// Go goes on without it, and without a word. The same is true where a volume hides the
// roots of the image. What cannot be read is said where it is written.
func CheckRootFiles(w *inventory.Workload, s *Settings, stores *inventory.Stores) krm.Findings {
	var found krm.Findings
	if slices.ContainsFunc(methodOf(s.Mount.Method).env(&s.Mount), func(v variable) bool { return v.name == certFile }) {
		return nil // the variable becomes the function's own
	}
	containers := w.In(w.Object.Before.Loose()).Items("spec", "template", "spec", "containers")
	for _, i := range w.Selected {
		aside, errs := containers[i].Aside()
		found = append(found, hidden(w, containers[i], s, stores)...)
		entry, value := envEntry(aside, certFile)
		if errs.Err() != nil || value == nil || !path.IsAbs(*value) || strings.Contains(*value, "${") || slices.Contains(systemFiles(), path.Clean(*value)) {
			continue
		}
		if !slices.ContainsFunc(aside.Items("volumeMounts"), func(m krm.Field) bool {
			return v1alpha1.Within(path.Clean(*value), path.Clean(m.Peek("mountPath")))
		}) {
			found.Add(krm.Warning, codes.RootFileMissing, w.Object, krm.Difference{Path: entry.Path + ".value", Current: *value},
				"points at %s, which no volume of the container provides; unless the image has it, Go goes on without these roots and says nothing: mount the file, or remove the variable", quote.PathList(*value))
		}
	}
	return found
}

// hidden says that a volume of somebody else is mounted over the roots of the image, which
// are to be kept.
func hidden(w *inventory.Workload, container krm.Field, s *Settings, stores *inventory.Stores) krm.Findings {
	var found krm.Findings
	if s.Mount.SystemRoots == v1alpha1.Replace || s.Mount.Method == v1alpha1.None {
		return nil
	}
	for _, m := range volumesOf(w, container, stores) {
		name := m.mount.Peek("name")
		if name == v1alpha1.CAVolume || !v1alpha1.Within(systemBundle, m.at) {
			continue
		}
		at := krm.Difference{Path: m.mount.Path + ".mountPath", Current: m.at}
		switch {
		case m.filledWithPublic():
		case m.isOfNode():
			found.Add(krm.Info, codes.HidesPublicRoots, w.Object, at,
				"hides the public roots of the image behind those of the node, which were not looked at: whether the controller trusts public servers is up to the node")
		default:
			found.Add(krm.Warning, codes.HidesPublicRoots, w.Object, at,
				"hides the public roots of the image: where volume %s has no others, the controller trusts the bundle alone, and no public server; put its roots into spec.caBundle, and remove it: the bundle is mounted beside the public ones", quote.Name(name))
		}
	}
	return found
}
