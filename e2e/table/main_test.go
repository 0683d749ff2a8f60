package main

import (
	"strings"
	"testing"
)

func TestTable(t *testing.T) {
	const events = `{"Action":"start","Package":"p"}
{"Action":"run","Package":"p","Test":"TestMatrix"}
{"Action":"run","Package":"p","Test":"TestMatrix/kustomize_exec"}
{"Action":"run","Package":"p","Test":"TestMatrix/kustomize_exec/quickstart"}
{"Action":"pass","Package":"p","Test":"TestMatrix/kustomize_exec/quickstart"}
{"Action":"run","Package":"p","Test":"TestMatrix/kustomize_exec/bootstrap"}
{"Action":"output","Package":"p","Test":"TestMatrix/kustomize_exec/bootstrap","Output":"    matrix_test.go:20: SKIPPED: Flux builds it\n"}
{"Action":"skip","Package":"p","Test":"TestMatrix/kustomize_exec/bootstrap"}
{"Action":"pass","Package":"p","Test":"TestMatrix/kustomize_exec"}
{"Action":"run","Package":"p","Test":"TestMatrix/filter"}
{"Action":"run","Package":"p","Test":"TestMatrix/filter/quickstart"}
{"Action":"output","Package":"p","Test":"TestMatrix/filter/quickstart","Output":"    matrix_test.go:21: differs\n"}
{"Action":"fail","Package":"p","Test":"TestMatrix/filter/quickstart"}
{"Action":"fail","Package":"p","Test":"TestMatrix/filter"}
{"Action":"fail","Package":"p","Test":"TestMatrix"}
{"Action":"run","Package":"p","Test":"TestMatrixAside"}
{"Action":"output","Package":"p","Test":"TestMatrixAside","Output":"    a_test.go:1: no engine\n"}
{"Action":"skip","Package":"p","Test":"TestMatrixAside"}
{"Action":"run","Package":"p","Test":"TestFiles"}
{"Action":"run","Package":"p","Test":"TestFiles/a/b.yaml"}
{"Action":"pass","Package":"p","Test":"TestFiles/a/b.yaml"}
{"Action":"pass","Package":"p","Test":"TestFiles"}
{"Action":"run","Package":"p","Test":"TestDies"}
{"Action":"output","Package":"p","Test":"TestDies","Output":"panic: no\n"}
{"Action":"fail","Package":"p"}
{"Action":"build-output","ImportPath":"q","Output":"q.go:1: syntax error\n"}
{"Action":"build-fail","ImportPath":"q"}
not JSON
`
	const want = `    matrix_test.go:21: differs
panic: no
q.go:1: syntax error
not JSON
example     kustomize  filter
            exec       
quickstart  ran        FAILED
bootstrap   (1)        

test             ran  skipped  failed
TestMatrix       1    1 (1)    1
TestMatrixAside       1 (2)    
TestFiles        1             
TestDies                       1

(1) skipped: Flux builds it
(2) skipped: no engine
`
	var out strings.Builder
	if err := run(strings.NewReader(events), &out); err != nil {
		t.Fatal(err)
	}
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
}
