package command

import (
	"bytes"
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"fluxtrust.dev/flux-trust/internal/bundle"
	"fluxtrust.dev/flux-trust/internal/probe"
	"fluxtrust.dev/flux-trust/internal/quote"
	"fluxtrust.dev/flux-trust/internal/setup"
	"fluxtrust.dev/flux-trust/internal/stream"
)

// hostFlags are those of probe --host.
type hostFlags struct{ address, save, fingerprint string }

func (f *hostFlags) register(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.address, "host", "", "show what this host presents (HOST or HOST:PORT), without a config")
	cmd.Flags().StringVar(&f.save, "save", "", "with --host and --fingerprint: write the root to this file, for init")
	cmd.Flags().StringVar(&f.fingerprint, "fingerprint", "", "with --save: the SHA-256 of the root, as its owner gives it (sha256:…)")
}

// check refuses flags that do not go together.
func (f *hostFlags) check(cmd *cobra.Command) error {
	if f.address == "" {
		if f.save != "" || f.fingerprint != "" {
			return errors.New("--save and --fingerprint are for --host")
		}
		return nil
	}
	for _, name := range []string{"wait", "concurrency"} {
		if cmd.Flags().Changed(name) {
			return fmt.Errorf("--%s is for the sources of a config, and not for --host", name)
		}
	}
	_, ok := bundle.ParseFingerprint(f.fingerprint)
	switch {
	case f.save != "" && f.fingerprint == "":
		return errors.New("--save needs --fingerprint sha256:…, which you have from the owner of the root: what a host presents is no proof of whom it belongs to")
	case f.save == "" && f.fingerprint != "":
		return errors.New("--fingerprint is for --save FILE")
	case f.fingerprint != "" && !ok:
		return errors.New("--fingerprint is not a SHA-256; write sha256: and 64 hexadecimal digits, as openssl x509 -noout -fingerprint -sha256 prints them")
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
	if err := flags.check(cmd); err != nil {
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
	if _, err := io.WriteString(reportTo(cmd), text); err != nil {
		return fmt.Errorf("writing to stdout: %w", err)
	}
	return report.verdict(flags)
}

// verdict is the exit code: a root that was asked for and saved is a success. A root of
// a proxy that this machine trusts is no more than Unchecked.
func (r *hostReport) verdict(flags *probeFlags) error {
	switch {
	case r.Saved != "":
		return nil
	case r.Failure != nil, r.Inspector != nil && flags.failOn == "warning":
		return errReported
	default:
		return nil
	}
}

// saveRoot writes the root to a file, if its fingerprint is the one that the user
// has given.
func saveRoot(p *probe.Presented, flags hostFlags) error {
	want, _ := bundle.ParseFingerprint(flags.fingerprint) // check has looked
	for i, c := range p.Chain {
		if c.Fingerprint == want && (p.Root == nil || p.Root.Fingerprint != want) {
			return fmt.Errorf("the fingerprint is that of certificate %d, and not that of the root: nothing was saved; get the fingerprint of the root from its owner", i)
		}
	}
	switch root := p.Certificate; {
	case len(p.Chain) == 0 && p.Failure != nil:
		return fmt.Errorf("%s presents nothing (%s): nothing was saved", p.Host, p.Failure.Error)
	case root == nil:
		return errors.New("the root was not presented and no public root carries the chain: nothing was saved; get the root from its owner")
	case p.Root.Fingerprint != want:
		return fmt.Errorf("the root has %s, and not the fingerprint that you gave: nothing was saved", p.Root.Fingerprint)
	default:
		text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root.Raw})
		switch have, err := stream.ReadRegular(flags.save); {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return fmt.Errorf("--save: %w: nothing was saved", err)
		case !bytes.Equal(have, text):
			return fmt.Errorf("--save %s: the file exists and holds something else: nothing was saved", flags.save)
		}
		if err := os.WriteFile(flags.save, text, 0o644); err != nil { //nolint:gosec // a certificate is public
			return fmt.Errorf("--save: %w", err)
		}
		return nil
	}
}

// safePresented returns what may be printed.
func safePresented(p *probe.Presented) *probe.Presented {
	r := safeReports([]probe.Report{{Host: p.Host, Proxy: p.Proxy, TrustedBy: p.TrustedBy, Chain: p.Chain, Failure: p.Failure, Inspector: p.Inspector}})[0]
	safe := *p
	safe.Host, safe.Proxy, safe.TrustedBy, safe.Chain, safe.Failure, safe.Inspector = r.Host, r.Proxy, r.TrustedBy, r.Chain, r.Failure, r.Inspector
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
	if r.Saved == "" {
		out.WriteString(r.carried(s))
	}
	switch {
	case r.Root == nil && len(r.Chain) > 0:
		out.WriteString(s.wrap("", "its root was not presented: get it from the owner of "+r.Chain[len(r.Chain)-1].Issuer))
	case r.Root != nil:
		fmt.Fprintf(&out, "its root: %s\n  %s\n", r.Root.Subject, r.Root.Fingerprint)
	}
	switch {
	case r.Saved != "":
		fmt.Fprintf(&out, "saved to %s; next: flux-trust init %s%s\n", quote.Line(r.Saved), quote.Path(r.Saved), toFolder(filepath.Dir(r.Saved)))
	case r.Root != nil && (len(r.TrustedBy) == 0 || r.Inspector != nil):
		out.WriteString(s.wrap("", "compare this with what the owner of the root gives you; then: flux-trust probe --host "+quote.Shell(r.Host)+" --save corp-ca.crt --fingerprint sha256:…, and flux-trust init corp-ca.crt --dir FOLDER"))
	}
	return out.String()
}

// toFolder returns the flag for init that names the folder where Flux is: that of the
// saved file, or one to fill in.
func toFolder(dir string) string {
	switch {
	case !setup.HasFlux(dir):
		return " --dir FOLDER, the folder where Flux is"
	case dir == ".":
		return ""
	default:
		return " --dir " + quote.Path(dir)
	}
}

// carried says whether public roots carry the chain.
func (r *hostReport) carried(s style) string {
	from := "the roots in " + quote.Line(r.SystemRoots)
	if strings.EqualFold(r.SystemRoots, "host") {
		from = "the system roots of this machine"
	}
	switch f := r.Failure; {
	case f != nil:
		text := s.marked(s.paint(red, "×"), string(f.Code)+": "+f.Error) + s.cured(f)
		if i := r.Inspector; i != nil {
			text += s.wrap("    ", "looks like an inspecting proxy: "+i.Why)
		}
		return text
	case r.Inspector != nil:
		return s.marked(s.paint(yellow, "!"), from+" carry it, and its root looks like that of an inspecting proxy: "+r.Inspector.Why)
	default:
		return s.marked(s.paint(green, "√"), from+" carry it: where the image of the controllers has the same, they need no bundle for this host")
	}
}
