package trust

import (
	"cmp"
	"net/url"
	"slices"
	"strings"

	"fluxtrust.dev/flux-trust/internal/codes"
	"fluxtrust.dev/flux-trust/internal/inventory"
	"fluxtrust.dev/flux-trust/internal/krm"
	"fluxtrust.dev/flux-trust/internal/quote"
)

// Variables that name a proxy for Go: https://pkg.go.dev/golang.org/x/net/http/httpproxy.
// It reads the lower-case names where the others are not set.
const (
	httpsProxy = "HTTPS_PROXY"
	httpProxy  = "HTTP_PROXY"
	noProxy    = "NO_PROXY"
)

func proxyVariables() []string { return []string{httpsProxy, httpProxy, noProxy} }

// apiServer is the address of the API server, as the kubelet fills it in:
// https://kubernetes.io/docs/tasks/inject-data-application/define-interdependent-environment-variables/.
const apiServer = "$(KUBERNETES_SERVICE_HOST)"

// inside returns what every install of Flux reaches without a proxy: the Services of
// the cluster, in all spellings of Flux's flags, the pod itself, the API server, and the
// addresses under which clouds tell a pod who it is (EC2, ECS and EKS).
func inside() []string {
	return []string{".cluster.local.", ".cluster.local", ".svc", "localhost", "127.0.0.1", "169.254.169.254", "169.254.170.23", apiServer}
}

// keyOfSecret is where the value of a variable stands.
type keyOfSecret struct {
	Name string `yaml:"name"`
	Key  string `yaml:"key"`
}

type envVarFrom struct {
	Name      string    `yaml:"name"`
	ValueFrom valueFrom `yaml:"valueFrom"`
}

type valueFrom struct {
	SecretKeyRef keyOfSecret `yaml:"secretKeyRef"`
}

// proxyEnv returns the variables of a proxy for a container.
func (s *Settings) proxyEnv(container krm.Field) []variable {
	if s.Proxy == nil {
		return nil
	}
	var env []variable
	add := func(name, url string) {
		v := fixed(name, url)
		if ref := s.Proxy.SecretRef; ref != nil {
			v.from = &keyOfSecret{ref.Name, ref.Key}
		} else if url == "" {
			return
		}
		env = append(env, v)
	}
	add(httpsProxy, s.Proxy.HTTPS)
	add(httpProxy, s.Proxy.HTTP)
	lower, _ := literal(container, strings.ToLower(noProxy))
	return append(env, variable{name: noProxy, value: func(before *string) string {
		list := lower // which Go does not read beside the other one
		if before != nil && *before != "" {
			list = *before
		}
		return s.noProxy(list)
	}})
}

// proxyEnv is that of the settings, with the name that the Secret has now.
func (p *Pod) proxyEnv(container krm.Field) []variable {
	env := p.settings.proxyEnv(container)
	for i, v := range env {
		if v.from == nil {
			continue
		}
		entry := entryOf(container, v.name)
		if have := entry.Peek("valueFrom", "secretKeyRef", "name"); inventory.IsNamed(have, v.from.Name) {
			env[i].from.Name = have // by a finished build
		}
		if p.settings.ProxySecret != nil {
			if name := p.settings.ProxySecret(p.object.Namespaces); name != "" {
				env[i].from.Name = name
			}
		}
	}
	return env
}

// NoProxy returns the NO_PROXY of a controller that had none.
func (s *Settings) NoProxy() string { return s.noProxy("") }

// noProxy completes a list of what is reached directly: what was there, what the config
// names, what Flux needs.
func (s *Settings) noProxy(before string) string {
	var all []string
	for _, entry := range slices.Concat(strings.Split(before, ","), s.Proxy.No, inside(), s.Inside) {
		if entry = withoutBrackets(strings.TrimSpace(entry)); entry != "" && !slices.Contains(all, entry) {
			all = append(all, entry)
		}
	}
	return strings.Join(all, ",")
}

// withoutBrackets takes the brackets off an IPv6 address without a port: Go reads it
// with those as the name of a host.
func withoutBrackets(entry string) string {
	if strings.HasPrefix(entry, "[") && strings.HasSuffix(entry, "]") {
		return entry[1 : len(entry)-1]
	}
	return entry
}

// reconcileProxy sets a variable of a proxy in a container, or gives back what was
// there before an earlier run. What this run or that has written is the config's to
// decide, whatever it is by now.
func reconcileProxy(container krm.Field, name string, want *variable, e *envChange) {
	before, known := e.recorded[name]
	if want == nil && !known {
		return // never ours
	}
	entry := entryOf(container, name)
	switch {
	case want != nil && (!entry.Exists() || known && before == nil):
		e.record[name] = nil
		e.created, e.own = append(e.created, want.entry(nil)), append(e.own, name)
	case want != nil:
		if !known {
			before = somebodys(entry, name)
		}
		e.record[name] = before
		want.put(entry, before)
	case before != nil && entry.Exists():
		entry.Remove("valueFrom")
		entry.PutText("value", *before)
	default:
		e.own = append(e.own, name)
	}
}

// somebodys returns the value of a variable that no run has written.
func somebodys(entry krm.Field, name string) *string {
	if from := entry.Get("valueFrom"); from.Exists() {
		from.Fail(codes.EnvNotLiteral, "the value of %s comes from elsewhere, so it cannot be kept; take the variable out, or spec.proxy", name)
	}
	value := entry.Text("value")
	if hasCredentials(value) {
		entry.Fail(codes.ProxyCredentials, "holds credentials, which would be kept in an annotation as well; put the whole URL into a Secret, name that in spec.proxy.secretRef, and take the variable out")
	}
	return &value
}

// entry returns a new entry of a list of variables.
func (v *variable) entry(before *string) any {
	if v.from != nil {
		return envVarFrom{v.name, valueFrom{*v.from}}
	}
	return envVar{v.name, v.value(before)}
}

// put writes a variable over an entry.
func (v *variable) put(entry krm.Field, before *string) {
	if v.from == nil {
		entry.Remove("valueFrom")
		entry.PutText("value", v.value(before))
		return
	}
	entry.Remove("value")
	ref := entry.Ensure("valueFrom", "secretKeyRef")
	ref.PutText("name", v.from.Name)
	ref.PutText("key", v.from.Key)
}

// entryOf returns the entry of a variable, or an absent field.
func entryOf(container krm.Field, name string) krm.Field {
	entries := container.Get("env").Named(name)
	if len(entries) == 0 {
		return krm.Field{}
	}
	if len(entries) > 1 {
		entries[0].Fail(codes.EnvTwice, "appears twice; remove one")
	}
	return entries[0]
}

// literal returns the value of a variable, and whether it is there. That of one whose
// value comes from elsewhere is "".
func literal(container krm.Field, name string) (string, bool) {
	entries := container.Loose().Get("env").Named(name)
	if len(entries) == 0 {
		return "", false
	}
	return entries[0].Peek("value"), true
}

func hasCredentials(url string) bool { return strings.Contains(url, "@") }

// Instead says what of a config takes the place of a variable.
func Instead(name string) string {
	switch {
	case slices.Contains(proxyVariables(), name):
		return "the proxy, and what is reached without it, under spec.proxy"
	case name == debug:
		return "its other settings in the manifest of the controller"
	default:
		return "its roots under spec.caBundle"
	}
}

// tellProxy says through what a pod reaches other networks.
func (p *Pod) tellProxy() {
	x := p.settings.Proxy
	if x == nil {
		return
	}
	by := quote.Host(hostOf(cmp.Or(x.HTTPS, x.HTTP)))
	if name := x.SecretName(); name != "" {
		by = "the proxy of Secret " + quote.Name(name)
	}
	p.found.Add(krm.Info, codes.Proxied, p.object, krm.At(p.spec.Path+".containers"), "reaches what is outside of the cluster through %s", by)
}

func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Host
}

// Inside returns the hosts that controllers of a stream reach inside the cluster, as
// far as no domain of every install covers them.
func Inside(i *inventory.Inventory) []string {
	var found []string
	for _, host := range i.Inside() {
		if !slices.Contains(inside(), host) && !bypasses(inside(), host) {
			found = append(found, host)
		}
	}
	return found
}

// bypasses reports whether a list has a host that is reached without the proxy, as Go
// reads it.
func bypasses(list []string, host string) bool {
	host = strings.ToLower(host)
	return slices.ContainsFunc(list, func(entry string) bool {
		entry = strings.ToLower(strings.TrimSpace(entry))
		if entry == "*" {
			return true
		}
		domain := strings.TrimPrefix(strings.TrimPrefix(entry, "*"), ".")
		return entry != "" && (strings.HasSuffix(host, "."+domain) || host == domain && !strings.HasPrefix(entry, ".") && !strings.HasPrefix(entry, "*."))
	})
}
