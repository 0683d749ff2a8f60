//go:build linux

package e2e

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// The tests of this file put the probe in front of what people have: nginx,
// docker-registry, and squid as a proxy that signs hosts anew, from Debian.

// debian is where hack/debian.sh has unpacked them, and a place for files that the
// programs may read: as root, squid runs as nobody.
type debian struct {
	t         *testing.T
	root, dir string
	*peers
}

func newDebian(t *testing.T) *debian {
	t.Helper()
	program(t, "FLUX_TRUST")
	d := &debian{t: t, root: program(t, "DEBIAN")}
	dir, err := os.MkdirTemp("", "flux-trust-peers")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	d.dir, d.peers = dir, newPeers(t)
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	return d
}

func (d *debian) path(name string) string { return filepath.Join(d.dir, name) }

// file writes a file that everybody may read, and returns its path.
func (d *debian) file(name, text string) string {
	d.t.Helper()
	if err := os.MkdirAll(filepath.Dir(d.path(name)), 0o755); err != nil {
		d.t.Fatal(err)
	}
	if err := os.WriteFile(d.path(name), []byte(text), 0o644); err != nil {
		d.t.Fatal(err)
	}
	return d.path(name)
}

// certify writes a certificate for names of an authority, with its key.
func (d *debian) certify(by authority, name string) (cert, key string) {
	d.t.Helper()
	pair := certify(d.t, by, nil)
	der, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		d.t.Fatal(err)
	}
	return d.file(name+".crt", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: pair.Certificate[0]}))),
		d.file(name+".key", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})))
}

// start starts a program and waits until it listens.
func (d *debian) start(address string, env []string, name string, args ...string) {
	d.t.Helper()
	log, _ := spawn(d.t, append(os.Environ(), env...), name, args...)
	d.await(name, func() error {
		c, err := net.Dial("tcp", address)
		if err != nil {
			return fmt.Errorf("%w\n%s", err, log())
		}
		return c.Close()
	})
}

func (d *debian) await(what string, try func() error) {
	d.t.Helper()
	(&apiServer{t: d.t}).await(what, try)
}

// nginx serves charts in four ways: to everybody, to who has a certificate, to nobody
// that it knows, and a page for people.
func (d *debian) nginx() (charts, clients, names, page string) {
	d.t.Helper()
	charts, clients, names, page = freeAddress(d.t), freeAddress(d.t), freeAddress(d.t), freeAddress(d.t)
	cert, key := d.certify(d.bundle, "nginx")
	client := d.file("clients.crt", d.own.pem()+"\n")
	d.file("www/index.yaml", "apiVersion: v1\nentries:\n  app:\n  - {apiVersion: v2, name: app, version: 0.1.0, urls: [app-0.1.0.tgz]}\n")
	d.file("www/app-0.1.0.tgz", string(archive(d.t, map[string]string{"app/Chart.yaml": "apiVersion: v2\nname: app\nversion: 0.1.0\n"})))
	temp := ""
	for _, name := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		temp += fmt.Sprintf("  %s_temp_path %s;\n", name, d.path(name))
	}
	config := d.file("nginx.conf", fmt.Sprintf(`daemon off;
worker_processes 1;
user %s;
pid %s;
error_log stderr;
events {}
http {
  access_log off;
%s  ssl_certificate %s;
  ssl_certificate_key %s;
  root %s;
  server { listen %s ssl; }
  server { listen %s ssl; ssl_client_certificate %s; ssl_verify_client on; }
  server { listen %s ssl default_server; ssl_reject_handshake on; }
  server { listen %s ssl; location / { default_type text/html; return 200 '%s'; } }
}
`, userName(d.t), d.path("nginx.pid"), temp, cert, key, d.path("www"), charts, clients, client, names, page, strings.TrimSpace(loginPage)))
	d.start(charts, nil, filepath.Join(d.root, "usr/sbin/nginx"), "-p", d.dir, "-c", config, "-e", "stderr")
	return charts, clients, names, page
}

func userName(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("id", "-un").Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

// password is one with which nobody logs in.
const password = "u:$2y$05$0Vt7vEnCyYBpGMaSbYsQKOS0OmvKTPeIqXkYkSvHjQ8m0nxzV3Ziy\n"

// registry starts a registry that has the images; login makes it ask for one.
func (d *debian) registry(login bool) string {
	d.t.Helper()
	address := freeAddress(d.t)
	cert, key := d.certify(d.bundle, "registry")
	name := "registry-" + strconv.FormatBool(login)
	auth := ""
	if login {
		auth = fmt.Sprintf("auth: {htpasswd: {realm: test, path: %q}}\n", d.file("htpasswd", password))
	}
	config := d.file(name+".yml", fmt.Sprintf("version: 0.1\nlog: {level: error}\nstorage: {filesystem: {rootdirectory: %q}}\nhttp: {addr: %q, secret: x, tls: {certificate: %q, key: %q}}\n%s",
		d.path(name), address, cert, key, auth))
	d.start(address, nil, filepath.Join(d.root, "usr/bin/docker-registry"), "serve", config)
	if !login {
		d.push(address, newImages(d.t, nil))
	}
	return address
}

// push sends what a registry of the tests has to a real one.
func (d *debian) push(address string, i *images) {
	d.t.Helper()
	roots := x509.NewCertPool()
	roots.AddCert(d.bundle.certificate)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}}
	send := func(method, to, mediaType string, body []byte) *http.Response {
		request, err := http.NewRequestWithContext(context.Background(), method, to, bytes.NewReader(body))
		if err != nil {
			d.t.Fatal(err)
		}
		request.Header.Set("Content-Type", mediaType)
		response, err := client.Do(request)
		if err != nil {
			d.t.Fatal(err)
		}
		if err := response.Body.Close(); err != nil || response.StatusCode/100 != 2 {
			d.t.Fatalf("%s %s: %s, %v", method, to, response.Status, err)
		}
		return response
	}
	const repository = "config"
	for name, data := range i.blobs {
		if name == i.tags[repository] {
			continue
		}
		to, err := send(http.MethodPost, "https://"+address+"/v2/"+repository+"/blobs/uploads/", "", nil).Location()
		if err != nil {
			d.t.Fatal(err)
		}
		query := to.Query()
		query.Set("digest", name)
		to.RawQuery = query.Encode()
		send(http.MethodPut, to.String(), "application/octet-stream", data)
	}
	send(http.MethodPut, "https://"+address+"/v2/"+repository+"/manifests/latest", "application/vnd.oci.image.manifest.v1+json", i.blobs[i.tags[repository]])
}

// The user and the password that squid knows.
const proxyUser, proxyPassword = "flux", "s3cr@t"

// squid starts a proxy that signs every host anew, with a root of its own. It lets nobody
// go to blocked.corp.test, and to closed.corp.test who has its user and password.
func (d *debian) squid(inspector authority) string {
	d.t.Helper()
	address := freeAddress(d.t)
	for _, part := range []string{"usr/sbin/squid", "usr/lib/squid/security_file_certgen", "usr/lib/squid/unlinkd", "usr/share/squid/mime.conf", "usr/share/squid/icons", "usr/share/squid-langpack/templates"} {
		d.run("cp", "-rL", filepath.Join(d.root, part), d.path(filepath.Base(part)))
	}
	d.run("sh", "-c", `mkdir -p "$1" && cp -L "$0"/usr/lib/*/*.so.* "$1"`, d.root, d.path("lib"))
	der, err := x509.MarshalPKCS8PrivateKey(inspector.key)
	if err != nil {
		d.t.Fatal(err)
	}
	root := d.file("inspector.crt", inspector.pem()+"\n")
	key := d.file("inspector.key", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})))
	config := d.file("squid.conf", strings.NewReplacer("@", d.dir+"/", "ADDRESS", address, "ROOT", root, "KEY", key).Replace(`http_port ADDRESS ssl-bump tls-cert=ROOT tls-key=KEY generate-host-certificates=on
sslcrtd_program @security_file_certgen -s @certificates -M 4MB
ssl_bump bump all
tls_outgoing_options cafile=@upstream.crt
hosts_file @hosts
auth_param basic program /bin/sh @login.sh
acl known proxy_auth REQUIRED
acl blocked dstdomain blocked.corp.test
acl closed dstdomain closed.corp.test
acl opens method CONNECT
http_access deny blocked
http_access deny opens closed !known
http_access allow all
cache deny all
pid_filename @squid.pid
access_log stdio:@access.log
cache_log @cache.log
coredump_dir @
unlinkd_program @unlinkd
pinger_enable off
mime_table @mime.conf
icon_directory @icons
error_directory @templates
`))
	d.file("upstream.crt", d.bundle.pem()+"\n")
	d.file("hosts", "127.0.0.1 charts.corp.test blocked.corp.test closed.corp.test\n")
	d.file("login.sh", fmt.Sprintf("while read -r user password; do\n  if [ \"$user $password\" = '%s %s' ]; then echo OK; else echo ERR; fi\ndone\n", proxyUser, proxyPassword))
	env := []string{"LD_LIBRARY_PATH=" + d.path("lib")}
	as := func(args ...string) []string { return args }
	if os.Geteuid() == 0 { // squid refuses to run as root
		d.run("chown", "-R", "65534:65534", d.dir)
		as = func(args ...string) []string {
			return append([]string{"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"}, args...)
		}
	}
	d.run("env", append(env, as(d.path("security_file_certgen"), "-c", "-s", d.path("certificates"), "-M", "4MB")...)...)
	// The name keeps its shared memory apart from that of others.
	command := as(d.path("squid"), "-N", "-n", fmt.Sprintf("peers%d", os.Getpid()), "-f", config)
	d.start(address, env, command[0], command[1:]...)
	return "http://" + address
}

func (d *debian) run(name string, args ...string) {
	d.t.Helper()
	if got := run(d.t, d.dir, name, args...); got.code != 0 {
		d.t.Fatalf("%s %v: %s", name, args, got.stderr)
	}
}

// probed is what the probe says of one object.
type probed struct {
	Result, Role string
	Failure      *struct{ Code, Error string }
	Inspector    *struct{ Subject string }
}

// probe returns the reports about one source, through a proxy if there is one.
func (d *debian) probe(bundle, proxy string, objects ...object) []probed {
	d.t.Helper()
	var stream strings.Builder
	for _, o := range objects {
		text, err := json.Marshal(o)
		if err != nil {
			d.t.Fatal(err)
		}
		fmt.Fprintf(&stream, "---\n%s\n", text)
	}
	config := d.file("config.yaml", configHead+"  caBundle:\n  - inline:\n      name: corp-ca\n      pem: |\n        "+strings.ReplaceAll(bundle, "\n", "\n        ")+"\n")
	got := run(d.t, d.dir, "env", "-i", "HTTPS_PROXY="+proxy, program(d.t, "FLUX_TRUST"), "probe", config, d.file("sources.yaml", stream.String()), "--system-roots", "none", "-o", "json")
	var result struct{ Reports []probed }
	if err := json.Unmarshal([]byte(got.stdout), &result); err != nil {
		d.t.Fatalf("%v\n%s%s", err, got.stdout, got.stderr)
	}
	return result.Reports
}

// is holds the worst report against what is expected: a result and a code, and a part
// of the error.
func (d *debian) is(t *testing.T, reports []probed, result, code, text string) {
	t.Helper()
	for _, r := range reports {
		have := ""
		if r.Failure != nil {
			have = r.Failure.Code + " " + r.Failure.Error
		}
		if r.Result == result && strings.HasPrefix(have, code) && strings.Contains(have, text) {
			return
		}
	}
	t.Errorf("got %s, want %s %s %s", marshalled(reports), result, code, text)
}

func marshalled(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

func helmAt(u string, spec object) object {
	if spec == nil {
		spec = object{}
	}
	spec["url"] = u
	return object{"apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "HelmRepository", "metadata": object{"name": "charts", "namespace": "apps"}, "spec": spec}
}

func ociAt(address string, spec object) object {
	o := helmAt("oci://"+address+"/config", spec)
	o["kind"] = "OCIRepository"
	return o
}

// TestClusterPeers puts the probe in front of servers and a proxy from Debian.
func TestClusterPeers(t *testing.T) {
	d := newDebian(t)
	bundle := d.bundle.pem()
	charts, clients, names, page := d.nginx()
	secret := func(content, host string) object {
		return (&oracle{peers: d.peers}).secret(content, host, object{"name": "x", "namespace": "apps"})[0]
	}
	t.Run("nginx", func(t *testing.T) {
		d.is(t, d.probe(bundle, "", helmAt("https://"+charts, nil)), "OK", "", "")
		d.is(t, d.probe(d.unknown.pem(), "", helmAt("https://"+charts, nil)), "Failed", "UnknownAuthority", "")
		d.is(t, d.probe(bundle, "", helmAt("https://"+page, nil)), "Failed", "Page", "Sign in to Example Gateway")
		// It completes the handshake, and says with an answer that it wants a certificate.
		d.is(t, d.probe(bundle, "", helmAt("https://"+clients, nil)), "Failed", "ClientCertificate", "")
		with := object{"certSecretRef": object{"name": "x"}}
		d.is(t, d.probe(bundle, "", helmAt("https://"+clients, with), secret("tls.crt + tls.key", "")), "OK", "", "")
		d.is(t, d.probe(bundle, "", helmAt("https://"+names, nil)), "Failed", "UnrecognizedName", "")
	})
	t.Run("docker-registry", func(t *testing.T) {
		open, closed := d.registry(false), d.registry(true)
		d.is(t, d.probe(bundle, "", ociAt(open, nil)), "OK", "", "")
		d.is(t, d.probe(bundle, "", ociAt(open, object{"ref": object{"tag": "gone"}})), "Failed", "HTTPStatus", "404")
		d.is(t, d.probe(bundle, "", ociAt(closed, nil)), "Failed", "Unauthorized", "")
		with := object{"secretRef": object{"name": "x"}}
		d.is(t, d.probe(bundle, "", ociAt(closed, with), secret("docker login", closed)), "Unchecked", "CredentialsNotSent", "")
		// The controller passes over what is not a Docker config, or for another host.
		d.is(t, d.probe(bundle, "", ociAt(closed, with), secret("another docker login", closed)), "Failed", "Unauthorized", "")
		d.is(t, d.probe(bundle, "", ociAt(closed, with), secret("login", closed)), "Failed", "Unauthorized", "")
		d.is(t, d.probe(bundle, "", helmAt("https://"+open, nil)), "Failed", "HTTPStatus", "404")
	})
	t.Run("squid", func(t *testing.T) {
		inspector := newAuthority(t, "Corp TLS Inspection Root")
		proxy := d.squid(inspector)
		_, port, _ := strings.Cut(charts, ":")
		behind := func(host string) object {
			return helmAt((&url.URL{Scheme: "https", Host: host + ":" + port}).String(), nil)
		}
		reports := d.probe(bundle, proxy, behind("charts.corp.test"))
		d.is(t, reports, "Failed", "UnknownAuthority", "")
		if reports[0].Inspector == nil || !strings.Contains(reports[0].Inspector.Subject, "Corp TLS Inspection Root") {
			t.Errorf("the proxy is not named: %s", marshalled(reports))
		}
		both := bundle + "\n" + inspector.pem()
		d.is(t, d.probe(both, proxy, behind("charts.corp.test")), "OK", "", "")
		d.is(t, d.probe(both, proxy, behind("blocked.corp.test")), "Failed", "ProxyRefused", "squid")
		d.is(t, d.probe(both, proxy, behind("nowhere.corp.test")), "Failed", "HTTPStatus", "squid")
	})
}
