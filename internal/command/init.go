package command

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"fluxtrust.dev/flux-trust/internal/filter"
	"fluxtrust.dev/flux-trust/internal/kustomization"
	"fluxtrust.dev/flux-trust/internal/quote"
	"fluxtrust.dev/flux-trust/internal/setup"
	"fluxtrust.dev/flux-trust/internal/stream"
)

// initFlags are those of the command init.
type initFlags struct {
	setup.Options
	yes, dryRun bool
}

func newInit() *cobra.Command {
	var flags initFlags
	cmd := &cobra.Command{
		Use:   "init CERTIFICATE...",
		Short: "Make Flux trust the CA in a certificate file",
		Long: `init takes the certificate of a CA as people have it (.cer, .crt, .pem, .p7b; PEM,
DER or PKCS #7; one or several), and writes what makes Flux trust it into the folder
where Flux is: the config, the certificates, and what reads them there.

  a folder of flux bootstrap, or any with a kustomization: patches in it
  a FluxInstance, or a HelmRelease that installs Flux: patches in its file
  a kpt package: a function in its Kptfile
  an empty folder: the files, and the command to run with them

It shows the subject, the SHA-256 and the expiry date of each certificate and what it
is going to change, asks when it runs on a terminal, and writes all files or none.
Compare the SHA-256 with what the owner of the CA gives you, or let --fingerprint do it.

Run again, it changes nothing. With another certificate it adds that beside the first,
and starts a rotation; with --force it leaves those out that are not named.`,
		Example: `  flux-trust init Company-Root-CA.cer --dir clusters/prod/flux-system
  flux-trust init root.crt --dir clusters/prod/flux-system --fingerprint sha256:…
  flux-trust init new-root.crt --dir clusters/prod/flux-system
  flux-trust init new-root.crt --dir clusters/prod/flux-system --force`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return fmt.Errorf("no certificate was given: %s %s (see %s --help)", cmd.Root().DisplayName(), cmd.Use, cmd.CommandPath())
			}
			return nil
		},
		ValidArgsFunction: completeCertificates,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := needsStdout(cmd.OutOrStdout()); err != nil {
				return err
			}
			return runInit(&flags, args, cmd)
		},
	}
	cmd.Flags().StringVar(&flags.Dir, "dir", ".", "folder where Flux is, such as clusters/prod/flux-system")
	_ = cmd.MarkFlagDirname("dir") // there is one
	cmd.Flags().StringArrayVar(&flags.Fingerprints, "fingerprint", nil, "`SHA-256` of a certificate, as its owner gives it: others are refused, now and later")
	cmd.Flags().StringVar(&flags.Name, "name", "", "name of the config and of its ConfigMap (default: that in the folder, or "+setup.DefaultName+")")
	cmd.Flags().StringVarP(&flags.Namespace, "namespace", "n", defaultNamespace, "namespace of the controllers, where no manifest says it")
	cmd.Flags().BoolVar(&flags.Force, "force", false, "overwrite files of others, and leave out certificates that are not named")
	cmd.Flags().StringVar(&flags.Root, "root", "", "root of the repository, which nothing outside of is read (default: the nearest folder above with .git)")
	_ = cmd.MarkFlagDirname("root") // there is one
	cmd.Flags().BoolVarP(&flags.yes, "yes", "y", false, "write without a question")
	cmd.Flags().BoolVar(&flags.dryRun, "dry-run", false, "show what would be written, and write nothing")
	return cmd
}

// completeCertificates tells the shell to complete names of certificate files.
func completeCertificates(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return setup.Extensions(), cobra.ShellCompDirectiveFilterFileExt
}

func runInit(flags *initFlags, certificates []string, cmd *cobra.Command) error {
	out, errOut := cmd.OutOrStdout(), cmd.ErrOrStderr()
	var err error
	if flags.Certificates, err = readCertificates(certificates, cmd.InOrStdin()); err != nil {
		return err
	}
	flags.Now = time.Now()
	plan, err := setup.Make(flags.Options)
	if err != nil {
		return err
	}
	if plan.Outcome.Failed() {
		printOutcome(errOut, plan.Outcome)
		return errReported
	}
	if text, _ := complaints(plan.Outcome); text.Len() > 0 {
		_, _ = io.WriteString(errOut, text.String())
	}
	if err := tell(out, plan.Summary(), plan.Diff()); err != nil {
		return err
	}
	name := cmd.Root().DisplayName()
	switch {
	case len(plan.Files) == 0:
		return tell(out, "Nothing to write: it is set up.\n", plan.Next(name))
	case flags.dryRun:
		return tell(out, "Nothing was written (--dry-run).\n")
	case !flags.yes:
		if err := confirm(cmd.InOrStdin(), errOut); err != nil {
			return err
		}
	}
	if err := plan.Check(); err != nil {
		return err
	}
	if err := kustomization.SaveAll(plan.Files); err != nil {
		return err
	}
	return tell(out, "Wrote "+changedNames(plan.Files, ", ")+".\n", plan.Next(name))
}

// tell writes texts for people.
func tell(out io.Writer, texts ...string) error {
	for _, text := range texts {
		var safe strings.Builder
		for line := range strings.Lines(text) {
			safe.WriteString(quote.Line(strings.TrimSuffix(line, "\n")) + "\n")
		}
		if _, err := io.WriteString(out, safe.String()); err != nil {
			return fmt.Errorf("writing to stdout: %w", err)
		}
	}
	return nil
}

// errDeclined ends a run that the user has not agreed to.
var errDeclined = errors.New("nothing was written")

// confirm asks where somebody can answer.
func confirm(in io.Reader, errOut io.Writer) error {
	if file, ok := in.(*os.File); !ok || !term.IsTerminal(int(file.Fd())) {
		return nil
	}
	_, _ = io.WriteString(errOut, "Write this? [y/N] ") // where stderr is closed the answer is no
	answer, err := bufio.NewReader(in).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("reading the answer: %w", err)
	}
	if answer = strings.ToLower(strings.TrimSpace(answer)); answer != "y" && answer != "yes" {
		return errDeclined
	}
	return nil
}

// readCertificates reads files with certificates.
func readCertificates(names []string, in io.Reader) ([]filter.File, error) {
	var files []filter.File
	for i, name := range names {
		var data []byte
		var err error
		switch {
		case slices.Contains(names[:i], name):
			continue
		case name == "-":
			data, err = stream.ReadAtMost(in, stream.MaxFile)
		default:
			data, err = stream.ReadNamed(name, stream.MaxFile)
		}
		switch {
		case errors.Is(err, syscall.EISDIR):
			return nil, fmt.Errorf("the certificate %s is a folder; name its files%s", name, setup.Similar(name))
		case errors.Is(err, fs.ErrNotExist):
			return nil, fmt.Errorf("the certificate %s is not there%s", name, setup.Similar(filepath.Dir(name)))
		case err != nil:
			return nil, fmt.Errorf("a certificate cannot be read: %w", err)
		}
		files = append(files, filter.File{Path: name, Text: data})
	}
	return files, nil
}
