package hardening

func dropProcMount(p *pod, c place) {
	sc := c.Get("securityContext")
	if procMount := sc.Get("procMount"); procMount.Exists() && procMount.Text() != "Default" {
		p.drop(sc, "procMount", "the default masks /proc")
	}
}
