package replica

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/record"
)

// TestScenarios runs the text scenarios: lead, durable, configure and resign lines, each answered with the effects.
func TestScenarios(t *testing.T) {
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		var state State
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			var effects Effects
			state.Step(parse(t, d), &effects)
			return describe(&state, &effects)
		})
	})
}

func parse(t *testing.T, d *datadriven.TestData) Event {
	t.Helper()
	args := map[string]string{}
	for _, a := range d.CmdArgs {
		args[a.Key] = strings.Join(a.Vals, ",")
	}
	number := func(key string) int64 {
		n, err := strconv.ParseInt(args[key], 10, 64)
		if err != nil {
			d.Fatalf(t, "%s: %v", key, err)
		}
		return n
	}
	switch d.Cmd {
	case "lead":
		e := Lead{Self: metadata.NodeID(number("self")), Epoch: record.LeaderEpoch(number("epoch")),
			ISRMin: int(number("min")), DurableEnd: record.Offset(number("durable"))}
		for _, node := range strings.Split(args["isr"], ",") {
			n, _ := strconv.Atoi(node)
			e.ISR = append(e.ISR, metadata.NodeID(n))
		}
		return e
	case "durable":
		return Durable{Node: metadata.NodeID(number("node")), End: record.Offset(number("end"))}
	case "configure":
		return Configure{ISRMin: int(number("min"))}
	case "resign":
		return Resign{}
	}
	d.Fatalf(t, "no event %q", d.Cmd)
	return nil
}

func describe(s *State, e *Effects) string {
	var b strings.Builder
	if e.Moved {
		fmt.Fprintf(&b, "high watermark moves to %d\n", e.HighWatermark)
	}
	if e.Resigned {
		b.WriteString("resigned\n")
	}
	_, leading := s.Leading()
	ok, have, need := s.EnoughInSync()
	fmt.Fprintf(&b, "hw=%d leading=%v isr=%d/%d enough=%v\n", s.HighWatermark(), leading, have, need, ok)
	return b.String()
}
