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
// answered once, that the controller's image is what its proposals make, that the cluster is as the checker wants it, and
// that the same seed gives the same trace.
func TestRandomHistories(t *testing.T) {
	saw := make(map[string]int)
	for seed := range uint64(200) {
		first, problem := history(t, seed, faults{}, saw)
		if problem != "" {
			t.Fatalf("seed %d: %s", seed, problem)
		}
		if seed%10 > 0 {
			continue
		}
		if second, _ := history(t, seed, faults{}, saw); first != second {
			t.Fatalf("seed %d gives two traces", seed)
		}
	}
	// A history that never gets there proves nothing about it.
	for _, name := range []string{
		"a failover in several proposals", "an eligible replica elected", "the last known leader elected", "an unclean election",
		"a move completed", "a move given up", "recovered", "a broker came back with less",
		"AlterPartition answered with NONE", "AlterPartition answered with NEW_LEADER_ELECTED", "AlterPartition answered with INELIGIBLE_REPLICA",
		"AlterPartition answered with FENCED_LEADER_EPOCH", "AlterPartition answered with INVALID_UPDATE_VERSION",
		"changes by *controller.BalanceDue", "changes by *controller.IncrementalAlterConfigs", "changes by *controller.Lead",
		"changes by *controller.UnregisterBroker", "changes by *controller.BrokerHeartbeat", "changes by *controller.ElectLeaders",
	} {
		if saw[name] < 5 {
			t.Errorf("%s: %d times in all histories", name, saw[name])
		}
	}
	t.Log(saw)
}

// TestPlantedBugs plants one bug at a time: the checker must find each.
func TestPlantedBugs(t *testing.T) {
	for name, bug := range map[string]faults{
		"elects outside the ISR":             {electsOutsideISR: true},
		"takes a stale broker epoch":         {takesStaleBrokerEpoch: true},
		"takes a fenced broker into the ISR": {takesFencedIntoISR: true},
		"takes a stale partition epoch":      {takesStalePartition: true},
		"loses the ELR on fencing":           {losesELR: true},
		"completes a reassignment too early": {completesEarly: true},
		"trusts a new log directory":         {trustsNewDirectory: true},
		"fences before the partitions":       {fencesBeforePartitions: true},
	} {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(300) {
				if _, problem := history(t, seed, bug, make(map[string]int)); problem != "" {
					t.Logf("seed %d: %s", seed, problem)
					return
				}
			}
			t.Error("never caught")
		})
	}
}

// history is one history; problem is what the checker found.
func history(t *testing.T, seed uint64, bug faults, saw map[string]int) (trace, problem string) {
	random := rand.New(rand.NewPCG(seed, 3))
	s := randomScenario(random, bug)
	k := &checker{s: s, stale: make(map[Token]bool), alters: make(map[Token]bool), saw: saw}
	s.watch = k.watch
	var lines strings.Builder
	defer func() {
		trace = lines.String()
		if r := recover(); r != nil {
			found, ok := r.(violation)
			if !ok {
				panic(r)
			}
			problem = string(found)
		}
	}()
	asked, answered := map[Token]bool{}, map[Token]bool{}
	note := func(out string) {
		lines.WriteString(out)
		for line := range strings.SplitSeq(out, "\n") {
			var token Token
			if n, _ := fmt.Sscanf(line, "reply %d", &token); n == 1 {
				k.must(asked[token] && !answered[token], "token %d is answered without or beyond its request", token)
				answered[token] = true
			}
		}
	}
	lead := []string{""}
	if random.IntN(4) > 0 {
		lead = append(lead, "several")
	}
	epoch := 0
	for step := range 250 {
		s.now = s.now.Add(time.Duration(random.IntN(3000)) * time.Millisecond)
		var out string
		switch n := random.IntN(60); {
		case !s.c.Leading():
			epoch++
			// What a controller before proposed may have been committed, or not.
			s.commit(random.IntN(len(s.proposals) + 1))
			lead[0] = fmt.Sprint("epoch=", epoch)
			out = s.run(t, command("lead", "", lead...))
		case n == 0:
			pending := s.proposals
			out = s.run(t, command("resign", ""))
			s.proposals = pending
		case n < 15:
			out = s.commit(random.IntN(len(s.proposals) + 1))
		default:
			d := anyCommand(random, s)
			asked[s.token+1] = !silent[d.Cmd]
			out = s.run(t, d)
		}
		note(out)
		k.must(step%5 > 0 || s.consistent(t), "the controller's image is not what its proposals make")
	}
	note(s.run(t, command("resign", "")))
	for token := range asked {
		k.must(!asked[token] || answered[token], "token %d is never answered", token)
	}
	lines.WriteString(s.show())
	return "", ""
}

// silent commands are no requests.
var silent = map[string]bool{"expire": true, "connection-lost": true, "refused": true, "balance": true}

func randomScenario(random *rand.Rand, bug faults) *scenario {
	s := newScenario()
	s.config.faults = bug
	s.config.Features = []metadata.FeatureRange{{Name: "metadata.version", Max: 25}}
	if random.IntN(3) > 0 {
		s.config.Features = append([]metadata.FeatureRange{{Name: metadata.FeatureELR, Max: 1}}, s.config.Features...)
	}
	if random.IntN(4) == 0 {
		s.config.ProposalBytesMax = 100 + random.IntN(150)
	}
	if random.IntN(3) == 0 {
		s.config.RaisedTopics = []string{metadata.ConsumerOffsetsTopic}
	}
	s.config.LeaderRebalance, s.config.LeaderImbalancePercent = random.IntN(2) == 0, random.IntN(30)
	s.c = New(s.config)
	return s
}

// consistent holds the controller's image against the committed one with all proposals applied.
func (s *scenario) consistent(t *testing.T) bool {
	t.Helper()
	if !s.c.Leading() {
		return true
	}
	image := s.image
	for _, p := range s.proposals {
		next, _, err := metadata.Apply(image, p.Records)
		if err != nil {
			t.Fatalf("proposal %d does not fit: %v", p.Sequence, err)
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
	return string(want) == string(got)
}

func command(cmd, input string, args ...string) *datadriven.TestData {
	d := &datadriven.TestData{Cmd: cmd, Input: input}
	for _, arg := range args {
		key, value, _ := strings.Cut(arg, "=")
		d.CmdArgs = append(d.CmdArgs, datadriven.CmdArg{Key: key, Vals: []string{value}})
	}
	return d
}
