package setup

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"fluxtrust.dev/flux-trust/internal/codes"
	"fluxtrust.dev/flux-trust/internal/krm"
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
		fmt.Fprintf(&out, "\nRender the package, with flux-trust on the PATH:\n  %s\n", command("kpt", "fn", "render", p.Dir, "--allow-exec"))
	}
	if len(p.Files) > 0 {
		fmt.Fprintf(&out, "\nCommit this:\n  %s\n  git commit -m 'Let Flux trust the company CA'\n  git push\n", p.add())
	}
	out.WriteString(p.then(name))
	out.WriteString(p.operator(name))
	out.WriteString(p.ownCAs())
	if p.rotates {
		fmt.Fprintf(&out, "When no server needs the old root any more, name those that stay:\n  %s init NEW-CERTIFICATE --dir %s --force\n", name, quoted(p.Dir))
	}
	return out.String()
}

// add returns the command that stages what was written, or what kpt is going to.
func (p *Plan) add() string {
	if p.Kind == Package {
		return command("git", "add", p.Dir)
	}
	words := []string{"git", "add"}
	for _, f := range p.Files {
		words = append(words, f.Path)
	}
	return command(words...)
}

// then says what to run behind the commit.
func (p *Plan) then(name string) string {
	config := quoted(p.Config)
	switch p.Kind {
	case Kustomization:
		return fmt.Sprintf("Then run:\n  kustomize build %s | %s validate %s -\n", quoted(p.Dir), name, config)
	case Remote:
		return ""
	case Empty:
		return fmt.Sprintf("Then run it where Flux is built:\n  flux install --export | %s %s %s - > flux.yaml\n", name, config, quoted(p.store)) +
			"or name both in the kustomization.yaml of a folder that you build yourself, with\nkustomize build --enable-alpha-plugins --enable-exec:\n" +
			fmt.Sprintf("  resources:\n  - %s\n  transformers:\n  - %s\n", filepath.Base(p.store), filepath.Base(p.Config))
	default:
		return fmt.Sprintf("Then run, when it has been applied:\n  kubectl get deployments,configmaps -n %s -o yaml | %s validate %s -\n", p.namespace(), name, config)
	}
}

// operator says how flux-operator gets the certificates where it needs them itself.
func (p *Plan) operator(name string) string {
	if !slices.ContainsFunc(p.Outcome.Findings, func(f krm.Finding) bool { return f.Code == codes.OperatorPulls }) {
		return ""
	}
	words := []string{"patches", p.Config}
	if p.Kind == Manifests {
		words = append(words, p.store)
	}
	return fmt.Sprintf("\nflux-operator pulls the manifests of Flux itself (spec.distribution.artifact). Where it does\nnot trust the certificates yet, these values of its chart let it:\n  %s %s > values.yaml\n", name, command(append(words, "-o", "flux-operator-values")...))
}

// ownCAs says how the certificates come into Secrets in which a source of the folder may
// have a CA of its own. What else is in these stays.
func (p *Plan) ownCAs() string {
	var out strings.Builder
	if p.Kind == Bootstrap && isEmpty(filepath.Join(p.Dir, componentsFile)) {
		fmt.Fprintf(&out, "Where Git is behind the CA as well, give it to flux bootstrap, too, which leaves it in the\nSecret flux-system:\n  --ca-file=%s\n", quoted(p.store))
	}
	told := map[string]bool{}
	for _, own := range p.Outcome.OwnCAs {
		secret := fmt.Sprintf("secret %s -n %s", own.Name, cmp.Or(own.Namespaces[0], p.namespace()))
		if told[secret] || !simple.Get().MatchString(own.Name+own.Namespaces[0]) {
			continue
		}
		if len(told) == 0 {
			out.WriteString("\nA source may have a CA of its own in a Secret, under ca.crt, as flux bootstrap --ca-file\nleaves it. That is not in Git, and nothing above reaches it. Where one of these has the key,\nadd the certificates before the servers need them:\n")
		}
		told[secret] = true
		fmt.Fprintf(&out, "  kubectl describe %s\n", secret)
		fmt.Fprintf(&out, "  (kubectl get %s -o jsonpath='{.data.ca\\.crt}' | base64 -d; echo; %s) > git-ca.crt\n", secret, p.certificates())
		fmt.Fprintf(&out, "  kubectl patch %s --patch \"{\\\"data\\\":{\\\"ca.crt\\\":\\\"$(base64 < git-ca.crt | tr -d '\\n')\\\"}}\"\n", secret)
	}
	if len(told) > 0 && len(p.Dropped) > 0 {
		out.WriteString("and take the old ones out of git-ca.crt before the last command.\n")
	}
	return out.String()
}

// certificates returns the command that prints the certificates.
func (p *Plan) certificates() string {
	if p.Kind == Bootstrap || p.Kind == Kustomization || p.Kind == Remote {
		return command("cat", p.store)
	}
	return command("kubectl", "get", "configmap", p.configMap, "-n", p.namespace(), "-o", "jsonpath={.data."+strings.ReplaceAll(p.key, ".", `\.`)+"}")
}

// linesForRemote says what to add where a kustomization fetches Flux.
func (p *Plan) linesForRemote(name string) string {
	return fmt.Sprintf("\n%s was not looked at: it would be fetched. Where Flux builds this folder, fetch that yourself:\n  %s | %s patches %s --write %s -\n",
		p.fetched.Field, p.fetched.Command(), name, quoted(p.Config), quoted(p.Dir)) +
		"Where you build it yourself, add this to its kustomization.yaml:\n" +
		fmt.Sprintf("  configMapGenerator:\n  - name: %s\n    namespace: %s\n    files: [%s]\n  transformers:\n  - %s\n", p.configMap, p.Namespace, filepath.Base(p.store), filepath.Base(p.Config)) +
		fmt.Sprintf("and build it with:\n  kustomize build --enable-alpha-plugins --enable-exec %s\n", quoted(p.Dir))
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

// command returns a line for a shell.
func command(words ...string) string {
	line := make([]string, len(words))
	for i, w := range words {
		line[i] = quoted(w)
	}
	return strings.Join(line, " ")
}

// simple matches words that a shell takes as they are.
var simple = pattern.Pattern{Text: `^[-A-Za-z0-9._/@:+,=]+$`}

// quoted returns a word for a shell.
func quoted(word string) string {
	if simple.Get().MatchString(word) {
		return word
	}
	return quote.Shell(word)
}
