package transformer

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/internal/flux"
	"fluxtrust.dev/flux-trust/internal/quote"
)

// Names that the function writes, always the same, so that a later run
// recognises its own work.
const (
	caVolume      = "flux-trust-ca"
	bundleVolume  = "flux-trust-bundle"
	initContainer = "flux-trust-init"
)

// Where the init container finds the roots of its image and those to add.
const (
	systemBundle = v1alpha1.SystemDirectory + "/ca-certificates.crt"
	initMount    = v1alpha1.InitMount
)

// Variables in which programs look for roots.
const (
	// certDir lists directories for Go's crypto/x509, separated by colons; it
	// replaces the default list. https://pkg.go.dev/crypto/x509#SystemCertPool
	certDir = "SSL_CERT_DIR"
	// certFile names a file for Go's crypto/x509; it replaces the default list
	// of files, and directories are read all the same.
	certFile = "SSL_CERT_FILE"
	// gitFile names the file for git, which knows neither of the others.
	// https://git-scm.com/docs/git-config#Documentation/git-config.txt-httpsslCAInfo
	gitFile = "GIT_SSL_CAINFO"
)

// managedEnv lists the variables that the function may set.
func managedEnv() []string { return []string{certDir, certFile, gitFile} }

// nobody is the user that the images of Flux run as.
const nobody = 65534

// noFile is what SSL_CERT_FILE names when no file is to be read.
const noFile = "/dev/null"

// plan is what a pod needs to trust the bundle, by one of the methods.
type plan struct {
	sources       []source // of the volume flux-trust-ca, if there is one
	volumes       []any    // others
	initContainer any      // or nil
	mounts        []mount  // of every controller container
	env           []variable
	// reads is a directory that Go must read without being told to, or "".
	reads string
}

// mount is a volumeMount.
type mount struct {
	Name      string `yaml:"name"`
	MountPath string `yaml:"mountPath"`
	SubPath   string `yaml:"subPath,omitempty"`
	ReadOnly  bool   `yaml:"readOnly,omitempty"`
}

// variable is an env variable of every controller container. Its value depends
// on the one that was there before, or nil.
type variable struct {
	name  string
	value func(before *string) string
}

func fixed(name, value string) variable {
	return variable{name: name, value: func(*string) string { return value }}
}

// volume is an emptyDir.
type volume struct {
	Name     string `yaml:"name"`
	EmptyDir struct {
		SizeLimit string `yaml:"sizeLimit,omitempty"`
	} `yaml:"emptyDir"`
}

// plan returns what the method of the config needs.
func (d *deployment) plan(config *v1alpha1.Mount, r *roots) (plan, error) {
	p := plan{sources: r.sources}
	replace := config.SystemRoots == v1alpha1.Replace
	switch config.Method {
	case v1alpha1.File:
		return d.planFiles(config, p)
	case v1alpha1.InitContainerMethod:
		return d.planInitContainer(config, p, replace)
	default:
		p.mounts = []mount{{Name: caVolume, MountPath: config.Path, ReadOnly: true}}
		p.env = []variable{{certDir, func(before *string) string { return withDir(before, config.Path) }}}
		if replace {
			p.env = []variable{fixed(certDir, config.Path), fixed(certFile, noFile)}
		}
		return p, nil
	}
}

// planFiles mounts every file beside the public roots of the image.
func (d *deployment) planFiles(config *v1alpha1.Mount, p plan) (plan, error) {
	p.reads = config.Path
	for _, s := range p.sources {
		for _, file := range s.files() {
			at := path.Join(config.Path, file)
			if at == systemBundle {
				return p, fmt.Errorf("the method File would hide the public roots: %s gives the file %s; rename the ConfigMap or its key", s, quote.PathList(at))
			}
			p.mounts = append(p.mounts, mount{Name: caVolume, MountPath: at, SubPath: file, ReadOnly: true})
		}
	}
	return p, nil
}

// planInitContainer lets an init container write the public roots of its image
// and the bundle into one file, which serves Go and git.
func (d *deployment) planInitContainer(config *v1alpha1.Mount, p plan, replace bool) (plan, error) {
	first := d.seen.Containers[d.controllers[0]]
	image := config.InitContainer.Image
	if image == "" {
		image = first.Image
		if image == "" {
			return p, fmt.Errorf("the image of the container %s is not known here, and the init container would use it; "+
				"set spec.mount.initContainer.image to one with sh, find, awk and the public roots, or use the method Directory", quote.Name(first.Name))
		}
		if !flux.HasShell(image) {
			return p, fmt.Errorf("the image %q of container %s has no shell, as far as is known, so it cannot assemble the roots; "+
				"set spec.mount.initContainer.image to one with sh, find, awk and the public roots, or use the method Directory", quote.Image(image), quote.Name(first.Name))
		}
	}
	bundle := path.Join(config.Path, path.Base(systemBundle))
	roots := systemBundle + " "
	p.env = []variable{fixed(certFile, bundle), fixed(gitFile, bundle)}
	if replace {
		roots = ""
		p.env = append(p.env, fixed(certDir, config.Path))
	}
	// awk puts a newline behind a file that lacks one. There is no variable in
	// the script, because Flux's substitution would touch it.
	script := fmt.Sprintf("find -L %s%s -maxdepth 1 -type f -exec awk 1 {} + > %s && test -s %s", roots, initMount, bundle, bundle)
	p.initContainer = newInitContainer(image, script, config.Path, d.initSecurity(config.InitContainer.Image != ""))
	v := volume{Name: bundleVolume}
	v.EmptyDir.SizeLimit = d.security.Extras.EmptyDirSizeLimit
	p.volumes = []any{v}
	p.mounts = []mount{{Name: bundleVolume, MountPath: config.Path, ReadOnly: true}}
	return p, nil
}

// initSecurity is the securityContext of the init container.
type initSecurity struct {
	AllowPrivilegeEscalation bool                `yaml:"allowPrivilegeEscalation"`
	Capabilities             map[string][]string `yaml:"capabilities"`
	ReadOnlyRootFilesystem   bool                `yaml:"readOnlyRootFilesystem"`
	RunAsNonRoot             bool                `yaml:"runAsNonRoot,omitempty"`
	RunAsUser                int                 `yaml:"runAsUser,omitempty"`
	SeccompProfile           map[string]string   `yaml:"seccompProfile,omitempty"`
}

// initSecurity meets the Pod Security Standard restricted. An image that is not
// the controller's may run as root unless told otherwise.
func (d *deployment) initSecurity(foreign bool) initSecurity {
	sc := initSecurity{Capabilities: map[string][]string{"drop": {"ALL"}}, ReadOnlyRootFilesystem: true}
	if d.security.Profile == v1alpha1.OpenShift { // which sets the rest
		return sc
	}
	sc.RunAsNonRoot = true
	if foreign {
		sc.RunAsUser = nobody
	}
	sc.SeccompProfile = map[string]string{"type": "RuntimeDefault"}
	return sc
}

// newInitContainer returns a container that asks for little.
func newInitContainer(image, script, bundlePath string, sc initSecurity) any {
	type quantities struct {
		CPU    string `yaml:"cpu,omitempty"`
		Memory string `yaml:"memory"`
	}
	type resources struct {
		Limits   quantities `yaml:"limits"`
		Requests quantities `yaml:"requests"`
	}
	return struct {
		Name            string       `yaml:"name"`
		Image           string       `yaml:"image"`
		Command         []string     `yaml:"command"`
		Resources       resources    `yaml:"resources"`
		SecurityContext initSecurity `yaml:"securityContext"`
		VolumeMounts    []mount      `yaml:"volumeMounts"`
	}{
		Name: initContainer, Image: image, Command: []string{"sh", "-ec", script},
		Resources: resources{
			Limits:   quantities{Memory: "64Mi"},
			Requests: quantities{CPU: "10m", Memory: "16Mi"},
		},
		SecurityContext: sc,
		VolumeMounts: []mount{
			{Name: caVolume, MountPath: initMount, ReadOnly: true},
			{Name: bundleVolume, MountPath: bundlePath},
		},
	}
}

// withDir returns a list of directories with one more.
func withDir(before *string, dir string) string {
	if before == nil || *before == "" {
		return v1alpha1.SystemDirectory + ":" + dir
	}
	if slices.Contains(strings.Split(*before, ":"), dir) {
		return *before
	}
	return *before + ":" + dir
}

// before returns what a variable was before an earlier run: the recorded
// value, or, when somebody has edited it since, the edited one without the
// directory of that run.
func before(name, current string, recorded *string, dir string) *string {
	ours := []string{noFile, path.Join(dir, path.Base(systemBundle))}
	if name == certDir {
		ours = []string{withDir(recorded, dir), dir}
	}
	if slices.Contains(ours, current) {
		return recorded
	}
	edited := current
	if name == certDir {
		edited = strings.Join(slices.DeleteFunc(strings.Split(current, ":"), func(d string) bool { return d == dir }), ":")
	}
	return &edited
}
