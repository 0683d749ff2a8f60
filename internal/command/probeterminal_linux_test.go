package command

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// terminal opens a terminal of some columns. What is written to it comes out of the
// function that is returned, which ends it.
func terminal(t *testing.T, columns uint16) (*os.File, func() string) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("SKIPPED: no terminal can be opened here: %v", err)
	}
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Skipf("SKIPPED: no terminal can be opened here: %v", err)
	}
	number, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Skipf("SKIPPED: no terminal can be opened here: %v", err)
	}
	slave, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("SKIPPED: no terminal can be opened here: %v", err)
	}
	if err := unix.IoctlSetWinsize(int(slave.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Col: columns, Row: 24}); err != nil {
		t.Fatal(err)
	}
	written := make(chan string, 1)
	go func() {
		text, _ := io.ReadAll(master) // ends with EIO when the other side is closed
		written <- strings.ReplaceAll(string(text), "\r\n", "\n")
	}()
	return slave, func() string {
		_ = slave.Close()
		text := <-written
		_ = master.Close()
		return text
	}
}

// TestProbeOnTerminal colours and wraps on a terminal alone, and colours none with
// NO_COLOR.
func TestProbeOnTerminal(t *testing.T) {
	server, config := serveTLS(t, emptyIndex)
	sources := writeSources(t, server.URL, "https://127.0.0.1:1")
	plain, _, _ := run(nil, "probe", config, sources, "--system-roots", "None")
	for name, tc := range map[string]struct {
		noColor, term string
		color         bool
	}{"a terminal": {"", "xterm", true}, "NO_COLOR": {"1", "xterm", false}, "a dumb terminal": {"", "dumb", false}} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("NO_COLOR", tc.noColor)
			t.Setenv("TERM", tc.term)
			file, end := terminal(t, 72)
			code := Execute([]string{"probe", config, sources, "--system-roots", "None"}, "test", strings.NewReader(""), file, io.Discard)
			got := end()
			if code != 1 || strings.Contains(got, "\x1b[32m√\x1b[0m ") != tc.color || strings.Contains(got, "\x1b") != tc.color {
				t.Errorf("exit code %d\n%q", code, got)
			}
			got = strings.NewReplacer("\x1b[31m", "", "\x1b[32m", "", "\x1b[33m", "", "\x1b[0m", "").Replace(got)
			for line := range strings.Lines(got) {
				if len([]rune(line)) > 72+1 {
					t.Errorf("too wide: %s", line)
				}
			}
			if got == string(plain) || strings.Join(strings.Fields(got), " ") != strings.Join(strings.Fields(string(plain)), " ") {
				t.Errorf("got\n%s\nwant the words of\n%s", got, plain)
			}
		})
	}
}

// TestProbeInterrupted gets Ctrl-C while the second of three hosts is waited for.
func TestProbeInterrupted(t *testing.T) {
	server, config := serveTLS(t, func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, "/1/") {
			emptyIndex(w, r)
			return
		}
		if err := unix.Kill(os.Getpid(), unix.SIGINT); err != nil {
			t.Error(err)
		}
		<-r.Context().Done()
	})
	sources := writeSources(t, server.URL+"/0", server.URL+"/1", server.URL+"/2")
	stdout, stderr, code := run(nil, "probe", config, sources, "--system-roots", "None", "--concurrency", "1")
	host := strings.TrimPrefix(server.URL, "https://")
	if code != 1 || !strings.Contains(string(stdout), "√ "+host+"  by bundle (O=Acme Co)  for HelmRepository apps/charts-0000 (index)\n") ||
		!strings.Contains(string(stdout), "! "+host+"  for HelmRepository apps/charts-0001 (index), HelmRepository apps/charts-0002 (index)\n    Interrupted: interrupted\n") {
		t.Errorf("exit code %d\n%s%s", code, stdout, stderr)
	}
}
