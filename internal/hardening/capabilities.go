package hardening

import (
	"slices"
	"strings"

	"fluxtrust.dev/flux-trust/internal/codes"
	"fluxtrust.dev/flux-trust/internal/krm"
	"fluxtrust.dev/flux-trust/internal/quote"
)

// dropCapabilities drops ALL and takes away what is added beyond NET_BIND_SERVICE.
func dropCapabilities(p *pod, c place) {
	capabilities := c.Get("securityContext", "capabilities")
	add := capabilities.Get("add")
	added := add.Items()
	for _, a := range added {
		name := a.Text()
		if name == "NET_BIND_SERVICE" {
			continue
		}
		add.RemoveEntry(a)
		p.tell(krm.Warning, codes.Hardened, krm.Difference{Path: add.Path, Current: name},
			"removed %s; if the container %s needs it, list it under spec.securityContext.exceptContainers", quote.Word(name), quote.Name(c.Text("name")))
	}
	capabilities.RemoveEmpty("add", len(added) > 0)
	dropAll(p, c)
}

func dropAll(p *pod, c place) {
	dropped := c.Items("securityContext", "capabilities", "drop")
	if slices.ContainsFunc(dropped, func(d krm.Field) bool { return d.Node.Value == "ALL" }) {
		return
	}
	for _, d := range dropped {
		if name := d.Text(); strings.EqualFold(name, "ALL") {
			d.SetText("ALL")
			p.tell(krm.Warning, codes.Hardened, krm.Difference{Path: d.Path, Current: name, Proposed: "ALL"}, "%q is not ALL for the Pod Security admission; replaced", quote.Word(name))
			return
		}
	}
	drop := c.Ensure("securityContext", "capabilities").EnsureList("drop")
	drop.Add(krm.TextNode("ALL"))
	p.tell(krm.Info, codes.Hardened, krm.Difference{Path: drop.Path, Proposed: "ALL"}, "ALL added")
}
