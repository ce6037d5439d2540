package quorum

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/skein-io/skein/internal/disk"
	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/sim"
	"github.com/skein-io/skein/internal/sim/seeds"
)

// seedsDefault is how many seeds run when nothing is said.
const seedsDefault = 3

// history is a node's lives on one simulated disk, from a seed: requests one after the other, clean restarts, kills,
// losses of power. Beside it stands what was confirmed; each start must find exactly that, and at most the request that
// was under way.
type history struct {
	seed      uint64
	random    *rand.Rand
	fs        *disk.Simulated
	life      *life
	serial    uint64
	faults    faults
	confirmed string
	epochs    []metadata.BrokerEpoch // of each life
	underWay  string                 // what was proposed at the last call of the disk
	each      func(disk.Call) error  // before each call of the disk
	starting  bool
}

func newHistory(seed uint64) *history {
	return &history{
		seed: seed, random: rand.New(rand.NewPCG(seed, 11)), fs: disk.NewSimulated(disk.SimulatedOptions{Seed: seed}),
		confirmed: topics(metadata.NewImage("cluster")),
	}
}

// topics is what requests change and a start does not: names, ids, partitions, configuration, producer ids.
func topics(i *metadata.Image) string {
	var b strings.Builder
	for t := range i.Topics() {
		fmt.Fprintf(&b, "%s %s %d; ", t.Name, t.ID, t.Len())
	}
	for r, set := range i.ConfigResources() {
		for name, value := range set.All() {
			fmt.Fprintf(&b, "%v %s=%s; ", r, name, value)
		}
	}
	fmt.Fprintf(&b, "next producer id %d", i.NextProducerID())
	return b.String()
}

func (h *history) open(fs disk.FS, serial uint64) (*life, error) {
	return openLife(fs, serial, func(c *Config) {
		c.SnapshotBytes, c.faults = 500, h.faults
	})
}

// proposed is what the image will be when everything under way is committed.
func (h *history) proposed() string {
	if h.starting || h.life == nil || !h.life.node.seat.Controller.Leading() {
		return h.confirmed
	}
	return topics(h.life.node.seat.Controller.Image())
}

// start opens the node on the disk as it is. also is what the image may be beside what was confirmed.
func (h *history) start(also string) error {
	h.serial++
	h.starting = true
	h.fs.SetHook(func(c disk.Call) error {
		h.underWay = h.proposed()
		if h.each != nil {
			return h.each(c)
		}
		return nil
	})
	defer func() { h.starting = false }()
	l, err := h.open(h.fs, h.serial)
	if err != nil {
		return fmt.Errorf("seed %d: open: %w", h.seed, err)
	}
	h.life = l
	epoch, err := h.judge(l, also)
	h.confirmed = topics(l.node.Image())
	h.epochs = append(h.epochs, epoch)
	return err
}

// judge compares a node that has just started with what it must be.
func (h *history) judge(l *life, also string) (metadata.BrokerEpoch, error) {
	if got := topics(l.node.Image()); got != h.confirmed && got != also {
		return 0, fmt.Errorf("seed %d: a start found\n\t%s\nconfirmed was\n\t%s\nunder way\n\t%s", h.seed, got, h.confirmed, also)
	}
	epoch := l.node.Image().Broker(1).Epoch
	if n := len(h.epochs); n > 0 && epoch <= h.epochs[n-1] {
		return 0, fmt.Errorf("seed %d: broker epoch %d after %d", h.seed, epoch, h.epochs[n-1])
	}
	return epoch, nil
}

// crashed is the check of one moment: power is lost now, and the node starts again on what is left of the disk.
func (h *history) crashed(r *sim.Rand) error {
	also := h.proposed()
	l, err := h.open(h.fs.CrashClone(r), 1_000_000)
	if err != nil {
		return fmt.Errorf("seed %d: open after a crash: %w", h.seed, err)
	}
	if _, err := h.judge(l, also); err != nil {
		return err
	}
	if err := l.create("after-the-crash"); err != nil {
		return fmt.Errorf("seed %d: the first request after a crash: %w", h.seed, err)
	}
	return errors.Join(l.node.Close(), l.dir.Close())
}

// request has one request carried out. An error means that the node has stopped.
func (h *history) request() error {
	var failed error
	h.underWay = h.confirmed
	h.life.node.Submit(h.pick(), 6, func(_ protocol.Message, err error) {
		if err == nil {
			h.confirmed = topics(h.life.node.seat.Controller.Image())
		}
		failed = err
	})
	return errors.Join(h.life.node.Work(h.life.now), failed)
}

func (h *history) pick() protocol.Message {
	name := fmt.Sprintf("t%d", h.random.IntN(12))
	switch h.random.IntN(8) {
	case 0:
		r := protocol.NewDeleteTopicsRequest()
		r.Topics = []protocol.DeleteTopicsRequestDeleteTopicState{{Name: &name}}
		return r
	case 1:
		r := protocol.NewAllocateProducerIDsRequest()
		r.BrokerID, r.BrokerEpoch = 1, int64(h.epochs[len(h.epochs)-1])
		return r
	case 2, 3:
		value := fmt.Sprint(h.random.IntN(1000))
		r := protocol.NewIncrementalAlterConfigsRequest()
		r.Resources = []protocol.IncrementalAlterConfigsRequestAlterConfigsResource{{
			ResourceType: int8(metadata.GroupResource), ResourceName: name,
			Configs: []protocol.IncrementalAlterConfigsRequestAlterableConfig{{Name: "x", Value: &value}},
		}}
		return r
	}
	return createRequest(name, int32(1+h.random.IntN(6)))
}

// end ends a life in one of three ways.
func (h *history) end() error {
	switch h.random.IntN(3) {
	case 0:
		return errors.Join(h.life.node.Close(), h.life.dir.Close())
	case 1:
		h.fs = h.fs.Kill()
	case 2:
		h.fs = h.fs.Crash()
	}
	return nil
}

// run lives through a number of lives.
func (h *history) run(lives, requests int) error {
	for range lives {
		if err := h.start(h.confirmed); err != nil {
			return err
		}
		for range requests {
			if err := h.request(); err != nil {
				return fmt.Errorf("seed %d: %w", h.seed, err)
			}
		}
		if err := h.end(); err != nil {
			return err
		}
	}
	return nil
}

// everyCrash has the power lost before each operation of the disk, in a copy of it.
func (h *history) everyCrash(lives, requests int) (crashes int, err error) {
	var failed error
	r := sim.NewRand(h.seed)
	h.each = func(c disk.Call) error {
		if c.Op.Changes() && failed == nil {
			crashes++
			failed = h.crashed(r.Fork(fmt.Sprint(crashes)))
		}
		return nil
	}
	err = h.run(lives, requests)
	return crashes, errors.Join(failed, err)
}

func TestSimCrashBeforeEveryOperation(t *testing.T) {
	total := 0
	for seed := range uint64(seeds.Many(t, seedsDefault)) {
		crashes, err := newHistory(seed).everyCrash(4, 12)
		if err != nil {
			t.Fatal(err)
		}
		total += crashes
	}
	if n := seeds.Many(t, seedsDefault); total < n*100 {
		t.Errorf("%d crashes in %d seeds: the hook is not called", total, n)
	}
}

func TestSimSameSeedSameTrace(t *testing.T) {
	trace := func(seed uint64) string {
		h := newHistory(seed)
		if err := h.run(5, 15); err != nil {
			t.Fatal(err)
		}
		return strings.Join(h.fs.Trace(), "\n") + h.confirmed
	}
	for seed := range uint64(seeds.Many(t, seedsDefault)) {
		if first, second := trace(seed), trace(seed); first != second {
			t.Errorf("seed %d gives two traces", seed)
		}
	}
	if trace(0) == trace(1) {
		t.Error("two seeds give one trace")
	}
}

// TestFailedOperations: the k-th call of the disk fails, for every k. The node either refuses to open or stops with the
// reason, answers nothing that is not durable, and the next life has everything that was confirmed.
func TestSimFailedOperations(t *testing.T) {
	for _, op := range []disk.Op{disk.OpSync, disk.OpSyncAll, disk.OpSyncDir, disk.OpWrite, disk.OpCreate, disk.OpRename, disk.OpTruncate} {
		for k := 1; k <= 200; k++ {
			h := newHistory(uint64(k))
			h.fs.FailAt(op, k, syscall.EIO)
			first := h.fs
			err := h.run(1, 120)
			if first.Fired() == 0 {
				break // the history has no k-th call
			}
			if err == nil {
				continue // a failure that costs nothing, such as that of a snapshot
			}
			if !errors.Is(err, syscall.EIO) {
				t.Fatalf("%v %d: the node stops without the reason: %v", op, k, err)
			}
			also := h.underWay
			h.fs = first.Crash()
			if err := h.start(also); err != nil {
				t.Fatalf("%v %d, after it: %v", op, k, err)
			}
		}
	}
}

// TestPlantedBugs: the simulation finds what it is there to find.
func TestSimPlantedBugs(t *testing.T) {
	for name, f := range map[string]faults{
		"entries are not synced":           {entriesUnsynced: true},
		"the snapshot is not synced":       {snapshotUnsynced: true},
		"quorum-state is not synced":       {stateUnsynced: true},
		"answers go out early":             {answersEarly: true},
		"entries go before their snapshot": {compactsEarly: true},
	} {
		found := slices.ContainsFunc(slices.Collect(upTo(40)), func(seed uint64) bool {
			h := newHistory(seed)
			h.faults = f
			_, err := h.everyCrash(4, 12)
			return err != nil
		})
		if !found {
			t.Errorf("%s: not found in 40 seeds", name)
		}
	}
}

func upTo(n uint64) func(func(uint64) bool) {
	return func(yield func(uint64) bool) {
		for i := range n {
			if !yield(i) {
				return
			}
		}
	}
}
