package trust

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/internal/codes"
	"fluxtrust.dev/flux-trust/internal/inventory"
	"fluxtrust.dev/flux-trust/internal/krm"
)

// deployment returns a controller with a pod spec.
func deployment(metadata, pod string) string {
	return "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: source-controller, namespace: flux-system" + metadata + "}\n" +
		"spec:\n  selector: {}\n  template:\n    spec:\n" + pod
}

const bare = "      containers:\n      - name: manager\n        image: fluxcd/source-controller:v1.9.6\n"

// own has every variable that the function sets, with a value of the user's.
const own = bare + "        env:\n        - {name: FIRST, value: x}\n        - {name: SSL_CERT_DIR, value: \"/mine:/etc/ssl/certs\"}\n" +
	"        - {name: SSL_CERT_FILE, value: /mine/ca.pem} # mine\n        - {name: GIT_SSL_CAINFO, value: /mine/git.pem}\n" +
	"        volumeMounts:\n        - {name: mine, mountPath: /mine}\n      volumes:\n      - {name: mine, emptyDir: {}}\n      initContainers:\n      - {name: wait, image: x}\n"

const two = bare + "      - name: sidecar\n        image: x\n"

func workload(t *testing.T, text string) *inventory.Workload {
	t.Helper()
	n, err := yaml.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	found := inventory.Of([]*krm.Object{krm.NewObject(n.YNode(), nil)}, &v1alpha1.Controllers{}).Workloads
	if len(found) != 1 || found[0].Err != nil {
		t.Fatalf("got %v", found)
	}
	return found[0]
}

// settings returns those of a method.
func settings(m v1alpha1.Mount) *Settings {
	if m.Method == "" {
		m.Method = v1alpha1.Directory
	}
	if m.Path == "" {
		m.Path = v1alpha1.DefaultDirectory
	}
	return &Settings{Owner: "corp", Mount: m, Security: v1alpha1.SecurityContext{Profile: v1alpha1.Restricted}}
}

func projections(names ...string) []Projection {
	var found []Projection
	for _, name := range names {
		found = append(found, Projection{ConfigMap: &keysOf{Name: name, Items: []keyToPath{{"ca.crt", name + "-ca.crt"}}}})
	}
	return found
}

// apply makes a controller trust projections, and returns it as YAML.
func apply(t *testing.T, text string, s *Settings, b Bundle) (string, krm.Findings, error) {
	t.Helper()
	w := workload(t, text)
	p := PodOf(w, s)
	p.Claim()
	found := p.Apply(b)
	return yaml.NewRNode(w.Object.After().Node).MustString(), found, w.Object.Err()
}

func release(t *testing.T, text string, s *Settings) (string, krm.Findings, error) {
	t.Helper()
	w := workload(t, text)
	found := PodOf(w, s).Release()
	return yaml.NewRNode(w.Object.After().Node).MustString(), found, w.Object.Err()
}

// said writes findings as severity, code and path.
func said(found krm.Findings) string {
	var lines []string
	for _, f := range found {
		lines = append(lines, strings.TrimSpace(fmt.Sprintf("%s %s %s", f.Severity, f.Code, f.Path)))
	}
	return strings.Join(lines, "\n")
}

// mounts are every way to mount a bundle.
func mounts() map[string]v1alpha1.Mount {
	return map[string]v1alpha1.Mount{
		"Directory":             {},
		"Directory elsewhere":   {Path: "/opt/ca"},
		"Directory replace":     {SystemRoots: v1alpha1.Replace},
		"File":                  {Method: v1alpha1.File, Path: v1alpha1.SystemDirectory},
		"InitContainer":         {Method: v1alpha1.InitContainerMethod},
		"InitContainer replace": {Method: v1alpha1.InitContainerMethod, SystemRoots: v1alpha1.Replace},
		"InitContainer image":   {Method: v1alpha1.InitContainerMethod, InitContainer: v1alpha1.InitContainer{Image: "y"}},
	}
}

// TestThereAndBack: a second run changes nothing, another config after it gives what it
// gives alone, and Release gives back what was there, for every method and pod.
func TestThereAndBack(t *testing.T) {
	b := Bundle{Projections: projections("a", "b"), Digest: "sha256:x"}
	for pod, text := range map[string]string{"bare": deployment("", bare), "own values": deployment(", annotations: {mine: x}", own), "two containers": deployment("", two)} {
		start := workload(t, text).Object
		before := yaml.NewRNode(start.Before.Node).MustString()
		alone := map[string]string{}
		for name, m := range mounts() {
			after, found, err := apply(t, text, settings(m), b)
			if err != nil {
				t.Fatalf("%s, %s: %v", pod, name, err)
			}
			if after == before || !strings.Contains(said(found), "info Trusts spec.template.spec.volumes.[name=flux-trust-ca]") {
				t.Errorf("%s, %s: not changed, or not said: %s", pod, name, said(found))
			}
			if again, found, err := apply(t, after, settings(m), b); err != nil || again != after || len(found) > 0 {
				t.Errorf("%s, %s: a second run gives %v, %s and\n%s", pod, name, err, said(found), again)
			}
			if back, _, err := release(t, after, settings(m)); err != nil || back != before {
				t.Errorf("%s, %s: back comes %v\n%s\nnot\n%s", pod, name, err, back, before)
			}
			alone[name] = after
		}
		for first, after := range alone {
			for second, m := range mounts() {
				if got, _, err := apply(t, after, settings(m), b); err != nil || got != alone[second] {
					t.Errorf("%s, %s after %s: %v\n%s\nnot\n%s", pod, second, first, err, got, alone[second])
				}
			}
		}
	}
}

// TestEveryVariableIsGivenBack: for every row of managedEnv a method writes it over a
// value of the user's, which Release restores.
func TestEveryVariableIsGivenBack(t *testing.T) {
	for _, m := range managedEnv() {
		if !m.ofBundle {
			continue // of no method: TestProxyThereAndBack
		}
		value := func(text string) string {
			_, v := envEntry(workload(t, text).Object.Before.Get("spec", "template", "spec").Items("containers")[0], m.name)
			if v == nil {
				return ""
			}
			return *v
		}
		mine, written := value(deployment("", own)), false
		for name, mount := range mounts() {
			after, _, err := apply(t, deployment("", own), settings(mount), Bundle{Projections: projections("a")})
			if err != nil {
				t.Fatal(err)
			}
			written = written || value(after) != mine
			back, _, err := release(t, after, settings(mount))
			if err != nil || value(back) != mine {
				t.Errorf("%s, %s: back comes %q, %v", m.name, name, value(back), err)
			}
			// Somebody has edited the value since: that is the user's now.
			if value(after) != mine && m.name == certDir {
				edited := strings.Replace(after, `SSL_CERT_DIR, value: "`, `SSL_CERT_DIR, value: "/new:`, 1)
				if back, _, err := release(t, edited, settings(mount)); err != nil || !strings.HasPrefix(value(back), "/new") {
					t.Errorf("%s, %s: of an edited value comes back %q, %v", m.name, name, value(back), err)
				}
			}
		}
		if !written {
			t.Errorf("no method writes %s", m.name)
		}
	}
}

// TestMethods: every method of the config but None has a row.
func TestMethods(t *testing.T) {
	for _, name := range v1alpha1.Methods() {
		tried := name == v1alpha1.None || name == v1alpha1.Directory
		for _, m := range mounts() {
			tried = tried || m.Method == name
		}
		if methodOf(name).name != name && name != v1alpha1.None || !tried {
			t.Errorf("%s has no row, or is not among mounts", name)
		}
	}
	if m := methodOf(v1alpha1.None); m.name != "" || m.env(&v1alpha1.Mount{}) != nil {
		t.Errorf("None is %v", m)
	}
	if w, ok := Warning(v1alpha1.File); !ok || w.Code != codes.FileNeverUpdated {
		t.Errorf("File warns of %v", w)
	}
	if w, ok := Warning(v1alpha1.Directory); ok {
		t.Errorf("Directory warns of %v", w)
	}
}

func TestApply(t *testing.T) {
	for name, tc := range map[string]struct {
		pod    string
		mount  v1alpha1.Mount
		bundle Bundle
		want   []string // lines of the result
	}{
		"Directory": {bare, v1alpha1.Mount{}, Bundle{Projections: projections("a"), Digest: "sha256:x"}, []string{
			`metadata: {name: source-controller, namespace: flux-system, annotations: {fluxtrust.dev/config: corp, fluxtrust.dev/previous: '{"manager":{"SSL_CERT_DIR":null}}'}}`, "        fluxtrust.dev/ca-bundle: sha256:x",
			"          value: /etc/ssl/certs:/etc/ssl/flux-trust", "          mountPath: /etc/ssl/flux-trust", "          readOnly: true", "              - key: ca.crt", "                path: a-ca.crt",
		}},
		"Directory, own directories": {own, v1alpha1.Mount{}, Bundle{Projections: projections("a")}, []string{"        - {name: SSL_CERT_DIR, value: \"/mine:/etc/ssl/certs:/etc/ssl/flux-trust\"}"}},
		"Directory, replace":         {bare, v1alpha1.Mount{SystemRoots: v1alpha1.Replace}, Bundle{Projections: projections("a")}, []string{"          value: /etc/ssl/flux-trust", "          value: /dev/null"}},
		"File":                       {bare, v1alpha1.Mount{Method: v1alpha1.File, Path: "/etc/ssl/certs"}, Bundle{Projections: projections("a", "b")}, []string{"          mountPath: /etc/ssl/certs/a-ca.crt", "          subPath: b-ca.crt"}},
		"InitContainer": {bare, v1alpha1.Mount{Method: v1alpha1.InitContainerMethod}, Bundle{Projections: projections("a")}, []string{
			"      - name: flux-trust-init", "        image: fluxcd/source-controller:v1.9.6",
			"        - find -L /etc/ssl/certs/ca-certificates.crt /flux-trust -maxdepth 1 -type f -exec awk 1 {} + > /etc/ssl/flux-trust/ca-certificates.crt && test -s /etc/ssl/flux-trust/ca-certificates.crt",
			"          runAsNonRoot: true", "            type: RuntimeDefault", "        emptyDir: {}", "        - name: GIT_SSL_CAINFO",
		}},
		"InitContainer, image":   {bare, v1alpha1.Mount{Method: v1alpha1.InitContainerMethod, InitContainer: v1alpha1.InitContainer{Image: "x"}}, Bundle{Projections: projections("a")}, []string{"        image: x", "          runAsUser: 65534"}},
		"InitContainer, replace": {bare, v1alpha1.Mount{Method: v1alpha1.InitContainerMethod, SystemRoots: v1alpha1.Replace}, Bundle{Projections: projections("a")}, []string{"        - name: SSL_CERT_DIR", "        - find -L /flux-trust -maxdepth 1 -type f -exec awk 1 {} + > /etc/ssl/flux-trust/ca-certificates.crt && test -s /etc/ssl/flux-trust/ca-certificates.crt"}},
	} {
		t.Run(name, func(t *testing.T) {
			after, _, err := apply(t, deployment("", tc.pod), settings(tc.mount), tc.bundle)
			if err != nil {
				t.Fatal(err)
			}
			lines := strings.Split(after, "\n")
			for _, line := range tc.want {
				if !slices.Contains(lines, line) {
					t.Errorf("no line %q in\n%s", line, after)
				}
			}
		})
	}
	t.Run("on OpenShift the platform sets the rest", func(t *testing.T) {
		s := settings(v1alpha1.Mount{Method: v1alpha1.InitContainerMethod})
		s.Security.Profile, s.Security.Extras.EmptyDirSizeLimit = v1alpha1.OpenShift, "1Gi"
		after, _, err := apply(t, deployment("", bare), s, Bundle{Projections: projections("a")})
		if err != nil || strings.Contains(after, "runAs") || strings.Contains(after, "seccomp") || !strings.Contains(after, "sizeLimit: 1Gi") {
			t.Errorf("got %v\n%s", err, after)
		}
	})
	t.Run("a name with a suffix stays", func(t *testing.T) {
		after, _, err := apply(t, deployment("", bare), settings(v1alpha1.Mount{}), Bundle{Projections: projections("a")})
		if err != nil {
			t.Fatal(err)
		}
		built := strings.ReplaceAll(after, "name: a\n", "name: a-2456789bcd\n")
		if again, found, err := apply(t, built, settings(v1alpha1.Mount{}), Bundle{Projections: projections("a")}); err != nil || again != built || len(found) > 0 {
			t.Errorf("got %v, %s\n%s", err, said(found), again)
		}
		settled := projections("a")
		settled[0].settled = true
		if again, _, err := apply(t, built, settings(v1alpha1.Mount{}), Bundle{Projections: settled}); err != nil || again != after {
			t.Errorf("a settled name is not written: %v\n%s", err, again)
		}
	})
	t.Run("a digest that is no longer known goes", func(t *testing.T) {
		after, _, _ := apply(t, deployment("", bare), settings(v1alpha1.Mount{}), Bundle{Projections: projections("a"), Digest: "sha256:x"}) //nolint:dogsled // said above
		if again, _, err := apply(t, after, settings(v1alpha1.Mount{}), Bundle{Projections: projections("a")}); err != nil || strings.Contains(again, "ca-bundle") {
			t.Errorf("got %v\n%s", err, again)
		}
	})
}

// TestInTheWay: what a pod has that does not go together with the function's work.
func TestInTheWay(t *testing.T) {
	marked := ", annotations: {fluxtrust.dev/config: corp, fluxtrust.dev/previous: '%s'}"
	env := func(text string) string { return bare + "        env: " + text + "\n" }
	for name, tc := range map[string]struct {
		metadata, pod string
		mount         v1alpha1.Mount
		code          krm.Code
		want          string
	}{
		"another config":           {", annotations: {fluxtrust.dev/config: other}", bare, v1alpha1.Mount{}, codes.AnotherConfig, "metadata.annotations.fluxtrust.dev/config: FluxTrust \"other\" has changed this Deployment already"},
		"a record that is none":    {fmt.Sprintf(marked, "{"), bare, v1alpha1.Mount{}, codes.RecordUnreadable, "metadata.annotations.fluxtrust.dev/previous: is not what flux-trust wrote"},
		"a record that is null":    {fmt.Sprintf(marked, "null"), bare, v1alpha1.Mount{}, codes.RecordUnreadable, "metadata.annotations.fluxtrust.dev/previous: is not what flux-trust wrote"},
		"a volume of the name":     {"", bare + "      volumes: [{name: flux-trust-ca, emptyDir: {}}]\n", v1alpha1.Mount{}, codes.NameTaken, "spec.template.spec.volumes.[name=flux-trust-ca]: an entry of this name exists"},
		"the other volume":         {"", bare + "      volumes: [{name: flux-trust-bundle, emptyDir: {}}]\n", v1alpha1.Mount{}, codes.NameTaken, "spec.template.spec.volumes.[name=flux-trust-bundle]: an entry of this name exists"},
		"an init container":        {"", bare + "      initContainers: [{name: flux-trust-init}]\n", v1alpha1.Mount{}, codes.NameTaken, "spec.template.spec.initContainers.[name=flux-trust-init]: an entry of this name exists"},
		"a volume that was edited": {fmt.Sprintf(marked, "{}"), bare + "      volumes: [{name: flux-trust-ca, emptyDir: {}}]\n", v1alpha1.Mount{}, codes.VolumeEdited, "spec.template.spec.volumes.[name=flux-trust-ca]: is no longer a projected volume"},
		"sources that are none":    {fmt.Sprintf(marked, "{}"), bare + "      volumes: [{name: flux-trust-ca, projected: {sources: {a: b}}}]\n", v1alpha1.Mount{}, codes.VolumeEdited, "spec.template.spec.volumes.[name=flux-trust-ca].projected.sources: is not a list of sources"},
		"a mount at the path":      {"", bare + "        volumeMounts: [{name: x, mountPath: /etc/ssl/flux-trust/}]\n", v1alpha1.Mount{}, codes.PathTaken, "volume x is mounted at /etc/ssl/flux-trust, which collides"},
		"a mount around it":        {"", bare + "        volumeMounts: [{name: x, mountPath: /etc}]\n", v1alpha1.Mount{}, codes.PathTaken, "volume x is mounted at /etc, which collides"},
		"a mount in it":            {"", bare + "        volumeMounts: [{name: x, mountPath: /etc/ssl/flux-trust/x}]\n", v1alpha1.Mount{}, codes.PathTaken, "volume x is mounted at /etc/ssl/flux-trust/x, which collides"},
		"a mount beside it":        {"", bare + "        volumeMounts: [{name: x, mountPath: /etc/ssl/flux-trust-x}]\n", v1alpha1.Mount{}, "", ""},
		"a variable twice":         {"", env("[{name: SSL_CERT_DIR, value: a}, {name: SSL_CERT_DIR, value: b}]"), v1alpha1.Mount{}, codes.EnvTwice, "appears twice; remove one"},
		"from elsewhere":           {"", env("[{name: SSL_CERT_DIR, valueFrom: {fieldRef: {}}}]"), v1alpha1.Mount{}, codes.EnvNotLiteral, "the value comes from elsewhere"},
		"not ours, from elsewhere": {"", env("[{name: SSL_CERT_FILE, valueFrom: {fieldRef: {}}}]"), v1alpha1.Mount{}, "", ""},
		"not read by Go":           {"", bare, v1alpha1.Mount{Method: v1alpha1.File, Path: "/opt"}, codes.PathNotRead, "Go does not look for roots in /opt"},
		"not in the variable":      {"", env("[{name: SSL_CERT_DIR, value: /x}]"), v1alpha1.Mount{Method: v1alpha1.File, Path: "/etc/ssl/certs"}, codes.PathNotRead, "is /x, so Go does not look for roots in /etc/ssl/certs"},
		"in the variable":          {"", env("[{name: SSL_CERT_DIR, value: \"/x:/opt/\"}]"), v1alpha1.Mount{Method: v1alpha1.File, Path: "/opt"}, "", ""},
		"no image":                 {"", "      containers:\n      - name: manager\n", v1alpha1.Mount{Method: v1alpha1.InitContainerMethod}, codes.NoShell, "the image of the container manager is not known here"},
		"no shell":                 {"", "      containers:\n      - {name: manager, image: \"fluxcd/source-controller:v1-distroless\"}\n", v1alpha1.Mount{Method: v1alpha1.InitContainerMethod}, codes.NoShell, "has no shell, as far as is known"},
		"a type":                   {"", bare + "      volumes: {}\n", v1alpha1.Mount{}, krm.WrongType, "spec.template.spec.volumes: expected a list, got a mapping"},
	} {
		t.Run(name, func(t *testing.T) {
			metadata := strings.TrimSuffix(", labels: {app.kubernetes.io/part-of: flux, app.kubernetes.io/component: source-controller}"+tc.metadata, "")
			_, found, err := apply(t, deployment(metadata, tc.pod), settings(tc.mount), Bundle{Projections: projections("a")})
			if tc.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Fatalf("got %v", err)
			}
			if failure, ok := workload(t, deployment(metadata, tc.pod)).Object.Failure(err); !ok || failure.Code != tc.code {
				t.Errorf("the code is %s, want %s", failure.Code, tc.code)
			}
			if strings.Contains(said(found), string(codes.Trusts)) {
				t.Errorf("it says that it was changed: %s", said(found))
			}
		})
	}
	hides := Bundle{Projections: []Projection{{Secret: &keysOf{Name: "a", Items: []keyToPath{{"x", "ca-certificates.crt"}}}}}}
	if _, _, err := apply(t, deployment("", bare), settings(v1alpha1.Mount{Method: v1alpha1.File, Path: "/etc/ssl/certs"}), hides); err == nil || !strings.Contains(err.Error(), "would hide the public roots: Secret a gives the file") {
		t.Errorf("a file over the public roots: %v", err)
	}
}

// TestDropped: what is no longer trusted is named.
func TestDropped(t *testing.T) {
	start, _, err := apply(t, deployment("", bare), settings(v1alpha1.Mount{}), Bundle{Projections: projections("a", "b")})
	if err != nil {
		t.Fatal(err)
	}
	const at = "spec.template.spec.volumes.[name=flux-trust-ca].projected.sources"
	otherKey := projections("a", "b")
	otherKey[1].ConfigMap.Items[0].Key = "other.crt"
	asSecret := projections("a")
	asSecret = append(asSecret, Projection{Secret: projections("b")[0].ConfigMap})
	allKeys := projections("a", "b")
	allKeys[1].ConfigMap.Items = nil
	for name, tc := range map[string]struct {
		text        string
		projections []Projection
		want        string
	}{
		"nothing":            {start, projections("a", "b"), ""},
		"an object":          {start, projections("a"), "ConfigMap b is no longer trusted: the config does not name it"},
		"a key":              {start, otherKey, "ca.crt of ConfigMap b is no longer trusted: the config does not name it"},
		"a kind":             {start, asSecret, "ConfigMap b is no longer trusted: the config does not name it"},
		"all keys hold it":   {start, allKeys, ""},
		"with a suffix":      {strings.ReplaceAll(start, "name: b\n", "name: b-2456789bcd\n"), projections("a", "b"), ""},
		"by somebody else":   {strings.Replace(start, "          - configMap:", "          - serviceAccountToken: {path: x}\n          - configMap:", 1), projections("a", "b"), "the source serviceAccountToken is no longer trusted: the config does not name it"},
		"a bundle of a kind": {strings.Replace(start, "          - configMap:", "          - clusterTrustBundle: {name: x, path: x}\n          - configMap:", 1), projections("a", "b"), "ClusterTrustBundle x is no longer trusted: the config does not name it"},
	} {
		_, found, err := apply(t, tc.text, settings(v1alpha1.Mount{}), Bundle{Projections: tc.projections})
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, f := range found {
			if f.Code == codes.RootsDropped && f.Path == at && f.Severity == krm.Warning {
				got = f.Message
			}
		}
		if got != tc.want {
			t.Errorf("%s: got %q, want %q", name, got, tc.want)
		}
	}
	t.Run("a variable", func(t *testing.T) {
		_, found, err := apply(t, deployment("", own), settings(v1alpha1.Mount{SystemRoots: v1alpha1.Replace}), Bundle{Projections: projections("a")})
		if want := "warning RootsDropped spec.template.spec.containers.[name=manager].env.[name=SSL_CERT_DIR].value"; err != nil || !strings.Contains(said(found), want) {
			t.Errorf("got %v, %s", err, said(found))
		}
	})
}

func TestRelease(t *testing.T) {
	text := deployment("", bare)
	if after, found, err := release(t, text, settings(v1alpha1.Mount{})); err != nil || len(found) > 0 || after != yaml.MustParse(text).MustString() {
		t.Errorf("of nobody: got %v, %s\n%s", err, said(found), after)
	}
	text = deployment(", annotations: {fluxtrust.dev/config: other}", bare)
	if after, found, err := release(t, text, settings(v1alpha1.Mount{})); err != nil || said(found) != "warning AnotherConfig metadata.annotations.fluxtrust.dev/config" || after != yaml.MustParse(text).MustString() {
		t.Errorf("of another config: got %v, %s\n%s", err, said(found), after)
	}
	t.Run("a container that was renamed", func(t *testing.T) {
		after, _, err := apply(t, deployment("", bare), settings(v1alpha1.Mount{}), Bundle{Projections: projections("a")})
		if err != nil {
			t.Fatal(err)
		}
		back, found, err := release(t, strings.ReplaceAll(after, "name: manager", "name: controller"), settings(v1alpha1.Mount{}))
		if want := yaml.MustParse(strings.ReplaceAll(deployment("", bare), "name: manager", "name: controller")).MustString(); err != nil || back != want || said(found) != "info TrustsNoLonger spec.template.spec.volumes.[name=flux-trust-ca]" {
			t.Errorf("got %v, %s\n%s\nnot\n%s", err, said(found), back, want)
		}
	})
}

func TestCheckRootFiles(t *testing.T) {
	env := func(value, more string) string {
		return bare + "        env: [{name: SSL_CERT_FILE, " + value + "}]\n" + more
	}
	for name, tc := range map[string]struct {
		pod   string
		mount v1alpha1.Mount
		warns bool
	}{
		"none":                {bare, v1alpha1.Mount{}, false},
		"in no volume":        {env("value: /mine/ca.pem", ""), v1alpha1.Mount{}, true},
		"in a volume":         {env("value: /mine/ca.pem", "        volumeMounts: [{name: x, mountPath: /mine/}]\n"), v1alpha1.Mount{}, false},
		"a volume":            {env("value: /mine/ca.pem", "        volumeMounts: [{name: x, mountPath: /mine/ca.pem}]\n"), v1alpha1.Mount{}, false},
		"beside a volume":     {env("value: /mine/ca.pem", "        volumeMounts: [{name: x, mountPath: /min}]\n"), v1alpha1.Mount{}, true},
		"of the image":        {env("value: /etc/ssl/cert.pem", ""), v1alpha1.Mount{}, false},
		"relative":            {env("value: ca.pem", ""), v1alpha1.Mount{}, false},
		"a placeholder":       {env("value: \"/${x}\"", ""), v1alpha1.Mount{}, false},
		"from elsewhere":      {env("valueFrom: {fieldRef: {}}", ""), v1alpha1.Mount{}, false},
		"that is to be ours":  {env("value: /mine/ca.pem", ""), v1alpha1.Mount{SystemRoots: v1alpha1.Replace}, false},
		"ours by another way": {env("value: /mine/ca.pem", ""), v1alpha1.Mount{Method: v1alpha1.InitContainerMethod}, false},
		"the method None":     {env("value: /mine/ca.pem", ""), v1alpha1.Mount{Method: v1alpha1.None}, true},
	} {
		w := workload(t, deployment("", tc.pod))
		found := CheckRootFiles(w, settings(tc.mount), &inventory.Stores{})
		if warns := said(found) == "warning RootFileMissing spec.template.spec.containers.[name=manager].env.[name=SSL_CERT_FILE].value"; warns != tc.warns || w.Object.Err() != nil {
			t.Errorf("%s: got %s, %v", name, said(found), w.Object.Err())
		}
	}
}

// TestHiddenRoots: a volume over the public roots is told of, where they are to be kept.
func TestHiddenRoots(t *testing.T) {
	mounts := func(list string) string { return bare + "        volumeMounts: [" + list + "]\n" }
	for name, tc := range map[string]struct {
		pod   string
		mount v1alpha1.Mount
		warns bool
	}{
		"none":             {bare, v1alpha1.Mount{}, false},
		"over the folder":  {mounts("{name: x, mountPath: /etc/ssl/certs/}"), v1alpha1.Mount{}, true},
		"over the file":    {mounts("{name: x, mountPath: /etc/ssl/certs/ca-certificates.crt, subPath: ca.crt}"), v1alpha1.Mount{}, true},
		"over all of it":   {mounts("{name: x, mountPath: /etc}"), v1alpha1.Mount{}, true},
		"beside the file":  {mounts("{name: x, mountPath: /etc/ssl/certs/mine.crt, subPath: ca.crt}"), v1alpha1.Mount{}, false},
		"ours":             {mounts("{name: flux-trust-ca, mountPath: /etc/ssl/certs}"), v1alpha1.Mount{}, false},
		"to be replaced":   {mounts("{name: x, mountPath: /etc/ssl/certs}"), v1alpha1.Mount{SystemRoots: v1alpha1.Replace}, false},
		"the method None":  {mounts("{name: x, mountPath: /etc/ssl/certs}"), v1alpha1.Mount{Method: v1alpha1.None}, false},
		"no mount at all":  {mounts("{name: x}"), v1alpha1.Mount{}, false},
		"a wrong type":     {mounts("x"), v1alpha1.Mount{}, false},
		"an InitContainer": {mounts("{name: x, mountPath: /etc/ssl/certs}"), v1alpha1.Mount{Method: v1alpha1.InitContainerMethod}, false},
	} {
		found := CheckRootFiles(workload(t, deployment("", tc.pod)), settings(tc.mount), &inventory.Stores{})
		if warns := said(found) == "warning HidesPublicRoots spec.template.spec.containers.[name=manager].volumeMounts.[name=x].mountPath"; warns != tc.warns || !warns && len(found) > 0 {
			t.Errorf("%s: got %s", name, said(found))
		}
	}
}

// TestPublicRootsBehindVolume: a volume over the public roots that has public ones itself
// is no cause for alarm. Those of a node are not seen.
func TestPublicRootsBehindVolume(t *testing.T) {
	const (
		hides  = "warning HidesPublicRoots spec.template.spec.containers.[name=manager].volumeMounts.[name=x].mountPath"
		unseen = "info HidesPublicRoots spec.template.spec.containers.[name=manager].volumeMounts.[name=x].mountPath"
		over   = "mountPath: /etc/ssl/certs"
		file   = "mountPath: /etc/ssl/certs/ca-certificates.crt, subPath: "
	)
	stores := storesIn("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: filled, namespace: flux-system, labels: {config.openshift.io/inject-trusted-cabundle: \"true\"}}\n" +
		"---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: mine, namespace: flux-system}\ndata: {ca.crt: x}\n" +
		"---\napiVersion: trust.cert-manager.io/v1alpha1\nkind: Bundle\nmetadata: {name: public}\nspec: {sources: [{useDefaultCAs: true}], target: {configMap: {key: ca.crt}}}\n" +
		"---\napiVersion: trust.cert-manager.io/v1alpha1\nkind: Bundle\nmetadata: {name: private}\nspec: {sources: [{secret: {name: x, key: y}}], target: {configMap: {key: ca.crt}}}\n")
	for name, tc := range map[string]struct{ mount, volume, want string }{
		"filled by OpenShift":              {over, "configMap: {name: filled}", ""},
		"one file of it":                   {file + "ca-bundle.crt", "configMap: {name: filled}", ""},
		"in a projected volume":            {over, "projected: {sources: [{configMap: {name: filled}}]}", ""},
		"another ConfigMap":                {over, "configMap: {name: mine}", hides},
		"one that is not here":             {over, "configMap: {name: other}", hides},
		"of trust-manager, with public":    {over, "configMap: {name: public}", ""},
		"of trust-manager, without":        {over, "configMap: {name: private}", hides},
		"of the node":                      {over, "hostPath: {path: /etc/ssl/certs}", unseen},
		"of the node, Red Hat":             {over, "hostPath: {path: /etc/pki/tls/certs/}", unseen},
		"of the node, extracted":           {over, "hostPath: {path: /etc/pki/ca-trust/extracted/pem}", unseen},
		"of the node, below its mount":     {over + ", subPath: ssl/certs", "hostPath: {path: /etc}", unseen},
		"of the node, the file":            {file + "''", "hostPath: {path: /etc/pki/tls/certs/ca-bundle.crt}", unseen},
		"of the node, all of it":           {"mountPath: /etc/ssl", "hostPath: {path: /etc/ssl}", unseen},
		"of the node, another folder":      {over, "hostPath: {path: /srv/ca}", hides},
		"of the node, another file":        {file + "''", "hostPath: {path: /etc/ssl/certs/corp.pem}", hides},
		"of the node, and another one yet": {"mountPath: /etc", "hostPath: {path: /etc/ssl}", hides},
	} {
		w := workload(t, deployment("", bare+"        volumeMounts: [{name: x, "+tc.mount+"}]\n      volumes: [{name: x, "+tc.volume+"}]\n"))
		if got := said(CheckRootFiles(w, settings(v1alpha1.Mount{}), stores)); got != tc.want {
			t.Errorf("%s: got %q, want %q", name, got, tc.want)
		}
	}
}
