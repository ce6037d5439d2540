package scene

import (
	"os/exec"
	"strings"
)

// commit names what runs, for the report of a failure: a seed means the same only there.
func commit() string {
	out, err := exec.Command("git", "describe", "--always", "--dirty", "--abbrev=12").Output()
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(out))
}
