package replica

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
)

// script is one text scenario: each line is an event, "now=" sets the time, in milliseconds.
type script struct {
	t     *testing.T
	d     *datadriven.TestData
	args  map[string][]string
	state State
	now   Instant
}

// TestScenarios runs the text scenarios, one file for each behaviour.
func TestScenarios(t *testing.T) {
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		s := &script{}
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			s.t, s.d, s.args = t, d, map[string][]string{}
			for _, a := range d.CmdArgs {
				s.args[a.Key] = a.Vals
			}
			if s.has("now") {
				s.now = Instant(s.number("now"))
			}
			if d.Cmd == "nearest" {
				return s.nearest()
			}
			var effects Effects
			s.state.Step(s.now, s.event(), &effects)
			return s.describe(&effects)
		})
	})
}

// nearest asks by whom a consumer near some nodes is served best.
func (s *script) nearest() string {
	near := s.nodes("near")
	node := s.state.Nearest(s.offset("offset"), func(n metadata.NodeID) bool { return slices.Contains(near, n) })
	if node == metadata.NoNode {
		return "by this one\n"
	}
	return fmt.Sprintf("by %d\n", node)
}

func (s *script) has(key string) bool {
	_, ok := s.args[key]
	return ok
}

func (s *script) number(key string) int64 {
	s.t.Helper()
	vals := s.args[key]
	if len(vals) != 1 {
		s.d.Fatalf(s.t, "%s needs %s", s.d.Cmd, key)
	}
	n, err := strconv.ParseInt(vals[0], 10, 64)
	if err != nil {
		s.d.Fatalf(s.t, "%s: %v", key, err)
	}
	return n
}

func (s *script) or(key string, otherwise int64) int64 {
	if !s.has(key) {
		return otherwise
	}
	return s.number(key)
}

func (s *script) offset(key string) record.Offset { return record.Offset(s.or(key, 0)) }

func (s *script) epoch() record.LeaderEpoch { return record.LeaderEpoch(s.number("epoch")) }

func (s *script) nodes(key string) (nodes []metadata.NodeID) {
	for _, v := range s.args[key] {
		n, err := strconv.Atoi(v)
		if err != nil {
			s.d.Fatalf(s.t, "%s: %v", key, err)
		}
		nodes = append(nodes, metadata.NodeID(n))
	}
	return nodes
}

func (s *script) code() protocol.Code {
	if !s.has("code") {
		return protocol.None
	}
	for c := protocol.Code(-1); c < 200; c++ {
		if c.String() == s.args["code"][0] {
			return c
		}
	}
	s.d.Fatalf(s.t, "no code %s", s.args["code"][0])
	return 0
}

// epochEnd reads "key=(epoch,end)".
func (s *script) epochEnd(key string) EpochEnd {
	if !s.has(key) {
		return EpochEnd{Epoch: record.NoLeaderEpoch, End: -1}
	}
	v := s.nodes(key)
	return EpochEnd{Epoch: record.LeaderEpoch(v[0]), End: record.Offset(v[1])}
}

func (s *script) event() Event {
	switch s.d.Cmd {
	case "loaded":
		return &Loaded{HighWatermark: s.offset("hw"), LogStart: s.offset("start"), LogEnd: s.offset("end")}
	case "lead":
		return &Lead{Self: metadata.NodeID(s.number("self")), BrokerEpoch: metadata.BrokerEpoch(s.or("broker", 1)), Epoch: s.epoch(),
			PartitionEpoch: metadata.PartitionEpoch(s.or("pe", 0)), Replicas: s.nodes("replicas"), ISR: s.nodes("isr"),
			ISRMin: int(s.number("min")), LagMax: 30 * time.Second, LogEnd: s.offset("end"), DurableEnd: s.offset("durable")}
	case "follow":
		return &Follow{Self: metadata.NodeID(s.number("self")), Leader: metadata.NodeID(s.number("leader")), Epoch: s.epoch(),
			PartitionEpoch: metadata.PartitionEpoch(s.or("pe", 0)), LogEnd: s.offset("end")}
	case "resign":
		return &Resign{}
	case "configure":
		return &Configure{ISRMin: int(s.number("min")), LagMax: 30 * time.Second}
	case "durable":
		return &Durable{Node: metadata.NodeID(s.number("node")), BrokerEpoch: metadata.BrokerEpoch(s.or("broker", 1)),
			Epoch: record.LeaderEpoch(s.or("epoch", 0)), End: s.offset("end"), LogEnd: s.offset("leader-end")}
	case "fetched":
		return &Fetched{Node: metadata.NodeID(s.number("node")), BrokerEpoch: metadata.BrokerEpoch(s.or("broker", 1)), Epoch: s.epoch(),
			Offset: s.offset("offset"), LogStart: s.offset("start"), LogEnd: s.offset("leader-end"), Eligible: !s.has("ineligible")}
	case "fenced":
		return &Fenced{Node: metadata.NodeID(s.number("node"))}
	case "check":
		return &Check{LogEnd: s.offset("leader-end")}
	case "answer":
		return &Answered{ID: uint64(s.number("id")), Code: s.code(), Epoch: record.LeaderEpoch(s.or("epoch", 0)),
			PartitionEpoch: metadata.PartitionEpoch(s.or("pe", 0)), ISR: s.nodes("isr")}
	case "fetch-answer":
		return &FetchAnswered{Epoch: s.epoch(), Offset: s.offset("offset"), Code: s.code(),
			LeaderLogStart: record.Offset(s.or("leader-start", 0)), LeaderLogEnd: record.Offset(s.or("leader-end", -1)),
			LeaderHighWatermark: s.offset("leader-hw"), Diverging: s.epochEnd("diverging"), Own: s.epochEnd("own"),
			LogStart: s.offset("start"), LogEnd: record.Offset(s.or("end", s.number("offset")))}
	case "grown":
		return &Grown{LogStart: s.offset("start"), LogEnd: s.offset("end"), DurableEnd: s.offset("durable")}
	case "renewed":
		return &Renewed{DurableEnd: s.offset("durable")}
	case "cut":
		return &Cut{LogStart: s.offset("start"), LogEnd: s.offset("end")}
	}
	s.d.Fatalf(s.t, "no event %q", s.d.Cmd)
	return nil
}

func (s *script) describe(e *Effects) string {
	var b strings.Builder
	if e.Moved {
		fmt.Fprintf(&b, "high watermark moves to %d\n", e.HighWatermark)
	}
	if e.Resigned {
		b.WriteString("resigned\n")
	}
	if e.Alter != nil {
		fmt.Fprintf(&b, "alter %d: leader epoch %d, partition epoch %d, isr %v\n", e.Alter.ID, e.Alter.Epoch, e.Alter.PartitionEpoch, e.Alter.ISR)
	}
	if e.Wake {
		fmt.Fprintf(&b, "wake at %d\n", e.WakeAt)
	}
	if e.Action != Nothing {
		fmt.Fprintf(&b, "%v", e.Action)
		if e.Action == TruncateTo || e.Action == ResetTo {
			fmt.Fprintf(&b, " to %d", e.To)
		}
		b.WriteString("\n")
	}
	if e.MoveStart {
		fmt.Fprintf(&b, "log start to %d\n", e.LogStart)
	}
	if e.Reports {
		fmt.Fprintf(&b, "report %d\n", e.Report)
	}
	epoch, leads := s.state.Leading()
	leader, _, follows := s.state.Following()
	switch {
	case leads:
		_, have, need := s.state.EnoughInSync()
		fmt.Fprintf(&b, "leads epoch %d: hw=%d isr=%d/%d settled=%v\n", epoch, s.state.HighWatermark(), have, need, s.state.Settled())
		for _, r := range s.state.Replicas(s.now) {
			if r.Node == s.state.self {
				continue
			}
			fmt.Fprintf(&b, "  %d: end=%d durable=%d", r.Node, r.LogEnd, r.DurableEnd)
			for _, word := range []struct {
				said bool
				word string
			}{{r.InSync, "in sync"}, {r.Waited && !r.InSync, "proposed"}} {
				if word.said {
					fmt.Fprintf(&b, ", %s", word.word)
				}
			}
			b.WriteString("\n")
		}
	case follows:
		fmt.Fprintf(&b, "follows %d in epoch %d: hw=%d\n", leader, epoch, s.state.HighWatermark())
	default:
		fmt.Fprintf(&b, "has no role: hw=%d\n", s.state.HighWatermark())
	}
	return b.String()
}
