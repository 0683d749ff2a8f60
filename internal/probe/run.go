package probe

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"sync"
)

// Run probes targets. The reports are sorted by source, in the order in which a
// source meets its hosts. Targets that would do the same are tried once.
func Run(ctx context.Context, targets []Target, o Options) []Report {
	if o.Timeout <= 0 {
		o.Timeout = DefaultTimeout
	}
	if o.Concurrency <= 0 {
		o.Concurrency = DefaultConcurrency
	}
	p := &prober{options: &o, clients: map[string]*client{}, charts: map[string]func() []hop{}}
	groups, order := map[string][]int{}, []string{}
	for i := range targets {
		key := targets[i].key()
		if groups[key] == nil {
			order = append(order, key)
		}
		groups[key] = append(groups[key], i)
	}
	found := make([]*sightings, len(targets))
	work := make(chan string)
	var workers sync.WaitGroup
	var lock sync.Mutex
	done := 0
	for range min(o.Concurrency, len(order)) {
		workers.Go(func() {
			for key := range work {
				seen := p.probe(ctx, &targets[groups[key][0]])
				lock.Lock()
				for _, i := range groups[key] {
					found[i] = seen
				}
				if done += len(groups[key]); o.Progress != nil {
					o.Progress(done, len(targets))
				}
				lock.Unlock()
			}
		})
	}
	for _, key := range order {
		work <- key
	}
	close(work)
	workers.Wait()
	return reports(targets, found)
}

// key is equal for targets that would do the same.
func (t *Target) key() string {
	address := t.URL
	if address == nil {
		address = &url.URL{}
	}
	if t.Protocol == TLS {
		address = &url.URL{Scheme: address.Scheme, Host: address.Host}
	}
	return strings.Join([]string{string(t.Protocol), address.String(), t.Tag, t.clientKey(), t.Skip, t.Problem}, "\n")
}

// clientKey is equal for targets that can share a client.
func (t *Target) clientKey() string {
	pinned := ""
	if t.Pinned && t.URL != nil {
		pinned = t.URL.Hostname()
	}
	return fmt.Sprint(trustKey(t), "\n", pinned, "\n", t.Proxy)
}

// prober holds what targets share.
type prober struct {
	options *Options
	lock    sync.Mutex
	clients map[string]*client
	// charts holds what was seen of hosts with charts, by client and host: those of
	// many repositories live on the same.
	charts map[string]func() []hop
}

func (p *prober) client(t *Target) *client {
	p.lock.Lock()
	defer p.lock.Unlock()
	key := t.clientKey()
	if p.clients[key] == nil {
		p.clients[key] = newClient(t, p.options, newTrust(t, p.options))
	}
	return p.clients[key]
}

// chart tries a host with charts, once.
func (p *prober) chart(ctx context.Context, c *client, t *Target, u *url.URL) []hop {
	key := t.clientKey() + "\n" + u.Scheme + "://" + hostOf(u)
	p.lock.Lock()
	if p.charts[key] == nil {
		p.charts[key] = sync.OnceValue(func() []hop { return c.visit(ctx, u, nil, nil) })
	}
	try := p.charts[key]
	p.lock.Unlock()
	return try()
}

func (p *prober) probe(ctx context.Context, t *Target) *sightings {
	seen := &sightings{roles: map[string]int{}}
	if t.Skip != "" || t.Problem != "" || t.URL == nil {
		return seen
	}
	c := p.client(t)
	switch t.Protocol {
	case Helm:
		p.helm(ctx, c, t, seen)
	case Registry:
		c.registry(ctx, t, seen)
	case TLS:
		seen.add("source", c.visit(ctx, &url.URL{Scheme: t.URL.Scheme, Host: t.URL.Host, Path: "/"}, nil, nil)[:1])
	}
	return seen
}

// helm fetches the index of a chart repository and tries every other host that its
// charts live on, as far as their redirects lead.
func (p *prober) helm(ctx context.Context, c *client, t *Target, seen *sightings) {
	index := *t.URL
	index.Path = path.Join("/", index.Path, "index.yaml")
	charts := chartHosts{}
	if !seen.add("index", c.visit(ctx, &index, nil, func(response *http.Response) *Failure {
		failed, note := charts.readIndex(response)
		seen.note(note)
		return failed
	})) {
		return
	}
	own := hostOf(t.URL)
	for _, u := range charts.sorted() {
		if hostOf(u) != own || u.Scheme != t.URL.Scheme {
			seen.add("charts", p.chart(ctx, c, t, u))
		}
	}
}

// sightings are what was seen on behalf of a target.
type sightings struct {
	hops  []hop
	names []string // the role of each hop
	roles map[string]int
	notes []string
}

// add takes up what was seen and tells whether it worked. Of a host that is met
// again, only a failure is news.
func (s *sightings) add(role string, hops []hop) bool {
	works := true
	for _, h := range hops {
		works = works && h.failure == nil
		if at, ok := s.roles[h.host]; ok {
			if h.failure != nil && s.hops[at].failure == nil {
				s.hops[at], s.names[at] = h, role
			}
			continue
		}
		s.roles[h.host] = len(s.hops)
		s.hops, s.names = append(s.hops, h), append(s.names, role)
	}
	return works
}

func (s *sightings) note(text string) {
	if text != "" {
		s.notes = append(s.notes, text)
	}
}

// reports writes down what was seen on behalf of every target.
func reports(targets []Target, found []*sightings) []Report {
	domains := map[string]map[string]bool{}
	for _, seen := range found {
		for i := range seen.hops {
			if name := seen.hops[i].unknownRoot(); name != "" {
				if domains[name] == nil {
					domains[name] = map[string]bool{}
				}
				domains[name][domain(seen.hops[i].host)] = true
			}
		}
	}
	var all []Report
	for i := range targets {
		all = append(all, targets[i].reports(found[i], domains)...)
	}
	slices.SortStableFunc(all, func(a, b Report) int { return strings.Compare(a.Source, b.Source) })
	return all
}

func (t *Target) reports(seen *sightings, domains map[string]map[string]bool) []Report {
	notes := seen.notes
	if t.Note != "" {
		notes = append([]string{t.Note}, notes...)
	}
	host := ""
	if t.URL != nil {
		host = hostOf(t.URL)
	}
	switch {
	case t.Problem != "":
		return []Report{{Source: t.Source, Host: host, Result: Failed, Failure: failure(BadSource, "%s", t.Problem), Notes: notes}}
	case t.Skip != "":
		return []Report{{Source: t.Source, Host: host, Result: Skipped, Notes: append([]string{t.Skip}, notes...)}}
	}
	var all []Report
	for i := range seen.hops {
		h := &seen.hops[i]
		r := Report{
			Source: t.Source, Host: h.host, Role: seen.names[i], Proxy: h.proxy, Result: OK,
			TrustedBy: h.trustedBy, Chain: certificates(h.chain), Failure: h.failure, Inspector: h.inspector(domains),
		}
		switch {
		case h.failure != nil:
			r.Result = Failed
		case h.plain:
			r.Result, r.Notes = Skipped, []string{"http:// is no TLS"}
		}
		all = append(all, r)
	}
	if len(all) > 0 {
		all[0].Notes = append(all[0].Notes, notes...)
	}
	return all
}
