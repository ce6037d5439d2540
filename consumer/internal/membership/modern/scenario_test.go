package modern

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"github.com/skein-io/skein/consumer/internal/membership"
)

// TestScenarios runs the scripts in testdata. The commands:
//
//	member [static] [auto] [poll-interval=5m]   a new member with the id "me"; before anything else
//	subscribe topics=(a, b) | unsubscribe | poll | work | overdue | close [leave] | released [ticket=n]   what the application does
//	rejoin reason=...
//	names a=A b=B   metadata has the topic a with the id A, and so on
//	found [classic] | missing code=n | answer epoch=n [target=(A-0, A-1)|none] [interval=5s]   answers to the last request of the kind, or to attempt=n;
//	    code=n is an error, and lost that none came. found classic is a coordinator without the consumer protocol
//	coordinator-lost why=... | generation-lost generation=n code=n   what another request was told
//	pass d=3s   lets time pass; the member is ticked when it asked for that
//
// What the member wants done is shown line by line, then what it waits for. Regenerate with -rewrite and read the
// difference.
func TestScenarios(t *testing.T) {
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		s := &script{now: time.Unix(0, 0)}
		datadriven.RunTest(t, path, s.run)
	})
}

type script struct {
	m        Member
	start    time.Time
	now      time.Time
	attempts map[string]uint64 // of the last request of a kind
	out      strings.Builder
}

func (s *script) run(t *testing.T, d *datadriven.TestData) string {
	s.out.Reset()
	a := arguments{t, d}
	switch d.Cmd {
	case "member":
		s.now = time.Unix(0, 0)
		s.start, s.attempts = s.now, map[string]uint64{}
		cfg := Config{
			MemberID: "me", Static: d.HasArg("static"), PollIntervalMax: a.duration("poll-interval", 5*time.Minute),
			RetryBackoff: 100 * time.Millisecond, RetryBackoffMax: time.Second, Jitter: func() float64 { return 0.5 },
		}
		s.m = New(cfg)
		if d.HasArg("auto") {
			s.m = NewAuto(cfg, membership.Config{
				SessionTimeout: 45 * time.Second, HeartbeatInterval: 3 * time.Second, PollIntervalMax: cfg.PollIntervalMax,
				RetryBackoff: cfg.RetryBackoff, RetryBackoffMax: cfg.RetryBackoffMax, Jitter: cfg.Jitter,
			})
		}
	case "pass":
		s.pass(a.duration("d", 0))
	default:
		s.step(s.event(a))
	}
	fmt.Fprintf(&s.out, "it %s\n", s.m.Explain(s.now))
	return s.out.String()
}

func (s *script) step(e membership.Event) {
	var out membership.Effects
	s.m.Step(s.now, e, &out)
	for _, effect := range out {
		switch e := effect.(type) {
		case membership.FindCoordinator:
			s.attempts["find"] = e.Attempt
		case membership.ConsumerHeartbeat:
			s.attempts["answer"] = e.Attempt
		case membership.Revoke:
			s.attempts["released"] = e.Ticket
		}
		fmt.Fprintln(&s.out, describeEffect(effect))
	}
}

// pass moves the clock, and ticks when the member has asked for it.
func (s *script) pass(d time.Duration) {
	end := s.now.Add(d)
	for next := s.m.Next(); !next.IsZero() && !next.After(end); next = s.m.Next() {
		if next.After(s.now) {
			s.now = next
		}
		fmt.Fprintf(&s.out, "-- %v\n", s.now.Sub(s.start))
		s.step(membership.Tick{})
	}
	s.now = end
}

func (s *script) event(a arguments) membership.Event {
	attempt := func(kind string) uint64 { return uint64(a.number("attempt", int(s.attempts[kind]))) }
	switch a.d.Cmd {
	case "subscribe":
		return membership.Subscribed{Topics: a.list("topics")}
	case "unsubscribe":
		return membership.Subscribed{}
	case "poll":
		return membership.PollBegan{}
	case "work":
		return membership.PollEnded{}
	case "overdue":
		return membership.PollOverdue{}
	case "close":
		return membership.Closed{Leave: a.d.HasArg("leave")}
	case "released":
		return membership.Released{Ticket: uint64(a.number("ticket", int(s.attempts["released"])))}
	case "rejoin":
		return membership.RejoinRequested{Reason: a.text("reason")}
	case "names":
		names := map[membership.TopicID]string{}
		for _, arg := range a.d.CmdArgs {
			names[idOf(arg.Vals[0])] = arg.Key
		}
		return membership.TopicsNamed{Names: names}
	case "found":
		return membership.CoordinatorFound{Attempt: attempt("find"), ConsumerProtocol: !a.d.HasArg("classic")}
	case "missing":
		return membership.CoordinatorMissing{Attempt: attempt("find"), Failure: a.failure()}
	case "coordinator-lost":
		return membership.CoordinatorLost{Why: a.text("why")}
	case "generation-lost":
		return membership.GenerationLost{Generation: int32(a.number("generation", -1)), Code: membership.Code(a.number("code", 0))}
	case "answer":
		e := membership.ConsumerBeaten{
			Attempt: attempt("answer"), Failure: a.failure(), Epoch: int32(a.number("epoch", 0)),
			Interval: a.duration("interval", 5*time.Second), Assigned: a.d.HasArg("target"),
		}
		if e.Assigned && a.text("target") != "none" {
			e.Target = a.target("target")
		}
		return e
	}
	a.d.Fatalf(a.t, "no command %q", a.d.Cmd)
	return nil
}

// arguments reads the arguments of a command.
type arguments struct {
	t *testing.T
	d *datadriven.TestData
}

func (a arguments) list(key string) []string {
	for _, arg := range a.d.CmdArgs {
		if arg.Key == key {
			return arg.Vals
		}
	}
	return nil
}

func (a arguments) text(key string) string {
	return strings.ReplaceAll(strings.Join(a.list(key), " "), "_", " ")
}

func (a arguments) number(key string, otherwise int) int {
	if !a.d.HasArg(key) {
		return otherwise
	}
	n, err := strconv.Atoi(a.text(key))
	if err != nil {
		a.d.Fatalf(a.t, "%v", err)
	}
	return n
}

func (a arguments) duration(key string, otherwise time.Duration) time.Duration {
	if !a.d.HasArg(key) {
		return otherwise
	}
	d, err := time.ParseDuration(a.text(key))
	if err != nil {
		a.d.Fatalf(a.t, "%v", err)
	}
	return d
}

func (a arguments) failure() membership.Failure {
	if a.d.HasArg("lost") {
		return membership.Failure{Lost: true, Text: "no answer came"}
	}
	return membership.Failure{Code: membership.Code(a.number("code", 0))}
}

func (a arguments) target(key string) []membership.TopicIDPartition {
	var list []membership.TopicIDPartition
	for _, name := range a.list(key) {
		id, number, _ := strings.Cut(name, "-")
		n, err := strconv.Atoi(number)
		if err != nil {
			a.d.Fatalf(a.t, "%v", err)
		}
		list = append(list, membership.TopicIDPartition{ID: idOf(id), Partition: int32(n)})
	}
	return list
}
