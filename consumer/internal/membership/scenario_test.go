package membership

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"github.com/skein-io/skein/consumer/assign"
)

// TestScenarios runs the scripts in testdata. The commands:
//
//	member [static] [cooperative] [session=45s] [heartbeat=3s] [poll-interval=5m]   a new member; before anything else
//	subscribe topics=(a, b) | unsubscribe | poll | work | overdue | close [leave] | released [ticket=n]   what the application does
//	rejoin reason=... | metadata what=...
//	found | missing code=n | joined ... | assigned m1=(a-0, a-1) ... [withheld=n] | synced partitions=(a-0, a-1) | beaten | left   answers to the
//	    last request of the kind, or to attempt=n; code=n is an error, and lost that none came
//	joined generation=n member=id leader=id protocol=name [skip] [members=(m1, m2)]
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
	m        *Machine
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
		s.m = New(Config{
			Static: d.HasArg("static"), Cooperative: d.HasArg("cooperative"), SessionTimeout: a.duration("session", 45*time.Second),
			HeartbeatInterval: a.duration("heartbeat", 3*time.Second), PollIntervalMax: a.duration("poll-interval", 5*time.Minute),
			RetryBackoff: 100 * time.Millisecond, RetryBackoffMax: time.Second, Jitter: func() float64 { return 0.5 },
		})
	case "pass":
		s.pass(a.duration("d", 0))
	default:
		s.step(s.event(a))
	}
	fmt.Fprintf(&s.out, "%v: it %s\n", s.m.State(), s.m.Explain(s.now))
	return s.out.String()
}

func (s *script) step(e Event) {
	var out Effects
	s.m.Step(s.now, e, &out)
	for _, effect := range out {
		switch e := effect.(type) {
		case FindCoordinator:
			s.attempts["find"] = e.Attempt
		case Join:
			s.attempts["joined"] = e.Attempt
		case Assign:
			s.attempts["assigned"] = e.Attempt
		case Sync:
			s.attempts["synced"] = e.Attempt
		case Heartbeat:
			s.attempts["beaten"] = e.Attempt
		case Leave:
			s.attempts["left"] = e.Attempt
		case Revoke:
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
		s.step(Tick{})
	}
	s.now = end
}

func (s *script) event(a arguments) Event {
	attempt := func(kind string) uint64 { return uint64(a.number("attempt", int(s.attempts[kind]))) }
	switch a.d.Cmd {
	case "subscribe":
		return Subscribed{Topics: a.list("topics")}
	case "unsubscribe":
		return Subscribed{}
	case "poll":
		return PollBegan{}
	case "work":
		return PollEnded{}
	case "overdue":
		return PollOverdue{}
	case "close":
		return Closed{Leave: a.d.HasArg("leave")}
	case "released":
		return Released{Ticket: uint64(a.number("ticket", int(s.attempts["released"])))}
	case "rejoin":
		return RejoinRequested{Reason: a.text("reason")}
	case "metadata":
		return MetadataChanged{What: a.text("what")}
	case "found":
		return CoordinatorFound{Attempt: attempt("find")}
	case "missing":
		return CoordinatorMissing{Attempt: attempt("find"), Failure: a.failure()}
	case "coordinator-lost":
		return CoordinatorLost{Why: a.text("why")}
	case "generation-lost":
		return GenerationLost{Generation: int32(a.number("generation", -1)), Code: Code(a.number("code", 0))}
	case "joined":
		e := Joined{
			Attempt: attempt("joined"), Failure: a.failure(), Generation: int32(a.number("generation", -1)), MemberID: a.text("member"),
			LeaderID: a.text("leader"), Protocol: a.text("protocol"), SkipAssignment: a.d.HasArg("skip"),
		}
		for _, id := range a.list("members") {
			e.Members = append(e.Members, assign.Member{ID: id})
		}
		return e
	case "assigned":
		e := Assigned{Attempt: attempt("assigned"), Failure: a.failure(), Plan: map[string][]TopicPartition{}, Withheld: a.number("withheld", 0)}
		for _, arg := range a.d.CmdArgs {
			if strings.HasPrefix(arg.Key, "m") {
				e.Plan[arg.Key] = a.partitions(arg.Key)
			}
		}
		return e
	case "synced":
		return Synced{Attempt: attempt("synced"), Failure: a.failure(), Partitions: a.partitions("partitions")}
	case "beaten":
		return Beaten{Attempt: attempt("beaten"), Failure: a.failure()}
	case "left":
		return Left{Attempt: attempt("left")}
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

func (a arguments) failure() Failure {
	if a.d.HasArg("lost") {
		return Failure{Lost: true, Text: "no answer came"}
	}
	return Failure{Code: Code(a.number("code", 0))}
}

func (a arguments) partitions(key string) []TopicPartition {
	var list []TopicPartition
	for _, name := range a.list(key) {
		if name == "" {
			continue
		}
		topic, number, _ := strings.Cut(name, "-")
		n, err := strconv.Atoi(number)
		if err != nil {
			a.d.Fatalf(a.t, "%v", err)
		}
		list = append(list, TopicPartition{Topic: topic, Partition: int32(n)})
	}
	return list
}
