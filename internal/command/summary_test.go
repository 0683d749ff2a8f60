package command

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/internal/corpus"
	"fluxtrust.dev/flux-trust/internal/filter"
	"fluxtrust.dev/flux-trust/transformer"
)

// TestCorpusSummaries writes down, per profile and real install, which fields of
// which controllers change and what the Pod Security admission says afterwards.
// The files are small enough to be read, and a rule that changes shows in them.
func TestCorpusSummaries(t *testing.T) {
	files := corpus.Files(t, "gotk/*", "installs/*", "odd/01*")
	for _, profile := range []v1alpha1.Profile{v1alpha1.Restricted, v1alpha1.OpenShift, v1alpha1.NoProfile} {
		t.Run(string(profile), func(t *testing.T) {
			var out strings.Builder
			for _, file := range files {
				fmt.Fprintf(&out, "%s\n%s", filepath.Base(file), summary(t, file, writeConfig(t, "  securityContext: {profile: "+string(profile)+"}\n")))
			}
			golden := "testdata/summaries/" + string(profile) + ".txt"
			if *update {
				if err := os.WriteFile(golden, []byte(out.String()), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			compare(t, golden, []byte(out.String()))
		})
	}
}

// summary runs a config over a file. Controllers to which the same happens share
// a paragraph.
func summary(t *testing.T, file, configFile string) string {
	t.Helper()
	config, _, err := readConfig(configFile)
	if err != nil {
		t.Fatal(err)
	}
	documents, err := readInputs(configFile, []string{file}, nil, transformer.Needs(config))
	if err != nil {
		t.Fatal(err)
	}
	resources, _, skipped, err := filter.Resources(documents)
	if err != nil {
		t.Fatal(err)
	}
	outcome := transformer.RunNeeded(config, resources, skipped, time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	if outcome.Failed() {
		t.Fatal(outcome.Results())
	}
	verdicts := map[string]string{}
	for _, v := range outcome.Verdicts {
		verdicts[v.Namespace+"/"+v.Name] = fmt.Sprintf("    %s admits it\n", v.Policy)
		if len(v.Violations) > 0 {
			verdicts[v.Namespace+"/"+v.Name] = fmt.Sprintf("    %s refuses: %s\n", v.Policy, strings.Join(v.Violations, ", "))
		}
	}
	var order []string
	names := map[string][]string{}
	for i, r := range resources {
		if outcome.Items[i] == r.Node {
			continue
		}
		name := outcome.Items[i].GetNamespace() + "/" + outcome.Items[i].GetName()
		what := changes(r.Node, outcome.Items[i]) + verdicts[name]
		if names[what] == nil {
			order = append(order, what)
		}
		names[what] = append(names[what], name)
	}
	var out strings.Builder
	for _, what := range order {
		fmt.Fprintf(&out, "  %s\n%s", strings.Join(names[what], "\n  "), what)
	}
	return out.String()
}

// changes lists the fields that differ. What belongs to the trust is counted.
func changes(before, after *yaml.RNode) string {
	was, is := map[string]string{}, map[string]string{}
	leaves(before.YNode(), "", was)
	leaves(after.YNode(), "", is)
	var out strings.Builder
	trust := map[string]int{}
	for _, path := range slices.Sorted(maps.Keys(union(was, is))) {
		old, had := was[path]
		now, has := is[path]
		ours := strings.Contains(path, "flux-trust-ca") || strings.Contains(path, "SSL_CERT_DIR") || strings.Contains(path, "fluxtrust.dev")
		switch short := strings.TrimPrefix(path, "spec.template.spec."); {
		case had && has && old == now:
		case ours && !had:
			kind := "annotations"
			for _, list := range []string{"volumeMounts", "volumes", "env"} {
				if strings.Contains(path, "."+list+".[") && strings.HasSuffix(path, "].name") {
					kind = list
				} else if strings.Contains(path, "."+list+".[") {
					kind = ""
				}
			}
			trust[kind]++
		case !had:
			fmt.Fprintf(&out, "    + %s: %s\n", short, now)
		case !has:
			fmt.Fprintf(&out, "    - %s: %s\n", short, old)
		default:
			fmt.Fprintf(&out, "    ~ %s: %s, was %s\n", short, now, old)
		}
	}
	return fmt.Sprintf("    trust: %d volumes, %d mounts, %d variables, %d annotations\n", trust["volumes"], trust["volumeMounts"], trust["env"], trust["annotations"]) + out.String()
}

func union(a, b map[string]string) map[string]string {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return all
}

// leaves maps the path of every scalar to its value. Entries of a list go by
// their name, where they have one.
func leaves(n *yaml.Node, path string, into map[string]string) {
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			leaves(n.Content[i+1], strings.TrimPrefix(path+"."+n.Content[i].Value, "."), into)
		}
	case yaml.SequenceNode:
		for i, item := range n.Content {
			key := fmt.Sprint(i)
			if name := yaml.NewRNode(item).Field("name"); item.Kind == yaml.MappingNode && name != nil {
				key = "name=" + name.Value.YNode().Value
			}
			leaves(item, path+".["+key+"]", into)
		}
	default:
		into[path] = n.Value
	}
}
