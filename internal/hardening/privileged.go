package hardening

func forbidPrivileged(p *pod, c place) { p.setTrueOrFalse(c, "privileged", false, true) }
