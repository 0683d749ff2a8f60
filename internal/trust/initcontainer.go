package trust

import (
	"fmt"
	"path"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/internal/codes"
	"fluxtrust.dev/flux-trust/internal/flux"
	"fluxtrust.dev/flux-trust/internal/quote"
)

// The method InitContainer assembles the public roots of the image and the bundle into
// one file, which git reads, too.

// nobody is the user that the images of Flux run as.
const nobody = 65534

func initContainerEnv(m *v1alpha1.Mount) []variable {
	bundle := assembled(m.Path)
	env := []variable{fixed(certFile, bundle), fixed(gitFile, bundle)}
	if m.SystemRoots == v1alpha1.Replace {
		env = append(env, fixed(certDir, m.Path))
	}
	return env
}

// assembled returns the file that the init container writes.
func assembled(dir string) string { return path.Join(dir, path.Base(systemBundle)) }

func planInitContainer(p *Pod, s *Settings, _ []Projection) plan {
	image := s.Mount.InitContainer.Image
	if image == "" {
		image = p.imageWithShell()
	}
	roots := systemBundle + " "
	if s.Mount.SystemRoots == v1alpha1.Replace {
		roots = ""
	}
	// awk puts a newline behind a file that lacks one. There is no variable in
	// the script, because Flux's substitution would touch it.
	script := fmt.Sprintf("find -L %s%s -maxdepth 1 -type f -exec awk 1 {} + > %s && test -s %[3]s", roots, v1alpha1.InitMount, assembled(s.Mount.Path))
	v := emptyDir{Name: v1alpha1.BundleVolume}
	v.EmptyDir.SizeLimit = s.Security.Extras.EmptyDirSizeLimit
	return plan{
		initContainer: newInitContainer(image, script, s, initSecurityOf(s)),
		volumes:       []any{v},
		mounts:        []mount{{Name: v1alpha1.BundleVolume, MountPath: s.Mount.Path, ReadOnly: true}},
	}
}

// imageWithShell returns the image of the first controller.
func (p *Pod) imageWithShell() string {
	first := p.containers[p.controllers[0]]
	const cure = "set spec.mount.initContainer.image to one with sh, find, awk and the public roots, or use the method Directory"
	switch {
	case first.Image == "":
		p.fail(codes.NoShell, "the image of the container %s is not known here, and the init container would use it; %s", quote.Name(first.Name), cure)
	case !flux.HasShell(first.Image):
		p.fail(codes.NoShell, "the image %q of container %s has no shell, as far as is known, so it cannot assemble the roots; %s", quote.Image(first.Image), quote.Name(first.Name), cure)
	}
	return first.Image
}

// emptyDir is a volume.
type emptyDir struct {
	Name     string `yaml:"name"`
	EmptyDir struct {
		SizeLimit string `yaml:"sizeLimit,omitempty"`
	} `yaml:"emptyDir"`
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

// initSecurityOf meets the Pod Security Standard restricted. An image that is not
// the controller's may run as root unless told otherwise.
func initSecurityOf(s *Settings) initSecurity {
	sc := initSecurity{Capabilities: map[string][]string{"drop": {"ALL"}}, ReadOnlyRootFilesystem: true}
	if s.Security.Profile == v1alpha1.OpenShift { // which sets the rest
		return sc
	}
	sc.RunAsNonRoot = true
	if s.Mount.InitContainer.Image != "" {
		sc.RunAsUser = nobody
	}
	sc.SeccompProfile = map[string]string{"type": "RuntimeDefault"}
	return sc
}

// newInitContainer returns a container that asks for little.
func newInitContainer(image, script string, s *Settings, sc initSecurity) any {
	type quantities struct {
		CPU    string `yaml:"cpu,omitempty"`
		Memory string `yaml:"memory"`
	}
	limits := quantities{Memory: "64Mi"}
	if s.LimitCPU {
		limits.CPU = "1"
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
		Name: v1alpha1.InitContainerName, Image: image, Command: []string{"sh", "-ec", script},
		Resources: resources{
			Limits:   limits,
			Requests: quantities{CPU: "10m", Memory: "16Mi"},
		},
		SecurityContext: sc,
		VolumeMounts: []mount{
			{Name: v1alpha1.CAVolume, MountPath: v1alpha1.InitMount, ReadOnly: true},
			{Name: v1alpha1.BundleVolume, MountPath: s.Mount.Path},
		},
	}
}
