package command

import (
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/internal/krm"
	"fluxtrust.dev/flux-trust/internal/probe"
	"fluxtrust.dev/flux-trust/internal/quote"
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
	// OK, Failed and Skipped count reports.
	OK      int            `json:"ok"`
	Failed  int            `json:"failed"`
	Skipped int            `json:"skipped"`
	Reports []probe.Report `json:"reports"`
}

// probeFlags are those of the command.
type probeFlags struct {
	output, systemRoots string
	timeout             time.Duration
	concurrency         int
}

func newProbe(version string) *cobra.Command {
	var flags probeFlags
	cmd := &cobra.Command{
		Use:   "probe CONFIG INPUT...",
		Short: "Connect to every source, and say which will work",
		Long: `probe connects to the hosts of every Flux source in the inputs, as the controllers
would once the config has been applied: through HTTPS_PROXY and NO_PROXY or the
proxySecretRef of the source, with the bundle or the certSecretRef of the source.
It shows what certificates each host presents and which roots carry them, and for
each failure the one change that cures it. It sends no credentials to sources. The
exit code is 1 when one fails.

--system-roots says what stands for the public roots in the image of the
controllers. This machine (Host) may trust more than they do: look at TRUSTED BY.

It is the only command that opens a connection.`,
		Example: `  flux-trust probe functionconfig.yaml flux.yaml sources.yaml
  kubectl get helmrepositories,ocirepositories,gitrepositories,secrets,configmaps -A -o yaml | flux-trust probe functionconfig.yaml -
  flux-trust probe functionconfig.yaml flux.yaml --system-roots /etc/ssl/certs/ca-certificates.crt -o json`,
		Args:              needsConfig,
		ValidArgsFunction: completeFiles,
		RunE: func(cmd *cobra.Command, args []string) error {
			result, err := runProbe(cmd, args[0], args[1:], flags)
			if err != nil {
				return err
			}
			result.Version = version
			text, err := result.format(flags.output)
			if err != nil {
				return err
			}
			if _, err := io.WriteString(cmd.OutOrStdout(), text); err != nil {
				return fmt.Errorf("writing to stdout: %w", err)
			}
			if result.Failed > 0 {
				return errReported
			}
			return nil
		},
	}
	cmd.Flags().StringVarP(&flags.output, "output", "o", "table", "table, json or yaml")
	completeOutput(cmd, "table", "json", "yaml")
	cmd.Flags().StringVar(&flags.systemRoots, "system-roots", "Host", "the public roots: Host (those of this machine), None, or a PEM file")
	cmd.Flags().DurationVar(&flags.timeout, "timeout", probe.DefaultTimeout, "of each connection, with what is read from it")
	cmd.Flags().IntVar(&flags.concurrency, "concurrency", probe.DefaultConcurrency, "connections at a time")
	return cmd
}

func runProbe(cmd *cobra.Command, configFile string, inputs []string, flags probeFlags) (*probing, error) {
	switch {
	case flags.output != "table" && flags.output != "json" && flags.output != "yaml":
		return nil, fmt.Errorf("-o %s is not known; write table, json or yaml", flags.output)
	case flags.timeout <= 0:
		return nil, fmt.Errorf("--timeout %s is not possible; write for example 30s", flags.timeout)
	case flags.concurrency < 1:
		return nil, fmt.Errorf("--concurrency %d is not possible; write 1 or more", flags.concurrency)
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
	resources, _, _, err := resourcesOf(documents)
	if err != nil {
		return nil, err
	}
	// Sources stand beside Flux or apart from it, and are probed as they will be.
	config.Spec.OnNoControllers, config.Spec.Mode = v1alpha1.Ignore, v1alpha1.Transform
	targets, roots, unknown, outcome := transformer.Targets(config, resources, time.Now())
	for _, r := range truncated(documents) {
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
	case unknown != "":
		warn(cmd.ErrOrStderr(), "a part of spec.caBundle is not known ("+unknown+"), and the probe goes on without it")
	}
	return connect(cmd, targets, probe.Options{
		System: system, ReplaceSystem: config.Spec.Mount.SystemRoots == v1alpha1.Replace, Bundle: roots,
		Proxy: probe.EnvironmentProxy, Timeout: flags.timeout, Concurrency: flags.concurrency,
		Progress: progress(cmd.ErrOrStderr()),
	}, configFile, flags.systemRoots), nil
}

// connect probes what the objects connect to.
func connect(cmd *cobra.Command, objects []transformer.Target, options probe.Options, config, systemRoots string) *probing {
	targets := make([]probe.Target, len(objects))
	for i, o := range objects {
		protocol := probe.TLS
		switch {
		case o.Helm:
			protocol = probe.Helm
		case o.Registry:
			protocol = probe.Registry
		}
		targets[i] = probe.Target{
			Source: o.Kind + " " + strings.TrimPrefix(o.Namespace+"/"+o.Name, "/"), Protocol: protocol, URL: o.URL, Tag: o.Tag,
			CA: o.CA, CAAlone: o.CAAlone, Bundle: o.Bundle, Pinned: o.Pinned, Proxy: o.Proxy, Skip: o.Skip, Problem: o.Problem, Note: o.Note,
		}
	}
	result := &probing{Tool: "flux-trust", Config: quote.Line(config), SystemRoots: quote.Line(systemRoots)}
	result.Reports = safeReports(probe.Run(cmd.Context(), targets, options))
	for _, r := range result.Reports {
		switch r.Result {
		case probe.OK:
			result.OK++
		case probe.Failed:
			result.Failed++
		default:
			result.Skipped++
		}
	}
	return result
}

// systemRoots returns what stands for the public roots.
func systemRoots(name string, errOut io.Writer) (*x509.CertPool, error) {
	pool := x509.NewCertPool()
	switch name {
	case "None":
		return pool, nil
	case "Host":
		system, err := x509.SystemCertPool()
		if err != nil {
			return nil, fmt.Errorf("--system-roots Host: %w", err)
		}
		if system.Equal(pool) {
			warn(errOut, "this machine has no public roots; mount them to /etc/ssl/certs, or name a file with --system-roots")
		}
		return system, nil
	default:
		data, err := os.ReadFile(name) //nolint:gosec // a file that the user names
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
	file, ok := errOut.(*os.File)
	if !ok {
		return nil
	}
	if info, err := file.Stat(); err != nil || info.Mode()&os.ModeCharDevice == 0 {
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
func (p *probing) format(output string) (string, error) {
	if output == "table" {
		return p.table(), nil
	}
	text, err := json.MarshalIndent(p, "", "  ")
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

// table has a line per host, with what else there is to say below it.
func (p *probing) table() string {
	rows := [][]string{{"SOURCE", "HOST", "RESULT", "TRUSTED BY", "CHAIN"}}
	for _, r := range p.Reports {
		host := r.Host
		if r.Role != "" && r.Role != "source" {
			host += " (" + r.Role + ")"
		}
		rows = append(rows, []string{r.Source, orDash(host), string(r.Result), orDash(strings.Join(r.TrustedBy, ", ")), chain(r.Chain)})
	}
	widths := make([]int, len(rows[0])-1)
	for _, row := range rows {
		for i := range widths {
			widths[i] = max(widths[i], len([]rune(row[i])))
		}
	}
	var out strings.Builder
	for i, row := range rows {
		for j, width := range widths {
			fmt.Fprintf(&out, "%-*s  ", width, row[j])
		}
		fmt.Fprintln(&out, row[len(widths)])
		if i > 0 {
			details(&out, p.Reports[i-1])
		}
	}
	fmt.Fprintf(&out, "\n%s, %d failed, %d skipped\n", krm.Count(p.OK, "host")+" ok", p.Failed, p.Skipped)
	return out.String()
}

// details writes why a host fails, and what else there is to say.
func details(out io.Writer, r probe.Report) {
	line := func(format string, args ...any) { _, _ = fmt.Fprintf(out, "    "+format+"\n", args...) }
	if f := r.Failure; f != nil {
		through := ""
		if r.Proxy != "" {
			through = " (through the proxy " + r.Proxy + ")"
		}
		line("%s: %s%s", f.Code, f.Error, through)
		line("cure: %s", f.Cure)
	}
	if i := r.Inspector; i != nil {
		fingerprint := i.Fingerprint
		if fingerprint == "" {
			fingerprint = "not presented, so its SHA-256 is not known"
		}
		line("looks like an inspecting proxy that is not in the bundle: %s", i.Why)
		line("its root: %s, %s", i.Subject, fingerprint)
		line("compare it with what the owner of the proxy gives you before you add it")
	}
	for _, note := range r.Notes {
		line("note: %s", note)
	}
}

// chain names what a host has presented, its own certificate first, and who signed
// the last one.
func chain(certificates []probe.Certificate) string {
	if len(certificates) == 0 {
		return "-"
	}
	var names []string
	for _, c := range certificates {
		names = append(names, c.Subject)
	}
	text := strings.Join(names, " < ")
	if last := certificates[len(certificates)-1]; last.Issuer != last.Subject {
		text += ", issued by " + last.Issuer
	}
	return text
}

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}
