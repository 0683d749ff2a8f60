package probe

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"path"
	"strings"
)

// look is a look at what one target connects to.
type look struct {
	*client
	*sightings
	prober *prober
	target *Target
}

// look does for a target what its controller does.
func (p *prober) look(ctx context.Context, t *Target, plan *plan, seen *sightings) {
	if ctx.Err() != nil {
		seen.add(t.role(), []hop{{host: hostOf(t.URL), failure: failure(Interrupted, "interrupted")}})
		return
	}
	l := &look{client: p.client(&plan.settings), sightings: seen, prober: p, target: t}
	switch t.Kind {
	case HelmRepository:
		l.helm(ctx)
	case HelmRegistry, OCIRepository, ImageRepository:
		l.registry(ctx)
	case GitRepository:
		l.git(ctx)
	case Bucket:
		l.bucket(ctx)
	default:
		_, hops := l.get(ctx, &url.URL{Scheme: t.URL.Scheme, Host: t.URL.Host, Path: "/"}, nil, nil)
		l.add(t.role(), hops)
	}
}

func (l *look) doubt(code Code, format string, args ...any) {
	l.doubts = append(l.doubts, failure(code, format, args...))
}

// helm fetches the index of a chart repository and tries every host that its charts
// live on, as far as their redirects lead.
func (l *look) helm(ctx context.Context) {
	index := *l.target.URL
	index.Path, index.RawPath = path.Join("/", index.Path, "index.yaml"), ""
	charts := chartHosts{}
	if !l.add("index", l.visit(ctx, &index, nil, func(response *http.Response) *Failure {
		if failed := l.answered(response, "index.yaml"); failed != nil {
			return failed
		}
		start, failed := begin(response, "an index")
		if failed != nil {
			return failed
		}
		return charts.readIndex(io.MultiReader(bytes.NewReader(start), response.Body), l.target.URL)
	})) {
		return
	}
	if len(charts) == maxHosts {
		l.note("the charts live on 50 hosts or more; so many were tried")
	}
	for _, u := range charts.sorted() {
		l.add("charts", l.prober.chart(l, u, func() []hop { return l.visit(ctx, u, nil, l.archive) }))
	}
}

// archive looks at the start of the answer to a request for a chart. One that the
// host does not give says nothing of the others.
func (l *look) archive(response *http.Response) *Failure {
	switch code := response.StatusCode; code {
	case http.StatusOK:
		_, failed := begin(response, "a chart")
		return failed
	case http.StatusProxyAuthRequired:
		return describe(proxyStatusError(code))
	default:
		return failure(ChartNotRead, "HTTP %d %s for a chart", code, http.StatusText(code))
	}
}

// git asks a server for its branches, as go-git does:
// https://git-scm.com/docs/http-protocol#_smart_clients
func (l *look) git(ctx context.Context) {
	refs := *l.target.URL
	refs.Path, refs.RawPath = strings.TrimSuffix(refs.Path, "/")+"/info/refs", ""
	refs.RawQuery = "service=git-upload-pack"
	l.add("source", l.visit(ctx, &refs, nil, func(response *http.Response) *Failure {
		if failed := l.answered(response, "the branches of the repository"); failed != nil {
			return failed
		}
		start, failed := begin(response, "that of a Git server")
		if failed != nil {
			return failed
		}
		if !strings.HasPrefix(string(start), "001e# service=git-upload-pack\n") && !strings.HasPrefix(string(start), "000eversion ") {
			return failure(NotGit, "the answer is not that of a Git server")
		}
		return nil
	}))
}

// bucket asks for the list of a bucket.
func (l *look) bucket(ctx context.Context) {
	list := &url.URL{Scheme: l.target.URL.Scheme, Host: l.target.URL.Host, Path: "/" + l.target.Content.Bucket + "/", RawQuery: "list-type=2&max-keys=1"}
	l.add("source", l.visit(ctx, list, nil, func(response *http.Response) *Failure {
		if failed := l.answered(response, "the list of the bucket"); failed != nil {
			return failed
		}
		start, failed := begin(response, "that of an S3 server")
		if failed != nil {
			return failed
		}
		if !bytes.Contains(start, []byte("<ListBucketResult")) {
			return failure(NotABucket, "the answer is not that of an S3 server")
		}
		return nil
	}))
}
