package setup

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"fluxtrust.dev/flux-trust/internal/codes"
	"fluxtrust.dev/flux-trust/internal/krm"
	"fluxtrust.dev/flux-trust/internal/kustomization"
	"fluxtrust.dev/flux-trust/internal/pattern"
	"fluxtrust.dev/flux-trust/internal/quote"
)

// Next says what to do with what was written, in commands for a shell. The name is that of
// the program.
func (p *Plan) Next(name string) string {
	var out strings.Builder
	if p.Kind == Remote {
		out.WriteString(p.linesForRemote(name))
	}
	if p.Kind == Package {
		fmt.Fprintf(&out, "\nRender the package, with flux-trust on the PATH:\n  %s\n", "kpt fn render "+quote.Path(p.Dir)+" --allow-exec")
	}
	out.WriteString(p.ownCAs())
	if len(p.Files) > 0 {
		fmt.Fprintf(&out, "\nCommit this:\n%s", p.commit())
	}
	out.WriteString(p.then(name))
	out.WriteString(p.operator(name))
	if p.Kind == Bootstrap && isEmpty(filepath.Join(p.Dir, componentsFile)) {
		fmt.Fprintf(&out, "Where Git is behind the CA as well, give it to flux bootstrap, too, which leaves it in the\nSecret flux-system:\n  --ca-file=%s\n", quote.Shell(p.store))
	}
	if p.rotates {
		fmt.Fprintf(&out, "When no server needs the old root any more, name those that stay:\n  %s init NEW-CERTIFICATE --dir %s --force\n", name, quote.Path(p.Dir))
	}
	return out.String()
}

// commit returns the commands that commit what was written, or what kpt is going to write,
// from where the program runs.
func (p *Plan) commit() string {
	paths := []string{p.Dir}
	if p.Kind != Package {
		paths = nil
		for _, f := range p.Files {
			paths = append(paths, f.Path)
		}
	}
	git, inGit := forGit(p.Dir, paths)
	add := git + " add"
	if p.Kind != Package && slices.ContainsFunc(paths, kustomization.IgnoredByGit) {
		add += " -f"
	}
	return fmt.Sprintf("  %s %s\n  %s commit -m 'Let Flux trust the company CA'\n  %s push\n", add, inGit, git, git)
}

// forGit returns git as it is run from where the program runs, for the repository of a folder,
// and paths as it takes them there.
func forGit(dir string, paths []string) (git, words string) {
	here, git := kustomization.Resolved("."), "git"
	root, ok := kustomization.Repository(kustomization.Resolved(dir))
	around, _ := kustomization.Repository(here)
	elsewhere := ok && around != root
	if elsewhere {
		here, git = root, "git -C "+quote.Path(root)
	}
	quoted := make([]string, len(paths))
	for i, path := range paths {
		// Git takes no file behind a link.
		if target := kustomization.Resolved(path); elsewhere || target != path && target != filepath.Join(here, path) {
			if relative, err := filepath.Rel(here, target); err == nil {
				path = relative
			}
		}
		quoted[i] = quote.Path(path)
	}
	return git, strings.Join(quoted, " ")
}

// then says what to run behind the commit.
func (p *Plan) then(name string) string {
	config := quote.Path(p.Config)
	switch p.Kind {
	case Kustomization:
		return fmt.Sprintf("Then run:\n  %s patches %s --check %s\n", name, config, quote.Path(p.Dir))
	case Remote:
		return ""
	case Empty:
		return fmt.Sprintf("Then run it where Flux is built:\n  flux install --export | %s %s %s - > flux.yaml\n", name, config, quote.Path(p.store)) +
			"or name both in the kustomization.yaml of a folder that you build yourself, with\nkustomize build --enable-alpha-plugins --enable-exec:\n" +
			fmt.Sprintf("  resources:\n  - %s\n  transformers:\n  - %s\n", scalar(filepath.Base(p.store)), scalar(filepath.Base(p.Config)))
	default:
		return fmt.Sprintf("Then run, when it has been applied:\n  kubectl get deployments,configmaps -n %s -o yaml | %s validate %s -\n", quote.Path(p.namespace()), name, config)
	}
}

// operator says how flux-operator gets the certificates where it needs them itself.
func (p *Plan) operator(name string) string {
	if !slices.ContainsFunc(p.Outcome.Findings, func(f krm.Finding) bool { return f.Code == codes.OperatorPulls }) {
		return ""
	}
	files := quote.Path(p.Config)
	if p.Kind == Manifests {
		files += " " + quote.Path(p.store)
	}
	return fmt.Sprintf("\nflux-operator pulls the manifests of Flux itself (spec.distribution.artifact). Where it does\nnot trust the certificates yet, these values of its chart let it:\n  %s patches %s -o flux-operator-values > values.yaml\n", name, files)
}

// once is a program for awk that prints each certificate of a text once, with the comments
// before it.
const once = `/-BEGIN/ {key=""} NF {text=text $0 "\n"; key=key $0} /-END/ {if (!seen[key]++) printf "%s", text; text=""}`

// ownCAs says how the certificates come into Secrets in which a source of the folder may
// have a CA of its own. What else is in these stays, and to run the commands again changes
// nothing.
func (p *Plan) ownCAs() string {
	var out strings.Builder
	told := map[string]bool{}
	for _, own := range p.Outcome.OwnCAs() {
		secret := fmt.Sprintf("secret %s -n %s", own.Name, cmp.Or(own.Namespaces[0], p.namespace()))
		if word := own.Name + own.Namespaces[0]; told[secret] || quote.Path(word) != word {
			continue
		}
		if len(told) == 0 {
			out.WriteString("\nA source may have a CA of its own in a Secret, under ca.crt, as flux bootstrap --ca-file\nleaves it. That is not in Git, and no commit reaches it. Where one of these has the key,\nadd the certificates first:\n")
		}
		told[secret] = true
		fmt.Fprintf(&out, "  kubectl describe %s\n  ca=$(mktemp)\n", secret)
		fmt.Fprintf(&out, "  (kubectl get %s -o jsonpath='{.data.ca\\.crt}' | base64 -d; echo; %s) | awk '%s' > \"$ca\"\n", secret, p.certificates(), once)
		if len(p.Dropped) > 0 {
			fmt.Fprintf(&out, "Take %s out of the file \"$ca\", and go on:\n", names(p.Dropped))
		}
		fmt.Fprintf(&out, "  kubectl patch %s --patch \"{\\\"data\\\":{\\\"ca.crt\\\":\\\"$(base64 < \"$ca\" | tr -d '\\n')\\\"}}\"\n  rm \"$ca\"\n", secret)
	}
	return out.String()
}

// certificates returns the command that prints the certificates. The cluster may not have
// them yet.
func (p *Plan) certificates() string {
	if !isYAML(p.store) {
		return "cat " + quote.Path(p.store)
	}
	return fmt.Sprintf("kubectl create -f %s --dry-run=client -o %s", quote.Path(p.store), quote.Shell("jsonpath={.data."+strings.ReplaceAll(p.key, ".", `\.`)+"}"))
}

// linesForRemote says what to add where a kustomization fetches Flux.
func (p *Plan) linesForRemote(name string) string {
	return fmt.Sprintf("\n%s was not looked at: it would be fetched. Where Flux builds this folder, fetch that yourself:\n  %s | %s patches %s --write %s -\n",
		p.fetched.Field, p.fetched.Command(), name, quote.Path(p.Config), quote.Path(p.Dir)) +
		"Where you build it yourself, add this to its kustomization.yaml:\n" +
		fmt.Sprintf("  configMapGenerator:\n  - name: %s\n    namespace: %s\n    files: [%s]\n  transformers:\n  - %s\n", p.configMap, p.Namespace, scalar(filepath.Base(p.store)), scalar(filepath.Base(p.Config))) +
		fmt.Sprintf("and build it with:\n  kustomize build --enable-alpha-plugins --enable-exec %s\n", quote.Path(p.Dir))
}

// namespace returns that of the controllers.
func (p *Plan) namespace() string {
	for _, namespace := range p.Outcome.Namespaces {
		if namespace != "" {
			return namespace
		}
	}
	return p.Namespace
}

// scalar returns a text as a scalar of YAML.
func scalar(text string) string {
	if simple.Get().MatchString(text) {
		return text
	}
	return strconv.Quote(text)
}

// simple matches names that mean nothing else in YAML.
var simple = pattern.Pattern{Text: `^[A-Za-z][-A-Za-z0-9._]*[A-Za-z]$`}
