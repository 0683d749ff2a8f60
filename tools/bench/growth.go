package main

import (
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
)

// curve is how CPU and memory grow with an input.
type curve struct {
	name   string
	points []figures
	// cpu and peak are the exponents: 1 where doubling the input doubles them.
	cpu, peak float64
}

const controller = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: source-controller
  namespace: flux-%d
  labels: {app.kubernetes.io/component: source-controller, app.kubernetes.io/part-of: flux}
spec:
  selector:
    matchLabels: {app: source-controller}
  template:
    metadata:
      labels: {app: source-controller}
    spec:%s
      containers:
      - name: manager
        image: ghcr.io/fluxcd/source-controller:v1.9.6%s
`

// shapes are the inputs that must not grow out of hand, by their size.
func shapes() map[string]func(out io.Writer, size int) {
	items := func(n int, each func(i int, text string)) {
		for i := range n * 5_000 {
			each(i, configMap(i))
		}
		each(n*5_000, strings.TrimSpace(fmt.Sprintf(controller, 0, "", "")))
	}
	list := func(head, foot string) func(io.Writer, int) {
		return func(out io.Writer, n int) {
			fmt.Fprint(out, head)
			items(n, func(_ int, text string) { fmt.Fprintf(out, "- %s\n", strings.ReplaceAll(text, "\n", "\n  ")) })
			fmt.Fprint(out, foot)
		}
	}
	controllers := func(pod, container string) func(io.Writer, int) {
		return func(out io.Writer, n int) {
			for i := range n * 40 {
				fmt.Fprintf(out, "---\n"+controller, i, pod, container)
			}
		}
	}
	return map[string]func(io.Writer, int){
		"documents": func(out io.Writer, n int) {
			items(n, func(_ int, text string) { fmt.Fprintf(out, "---\n%s\n", text) })
		},
		"kind: List": list("apiVersion: v1\nitems:\n", "kind: List\nmetadata:\n  resourceVersion: \"\"\n"),
		"JSON": func(out io.Writer, n int) {
			fmt.Fprint(out, `{"apiVersion": "v1", "kind": "List", "items": [`)
			for i := range n * 5_000 {
				fmt.Fprintf(out, `{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "app-%d", "namespace": "team-%d"}, "data": {"level": "info"}},`+"\n", i, i%50)
			}
			fmt.Fprint(out, `{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "source-controller"}, "spec": {"selector": {}, "template": {"spec": {"containers": [{"name": "manager", "image": "ghcr.io/fluxcd/source-controller:v1.9.6"}]}}}}]}`+"\n")
		},
		"one huge resource": func(out io.Writer, n int) {
			var env strings.Builder
			for i := range n * 400 {
				fmt.Fprintf(&env, "\n        - {name: VARIABLE_%d, value: \"%d\"}", i, i)
			}
			fmt.Fprintf(out, controller, 0, "", "\n        env:"+env.String())
		},
		"many keys beside the bundle": func(out io.Writer, n int) {
			root, _ := os.ReadFile("examples/quickstart/certs/Company-Root-CA.crt") // without it the run fails
			fmt.Fprint(out, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: z-scaler-ca, namespace: flux-0}\ndata:\n  Company-Root-CA.crt: |\n")
			for line := range strings.Lines(string(root)) {
				fmt.Fprintf(out, "    %s", line)
			}
			for i := range n * 4_000 {
				fmt.Fprintf(out, "  key-%07d: x\n", i)
			}
			fmt.Fprintf(out, "---\n"+controller, 0, "", "")
		},
		"many controllers": controllers("", ""),
		"many results":     controllers("\n      hostNetwork: true", "\n        securityContext: {privileged: true, runAsUser: 0}"),
	}
}

// growth measures the shapes in each of some sizes, the best of a few runs.
func growth(dir string, names []string, sizes []int, runs int) ([]curve, error) {
	var curves []curve
	for _, name := range names {
		c := curve{name: name}
		for _, size := range sizes {
			file := filepath.Join(dir, "growth.yaml")
			if err := writeTo(file, func(out io.Writer) { shapes()[name](out, size) }); err != nil {
				return nil, err
			}
			info, err := os.Stat(file)
			if err != nil {
				return nil, err
			}
			best := figures{}
			for run := range runs {
				f, err := measure(tool{"flux-trust", []string{"flux-trust", config, file}, false, 1e9}, input{name: name, bytes: info.Size()})
				if err != nil {
					return nil, err
				}
				if run == 0 || f.cpu < best.cpu {
					best = f
				}
			}
			c.points = append(c.points, best)
		}
		c.cpu = exponent(c.points, func(f figures) float64 { return f.cpu })
		c.peak = exponent(c.points, func(f figures) float64 { return f.peak })
		curves = append(curves, c)
	}
	return curves, nil
}

// exponent returns by which power of the size a figure grows at most between a point and
// the last. What start-up costs makes small inputs look dear, and so the power small: a
// quadratic step shows where it counts.
func exponent(points []figures, of func(figures) float64) float64 {
	last, most := points[len(points)-1], 0.0
	for _, p := range points[:len(points)-1] {
		most = max(most, math.Log(of(last)/of(p))/math.Log(float64(last.bytes)/float64(p.bytes)))
	}
	return most
}

// shapeNames are in the order of the page.
func shapeNames() []string {
	return []string{"documents", "kind: List", "JSON", "one huge resource", "many keys beside the bundle", "many controllers", "many results"}
}

// growthTable returns the curves as a table.
func growthTable(curves []curve) string {
	var page strings.Builder
	page.WriteString("\n## Growth\n\nThe same shape of input in 1, 2, 4 and 8 times the size. Doubling an input may at most double CPU and\nmemory: an exponent of 1. The limit of 1.3 leaves room for other work of the machine.\n\n" +
		"| input | sizes | CPU | peak | exponent of CPU | of the peak | |\n|---|---|---|---|---|---|---|\n")
	for _, c := range curves {
		var sizes, cpu, peak []string
		for _, p := range c.points {
			sizes = append(sizes, fmt.Sprintf("%.2f", float64(p.bytes)/1e6))
			cpu = append(cpu, fmt.Sprintf("%.0f", p.cpu))
			peak = append(peak, fmt.Sprintf("%.0f", p.peak))
		}
		join := func(figures []string) string { return strings.Join(figures, " / ") }
		fmt.Fprintf(&page, "| %s | %s MB | %s ms | %s MiB | %.2f | %.2f | %s |\n", c.name, join(sizes), join(cpu), join(peak), c.cpu, c.peak, kept(c.cpu <= mostExponent && c.peak <= mostExponent))
	}
	return page.String()
}

const mostExponent = 1.3

func kept(ok bool) string {
	if ok {
		return "kept"
	}
	return "**missed**"
}

// short is what make check runs: that nothing grows out of hand, on a machine that may
// be busy. It counts CPU, and its limit is generous.
func short(dir string) error {
	const limit = 1.5 // a quadratic step makes 2
	curves, err := growth(dir, shapeNames(), []int{2, 4, 8}, 3)
	if err != nil {
		return err
	}
	fmt.Print(growthTable(curves))
	for _, c := range curves {
		if c.cpu > limit || c.peak > limit {
			return fmt.Errorf("%s: CPU grows by the power %.2f of the input and memory by %.2f, more than %.1f", c.name, c.cpu, c.peak, limit)
		}
	}
	return nil
}
