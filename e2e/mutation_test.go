package e2e

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// mutant is a place in the code of a rule, and the code with a switch that turns the
// place off.
type mutant struct {
	at, code string
	edits    []edit
}

type edit struct {
	offset int
	text   string
}

// TestEveryRuleIsTested takes every step of the hardening out, one at a time: each
// call that changes or reports something, each check and each allowed value. The
// package's own tests must see it. All of them are in one program, which reads the
// number of the one to take out from its environment.
func TestEveryRuleIsTested(t *testing.T) {
	if os.Getenv("MUTATIONS") == "" {
		t.Skip("SKIPPED: takes half a minute; make e2e runs it")
	}
	hardening, err := filepath.Abs("../internal/hardening")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	overlay := map[string]string{}
	var mutants []mutant
	files, err := filepath.Glob(filepath.Join(hardening, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		text := read(t, file)
		found := mutantsOf(t, file, text, len(mutants))
		mutants = append(mutants, found...)
		var edits []edit
		for _, m := range found {
			edits = append(edits, m.edits...)
		}
		slices.SortStableFunc(edits, func(a, b edit) int { return b.offset - a.offset })
		for _, e := range edits {
			text = text[:e.offset] + e.text + text[e.offset:]
		}
		overlay[file] = filepath.Join(dir, filepath.Base(file))
		write(t, overlay[file], text)
	}
	const more = "package hardening\n\nimport \"os\"\n\n" +
		"func mutated(n string) bool { return os.Getenv(\"MUTANT\") == n }\n\n" +
		"func unless(n, value string) string {\n\tif mutated(n) {\n\t\treturn \"taken out\"\n\t}\n\treturn value\n}\n"
	overlay[filepath.Join(hardening, "mutant.go")] = filepath.Join(dir, "mutant.go")
	write(t, filepath.Join(dir, "mutant.go"), more)
	list, err := json.Marshal(map[string]any{"Replace": overlay})
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "overlay.json"), string(list))
	tests := filepath.Join(dir, "tests")
	if out, err := exec.Command("go", "test", "-C", hardening, "-c", "-overlay", filepath.Join(dir, "overlay.json"), "-o", tests, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}

	passes := func(number string) bool {
		cmd := exec.Command(tests, "-test.failfast", "-test.timeout", "2m", "-cases", "100", "-seed", "1")
		cmd.Dir, cmd.Env = hardening, append(os.Environ(), "MUTANT="+number)
		return cmd.Run() == nil
	}
	if len(mutants) < 100 || !passes("") {
		t.Fatalf("%d mutants, and without any of them the tests pass: %t", len(mutants), passes(""))
	}
	for i, m := range mutants {
		t.Run(m.at, func(t *testing.T) {
			t.Parallel()
			if passes(fmt.Sprint(i)) {
				t.Errorf("no test fails without\n%s", m.code)
			}
		})
	}
}

// mutantsOf finds what can be taken out of a file. The first one gets a number.
func mutantsOf(t *testing.T, file, text string, number int) []mutant {
	t.Helper()
	set := token.NewFileSet()
	parsed, err := parser.ParseFile(set, file, text, 0)
	if err != nil {
		t.Fatal(err)
	}
	var found []mutant
	add := func(n ast.Node, before, after string) {
		start, end := set.Position(n.Pos()), set.Position(n.End())
		id := fmt.Sprintf("%q", fmt.Sprint(number+len(found)))
		found = append(found, mutant{
			at:   fmt.Sprintf("%s:%d:%d", filepath.Base(file), start.Line, start.Column),
			code: text[start.Offset:end.Offset],
			edits: []edit{
				{start.Offset, strings.ReplaceAll(before, "N", id)},
				{end.Offset, after},
			},
		})
	}
	for _, declaration := range parsed.Decls {
		function, ok := declaration.(*ast.FuncDecl)
		if !ok {
			continue
		}
		results := function.Type.Results
		onlyError := results != nil && len(results.List) == 1 && fmt.Sprint(results.List[0].Type) == "error"
		ast.Inspect(function.Body, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncLit:
				return false
			case *ast.ExprStmt: // a call for its effect
				add(n, "if !mutated(N) { ", " }")
			case *ast.IfStmt: // a call for its effect, and its error
				if call := called(n.Init); call != nil {
					add(n, "if !mutated(N) { ", " }")
				}
			case *ast.ReturnStmt:
				if len(n.Results) == 1 && onlyError && onPod(n.Results[0]) {
					add(n, "if !mutated(N) { ", " }; return nil")
				}
			case *ast.CompositeLit: // a list of what is allowed
				for _, element := range n.Elts {
					if literal, ok := element.(*ast.BasicLit); ok && literal.Kind == token.STRING {
						add(literal, "unless(N, ", ")")
					}
				}
			}
			return true
		})
	}
	return found
}

// called returns the call in err := p.call(), which has no other result.
func called(init ast.Stmt) ast.Expr {
	assign, ok := init.(*ast.AssignStmt)
	if !ok || len(assign.Lhs) != 1 || len(assign.Rhs) != 1 || fmt.Sprint(assign.Lhs[0]) != "err" || !onPod(assign.Rhs[0]) {
		return nil
	}
	return assign.Rhs[0]
}

// onPod tells whether an expression calls a method of the pod.
func onPod(e ast.Expr) bool {
	call, ok := e.(*ast.CallExpr)
	if !ok {
		return false
	}
	method, ok := call.Fun.(*ast.SelectorExpr)
	return ok && fmt.Sprint(method.X) == "p"
}
