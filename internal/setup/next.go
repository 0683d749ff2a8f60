package setup

import (
	"fmt"
	"path/filepath"
	"strings"

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
