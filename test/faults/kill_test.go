//go:build linux

package faults

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skein-io/skein/internal/sim/check"
)

// kills is how often TestKillLoop kills: SKEIN_KILLS, or 3.
func kills(t *testing.T) int {
	t.Helper()
	said := os.Getenv("SKEIN_KILLS")
	if said == "" {
		return 3
	}
	n, err := strconv.Atoi(said)
	if err != nil || n < 1 {
		t.Fatalf("SKEIN_KILLS is %q; it is a number of kills", said)
	}
	return n
}

// TestKillLoop kills the broker with SIGKILL at random moments while producers, a group and committers work, and starts
// it again. In the end everything that was acknowledged is there, once and in order, and no commit is lost.
func TestKillLoop(t *testing.T) {
	n := kills(t)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d: it decides when the broker is killed", seed)
	moments := rand.New(rand.NewPCG(seed, 1))

	b := newBroker(t)
	b.start()
	createTopic(t, b.address, killTopic, killPartitions)
	l := newLoad(t, kgo.SeedBrokers(b.address))
	var restarts []time.Duration
	for range n {
		time.Sleep(50*time.Millisecond + time.Duration(moments.Int64N(int64(1450*time.Millisecond))))
		b.alive()
		b.kill()
		restarts = append(restarts, b.start())
		l.fetchOffsets()
	}
	l.stop()
	b.alive()
	l.readAll()
	history := l.judge()
	slices.Sort(restarts)
	sent, read, commits := l.counts(history)
	t.Logf("%d kills; %d records acknowledged, %d read by the group, %d commits acknowledged; start after a kill: median %v, longest %v",
		n, sent, read, commits, restarts[n/2].Round(time.Millisecond), restarts[n-1].Round(time.Millisecond))
	if sent == 0 || read == 0 || commits == 0 {
		t.Error("nothing was tested")
	}
}

// judge gives what the clients saw to every checker. Every partition was read to its end before.
func (l *load) judge() []check.Operation {
	l.t.Helper()
	history := l.history()
	findings := check.All(history, check.Options{Complete: true})
	for _, f := range findings {
		l.t.Error(f)
	}
	if len(findings) > 0 {
		l.t.Logf("the history is in %s", keep(l.t, history))
	}
	return history
}

// keep writes a history where it stays.
func keep(t *testing.T, history []check.Operation) string {
	t.Helper()
	f, err := os.CreateTemp("", "skein-history-*.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	if err := check.Write(f, history); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return filepath.ToSlash(f.Name())
}
