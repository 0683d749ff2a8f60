package command

import (
	"cmp"
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/internal/filter"
	"fluxtrust.dev/flux-trust/internal/probe"
	"fluxtrust.dev/flux-trust/internal/quote"
	"fluxtrust.dev/flux-trust/internal/stream"
	"fluxtrust.dev/flux-trust/transformer"
)

// probing is what the command probe prints.
type probing struct {
	// Tool and Version have made the report.
	Tool    string `json:"tool"`
	Version string `json:"version"`
	// Config is the file, SystemRoots what stands for the roots of the image.
	Config      string `json:"config"`
	SystemRoots string `json:"systemRoots"`
	// The counts are those of the reports. A host counts once, as the worst of what was
	// seen of it, and what has no host as its source.
	counts
	Sources int            `json:"sources"`
	Hosts   hostCounts     `json:"hosts"`
	Reports []probe.Report `json:"reports"`
}

// counts say how many have each result.
type counts struct {
	OK        int `json:"ok"`
	Failed    int `json:"failed"`
	Unchecked int `json:"unchecked"`
	Skipped   int `json:"skipped"`
}

// hostCounts are those of hosts; the others add up to Total.
type hostCounts struct {
	Total int `json:"total"`
	counts
}

// add counts one result.
func (c *counts) add(r probe.Result) {
	switch r {
	case probe.OK:
		c.OK++
	case probe.Failed:
		c.Failed++
	case probe.Unchecked:
		c.Unchecked++
	case probe.Skipped:
		c.Skipped++
	}
}

// probeFlags are those of the command.
type probeFlags struct {
	output, systemRoots, failOn string
	timeout, wait               time.Duration
	concurrency                 int
	host                        hostFlags
}

func newProbe(version string) *cobra.Command {
	var flags probeFlags
	cmd := &cobra.Command{
		Use:   "probe CONFIG INPUT...",
		Short: "Connect to every source, and say which will work",
		Long: `probe connects to the hosts of every Flux source in the inputs, as the controllers
would once the config has been applied: it reads the Secrets of a source as the
release of the controller in the inputs does, goes through HTTPS_PROXY and NO_PROXY or
the proxySecretRef of the source, and trusts the bundle or the certSecretRef. It shows
what certificates each host presents and which roots carry them, and for each failure
the one change that cures it. It sends no credentials to sources.

A source is OK when all that its controller does before and while it connects has been
done, and went well. What cannot be known from here is Unchecked. The exit code is 1
when a source fails; --fail-on warning counts Unchecked, too.

--system-roots says what stands for the public roots in the image of the
controllers. This machine (Host) may trust more than they do: look at the roots that a
line names, or try None.

With --host it needs no config and no input: it shows what a host presents, and
whether public roots carry it. --save keeps the root in a file for init, when
--fingerprint says which one is meant: what a host presents is no proof.

It is the only command that opens a connection.`,
		Example: `  flux-trust probe functionconfig.yaml flux.yaml sources.yaml
  kubectl get helmrepositories,ocirepositories,gitrepositories,secrets,configmaps -A -o yaml | flux-trust probe functionconfig.yaml -
  flux-trust probe functionconfig.yaml flux.yaml --system-roots /etc/ssl/certs/ca-certificates.crt -o json
  flux-trust probe functionconfig.yaml flux.yaml --wait 5m --fail-on warning
  flux-trust probe --host registry.example.com:5000`,
		Args: func(cmd *cobra.Command, args []string) error {
			if flags.host.address == "" {
				return needsConfig(cmd, args)
			}
			if len(args) > 0 {
				return fmt.Errorf("--host needs no config and no input; leave %s out", strings.Join(args, " "))
			}
			return nil
		},
		ValidArgsFunction: completeFiles,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := needsStdout(cmd.OutOrStdout()); err != nil {
				return err
			}
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			if flags.host.address != "" {
				return probeHost(ctx, cmd, version, &flags)
			}
			result, err := runProbe(ctx, cmd, args[0], args[1:], &flags)
			if err != nil {
				return err
			}
			result.Version = version
			text, err := result.format(flags.output, styleOf(cmd.OutOrStdout()))
			if err != nil {
				return err
			}
			if _, err := io.WriteString(reportTo(cmd), text); err != nil {
				return fmt.Errorf("writing to stdout: %w", err)
			}
			if !result.passes(flags.failOn) {
				return errReported
			}
			return nil
		},
	}
	cmd.Flags().StringVarP(&flags.output, "output", "o", "table", "table, json or yaml")
	completeOutput(cmd, "table", "json", "yaml")
	cmd.Flags().StringVar(&flags.systemRoots, "system-roots", "Host", "the public roots: Host (those of this machine), None, or a PEM file")
	cmd.Flags().StringVar(&flags.failOn, "fail-on", "error", "what exit code 1 means: error (a source fails) or warning (or something is Unchecked)")
	cmd.Flags().DurationVar(&flags.timeout, "timeout", probe.DefaultTimeout, "of each connection, with what is read from it")
	cmd.Flags().DurationVar(&flags.wait, "wait", 0, "try again until nothing fails, for so long at most (default: try once)")
	cmd.Flags().IntVar(&flags.concurrency, "concurrency", probe.DefaultConcurrency, "connections at a time")
	flags.host.register(cmd)
	return cmd
}

// check refuses values of flags that are not possible.
func (f *probeFlags) check(cmd *cobra.Command) error {
	switch {
	case f.output != "table" && f.output != "json" && f.output != "yaml":
		return fmt.Errorf("-o %s is not known; write table, json or yaml", f.output)
	case f.failOn != "error" && f.failOn != "warning":
		return fmt.Errorf("--fail-on %s is not known; write error or warning", f.failOn)
	case f.timeout <= 0:
		return fmt.Errorf("--timeout %s is not possible; write for example 30s", f.timeout)
	case f.wait < 0:
		return fmt.Errorf("--wait %s is not possible; write for example 5m", f.wait)
	case f.concurrency < 1:
		return fmt.Errorf("--concurrency %d is not possible; write 1 or more", f.concurrency)
	default:
		return f.host.check(cmd)
	}
}

func runProbe(ctx context.Context, cmd *cobra.Command, configFile string, inputs []string, flags *probeFlags) (*probing, error) {
	if err := flags.check(cmd); err != nil {
		return nil, err
	}
	config, _, err := readConfig(configFile)
	if err != nil {
		return nil, err
	}
	system, err := systemRoots(flags.systemRoots, cmd.ErrOrStderr())
	if err != nil {
		return nil, err
	}
	documents, err := readInputs(configFile, inputs, cmd.InOrStdin(), nil)
	if err != nil {
		return nil, err
	}
	resources, _, _, err := filter.Resources(documents)
	if err != nil {
		return nil, err
	}
	// Sources stand beside Flux or apart from it, and are probed as they will be.
	config.Spec.OnNoControllers, config.Spec.Mode = v1alpha1.Ignore, v1alpha1.Transform
	targets, roots, unknown, outcome := transformer.Targets(config, resources, time.Now())
	for _, r := range filter.Truncated(documents) {
		warn(cmd.ErrOrStderr(), r.Message)
	}
	switch {
	case outcome.Failed():
		printOutcome(cmd.ErrOrStderr(), outcome)
		return nil, errReported
	case len(targets) == 0:
		return nil, errors.New("the inputs hold no Flux source: HelmRepository, OCIRepository, Bucket, ImageRepository, GitRepository or Provider")
	case unknown != "" && len(roots) == 0:
		return nil, fmt.Errorf("the content of spec.caBundle is not known (%s); put its ConfigMap or Secret among the inputs: kubectl get configmap NAME -n flux-system -o yaml", unknown)
	}
	options := probe.Options{
		System: system, ReplaceSystem: config.Spec.Mount.SystemRoots == v1alpha1.Replace, Bundle: roots, BundleUnknown: unknown,
		Proxy: probe.EnvironmentProxy, Timeout: flags.timeout, Concurrency: flags.concurrency,
		Progress: progress(cmd.ErrOrStderr()),
	}
	result := &probing{Tool: "flux-trust", Config: quote.Line(configFile), SystemRoots: quote.Line(flags.systemRoots)}
	result.take(probe.Run(ctx, targets, options))
	end := time.Now().Add(flags.wait)
	for wait := firstPause; !result.passes(flags.failOn) && ctx.Err() == nil && time.Now().Before(end); wait = min(2*wait, longestPause) {
		pause(ctx, min(wait, time.Until(end)))
		if ctx.Err() == nil {
			result.take(probe.Run(ctx, targets, options))
		}
	}
	return result, nil
}

// Between two attempts of --wait.
const (
	firstPause   = time.Second
	longestPause = 8 * time.Second
)

// pause waits, unless the context ends.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// take replaces the reports.
func (p *probing) take(reports []probe.Report) {
	p.Reports = safeReports(reports)
	p.counts, p.Hosts = counts{}, hostCounts{}
	worst := []probe.Result{probe.Skipped, probe.OK, probe.Unchecked, probe.Failed}
	sources, hosts := map[string]bool{}, map[string]int{}
	for _, r := range p.Reports {
		p.add(r.Result)
		sources[r.Source] = true
		host := cmp.Or(r.Host, r.Source)
		hosts[host] = max(hosts[host], slices.Index(worst, r.Result))
	}
	for _, i := range hosts {
		p.Hosts.add(worst[i])
	}
	p.Sources, p.Hosts.Total = len(sources), len(hosts)
}

// passes reports whether the exit code is 0. A run that was ended early has not looked
// at everything.
func (p *probing) passes(failOn string) bool {
	interrupted := func(r probe.Report) bool { return r.Failure != nil && r.Failure.Code == probe.Interrupted }
	return p.Failed == 0 && (p.Unchecked == 0 || failOn != "warning" && !slices.ContainsFunc(p.Reports, interrupted))
}

// systemRoots returns what stands for the public roots.
func systemRoots(name string, errOut io.Writer) (*x509.CertPool, error) {
	pool := x509.NewCertPool()
	switch strings.ToLower(name) {
	case "none":
		return pool, nil
	case "host":
		system, err := x509.SystemCertPool()
		if err != nil {
			return nil, fmt.Errorf("--system-roots Host: %w", err)
		}
		if system.Equal(pool) {
			warn(errOut, "this machine has no public roots; mount them to /etc/ssl/certs, or name a file with --system-roots")
		}
		return system, nil
	default:
		data, err := stream.ReadNamed(name, stream.MaxFile)
		if err != nil {
			return nil, fmt.Errorf("--system-roots is neither Host nor None, and no file: %w", err)
		}
		if !pool.AppendCertsFromPEM(data) {
			return nil, fmt.Errorf("--system-roots %s: the file holds no PEM certificate", name)
		}
		return pool, nil
	}
}

// progress writes how far the probe is, on a terminal only.
func progress(errOut io.Writer) func(done, total int) {
	if styleOf(errOut).width == 0 {
		return nil
	}
	return func(done, total int) {
		end := ""
		if done == total {
			end = "\r\033[K"
		}
		_, _ = fmt.Fprintf(errOut, "\rflux-trust: %d of %d sources%s", done, total, end)
	}
}

// format writes the result for people or for programs.
func (p *probing) format(output string, s style) (string, error) {
	if output == "table" {
		return p.table(s), nil
	}
	return marshal(p, output)
}

// marshal writes JSON or YAML.
func marshal(value any, output string) (string, error) {
	text, err := json.MarshalIndent(value, "", "  ")
	if err == nil && output == "yaml" {
		// sigs.k8s.io/yaml would break long lines, and names of others would start them.
		var report any
		if err = yaml.Unmarshal(text, &report); err == nil {
			text, err = yaml.Marshal(report)
		}
	}
	if err != nil {
		return "", fmt.Errorf("writing the report: %w", err)
	}
	return strings.TrimRight(string(text), "\n") + "\n", nil
}
