package command

import (
	"bytes"
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"fluxtrust.dev/flux-trust/internal/probe"
	"fluxtrust.dev/flux-trust/internal/quote"
)

// hostFlags are those of probe --host.
type hostFlags struct{ address, save, fingerprint string }

func (f *hostFlags) register(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.address, "host", "", "show what this host presents (HOST or HOST:PORT), without a config")
	cmd.Flags().StringVar(&f.save, "save", "", "with --host and --fingerprint: write the root to this file, for init")
	cmd.Flags().StringVar(&f.fingerprint, "fingerprint", "", "with --save: the SHA-256 of the root, as its owner gives it (sha256:…)")
}

// check refuses flags that do not go together.
func (f *hostFlags) check() error {
	switch {
	case f.address == "" && (f.save != "" || f.fingerprint != ""):
		return errors.New("--save and --fingerprint are for --host")
	case f.save != "" && f.fingerprint == "":
		return errors.New("--save needs --fingerprint sha256:…, which you have from the owner of the root: what a host presents is no proof of whom it belongs to")
	case f.save == "" && f.fingerprint != "":
		return errors.New("--fingerprint is for --save FILE")
	default:
		return nil
	}
}

// hostReport is what probe --host prints.
type hostReport struct {
	Tool        string `json:"tool"`
	Version     string `json:"version"`
	SystemRoots string `json:"systemRoots"`
	*probe.Presented
	// Saved is the file that the root was written to.
	Saved string `json:"saved,omitempty"`
}

// probeHost shows what one host presents, and saves its root when the user has named
// it.
func probeHost(ctx context.Context, cmd *cobra.Command, version string, flags *probeFlags) error {
	if err := flags.check(); err != nil {
		return err
	}
	system, err := systemRoots(flags.systemRoots, cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	presented, err := probe.Look(ctx, flags.host.address, probe.Options{System: system, Proxy: probe.EnvironmentProxy, Timeout: flags.timeout})
	if err != nil {
		return fmt.Errorf("--host: %w", err)
	}
	if flags.host.save != "" {
		if err := saveRoot(presented, flags.host); err != nil {
			return err
		}
	}
	report := hostReport{Tool: "flux-trust", Version: version, SystemRoots: flags.systemRoots, Presented: safePresented(presented), Saved: flags.host.save}
	text := report.table(styleOf(cmd.OutOrStdout()))
	if flags.output != "table" {
		if text, err = marshal(report, flags.output); err != nil {
			return err
		}
	}
	if _, err := io.WriteString(cmd.OutOrStdout(), text); err != nil {
		return fmt.Errorf("writing to stdout: %w", err)
	}
	if presented.Failure != nil {
		return errReported
	}
	return nil
}

// saveRoot writes the root to a file, if its fingerprint is the one that the user
// has given.
func saveRoot(p *probe.Presented, flags hostFlags) error {
	want := strings.ToLower(strings.ReplaceAll(strings.TrimPrefix(strings.ToLower(flags.fingerprint), "sha256:"), ":", ""))
	switch root := p.Certificate; {
	case root == nil:
		return errors.New("the root was not presented and no public root carries the chain: get it from its owner")
	case strings.TrimPrefix(p.Root.Fingerprint, "sha256:") != want:
		return fmt.Errorf("the root has %s, and not the fingerprint that you gave: nothing was saved", p.Root.Fingerprint)
	default:
		text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root.Raw})
		if have, err := os.ReadFile(flags.save); err == nil && !bytes.Equal(have, text) {
			return fmt.Errorf("%s exists and holds something else: nothing was saved", quote.File(flags.save))
		}
		if err := os.WriteFile(flags.save, text, 0o644); err != nil { //nolint:gosec // a certificate is public
			return fmt.Errorf("--save: %w", err)
		}
		return nil
	}
}

// safePresented returns what may be printed.
func safePresented(p *probe.Presented) *probe.Presented {
	r := safeReports([]probe.Report{{Host: p.Host, Proxy: p.Proxy, TrustedBy: p.TrustedBy, Chain: p.Chain, Failure: p.Failure}})[0]
	safe := *p
	safe.Host, safe.Proxy, safe.TrustedBy, safe.Chain, safe.Failure = r.Host, r.Proxy, r.TrustedBy, r.Chain, r.Failure
	if p.Root != nil {
		root := *p.Root
		root.Subject, root.Issuer = quote.Line(root.Subject), quote.Line(root.Issuer)
		safe.Root = &root
	}
	return &safe
}

// table shows what a host presents, and what to do with it.
func (r *hostReport) table(s style) string {
	var out strings.Builder
	through := ""
	if r.Proxy != "" {
		through = " through the proxy " + r.Proxy
	}
	fmt.Fprintf(&out, "%s%s presents:\n", r.Host, through)
	for i, c := range r.Chain {
		fmt.Fprintf(&out, "  %d %s\n    issued by %s, until %s\n    %s\n", i, c.Subject, c.Issuer, c.NotAfter.Format("2006-01-02"), c.Fingerprint)
	}
	if len(r.Chain) == 0 {
		out.WriteString("  nothing\n")
	}
	if len(r.TrustedBy) > 0 {
		out.WriteString(s.paint(green, "√") + " public roots carry it: the controllers need no bundle for this host\n")
	} else if f := r.Failure; f != nil {
		out.WriteString(s.paint(red, "×") + " " + string(f.Code) + ": " + f.Error + "\n")
		out.WriteString(s.wrap("    ", "cure: "+f.Cure))
	}
	switch {
	case r.Root == nil && len(r.Chain) > 0:
		out.WriteString(s.wrap("", "its root was not presented: get it from the owner of "+r.Chain[len(r.Chain)-1].Issuer))
	case r.Root != nil:
		fmt.Fprintf(&out, "its root: %s\n  %s\n", r.Root.Subject, r.Root.Fingerprint)
	}
	switch {
	case r.Saved != "":
		fmt.Fprintf(&out, "saved to %s; next: flux-trust init %[1]s\n", quote.File(r.Saved))
	case r.Root != nil && len(r.TrustedBy) == 0:
		out.WriteString(s.wrap("", "compare this with what the owner of the root gives you; then: flux-trust probe --host "+r.Host+" --save corp-ca.crt --fingerprint sha256:…, and flux-trust init corp-ca.crt"))
	}
	return out.String()
}
