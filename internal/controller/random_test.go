package controller

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"github.com/skein-io/skein/internal/metadata"
)

// TestRandomHistories steps controllers through histories from a seed and checks, at each step, that every request is
// answered once, that the controller's image is what its proposals make, and that the same seed gives the same trace.
func TestRandomHistories(t *testing.T) {
	for seed := range uint64(60) {
		first, second := history(t, seed), history(t, seed)
		if first != second {
			t.Fatalf("seed %d gives two traces", seed)
		}
	}
}

func history(t *testing.T, seed uint64) string {
	random := rand.New(rand.NewPCG(seed, 3))
	s := &scenario{now: time.Unix(0, 0)}
	s.restart()
	s.config.Features = []metadata.FeatureRange{{Name: "metadata.version", Max: 25}}
	s.c = New(s.config)
	var trace strings.Builder
	asked, answered := map[Token]bool{}, map[Token]bool{}
	note := func(out string) {
		trace.WriteString(out)
		for line := range strings.SplitSeq(out, "\n") {
			var token Token
			if n, _ := fmt.Sscanf(line, "reply %d", &token); n == 1 {
				if !asked[token] || answered[token] {
					t.Fatalf("seed %d: token %d is answered without or beyond its request", seed, token)
				}
				answered[token] = true
			}
		}
	}
	epoch := 0
	for range 150 {
		s.now = s.now.Add(time.Duration(random.IntN(3000)) * time.Millisecond)
		var out string
		switch n := random.IntN(20); {
		case !s.c.Leading():
			epoch++
			// What a controller before proposed may have been committed, or not.
			s.commit(random.IntN(len(s.proposals) + 1))
			out = s.run(t, command("lead", "", fmt.Sprint("epoch=", epoch)))
		case n == 0:
			pending := s.proposals
			out = s.run(t, command("resign", ""))
			s.proposals = pending
		case n < 6:
			out = s.commit(random.IntN(len(s.proposals) + 1))
		default:
			d := anyCommand(random, s)
			out = s.run(t, d)
			asked[s.token] = d.Cmd != "expire"
		}
		note(out)
		s.check(t, seed)
	}
	note(s.run(t, command("resign", "")))
	for token := range asked {
		if asked[token] && !answered[token] {
			t.Fatalf("seed %d: token %d is never answered", seed, token)
		}
	}
	return trace.String() + s.show()
}

// check holds the controller's image against the committed one with all proposals applied.
func (s *scenario) check(t *testing.T, seed uint64) {
	t.Helper()
	if !s.c.Leading() {
		return
	}
	image := s.image
	for _, p := range s.proposals {
		next, _, err := metadata.Apply(image, p.Records)
		if err != nil {
			t.Fatalf("seed %d: proposal %d does not fit: %v", seed, p.Sequence, err)
		}
		image = next
	}
	var want, got []byte
	for r := range image.Records() {
		want = metadata.AppendRecords(want, r)
	}
	for r := range s.c.Image().Records() {
		got = metadata.AppendRecords(got, r)
	}
	if string(want) != string(got) {
		t.Fatalf("seed %d: the controller's image is not what its proposals make", seed)
	}
	for topic := range image.Topics() {
		for p := range topic.Partitions() {
			if len(p.ISR) == 0 {
				t.Fatalf("seed %d: %s-%d has an empty ISR", seed, topic.Name, p.Index)
			}
			if p.Leader != metadata.NoNode && image.Broker(p.Leader) == nil {
				t.Fatalf("seed %d: %s-%d is led by broker %d, which is not registered", seed, topic.Name, p.Index, p.Leader)
			}
		}
	}
}

func command(cmd, input string, args ...string) *datadriven.TestData {
	d := &datadriven.TestData{Cmd: cmd, Input: input}
	for _, arg := range args {
		key, value, _ := strings.Cut(arg, "=")
		d.CmdArgs = append(d.CmdArgs, datadriven.CmdArg{Key: key, Vals: []string{value}})
	}
	return d
}

func anyCommand(random *rand.Rand, s *scenario) *datadriven.TestData {
	topic := func() string { return []string{"a", "b", "c.d", "c_d", "e", "__consumer_offsets"}[random.IntN(6)] }
	broker := 1 + random.IntN(4)
	epoch := 1
	if b := s.c.Image().Broker(metadata.NodeID(broker)); b != nil {
		epoch = int(b.Epoch)
	}
	who := []string{fmt.Sprint("broker=", broker), fmt.Sprint("epoch=", epoch)}
	switch random.IntN(12) {
	case 0, 1:
		args := []string{fmt.Sprint("broker=", broker), fmt.Sprint("incarnation=", random.IntN(3))}
		if broker == 1 {
			args = append(args, "local")
		}
		return command("register", "", args...)
	case 2, 3:
		return command("create", fmt.Sprintf("topic=%s partitions=%d rf=%d set:x=1\ntopic=%s assign=%d,%d", topic(),
			random.IntN(5), random.IntN(4), topic(), broker, 1+random.IntN(4)), fmt.Sprint("start=", random.IntN(9)))
	case 4:
		return command("delete", fmt.Sprintf("topic=%s\nid=%d", topic(), 1+random.IntN(20)))
	case 5:
		return command("add-partitions", fmt.Sprintf("topic=%s count=%d", topic(), random.IntN(9)))
	case 6:
		return command("alter", fmt.Sprintf("topic=%s set:unclean.leader.election.enable=true append:cleanup.policy=compact\nbroker= set:y=%d", topic(), random.IntN(3)))
	case 7:
		return command("elect", "", "all", fmt.Sprint("type=", random.IntN(3)))
	case 8:
		return command("producer-ids", "", who...)
	case 9:
		return command("expire", "", who[0])
	case 10:
		if random.IntN(4) == 0 {
			return command("unregister", "", who[0])
		}
		return command("heartbeat", "", append(who, "offset=1000", []string{"fence", "shutdown", "x"}[random.IntN(3)])...)
	}
	return command("heartbeat", "", append(who, "offset=1000")...)
}
