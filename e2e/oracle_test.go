//go:build linux

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"
	"time"
)

// The test of this file holds the verdict of the probe against what the real
// controllers say, row by row.

// judge is a controller of a version that says what the probe must say.
type judge struct {
	// name of the Deployment, and folder in tools/.
	name, tool, version string
	kinds               []string
}

func judges() []judge {
	sources := []string{"HelmRepository", "OCIRepository", "Bucket", "GitRepository"}
	return []judge{
		{"source-controller", "source-controller-1.3", "1.3.0", sources},
		{"source-controller", "source-controller-1.7", "1.7.3", sources},
		{"source-controller", "source-controller", "1.9.6", sources},
		{"image-reflector-controller", "image-reflector-controller", "1.2.4", []string{"ImageRepository"}},
		{"notification-controller", "notification-controller", "1.6.0", []string{"Provider"}},
		{"notification-controller", "notification-controller-1.9", "1.9.0", []string{"Provider"}},
	}
}

// namespace is where the objects of a judge are.
func (j judge) namespace() string { return "judge-" + strings.ReplaceAll(j.tool, ".", "-") }

// oracle runs judges and the probe over the same objects.
type oracle struct {
	*peers
	s *apiServer
	// public roots of the images, and the folder with the bundle.
	roots, bundleDir string
	environment      []string
	kubeconfig       string
}

func newOracle(t *testing.T) *oracle {
	t.Helper()
	program(t, "FLUX_TRUST") // first, to skip before anything starts
	dir := t.TempDir()
	o := &oracle{peers: newPeers(t), s: startAPIServer(t), roots: filepath.Join(dir, "roots.pem"), bundleDir: filepath.Join(dir, "certs"), kubeconfig: filepath.Join(dir, "kubeconfig")}
	if err := os.Mkdir(o.bundleDir, 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, o.roots, o.public.pem()+"\n")
	write(t, filepath.Join(o.bundleDir, "bundle.crt"), o.bundle.pem()+"\n")
	write(t, o.kubeconfig, fmt.Sprintf("apiVersion: v1\nkind: Config\ncurrent-context: e2e\ncontexts: [{name: e2e, context: {cluster: e2e, user: e2e}}]\n"+
		"clusters: [{name: e2e, cluster: {server: %q, certificate-authority: %q}}]\nusers: [{name: e2e, user: {token: %q}}]\n", o.s.url, o.s.ca, o.s.token))
	proxy := o.proxy("http")
	o.environment = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "TMPDIR=" + dir, "HTTPS_PROXY=" + proxy, "HTTP_PROXY=" + proxy,
		"SSL_CERT_FILE=" + o.roots,
	}
	for _, name := range []string{"source-controller-1.7", "image-reflector-controller", "notification-controller"} {
		o.s.mustApply(crds(t, name)...)
	}
	for _, j := range judges() {
		o.s.mustApply(object{"apiVersion": "v1", "kind": "Namespace", "metadata": object{"name": j.namespace()}})
	}
	return o
}

// run starts the program of a judge. Where events are sent to is returned.
func (o *oracle) run(j judge) (events string, log func() string) {
	o.t.Helper()
	address := func() string { return freeAddress(o.t) }
	args := []string{"--metrics-addr=0", "--health-addr=" + address(), "--enable-leader-election=false", "--log-level=info", "--concurrent=20"}
	switch j.name {
	case "notification-controller":
		events = address()
		args = append(args, "--events-addr="+events, "--receiverAddr="+address())
	default:
		args = append(args, "--events-addr=", "--watch-label-selector=judge="+j.tool)
	}
	if slices.Contains(j.kinds, "GitRepository") {
		storage := address()
		args = append(args, "--storage-addr="+storage, "--storage-adv-addr="+storage, "--storage-path="+o.t.TempDir(), "--requeue-dependency=1s")
	} else if j.name == "image-reflector-controller" {
		args = append(args, "--storage-path="+o.t.TempDir())
	}
	env := append(slices.Clone(o.environment), "KUBECONFIG="+o.kubeconfig, "SSL_CERT_DIR="+o.bundleDir)
	log, _ = spawn(o.t, env, program(o.t, variableOf(j.tool)), args...)
	return events, log
}

// verdict is what a judge or the probe says of a row.
type verdict struct {
	// ok, failed, or unchecked for what the probe cannot know; "" as long as there
	// is none.
	says, message string
}

const ok, failed, unchecked = "ok", "failed", "unchecked"

// TestClusterProbe holds every row against every judge of its kind.
func TestClusterProbe(t *testing.T) {
	o := newOracle(t)
	rows := oracleRows()
	for _, j := range judges() {
		t.Run(j.tool, func(t *testing.T) {
			program(t, variableOf(j.tool))
			var stream []object
			for i, r := range rows {
				if r.judgedBy(j) {
					stream = append(stream, o.objects(j, i, r)...)
				}
			}
			o.s.mustApply(stream...)
			o.compare(t, j, rows, o.ask(j, rows), o.probe(t, j, stream))
		})
	}
}

// ask returns what a judge says of each row.
func (o *oracle) ask(j judge, rows []oracleRow) map[int]verdict {
	o.t.Helper()
	events, log := o.run(j)
	found := map[int]verdict{}
	if events != "" {
		o.notify(j, events, rows, log)
	}
	o.s.await(j.tool, func() error {
		var waiting []string
		states := o.states(j)
		for i, r := range rows {
			if !r.judgedBy(j) || found[i].says != "" {
				continue
			}
			if found[i] = o.judged(states, i, r); found[i].says == "" {
				waiting = append(waiting, fmt.Sprintf("%s %s", r, found[i].message))
			}
		}
		if len(waiting) > 0 {
			return fmt.Errorf("no verdict on %d rows:\n%s\n%s", len(waiting), strings.Join(waiting, "\n"), log())
		}
		return nil
	})
	return found
}

// states returns the conditions of every object of a judge by kind and name, and
// the messages of events about Alerts.
func (o *oracle) states(j judge) map[string]verdict {
	o.t.Helper()
	found := map[string]verdict{}
	paths := map[string]string{"HelmRepository": "helmrepositories", "HelmChart": "helmcharts", "OCIRepository": "ocirepositories", "Bucket": "buckets", "GitRepository": "gitrepositories"}
	root := "/apis/source.toolkit.fluxcd.io/v1/namespaces/"
	switch j.name {
	case "image-reflector-controller":
		paths, root = map[string]string{"ImageRepository": "imagerepositories"}, "/apis/image.toolkit.fluxcd.io/v1/namespaces/"
	case "notification-controller":
		o.alerts(j, found)
		return found
	}
	for kind, path := range paths {
		var list struct {
			Items []struct {
				Metadata struct {
					Name       string
					Generation int64
				}
				Status struct {
					Conditions []struct {
						Type, Status, Reason, Message string
						ObservedGeneration            int64
					}
				}
			}
		}
		if r := o.s.do(http.MethodGet, root+j.namespace()+"/"+path, "", nil); r.code != http.StatusOK || json.Unmarshal([]byte(r.text), &list) != nil {
			o.t.Fatalf("%s: %d %s", path, r.code, r.text)
		}
		for _, item := range list.Items {
			for _, c := range item.Status.Conditions {
				if c.Type == "Ready" && c.ObservedGeneration == item.Metadata.Generation {
					says := map[string]string{"True": ok, "False": failed}[c.Status]
					if c.Reason == "NoSourceArtifact" || slices.ContainsFunc(passing(), func(text string) bool { return strings.Contains(c.Message, text) }) {
						says = "" // it is tried again
					}
					found[kind+" "+item.Metadata.Name] = verdict{says, c.Message}
				}
			}
		}
	}
	return found
}

// passing are messages of a slow machine, and of work that is not done yet.
func passing() []string { return []string{"deadline exceeded", "Please retry", "building artifact"} }

// judged returns the verdict on a row. A chart is a part of its repository; one of
// the type oci has no state itself.
func (o *oracle) judged(states map[string]verdict, i int, r oracleRow) verdict {
	name := r.name(i)
	if r.kind != "HelmRepository" {
		state := states[r.kind+" "+name]
		if _, sent := o.sent.Load("/" + name); sent {
			state = verdict{says: ok, message: "the notification has arrived"}
		}
		return state
	}
	repository, chart := states["HelmRepository "+name], states["HelmChart "+name]
	if !r.oci() && repository.says != ok {
		return repository
	}
	return chart
}

// alerts reads the events about Alerts that could not be sent.
func (o *oracle) alerts(j judge, found map[string]verdict) {
	o.t.Helper()
	var list struct {
		Items []struct {
			InvolvedObject struct{ Name string }
			Reason, Note   string
			Message        string
		}
	}
	if r := o.s.do(http.MethodGet, "/api/v1/namespaces/"+j.namespace()+"/events", "", nil); r.code != http.StatusOK || json.Unmarshal([]byte(r.text), &list) != nil {
		o.t.Fatalf("events: %d %s", r.code, r.text)
	}
	for _, e := range list.Items {
		if e.Reason == "NotificationDispatchFailed" {
			found["Provider "+e.InvolvedObject.Name] = verdict{failed, e.Message}
		}
	}
}

// notify sends an event about each row's object.
func (o *oracle) notify(j judge, events string, rows []oracleRow, log func() string) {
	o.t.Helper()
	for i, r := range rows {
		if !r.judgedBy(j) {
			continue
		}
		o.sent.Delete("/" + r.name(i)) // by an earlier judge
		body, err := json.Marshal(object{
			"involvedObject": object{"kind": "Kustomization", "namespace": j.namespace(), "name": r.name(i), "apiVersion": "kustomize.toolkit.fluxcd.io/v1"},
			"severity":       "info", "timestamp": time.Now().UTC().Format(time.RFC3339), "message": "applied " + r.name(i), "reason": "ReconciliationSucceeded",
			"reportingController": "kustomize-controller",
			// Newer releases send no status of a commit without the second one.
			"metadata": object{
				"kustomize.toolkit.fluxcd.io/revision": "master@sha1:69b59063470310ebbd88a9156325322a124e55a3",
				"event.toolkit.fluxcd.io/commit":       "69b59063470310ebbd88a9156325322a124e55a3",
			},
		})
		if err != nil {
			o.t.Fatal(err)
		}
		o.s.await("send an event", func() error {
			request, err := http.NewRequestWithContext(context.Background(), http.MethodPost, "http://"+events+"/", bytes.NewReader(body))
			if err != nil {
				return err
			}
			request.Header.Set("Content-Type", "application/json")
			response, err := http.DefaultClient.Do(request)
			if err != nil {
				return fmt.Errorf("%w\n%s", err, log())
			}
			if response.StatusCode != http.StatusAccepted {
				err = fmt.Errorf("%s: %s\n%s", r, response.Status, log())
			}
			_ = response.Body.Close()
			return err
		})
	}
}

// probe returns what the probe says of each object, by kind and name.
func (o *oracle) probe(t *testing.T, j judge, stream []object) map[string]verdict {
	t.Helper()
	dir := t.TempDir()
	file := func(name string, objects ...object) string {
		var out strings.Builder
		for _, x := range objects {
			text, err := json.Marshal(x)
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&out, "---\n%s\n", text)
		}
		write(t, filepath.Join(dir, name), out.String())
		return filepath.Join(dir, name)
	}
	config := filepath.Join(dir, "config.yaml")
	write(t, config, configHead+"  caBundle:\n  - inline:\n      name: corp-ca\n      pem: |\n        "+strings.ReplaceAll(o.bundle.pem(), "\n", "\n        ")+"\n")
	controller := object{
		"apiVersion": "apps/v1", "kind": "Deployment", "metadata": object{"name": j.name, "namespace": "flux-system"},
		"spec": object{"template": object{"spec": object{"containers": []any{object{"name": "manager", "image": "registry.example.com/fluxcd/" + j.name + ":v" + j.version}}}}},
	}
	got := run(t, dir, "env", slices.Concat([]string{"-i"}, o.environment, []string{
		program(t, "FLUX_TRUST"), "probe", config, file("objects.yaml", stream...), file("controller.yaml", controller),
		"--system-roots", o.roots, "--timeout", "30s", "-o", "json",
	})...)
	var result struct {
		Reports []struct {
			Source, Result, Host string
			Failure              *struct{ Code, Error string }
			Notes                []string
		}
	}
	if err := json.Unmarshal([]byte(got.stdout), &result); err != nil {
		t.Fatalf("%v\n%s%s", err, got.stdout, got.stderr)
	}
	found := map[string]verdict{}
	for _, r := range result.Reports {
		v := verdict{says: map[string]string{"OK": ok, "Failed": failed, "Unchecked": unchecked, "Skipped": "skipped"}[r.Result], message: strings.Join(r.Notes, "; ")}
		if r.Failure != nil {
			v.message = r.Failure.Code + ": " + r.Failure.Error
		}
		kind, name, _ := strings.Cut(r.Source, " ")
		name = kind + " " + filepath.Base(name)
		worst := []string{"", ok, "skipped", unchecked, failed}
		if before := found[name]; slices.Index(worst, v.says) > slices.Index(worst, before.says) {
			found[name] = v
		}
	}
	return found
}

// compare prints the table, and fails where the probe says something else without a
// reason.
func (o *oracle) compare(t *testing.T, j judge, rows []oracleRow, asked map[int]verdict, said map[string]verdict) {
	t.Helper()
	var table strings.Builder
	out := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(out, "ROW\tREAL\tPROBE\tTHE REAL CONTROLLER\tTHE PROBE")
	n := 0
	for i, r := range rows {
		if !r.judgedBy(j) {
			continue
		}
		n++
		theirs, ours := asked[i], said[r.kind+" "+r.name(i)]
		_, _ = fmt.Fprintf(out, "%s\t%s\t%s\t%s\t%s\n", r, theirs.says, ours.says, brief(theirs.message), brief(ours.message))
		switch {
		case theirs.says != ours.says && r.why == "":
			t.Errorf("%s: the controller says %s (%s), and the probe %s (%s)", r, theirs.says, theirs.message, ours.says, ours.message)
		case theirs.says != ours.says:
			_, _ = fmt.Fprintf(out, "  because %s\t\t\t\t\n", r.why)
		case r.why != "" && r.agrees != j.tool:
			t.Errorf("%s: there is nothing to explain by %q", r, r.why)
		}
	}
	if err := out.Flush(); err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintf("%s v%s, %d rows:\n%s\n", j.name, j.version, n, table.String())
	t.Log(text)
	if file := os.Getenv("PROBE_TABLE"); file != "" {
		out, err := os.OpenFile(file, os.O_APPEND|os.O_WRONLY|os.O_CREATE, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		defer out.Close() //nolint:errcheck // what is missing is seen
		_, _ = fmt.Fprintln(out, text)
	}
}

// brief cuts a message to what a table has room for.
func brief(message string) string {
	message = strings.Join(strings.Fields(message), " ")
	if r := []rune(message); len(r) > 110 {
		message = string(r[:50]) + " … " + string(r[len(r)-57:])
	}
	return message
}
