package hardening

// administrator is the user that the kubelet takes for root on Windows.
// https://github.com/kubernetes/kubernetes/blob/v1.37.2/pkg/kubelet/kuberuntime/security_context_windows.go
const administrator = "ContainerAdministrator"

// dropAdministrator does for Windows what dropRoot does for Linux: with runAsNonRoot
// the kubelet does not start a container as the administrator.
func dropAdministrator(p *pod, at place) {
	windows := at.Get("securityContext", "windowsOptions")
	if !isWindows(p.spec) || windows.Text("runAsUserName") != administrator {
		return
	}
	p.handDown(at, "windowsOptions", "runAsUserName")
	p.drop(windows, "runAsUserName", "root for the kubelet; the user of the image applies instead")
	at.Get("securityContext").RemoveEmpty("windowsOptions", true)
}
