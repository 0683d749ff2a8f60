package probe

import (
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"runtime/metrics"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// TestHugeIndex gets an index of 1 GB, of which it may read no more than
// source-controller would, and keep next to nothing.
func TestHugeIndex(t *testing.T) {
	corp := newAuthority(t, "Corp root")
	const size = 1 << 30
	var written atomic.Int64
	line := "  - urls:\n    - https://charts.example.com/" + strings.Repeat("x", 1<<20) + ".tgz\n"
	server := serve(t, withCert(corp.issue(t, nil, "127.0.0.1")), http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for written.Load() < size {
			n, err := io.WriteString(w, line)
			if written.Add(int64(n)); err != nil {
				return
			}
		}
	}))
	peak := watchMemory(t)
	got := Run(t.Context(), []Target{target(t, HelmRepository, server.URL)}, Options{Bundle: []*x509.Certificate{corp.cert}, Timeout: time.Minute})
	if len(got) != 1 || got[0].Failure == nil || got[0].Failure.Code != IndexTooLarge {
		t.Fatalf("got %+v", got)
	}
	if n := written.Load(); n > maxIndex+(16<<20) {
		t.Errorf("%d MiB were taken, want about 50", n>>20)
	}
	if mib := peak(); mib > 32 {
		t.Errorf("needed %d MiB", mib)
	}
}

// watchMemory returns a function that ends the watch and says by how many MiB the
// heap has grown at its peak.
func watchMemory(t *testing.T) func() int64 {
	t.Helper()
	heap := func() int64 {
		sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
		metrics.Read(sample) // unlike ReadMemStats, it does not stop the world
		return int64(sample[0].Value.Uint64())
	}
	runtime.GC()
	start, most := heap(), int64(0)
	stop := make(chan struct{})
	var done sync.WaitGroup
	done.Go(func() {
		for {
			most = max(most, heap())
			select {
			case <-stop:
				return
			case <-time.After(5 * time.Millisecond):
			}
		}
	})
	return func() int64 {
		close(stop)
		done.Wait()
		return (most - start) >> 20
	}
}

// TestManySources probes 2,000 sources at once, each with an index of its own.
func TestManySources(t *testing.T) {
	corp := newAuthority(t, "Corp root")
	const sources, concurrency = 2000, 8
	var requests, open, most atomic.Int64
	server := serve(t, withCert(corp.issue(t, nil, "127.0.0.1")), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		for now := open.Add(1); ; {
			if before := most.Load(); now <= before || most.CompareAndSwap(before, now) {
				break
			}
		}
		open.Add(-1) // before the answer, behind which the next request may come
		ok(w, r)
	}))
	var targets []Target
	for i := range sources {
		source := target(t, HelmRepository, fmt.Sprintf("%s/%d", server.URL, i))
		source.Source = fmt.Sprintf("HelmRepository apps/%04d", i)
		targets = append(targets, source)
	}
	slices.Reverse(targets)
	peak := watchMemory(t)
	calls, last := 0, 0
	got := Run(t.Context(), targets, Options{
		Bundle: []*x509.Certificate{corp.cert}, Concurrency: concurrency, Timeout: time.Minute,
		Progress: func(done, total int) {
			if calls++; done <= last || total != sources {
				t.Errorf("progress %d after %d, of %d", done, last, total)
			}
			last = done
		},
	})
	if mib := peak(); mib > 64 {
		t.Errorf("needed %d MiB", mib)
	}
	if len(got) != sources || last != sources {
		t.Fatalf("%d reports, progress %d", len(got), last)
	}
	for i, r := range got {
		if want := fmt.Sprintf("HelmRepository apps/%04d", i); r.Source != want || r.Result != OK {
			t.Fatalf("report %d: %+v", i, r)
		}
	}
	if n := most.Load(); n > concurrency {
		t.Errorf("%d requests at a time, want %d", n, concurrency)
	}
	if n := requests.Load(); n != sources {
		t.Errorf("%d requests", n)
	}

	// Sources that would do the same are tried once.
	requests.Store(0)
	for i := range targets {
		targets[i].URL, targets[i].Kind = targets[0].URL, Host
	}
	if got := Run(t.Context(), targets, Options{Bundle: []*x509.Certificate{corp.cert}}); len(got) != sources || got[sources-1].Result != OK {
		t.Errorf("%d reports", len(got))
	}
	if n := requests.Load(); n != 1 {
		t.Errorf("%d requests for one host", n)
	}
}

// TestManyCAs has 2,000 sources with a CA each, which cannot share what they trust. What
// they connect to does not matter.
func TestManyCAs(t *testing.T) {
	if testing.Short() {
		t.Skip("makes 2,000 certificates")
	}
	const sources, public = 2000, 140
	system := x509.NewCertPool()
	for i := range public {
		system.AddCert(newAuthority(t, fmt.Sprint("Public root ", i)).cert)
	}
	nowhere := "https://" + freeAddress(t)
	targets := make([]Target, sources)
	for i := range targets {
		targets[i] = target(t, HelmRepository, fmt.Sprintf("%s/%d", nowhere, i))
		targets[i].Secrets.Cert = secretWith([]*x509.Certificate{newAuthority(t, fmt.Sprint("Root ", i)).cert}, nil)
	}
	peak := watchMemory(t)
	got := Run(t.Context(), targets, Options{System: system, Concurrency: 8})
	if mib := peak(); mib > 64 {
		t.Errorf("needed %d MiB", mib)
	}
	if len(got) != sources || got[0].Failure == nil || got[0].Failure.Code != Refused {
		t.Errorf("%d reports, %+v", len(got), got[0])
	}
}
