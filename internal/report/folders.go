package report

import (
	"fmt"
	"slices"
	"strings"

	"fluxtrust.dev/flux-trust/internal/krm"
	"fluxtrust.dev/flux-trust/internal/quote"
	"fluxtrust.dev/flux-trust/internal/trust"
)

// Folder is a folder with the patches of a config.
type Folder struct {
	Path  string `json:"path"`
	State State  `json:"state"`
	// Stale are the files that are not as the config makes them.
	Stale []string `json:"stale,omitempty"`
	// Controllers counts those in its build.
	Controllers int `json:"controllers"`
	// Roots are the fingerprints of those that its controllers trust.
	Roots []string `json:"roots,omitempty"`
	// Unknown says why these may not be all, or is "".
	Unknown string `json:"rootsUnknown,omitempty"`
}

// State is what was found out about a folder.
type State string

// The states of folders.
const (
	UpToDate State = "UpToDate"
	Stale    State = "Stale"
	Failed   State = "Failed"
)

// String returns the state in words.
func (s State) String() string {
	if s == UpToDate {
		return "up to date"
	}
	return strings.ToLower(string(s))
}

func (r *Report) upToDate() int {
	n := 0
	for _, f := range r.Folders {
		if f.State == UpToDate {
			n++
		}
	}
	return n
}

// textFolders writes the table of folders.
func (r *Report) textFolders(out *strings.Builder) {
	width := 0
	for _, f := range r.Folders {
		width = max(width, len([]rune(f.Path)))
	}
	for _, f := range r.Folders {
		row := fmt.Sprintf("  %-10s  %-*s  %s", f.State, width, f.Path, f.counted())
		out.WriteString(strings.TrimRight(row, " ") + "\n")
	}
}

// counted says how many controllers a folder has, where that is known.
func (f *Folder) counted() string {
	if f.State == Failed {
		return ""
	}
	return krm.Count(f.Controllers, "controller")
}

func (r *Report) markdownFolders(out *strings.Builder) {
	head := "\n| folder | | controllers |\n|---|---|---|\n"
	for _, f := range r.Folders {
		state := f.State.String()
		if f.State != UpToDate {
			state = "**" + state + "**"
		}
		count := ""
		if f.State != Failed {
			count = fmt.Sprint(f.Controllers)
		}
		fmt.Fprintf(out, "%s| %s | %s | %s |\n", head, quote.Markdown(f.Path), state, count)
		head = ""
	}
}

// lacking returns the folders whose controllers do not trust a root that others do: none
// where it is in no folder.
func (r *Report) lacking(root trust.Root) []string {
	var folders []string
	for _, f := range r.Folders {
		if f.Unknown == "" && !slices.Contains(f.Roots, root.Fingerprint) {
			folders = append(folders, f.Path)
		}
	}
	if len(folders) == len(r.Folders) {
		return nil
	}
	return folders
}
