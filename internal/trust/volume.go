package trust

import (
	"cmp"
	"maps"
	"path"
	"slices"
	"strings"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/internal/bundle"
	"fluxtrust.dev/flux-trust/internal/inventory"
	"fluxtrust.dev/flux-trust/internal/krm"
	"fluxtrust.dev/flux-trust/internal/quote"
)

// mounted is a volume where a container mounts it.
type mounted struct {
	mount, volume krm.Field
	// at is the folder or file, subPath what of the volume is there, "" for all of it.
	at, subPath string
	// sources are the objects whose keys are its files, nil where it is another volume.
	sources []volumeSource
}

// volumeSource is an object whose keys are files of a volume.
type volumeSource struct {
	kind, name string
	// store is the object, or nil where it is not in the stream.
	store *inventory.Store
	// files holds the key for each path, nil where every key is a file of its name.
	files map[string]string
}

// volumesOf returns the volumes that a container of a workload mounts.
func volumesOf(w *inventory.Workload, container krm.Field, stores *inventory.Stores) []mounted {
	volumes := w.In(w.Object.Before.Loose()).Get("spec", "template", "spec", "volumes")
	var all []mounted
	for _, m := range container.Loose().Items("volumeMounts") {
		at := path.Clean(m.Peek("mountPath"))
		if !path.IsAbs(at) {
			continue
		}
		found := mounted{mount: m, at: at, subPath: cmp.Or(m.Peek("subPath"), m.Peek("subPathExpr"))}
		if named := volumes.Named(m.Peek("name")); len(named) > 0 {
			found.volume = named[0]
		}
		read := func(kind string, f krm.Field, nameKey string) {
			if !f.Exists() {
				return
			}
			s := volumeSource{kind: kind, name: f.Peek(nameKey)}
			s.store, _ = stores.Find(kind, s.name, w.Object.Namespaces)
			if f.Get("items").Exists() {
				s.files = map[string]string{}
				for _, item := range f.Items("items") {
					s.files[item.Peek("path")] = item.Peek("key")
				}
			}
			found.sources = append(found.sources, s)
		}
		read(inventory.ConfigMap, found.volume.Get("configMap"), "name")
		read(inventory.Secret, found.volume.Get("secret"), "secretName")
		for _, source := range found.volume.Items("projected", "sources") {
			read(inventory.ConfigMap, source.Get("configMap"), "name")
			read(inventory.Secret, source.Get("secret"), "name")
			if from := source.Get("clusterTrustBundle"); from.Exists() {
				s := volumeSource{kind: inventory.ClusterTrustBundle, name: from.Peek("name"), files: map[string]string{from.Peek("path"): inventory.TrustBundleKey}}
				s.store, _ = stores.Find(s.kind, s.name, nil)
				found.sources = append(found.sources, s)
			}
		}
		all = append(all, found)
	}
	return all
}

// filledWithPublic reports whether the volume gets public roots beside others in the
// cluster.
func (m *mounted) filledWithPublic() bool {
	return slices.ContainsFunc(m.sources, func(s volumeSource) bool { return s.store != nil && s.store.Public })
}

// isOfNode reports whether the volume is where nodes have their public roots.
func (m *mounted) isOfNode() bool {
	from := m.volume.Peek("hostPath", "path")
	if from == "" {
		return false
	}
	from = path.Join(from, m.subPath)
	switch m.at {
	case systemBundle:
		return slices.Contains(systemFiles(), from)
	case v1alpha1.SystemDirectory:
		return isSystemDirectory(from) || from == "/etc/pki/ca-trust/extracted/pem"
	default: // a folder above it
		return from == m.at
	}
}

// GivenRoots names the volumes that put roots where a container of a workload looks for
// them: known are objects that hold a certificate there, unknown is what was not looked at.
func GivenRoots(w *inventory.Workload, container krm.Field, stores *inventory.Stores) (known, unknown []string) {
	container = container.Loose()
	files, dirs := systemFiles(), systemDirectories()
	for _, name := range RootNames() {
		entry, value := envEntry(container, name)
		switch {
		case !entry.Exists():
		case entry.Get("valueFrom").Exists(), strings.Contains(*value, "${"), strings.Contains(*value, "$("):
			unknown = append(unknown, "the value of "+name)
		case *value == "": // Go takes its default
		case name == certDir:
			dirs = strings.Split(*value, ":")
		default:
			files = []string{*value}
		}
	}
	for i := range dirs {
		dirs[i] = path.Clean(dirs[i])
	}
	volumes := volumesOf(w, container, stores)
	for _, m := range volumes {
		some, others := m.roots(files, dirs)
		known, unknown = append(known, some...), append(unknown, others...)
	}
	for _, place := range slices.Concat(files, dirs) {
		own := path.IsAbs(place) && !slices.Contains(systemFiles(), place) && !isSystemDirectory(place)
		if own && !slices.ContainsFunc(volumes, func(m mounted) bool { return v1alpha1.Within(place, m.at) }) {
			unknown = append(unknown, quote.PathList(place)+" of its image")
		}
	}
	return known, unknown
}

// roots names what the volume puts into files and directories.
func (m *mounted) roots(files, dirs []string) (known, unknown []string) {
	reads := func(file string) bool { return slices.Contains(files, file) || slices.Contains(dirs, path.Dir(file)) }
	within := func(place string) bool { return v1alpha1.Within(place, m.at) }
	if !reads(m.at) && !slices.ContainsFunc(files, within) && !slices.ContainsFunc(dirs, within) {
		return nil, nil
	}
	if len(m.sources) == 0 {
		return nil, []string{"volume " + quote.Name(m.mount.Peek("name")) + " at " + quote.PathList(m.at)}
	}
	for _, s := range m.sources {
		says := s.kind + " " + quote.Name(s.name) + " at " + quote.PathList(m.at)
		switch {
		case s.store == nil, s.store.Unknown != "", s.store.Err != nil:
			unknown = append(unknown, says)
		case slices.ContainsFunc(s.certificates(), func(file string) bool {
			if m.subPath == "" {
				return reads(path.Join(m.at, file))
			}
			return file == m.subPath && reads(m.at)
		}):
			known = append(known, says)
		}
	}
	return known, unknown
}

// certificates returns the files of the volume that hold one.
func (s *volumeSource) certificates() []string {
	files := s.files
	if files == nil {
		files = map[string]string{}
		for key := range s.store.Values {
			files[key] = key
		}
	}
	return slices.DeleteFunc(slices.Sorted(maps.Keys(files)), func(file string) bool {
		certificates, _ := bundle.Parse(s.store.Values[files[file]].Text)
		return len(certificates) == 0
	})
}
