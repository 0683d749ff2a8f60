package kustomization

import (
	"bytes"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"fluxtrust.dev/flux-trust/internal/codes"
)

// TestIgnored: what git or Flux leaves out of the repository is not part of Flux's build.
func TestIgnored(t *testing.T) {
	const folder = "clusters/prod/"
	for name, tc := range map[string]struct {
		files map[string]string
		root  bool // names the folder itself with --root
		want  string
	}{
		"nothing":                {map[string]string{".gitignore": "# *.crt\n*.pem\nother/\n"}, false, ""},
		"by git":                 {map[string]string{".gitignore": "\n*.crt\n"}, false, "ca.crt is ignored by line 2 of DIR/.gitignore, so that Flux does not get it, unless git has it already; add it with git add -f, or take the line out"},
		"taken back":             {map[string]string{".gitignore": "*.crt\n", folder + ".gitignore": "!ca.crt\n!new.crt\n"}, false, ""},
		"taken back too late":    {map[string]string{".gitignore": "prod\n", folder + ".gitignore": "!*\n"}, false, "kustomization.yaml is ignored by line 1 of DIR/.gitignore,"},
		"here alone":             {map[string]string{".git/info/exclude": "/clusters/**/ca.crt\n"}, false, "ca.crt is ignored by line 1 of DIR/.git/info/exclude,"},
		"by Flux":                {map[string]string{folder + ".sourceignore": "# no roots\r\n/*.crt\r\n"}, false, "ca.crt is ignored by line 2 of DIR/clusters/prod/.sourceignore, so that Flux does not get it; take the line out"},
		"by Flux, taken back":    {map[string]string{".sourceignore": "/*\n", folder + ".sourceignore": "!*.yaml\n!*.crt\n"}, false, ""},
		"key that is not read":   {map[string]string{".gitignore": "*.key\n", folder + "tls.key": "x"}, false, "tls.key is ignored by line 1"},
		"key that is not there":  {map[string]string{".gitignore": "*.key\n"}, false, ""},
		"file that is written":   {map[string]string{".gitignore": "new.crt\n"}, false, "new.crt is ignored by line 1"},
		"above --root":           {map[string]string{".gitignore": "*.crt\n"}, true, ""},
		"ignore file not a file": {map[string]string{folder + ".gitignore/x": ""}, false, "/clusters/prod/.gitignore could not be read, and may keep files of the build away from Flux"},
	} {
		t.Run(name, func(t *testing.T) {
			root := Resolved(t.TempDir())
			dir := filepath.Join(root, folder)
			write(t, root, map[string]string{
				".git/HEAD": "x", folder + "ca.crt": newRoot(t, "root"), folder + "gotk-components.yaml": deployment("source-controller"),
				folder + "kustomization.yaml": "resources: [gotk-components.yaml]\nsecretGenerator:\n- name: tls\n  files: [tls.key]\n" +
					"configMapGenerator:\n- name: corp-ca\n  namespace: flux-system\n  files: [ca.crt]\n- name: more\n  files: [new.crt]\n",
			})
			write(t, root, tc.files)
			o := Options{Dir: dir, Now: time.Now().Add(time.Minute), Files: map[string][]byte{filepath.Join(dir, "new.crt"): []byte("x")}}
			if tc.root {
				o.Root = dir
			}
			r, err := Reconcile(parseConfig(t, fromFile), o)
			if err != nil {
				t.Fatal(err)
			}
			said := ""
			for _, f := range r.Outcome.Findings {
				if f.Code == codes.Unchecked && !strings.Contains(f.Message, "is not there, and a generator") {
					said += f.Message + "\n"
				}
			}
			if !strings.Contains(strings.ReplaceAll(said, root, "DIR"), tc.want) || tc.want == "" && said != "" {
				t.Errorf("got %s", said)
			}
		})
	}
}

// TestIgnoredByGit: git says which line keeps which file out, for random ones.
func TestIgnoredByGit(t *testing.T) {
	git, err := exec.LookPath("git")
	if err != nil {
		t.Skip("SKIPPED: no git to compare with")
	}
	t.Logf("-seed %d", *seed)
	r := random{rand.New(rand.NewPCG(*seed, 3)), nil} //nolint:gosec // no secret
	ignored := 0
	for range max(*cases/10, 10) {
		root := Resolved(t.TempDir())
		run := func(in string, args ...string) []byte {
			command := exec.CommandContext(t.Context(), git, args...) //nolint:gosec // the program of the machine
			command.Dir, command.Stdin = root, strings.NewReader(in)
			command.Env = append(os.Environ(), "HOME="+root, "XDG_CONFIG_HOME="+root, "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL="+os.DevNull)
			out, err := command.Output()
			if exit, ok := err.(*exec.ExitError); err != nil && (!ok || exit.ExitCode() != 1) { //nolint:errorlint // it is not wrapped
				t.Fatalf("git %v: %v", args, err)
			}
			return out
		}
		run("", "init", "-q")
		files, names := map[string]string{}, []string{}
		for range 60 {
			name := r.gitPath()
			if !strings.Contains("\n"+strings.Join(names, "\n"), "\n"+name) && !isFile(root, name) {
				names = append(names, name)
				write(t, root, map[string]string{name: ""})
			}
		}
		for _, dir := range []string{"", "a/", "a/b/", ".git/info/"} {
			file := pick(r, dir+".gitignore", dir+".gitignore", dir+"none")
			if dir == ".git/info/" {
				file = dir + "exclude"
			}
			if dir != "" && (isRegular(root, "a") || isRegular(root, "a/b")) && dir != ".git/info/" {
				continue
			}
			files[file] = r.gitPatterns(names)
		}
		write(t, root, files)
		i := newIgnoreFiles(root)
		fields := bytes.Split(run(strings.Join(names, "\x00")+"\x00", "check-ignore", "--no-index", "-v", "-n", "-z", "--stdin"), []byte{0})
		if len(fields) != 4*len(names)+1 {
			t.Fatalf("git says %d fields of %d files", len(fields), len(names))
		}
		for n, name := range names {
			want, got := "", ""
			if f := fields[4*n:]; len(f[0]) > 0 && !bytes.HasPrefix(f[2], []byte("!")) {
				want = string(f[0]) + ":" + string(f[1])
				ignored++
			}
			if at := i.git(strings.Split(name, "/")); at != nil {
				rel, _ := filepath.Rel(root, at.file)
				got = filepath.ToSlash(rel) + ":" + strconv.Itoa(at.line)
			}
			if got != want {
				t.Errorf("%s: got %q, git says %q %q of\n%q", name, got, want, fields[4*n+2], files)
			}
		}
	}
	if ignored == 0 {
		t.Error("git ignores nothing")
	}
}

// isRegular reports whether a path below a folder is there and no folder.
func isRegular(root, name string) bool {
	info, err := os.Stat(filepath.Join(root, name))
	return err == nil && info.Mode().IsRegular()
}

// isFile reports whether a path below a folder is there, or a file stands in its way.
func isFile(root, name string) bool {
	for i, c := range name {
		if c == '/' && isRegular(root, name[:i]) {
			return true
		}
	}
	_, err := os.Stat(filepath.Join(root, name))
	return err == nil
}

// gitPath returns the path of a file that likely meets gitPatterns.
func (r random) gitPath() string {
	var parts []string
	for range 1 + r.IntN(4) {
		parts = append(parts, pick(r, "a", "b", "ab", "abc", "a b", "a-c", "B1", "x]y", "é", "#a", "!b", "a*", "b ", `a\b`, "ca.crt"))
	}
	return strings.Join(parts, "/")
}

// gitPatternOf returns a pattern that likely meets a file.
func (r random) gitPatternOf(name string) string {
	parts := strings.Split(name, "/")
	parts = parts[r.IntN(len(parts)):]
	text := pick(r, "", "", "/", "**/")
	for n, c := range []byte(strings.Join(parts[:1+r.IntN(len(parts))], "/")) {
		b := string([]byte{c})
		switch {
		case !r.chance(3):
			text += b
		case c == '/':
			text += pick(r, "/**/", "**/", "/**", "*/", "/*/", "\\/", "[/]", "?")
		default:
			text += pick(r, "?", "*", "**", "**/"+b, "["+b+"]", "["+b+"-z]", "[ -"+b+"]", "[!"+b+"]", "[^z"+b+"]", "\\"+b, "[[:alpha:]]", "[[:lower:].-]", "[[:punct:]]", b+strings.Repeat("*", n%3))
		}
	}
	return text
}

// gitPatterns returns the text of a .gitignore.
func (r random) gitPatterns(names []string) string {
	text := pick(r, "", "", "", "\ufeff")
	for range 1 + r.IntN(6) {
		if r.chance(2) {
			text += pick(r, "", "", "!") + r.gitPatternOf(pick(r, names...)) + pick(r, "\n", "\n", "/\n")
			continue
		}
		for range 1 + r.IntN(1+r.IntN(5)) {
			text += pick(r, "a", "b", "ab", "c", "/", "/", "*", "*", "**", "**/", "/**", "?", "[ab]", "[!a]", "[^b]", "[a-c]", "[]x]", "[[:alpha:]]", "[[:upper:][:digit:]]", "[[:nope:]]", "[a-", "[\\]b]", "[a\\-c]", "[b-a]", "[[:x]", "[--0]", " ", "\\ ", "\\*", "\\", "#", "!", "-", ".crt", "é")
		}
		if r.chance(4) {
			text = text[:strings.LastIndexByte(text, '\n')+1] + "!" + text[strings.LastIndexByte(text, '\n')+1:]
		}
		text += pick(r, "\n", "\n", "/\n", "\r\n", " \n", "\n\n")
	}
	return strings.TrimSuffix(text, pick(r, "\n", "\x00"))
}
