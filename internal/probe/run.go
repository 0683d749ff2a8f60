package probe

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
)

// Run probes targets. The reports are sorted by source, in the order in which a
// source meets its hosts. Targets that would do the same are tried once. When the
// context ends, what is not done yet is reported as Interrupted.
func Run(ctx context.Context, targets []Target, o Options) []Report {
	if o.Timeout <= 0 {
		o.Timeout = DefaultTimeout
	}
	if o.Concurrency <= 0 {
		o.Concurrency = DefaultConcurrency
	}
	p := &prober{options: &o, clients: map[string]*client{}, users: map[string]int{}, charts: map[string]func() []hop{}}
	groups, order := map[string][]int{}, []string{}
	plans := make([]*plan, len(targets))
	found := make([]*sightings, len(targets))
	for i := range targets {
		var key string
		if plans[i], found[i], key = targets[i].prepare(&o); plans[i] == nil {
			key = fmt.Sprint("\n", i) // there is nothing to connect to
		}
		if groups[key] == nil {
			order = append(order, key)
			p.use(plans[i])
		}
		groups[key] = append(groups[key], i)
	}
	work := make(chan string)
	var workers sync.WaitGroup
	var lock sync.Mutex
	done := 0
	for range min(o.Concurrency, len(order)) {
		workers.Go(func() {
			for key := range work {
				first := groups[key][0]
				if plans[first] != nil {
					p.look(ctx, &targets[first], plans[first], found[first])
					p.leave(plans[first])
				}
				lock.Lock()
				for _, i := range groups[key][1:] {
					found[i] = found[first]
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
	all := reports(targets, found)
	slices.SortStableFunc(all, func(a, b Report) int { return strings.Compare(a.Source, b.Source) })
	return all
}

// prepare does what needs no connection. The key is equal for targets that would do
// the same.
func (t *Target) prepare(o *Options) (*plan, *sightings, string) {
	seen := &sightings{roles: map[string]int{}}
	if t.Remarks.Skip != "" || t.Remarks.Problem != "" || t.URL == nil {
		return nil, seen, ""
	}
	p, failed := t.plan()
	if failed != nil {
		seen.refused = failed
		return nil, seen, ""
	}
	seen.doubts, seen.unsure = p.doubts, p.unsure
	if o.BundleUnknown != "" && t.Controller.Bundle {
		seen.doubts = append(seen.doubts, failure(BundleUnknown, "a part of spec.caBundle is not known: %s", o.BundleUnknown))
		seen.unsure = BundleUnknown.Cure()
	}
	address := t.URL
	if t.Kind == Provider || t.Kind == Host {
		address = &url.URL{Scheme: address.Scheme, Host: address.Host}
	}
	key := fmt.Sprint(t.Kind, "\n", t.Role, "\n", address, "\n", t.Content, "\n", t.Insecure, t.sends(), "\n", seen.unsure, "\n", len(seen.doubts), "\n", p.key())
	for _, doubt := range seen.doubts {
		key += "\n" + doubt.Error
	}
	if auth := t.Secrets.Auth; auth != nil && t.readsPullSecret() && !t.sends() {
		key += "\n" + auth.String() // the cure names it
	}
	return p, seen, key
}

// prober holds what targets share.
type prober struct {
	options *Options
	lock    sync.Mutex
	clients map[string]*client
	// users counts the targets that need a client: each has a pool of its own, and where
	// every source has a CA of its own, there would be many.
	users map[string]int
	// charts holds what was seen of hosts with charts, by client and host: those of
	// many repositories live on the same.
	charts map[string]func() []hop
}

func (p *prober) client(s *settings) *client {
	p.lock.Lock()
	defer p.lock.Unlock()
	key := s.key()
	if p.clients[key] == nil {
		p.clients[key] = newClient(s, p.options)
	}
	return p.clients[key]
}

// use notes down that a client will be needed, and leave that it was.
func (p *prober) use(plan *plan) {
	if plan != nil {
		p.users[plan.key()]++
	}
}

func (p *prober) leave(plan *plan) {
	p.lock.Lock()
	defer p.lock.Unlock()
	key := plan.key()
	if p.users[key]--; p.users[key] == 0 {
		delete(p.clients, key)
	}
}

// chart tries a host with charts, once.
func (p *prober) chart(l *look, u *url.URL, try func() []hop) []hop {
	key := l.key() + "\n" + origin(u)
	p.lock.Lock()
	if p.charts[key] == nil {
		p.charts[key] = sync.OnceValue(try)
	}
	once := p.charts[key]
	p.lock.Unlock()
	return once()
}

// sightings are what was seen on behalf of a target.
type sightings struct {
	hops  []hop
	roles map[string]int // where the hop of a host is
	// refused is why the controller does not even connect.
	refused *Failure
	doubts  []*Failure
	// unsure is how to find out what may help against a failure of trust, or "".
	unsure string
	notes  []string
}

// add takes up what was seen and reports whether it worked. Of a host that is met
// again, only a failure is news.
func (s *sightings) add(role string, hops []hop) bool {
	works := true
	for _, h := range hops {
		if h.failure == errAsked {
			h.failure, works = nil, false
		}
		works = works && h.failure == nil
		if h.role == "" {
			h.role = role
		}
		if at, ok := s.roles[h.host]; ok {
			if h.failure != nil && s.hops[at].failure == nil {
				s.hops[at] = h
			}
			continue
		}
		s.roles[h.host] = len(s.hops)
		s.hops = append(s.hops, h)
	}
	return works
}

func (s *sightings) note(text string) { s.notes = append(s.notes, text) }
