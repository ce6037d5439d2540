package nemesis

import (
	"os"
	"os/exec"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"
)

// locksTag has franz-go built with locks that are channels. It holds a lock while it waits for a broker's answer: a consumer that
// ends an assignment waits, with the lock that a poll takes, for its OffsetForLeaderEpoch, and that waits for a connection to a node
// that hangs. Where time is real all that ends after the request's timeout. In a bubble time stands still while anybody waits for a
// sync.Mutex, and so it never ends.
const locksTag = "synctests"

// built says what the test was built with: the tag, the race detector.
func built() (tagged, race bool) {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return false, false
	}
	for _, s := range info.Settings {
		tagged = tagged || s.Key == "-tags" && slices.Contains(strings.Split(s.Value, ","), locksTag)
		race = race || s.Key == "-race" && s.Value == "true"
	}
	return tagged, race
}

// again runs the test in a process that is built with the tag.
func again(t *testing.T, race bool) {
	const inside = "SKEIN_NEMESIS_AGAIN"
	if os.Getenv(inside) != "" {
		t.Fatalf("this was built with -tags %s, and the build's settings do not say so", locksTag)
	}
	arguments := []string{"test", "-tags", locksTag, "-count=1", "-run", "^" + t.Name() + "$"}
	if end, ok := t.Deadline(); ok {
		arguments = append(arguments, "-timeout", time.Until(end).String())
	}
	if race {
		arguments = append(arguments, "-race")
	}
	if testing.Verbose() {
		arguments = append(arguments, "-v")
	}
	command := exec.Command("go", append(arguments, ".")...)
	command.Env = append(os.Environ(), inside+"=1")
	out, err := command.CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Error(err)
	}
}
