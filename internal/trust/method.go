package trust

import (
	"slices"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/internal/codes"
	"fluxtrust.dev/flux-trust/internal/krm"
)

// method is a way to bring the bundle to the controllers. Each has a file of its own.
type method struct {
	name v1alpha1.Method
	// needsKeys is set where every key has to be known.
	needsKeys bool
	// warning is one that every user of the method gets, with its code.
	warning string
	code    krm.Code
	// env returns the variables of every controller container.
	env func(m *v1alpha1.Mount) []variable
	// plan returns what else a pod needs. What is in the way sticks to its object.
	plan func(p *Pod, s *Settings, projections []Projection) plan
}

// methods returns the ways in which a pod can trust a bundle.
func methods() []method {
	return []method{
		{name: v1alpha1.Directory, env: directoryEnv, plan: planDirectory},
		{name: v1alpha1.File, needsKeys: true, code: codes.FileNeverUpdated, warning: fileWarning, env: fileEnv, plan: planFiles},
		{name: v1alpha1.InitContainerMethod, env: initContainerEnv, plan: planInitContainer},
	}
}

// methodOf returns the row of a method. That of None is empty.
func methodOf(name v1alpha1.Method) method {
	all := methods()
	if i := slices.IndexFunc(all, func(m method) bool { return m.name == name }); i >= 0 {
		return all[i]
	}
	return method{env: fileEnv, plan: func(*Pod, *Settings, []Projection) plan { return plan{} }}
}

// Warning returns the warning that every user of a method gets, if there is one.
func Warning(name v1alpha1.Method) (krm.Finding, bool) {
	m := methodOf(name)
	return krm.Finding{Code: m.code, Severity: krm.Warning, Message: m.warning}, m.warning != ""
}

// plan is what a pod needs beside the projected volume and the variables.
type plan struct {
	volumes       []any
	initContainer any     // or nil
	mounts        []mount // of every controller container
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
