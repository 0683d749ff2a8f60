package hardening

func forbidHostProcess(p *pod, at place) {
	windows := at.Get("securityContext", "windowsOptions")
	if value := windows.Boolean("hostProcess"); value != nil && (value.Value || value.Quoted) {
		p.replace(windows, "hostProcess", false)
	}
}
