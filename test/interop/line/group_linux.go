package line

import "syscall"

// ownGroup gives the program a process group, so that its children end with
// it, and ends it when the orchestrator ends.
func ownGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
