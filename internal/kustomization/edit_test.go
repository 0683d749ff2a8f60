package kustomization

import (
	"strings"
	"testing"

	"fluxtrust.dev/flux-trust/internal/patches"
)

const body = "# fluxtrust.dev/config: corp\napiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: all\nspec:\n  replicas: 1\n"

func ourPatches(bodies ...string) []patches.Patch {
	var made []patches.Patch
	for _, b := range bodies {
		made = append(made, patches.Patch{Target: patches.Target{Kind: "Deployment", Name: "^x$"}, Body: b})
	}
	return made
}

// kustomizations are texts as people write them.
func kustomizations() map[string]string {
	user := "- path: p.yaml\n  target: {kind: Deployment}\n"
	return map[string]string{
		"plain":                  "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n- gotk-components.yaml\n",
		"no newline":             "resources:\n- gotk-components.yaml",
		"no newline, block":      "resources:\n- a.yaml\npatches:\n- patch: |\n    - op: remove\n      path: /a\n  target: {kind: Deployment}",
		"no newline, literal":    "resources:\n- a.yaml\npatches:\n- target: {kind: Deployment}\n  patch: |\n    - op: remove\n      path: /a",
		"CRLF":                   "resources:\r\n- a.yaml\r\n",
		"CRLF, no newline":       "resources:\r\n- a.yaml",
		"BOM":                    "\ufeffresources: [a.yaml]\n",
		"separators":             "---\nresources:\n- a.yaml\n---\n",
		"separator, no newline":  "resources:\n- a.yaml\n---",
		"end of document":        "resources:\n- a.yaml\n...\n",
		"end, then a comment":    "resources:\n- a.yaml\n... # done\n# bye\n",
		"own patches":            "resources:\n- a.yaml\npatches:\n" + user,
		"own, indented":          "resources:\n  - a.yaml\npatches:\n  # why\n  - path: p.yaml\n    target: {kind: Deployment}\n\n  # - path: off.yaml\n\nimages: []\n",
		"resources not indented": "resources:\n- a.yaml\npatches:\n  # why this is here\n  - patch: |\n      - op: add\n        path: /metadata/annotations/a\n        value: b    \n    target:\n      kind: Deployment\n",
		"block scalars":          "resources:\n- a.yaml\npatches:\n- target: {kind: Deployment}\n  patch: |+\n\n    - op: add # 😀\n      path: /a\n      # the end\n\n\n",
		"folded":                 "resources:\n- a.yaml\npatches:\n- target: {kind: Deployment}\n  patch: >-\n    [{\"op\": \"remove\",\n     \"path\": \"/a\"}]\n\nnamespace: x\n",
		"indented block":         "resources:\n- a.yaml\npatches:\n- patch: |2\n      # x\n    - op: remove\n      path: /a\n",
		"a comment only":         "resources:\n- a.yaml\npatches:\n# nothing yet\n",
		"null":                   "resources:\n- a.yaml\npatches: ~ # nothing yet\nnamespace: x\n",
		"empty":                  "resources:\n- a.yaml\npatches: []\n",
		"empty, with a comment":  "patches: [ ]   # nothing yet\nresources:\n- a.yaml\n",
		"empty, over lines":      "patches: [\n]\nresources:\n- a.yaml\n",
		"brackets":               "patches: [{path: p.yaml, target: {kind: Deployment}}]\nresources: [a.yaml, 'b,].yaml'] # c]\n",
		"brackets over lines":    "patches:\n  [\n    {path: p.yaml}, # one\n  ]\nresources: [\n  a.yaml, # a]\n  b.yaml\n]\n",
		"braces":                 "{\"resources\": [\"a.yaml\"], \"namespace\": \"x\"}\n",
		"braces, no newline":     "{\n  \"resources\": [\n    \"a.yaml\"\n  ],\n  \"patches\": []\n}",
		"twice":                  "patches:\n" + user + "resources:\n- a.yaml\npatches:\n- path: q.yaml\nnamespace: x\n",
		"anchors":                "resources:\n- &a a.yaml\nlabels:\n- pairs: &p {a: b}\n- pairs: *p\npatches:\n- path: *a\n",
		"comments at the end":    "resources:\n- a.yaml\n\n# images:\n# - name: x\n\n",
		"a deep comment":         "patches:\n- path: p.yaml\n  # of p\n# of the list\n\nresources:\n- a.yaml\n",
		"dash alone":             "patches:\n-\n  path: p.yaml\n- # two\n  path: q.yaml\nresources:\n-\n  a.yaml\n",
		"all indented":           "  resources:\n  - a.yaml\n  patches:\n    - path: p.yaml\n",
		"quoted keys":            "\"resources\":\n- a.yaml\n'patches':\n- path: p.yaml\n",
		"other case":             "Resources:\n- a.yaml\nPATCHES:\n- path: p.yaml\n",
		"two documents":          "resources:\n- a.yaml\n---\n# nothing\n---\n",
		"line separators":        "resources:\n- a.yaml # \u2028# x\npatches:\n- path: p.yaml\n",
		"generators":             "resources:\n- a.yaml\nconfigMapGenerator:\n- name: mine\n  literals:\n  - |\n    a=b\n",
		"empty generators":       "resources:\n- a.yaml\nconfigMapGenerator: []\ngeneratorOptions: {}\n",
		"bases":                  "bases:\n- ../base\n",
		"tabs":                   "resources:\n- a.yaml\t# x\npatches:\t\n- path: p.yaml\t\n",
		"another config":         "resources:\n- a.yaml\npatches:\n- target: {kind: Deployment}\n  patch: |\n    # fluxtrust.dev/config: other\n    apiVersion: apps/v1\n    kind: Deployment\n    metadata: {name: x}\n",
	}
}

// TestText: entries are added, changed and taken out, and all others stay.
func TestText(t *testing.T) {
	other := strings.Replace(body, "replicas: 1", "replicas: 2", 1)
	for name, was := range kustomizations() {
		t.Run(name, func(t *testing.T) {
			before, err := newText("kustomization.yaml", []byte(was))
			if err != nil {
				t.Fatal(err)
			}
			work, err := newText("kustomization.yaml", []byte(was))
			if err != nil {
				t.Fatal(err)
			}
			if got := string(work.bytes()); got != was {
				t.Fatalf("unchanged: got %q, want %q", got, was)
			}
			gen := []generator{{Name: "corp-ca", Namespace: "x", Files: []string{"ca.crt"}, Options: generatorOptions{Annotations: map[string]string{generatorMark: "corp"}}}}
			gens := []generator{gen[0], gen[0]}
			gens[0].Files = []string{"ca.crt", "more.crt"}
			gens[1].Name = "second"
			var seen []string
			for _, step := range []struct {
				patches    []patches.Patch
				generators []generator
				bundle     bool
			}{
				{ourPatches(body), gen, true},
				{ourPatches(body), gen, true},
				{ourPatches(other), gens, true},
				{ourPatches(other, body), gen[:0], false},
				{ourPatches(body), gen, true},
				{},
			} {
				if err := work.set("corp", step.patches, step.generators, step.bundle); err != nil {
					t.Fatal(err)
				}
				if err := work.checkKept(before, "corp"); err != nil {
					t.Fatalf("%v\n%s", err, work.bytes())
				}
				checkOwn(t, work, step.patches, step.generators, step.bundle)
				seen = append(seen, string(work.bytes()))
				if work, err = newText("kustomization.yaml", work.bytes()); err != nil {
					t.Fatal(err)
				}
			}
			if seen[0] != seen[1] {
				t.Errorf("a second run changes\n%s\ninto\n%s", seen[0], seen[1])
			}
			if got := seen[len(seen)-1]; got != was {
				t.Errorf("in the end: got\n%q\nwant\n%q\nafter\n%s", got, was, seen[0])
			}
		})
	}
}

// checkOwn compares what a text has of its owner.
func checkOwn(t *testing.T, work *text, made []patches.Patch, generators []generator, bundle bool) {
	t.Helper()
	l, err := work.list(patchesKey)
	if err != nil {
		t.Fatal(err)
	}
	if l != nil {
		for i, n := range l.value.Content[max(0, len(l.value.Content)-len(made)):] {
			if !samePatch(n, made[i]) {
				t.Errorf("patch %d differs in\n%s", i, work.bytes())
			}
		}
	} else if len(made) > 0 {
		t.Errorf("no patches in\n%s", work.bytes())
	}
	count := strings.Count(string(work.bytes()), generatorMark)
	if count != len(generators) {
		t.Errorf("%d generators, want %d in\n%s", count, len(generators), work.bytes())
	}
	if got := strings.Contains(string(work.bytes()), bundleFile); got != bundle {
		t.Errorf("%s is listed: %t, want %t", bundleFile, got, bundle)
	}
}

// TestTail: marked patches move behind those of users, and stay in their order.
func TestTail(t *testing.T) {
	marked := func(owner string) string {
		return "  - patch: |\n      # fluxtrust.dev/config: " + owner + "\n      kind: Deployment\n    target: {kind: Deployment}\n"
	}
	for was, want := range map[string]string{
		"corp user": "user corp", "b corp user c": "user b corp c", "b user": "user b corp", "user b": "user b corp",
		"user corp b": "user corp b",
	} {
		t.Run(was, func(t *testing.T) {
			text := "patches:\n  # why\n"
			for _, owner := range strings.Fields(was) {
				if owner == "user" {
					text += "  - path: user.yaml # mine\n"
				} else {
					text += marked(owner)
				}
			}
			for range 2 {
				work, err := newText("k", []byte(text))
				if err != nil {
					t.Fatal(err)
				}
				if err := work.set("corp", ourPatches(body), nil, false); err != nil {
					t.Fatal(err)
				}
				now := string(work.bytes())
				var order []string
				for line := range strings.Lines(now) {
					if _, owner, ok := strings.Cut(line, "# fluxtrust.dev/config: "); ok {
						order = append(order, strings.TrimSpace(owner))
					} else if strings.HasSuffix(line, "- path: user.yaml # mine\n") {
						order = append(order, "user")
					}
				}
				if strings.Join(order, " ") != want {
					t.Errorf("got %v, want %v in\n%s", order, want, now)
				}
				text = now
			}
		})
	}
}
