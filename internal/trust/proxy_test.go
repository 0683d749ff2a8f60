package trust

import (
	"net/url"
	"strings"
	"testing"

	"golang.org/x/net/http/httpproxy"
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/internal/codes"
	"fluxtrust.dev/flux-trust/internal/inventory"
	"fluxtrust.dev/flux-trust/internal/krm"
)

const address = "http://proxy.corp.example:3128"

// filled is what the kubelet makes of a list.
func filled(list, apiServer string) string {
	return strings.ReplaceAll(list, "$(KUBERNETES_SERVICE_HOST)", apiServer)
}

// direct reports whether Go reaches a URL without the proxy.
func direct(t *testing.T, list, target string) bool {
	t.Helper()
	u, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	config := httpproxy.Config{HTTPProxy: address, HTTPSProxy: address, NoProxy: list}
	proxy, err := config.ProxyFunc()(u)
	if err != nil {
		t.Fatal(err)
	}
	return proxy == nil
}

// TestNoProxyAsGoReadsIt: what Flux needs inside the cluster goes around the proxy, and
// the rest does not, in Go's own reading of the list.
func TestNoProxyAsGoReadsIt(t *testing.T) {
	s := settings(v1alpha1.Mount{})
	s.Proxy = &v1alpha1.Proxy{HTTPS: address, No: []string{".corp.example", "10.0.0.0/8", "[fd00::2]", "git.example.com:8443"}}
	s.Inside = []string{".corp.internal.", ".corp.internal"}
	list := s.noProxy(" .old.example , ,.svc")
	for target, want := range map[string]bool{
		"http://source-controller.flux-system.svc.cluster.local./x":      true,
		"http://source-controller.flux-system.svc.cluster.local/x":       true,
		"http://notification-controller.flux-system.svc.corp.internal./": true,
		"http://source-controller.flux-system.svc/x":                     true,
		"https://10.96.0.1:443/api":                                      true,
		"https://[fd00::1]:443/api":                                      true,
		"https://[fd00::2]/":                                             true,
		"https://[fd00::3]/":                                             false,
		"http://169.254.169.254/latest":                                  true,
		"http://169.254.170.23/v1/credentials":                           true,
		"https://git.corp.example/x":                                     true,
		"https://a.old.example/x":                                        true,
		"https://git.example.com:8443/x":                                 true,
		"https://git.example.com/x":                                      false,
		"https://github.com/x":                                           false,
		"https://charts.cluster.local.example.com/":                      false,
	} {
		apiServer := "10.96.0.1"
		if strings.Contains(target, "fd00") {
			apiServer = "fd00::1"
		}
		if got := direct(t, filled(list, apiServer), target); got != want {
			t.Errorf("%s: without the proxy %t, want %t, with %s", target, got, want, list)
		}
	}
	if again := s.noProxy(list); again != list {
		t.Errorf("completed twice it is\n%s\nnot\n%s", again, list)
	}
}

// TestBypasses holds the reading of a list against Go's.
func TestBypasses(t *testing.T) {
	lists := []string{"", "*", ".svc", "svc", "*.svc", ".cluster.local", ".cluster.local.", "cluster.local.", "a.svc.cluster.local.", "A.SVC.cluster.local.", ".b.svc.cluster.local."}
	for _, list := range lists {
		for _, host := range []string{"a.svc.cluster.local.", "a.svc.cluster.local", "x.a.svc", "svc", "cluster.local.", "b.svc.cluster.local."} {
			if got, want := bypasses([]string{list}, host), direct(t, list, "http://"+host+"/"); got != want {
				t.Errorf("%q has %s: %t, Go says %t", list, host, got, want)
			}
		}
	}
}

// proxies are what a config may say about proxies and settings of Go.
func proxies() map[string]func(*Settings) {
	return map[string]func(*Settings){
		"none":  func(*Settings) {},
		"https": func(s *Settings) { s.Proxy = &v1alpha1.Proxy{HTTPS: address} },
		"another": func(s *Settings) {
			s.Proxy = &v1alpha1.Proxy{HTTPS: "http://b:1", HTTP: "http://b:1", No: []string{".x"}}
		},
		"Secret": func(s *Settings) {
			s.Proxy = &v1alpha1.Proxy{SecretRef: &v1alpha1.ProxySecret{Name: "p", Key: "address"}}
		},
		"serials":       func(s *Settings) { s.Extras.AcceptNegativeSerials = true },
		"serials, http": func(s *Settings) { s.Extras.AcceptNegativeSerials, s.Proxy = true, &v1alpha1.Proxy{HTTP: address} },
		"released":      nil,
	}
}

// TestProxyThereAndBack: whatever comes after what, a run gives what it gives alone, and
// Release gives back what was there.
func TestProxyThereAndBack(t *testing.T) {
	ours := "        env:\n        - {name: no_proxy, value: .low}\n        - name: HTTPS_PROXY # mine\n          value: http://mine:1\n        - {name: NO_PROXY, value: \".up,.svc\"}\n        - {name: GODEBUG, value: \"x509negativeserial=0,a=b\"}\n"
	for pod, text := range map[string]string{"bare": deployment("", bare), "own values": deployment(", annotations: {mine: x}", bare+ours), "two containers": deployment("", two)} {
		for _, method := range []v1alpha1.Method{v1alpha1.None, v1alpha1.Directory, v1alpha1.File} {
			mount := v1alpha1.Mount{Method: method}
			if method == v1alpha1.File {
				mount.Path = v1alpha1.SystemDirectory
			}
			b := Bundle{Projections: projections("a")}
			if method == v1alpha1.None {
				b = Bundle{}
			}
			run := func(t *testing.T, text, name string) string {
				t.Helper()
				s := settings(mount)
				with := proxies()[name]
				if with != nil {
					with(s)
				}
				if with == nil || s.Nothing() {
					after, _, err := release(t, text, s)
					if err != nil {
						t.Fatal(err)
					}
					return after
				}
				after, _, err := apply(t, text, s, b)
				if err != nil {
					t.Fatal(err)
				}
				return after
			}
			for first := range proxies() {
				one := run(t, text, first)
				if again := run(t, one, first); again != one {
					t.Errorf("%s, %s, %s: a second run gives\n%s\nnot\n%s", pod, method, first, again, one)
				}
				for second := range proxies() {
					if got, want := run(t, one, second), run(t, text, second); got != want {
						t.Errorf("%s, %s, %s after %s:\n%s\nnot\n%s", pod, method, second, first, got, want)
					}
				}
			}
			if back, want := run(t, run(t, text, "Secret"), "released"), yaml.NewRNode(workload(t, text).Object.Before.Node).MustString(); back != want {
				t.Errorf("%s, %s: back comes\n%s\nnot\n%s", pod, method, back, want)
			}
		}
	}
}

// TestProxyInTheWay: what a run cannot keep is an error, in which no password stands.
func TestProxyInTheWay(t *testing.T) {
	for name, tc := range map[string]struct {
		env  string
		code krm.Code
	}{
		"from elsewhere": {"{name: HTTPS_PROXY, valueFrom: {secretKeyRef: {name: a, key: b}}}", codes.EnvNotLiteral},
		"credentials":    {"{name: HTTPS_PROXY, value: \"http://u:s3cret@p\"}", codes.ProxyCredentials},
		"twice":          {"{name: NO_PROXY, value: a}, {name: NO_PROXY, value: b}", codes.EnvTwice},
		"GODEBUG":        {"{name: GODEBUG, valueFrom: {configMapKeyRef: {name: a, key: b}}}", codes.EnvNotLiteral},
	} {
		t.Run(name, func(t *testing.T) {
			s := settings(v1alpha1.Mount{Method: v1alpha1.None})
			s.Proxy, s.Extras.AcceptNegativeSerials = &v1alpha1.Proxy{HTTPS: address}, true
			w := workload(t, deployment("", bare+"        env: ["+tc.env+"]\n"))
			p := PodOf(w, s)
			p.Claim()
			p.Apply(Bundle{})
			f, _ := w.Object.Failure(w.Object.Err())
			if f.Code != tc.code || strings.Contains(f.Message, "s3cret") {
				t.Errorf("got %s: %v", f.Code, w.Object.Err())
			}
		})
	}
}

// TestCheckProxy: a proxy without a list that keeps what is inside away from it.
func TestCheckProxy(t *testing.T) {
	const both = "{name: HTTPS_PROXY, value: \"http://p\"}, {name: http_proxy, value: \"http://p\"}"
	for name, tc := range map[string]struct{ env, want string }{
		"no proxy":             {"{name: NO_PROXY, value: x}", ""},
		"an empty one":         {"{name: HTTPS_PROXY, value: \"\"}", ""},
		"no list":              {both, "lacks .cluster.local., the API server"},
		"for TLS alone":        {"{name: HTTPS_PROXY, value: \"http://p\"}", "lacks the API server"},
		"for HTTP alone":       {"{name: HTTP_PROXY, value: \"http://p\"}", "lacks .cluster.local.; add"},
		"without the last dot": {both + ", {name: NO_PROXY, value: \".cluster.local,.svc,10.96.0.1\"}", "lacks .cluster.local.; add"},
		"only what is local":   {both + ", {name: NO_PROXY, value: \".cluster.local.,127.0.0.1,169.254.169.254\"}", "lacks the API server"},
		"all":                  {both + ", {name: NO_PROXY, value: \".cluster.local.,$(KUBERNETES_SERVICE_HOST)\"}", ""},
		"a network":            {both + ", {name: no_proxy, value: \"cluster.local., 10.0.0.0/8\"}", ""},
		"IPv6":                 {both + ", {name: NO_PROXY, value: \"cluster.local.,fd00::/108\"}", ""},
		"everything":           {both + ", {name: NO_PROXY, value: \"*\"}", ""},
		"from elsewhere":       {both + ", {name: NO_PROXY, valueFrom: {configMapKeyRef: {name: a, key: b}}}", "comes from elsewhere"},
		"substituted":          {both + ", {name: NO_PROXY, value: \"${no}\"}", "comes from elsewhere"},
		"a password":           {"{name: HTTPS_PROXY, value: \"http://u:s3cret@p\"}, {name: NO_PROXY, value: 10.0.0.1}", "holds credentials"},
		"in a Secret":          {"{name: HTTPS_PROXY, valueFrom: {secretKeyRef: {name: a, key: b}}}", "lacks the API server"},
	} {
		t.Run(name, func(t *testing.T) {
			text := deployment("", bare+"        env: ["+tc.env+"]\n")
			n, err := yaml.Parse(text)
			if err != nil {
				t.Fatal(err)
			}
			i := inventory.Of([]*krm.Object{krm.NewObject(n.YNode(), nil)}, &v1alpha1.Controllers{})
			w := i.Workloads[0]
			found := CheckProxy(w, w.Object.Before, settings(v1alpha1.Mount{}), i)
			got := ""
			for _, f := range found {
				got += f.Message
			}
			if tc.want == "" && got != "" || !strings.Contains(got, tc.want) || strings.Contains(got, "s3cret") {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}
