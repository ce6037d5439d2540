package check_test

import (
	"bytes"
	"fmt"
	"hash/fnv"
	"os"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/skein-io/skein/internal/disk"
	"github.com/skein-io/skein/internal/record"
	"github.com/skein-io/skein/internal/sim"
	"github.com/skein-io/skein/internal/sim/check"
)

const millisecond = time.Millisecond

// run is one seeded life of a toy broker with its clients and its enemy.
type run struct {
	world    *sim.World
	net      *sim.Network
	broker   *toyBroker
	recorder *check.Recorder
	healed   bool
	done     bool
}

// history plays a seed: faults for a while, then none, then one reader goes through everything.
func playHistory(t *testing.T, seed uint64, b bug) (history []check.Operation, trace uint64) {
	t.Helper()
	w := sim.NewWorld(sim.WorldOptions{Seed: seed, EventsMax: 500_000})
	r := &run{world: w, recorder: check.NewRecorder(func() int64 { return int64(w.Now()) })}
	r.net = w.NewNetwork("net", sim.NetworkOptions{DelayMin: 100 * time.Microsecond, DelayMax: 2 * millisecond, ResetPerMille: 5})
	r.broker = &toyBroker{node: w.NewNode("broker"), net: r.net, bug: b,
		fs: disk.NewSimulated(disk.SimulatedOptions{Seed: seed})}
	r.broker.node.Start(r.broker.boot)
	for i := range 2 {
		r.producer(i)
	}
	r.reader("reader")
	r.committer()
	r.enemy()
	healedAt := sim.Instant(time.Second)
	w.At(healedAt, func() {
		r.healed = true
		r.net.SetOptions(sim.NetworkOptions{})
		r.net.HealAll()
		r.broker.fs.ClearFaults()
	})
	w.At(healedAt.Add(200*millisecond), func() { r.done = true })
	w.At(healedAt.Add(300*millisecond), func() { r.reader("final") })
	if err := w.Run(healedAt.Add(time.Second)); err != nil {
		t.Fatalf("seed %d, %s: %v", seed, bugNames[b], err)
	}
	history = r.recorder.History()
	var lines bytes.Buffer
	if err := check.Write(&lines, history); err != nil {
		t.Fatal(err)
	}
	hash := fnv.New64a()
	hash.Write(lines.Bytes()) //nolint:errcheck // a hash never fails
	return history, w.Trace().Sum() ^ hash.Sum64()
}

// enemy cuts power, kills the process, fails syncs and cuts the network, at any operation of the disk.
func (r *run) enemy() {
	random := r.world.Rand("enemy")
	var strike func()
	strike = func() {
		if r.healed {
			r.watch()
			return
		}
		b := r.broker
		switch random.IntN(4) {
		case 0: // a crash before one of the next operations of the disk
			left := random.IntN(8)
			b.fs.SetHook(func(disk.Call) error {
				if left--; left < 0 && b.node.Alive() {
					b.fs.SetHook(nil)
					b.crash()
				}
				return nil
			})
		case 1:
			b.fs.FailAt(disk.OpSync, 1+random.IntN(3), syscall.EIO)
		case 2:
			b.kill()
		case 3:
			r.net.Cut("broker", "reader")
			r.world.After(random.Between(0, 50*millisecond), r.net.HealAll)
		}
		r.watch()
		r.world.After(random.Between(5*millisecond, 60*millisecond), strike)
	}
	r.world.After(50*millisecond, strike)
}

// watch starts the broker again whenever it is down.
func (r *run) watch() {
	if b := r.broker; !b.node.Alive() {
		b.kill() // it may have given up by itself, and then it left files open
		b.node.Start(b.boot)
	}
	if r.healed {
		r.world.After(5*millisecond, r.watch)
	}
}

// crash is a loss of power.
func (b *toyBroker) crash() {
	b.fs = b.fs.Crash()
	b.node.Crash()
}

// kill ends the process; what it wrote is in the cache.
func (b *toyBroker) kill() {
	b.fs = b.fs.Kill()
	b.node.Crash()
}

// client calls the broker one request at a time, and dials again after every failure.
type client struct {
	r    *run
	node *sim.Node
	conn *sim.Conn
	next func(message, error) // the answer that is waited for
}

func (r *run) client(name string) *client {
	c := &client{r: r, node: r.world.NewNode(name)}
	c.node.Start(func() {})
	return c
}

// call sends a request; answer gets an error if the outcome is not known.
func (c *client) call(m message, answer func(message, error)) {
	if c.conn != nil {
		c.next = answer
		c.conn.Send(encode(m))
		return
	}
	c.r.net.Dial(c.node, "broker", func(conn *sim.Conn, err error) {
		if err != nil {
			c.node.After(5*millisecond, func() { c.call(m, answer) }) // nothing was sent
			return
		}
		c.conn = conn
		conn.OnFrame = func(frame []byte) { c.answer(decode(frame), nil) }
		conn.OnClose = func(err error) { c.conn = nil; c.answer(message{}, err) }
		c.call(m, answer)
	})
}

func (c *client) answer(m message, err error) {
	if next := c.next; next != nil {
		c.next = nil
		next(m, err)
	}
}

// producer sends one record after another, each again until its outcome is known.
func (r *run) producer(id int) {
	c := r.client(fmt.Sprint("producer ", id))
	var send func(e entry)
	send = func(e entry) {
		if r.done {
			return
		}
		op := r.recorder.Begin(check.Operation{Process: c.node.Name(), Kind: check.Send, Idempotent: true,
			Producer: &check.Producer{ID: e.Producer, Sequence: e.Sequence},
			Records:  []check.Record{{Partition: toyPartition, Offset: check.NoOffset, Value: e.Value}}})
		c.call(message{Kind: check.Send, Entry: e}, func(m message, err error) {
			switch {
			case err != nil:
				op.End(check.Info, func(o *check.Operation) { o.Error = err.Error() })
				send(e)
				return
			case m.Failed != "":
				op.End(check.OutcomeOf(m.Failed), func(o *check.Operation) { o.Error = m.Failed })
			default:
				op.End(check.OK, func(o *check.Operation) { o.Records[0].Offset = m.Offset })
			}
			e.Sequence++
			e.Value = fmt.Sprintf("%d-%d", id, e.Sequence)
			c.node.After(millisecond, func() { send(e) })
		})
	}
	send(entry{Producer: int64(id), Value: fmt.Sprintf("%d-0", id)})
}

// reader reads from the beginning.
func (r *run) reader(process string) {
	c := r.client(process)
	r.recorder.Begin(check.Operation{Process: process, Kind: check.Assign,
		Positions: []check.Position{{Partition: toyPartition, Offset: 0}}}).End(check.OK, nil)
	position := record.Offset(0)
	var poll func()
	poll = func() {
		op := r.recorder.Begin(check.Operation{Process: process, Kind: check.Poll})
		c.call(message{Kind: check.Poll, From: position}, func(m message, err error) {
			if err != nil {
				op.End(check.Info, nil)
			} else {
				op.End(check.OK, func(o *check.Operation) { o.Records = m.Records })
			}
			if n := len(m.Records); n > 0 {
				position = m.Records[n-1].Offset + 1
			}
			c.node.After(millisecond, poll)
		})
	}
	poll()
}

// committer commits and looks what is committed.
func (r *run) committer() {
	c := r.client("committer")
	number := record.Offset(0)
	var step func()
	step = func() {
		number++
		kind, committed := check.Commit, check.Committed{Partition: toyPartition, Offset: number, Metadata: fmt.Sprint(number)}
		if number%3 == 0 {
			kind = check.FetchOffset
		}
		o := check.Operation{Process: c.node.Name(), Kind: kind, Group: "g"}
		if kind == check.Commit {
			o.Offsets = []check.Committed{committed}
		}
		op := r.recorder.Begin(o)
		c.call(message{Kind: kind, Commit: committed}, func(m message, err error) {
			switch {
			case err != nil:
				op.End(check.Info, nil)
			case kind == check.Commit:
				op.End(check.OK, nil)
			default:
				op.End(check.OK, func(o *check.Operation) {
					m.Commit.Partition = toyPartition
					o.Offsets = []check.Committed{m.Commit}
				})
			}
			c.node.After(5*millisecond, step)
		})
	}
	step()
}

func seeds(t *testing.T, few uint64) uint64 {
	t.Helper()
	if s := os.Getenv("SEEDS"); s != "" {
		n, err := strconv.ParseUint(s, 10, 32)
		if err != nil {
			t.Fatalf("SEEDS=%q: %v", s, err)
		}
		return n
	}
	return few
}

// Without a bug no seed finds anything, and there is something to find things in.
func TestToyLogIsSound(t *testing.T) {
	for seed := range seeds(t, 15) {
		history, _ := playHistory(t, seed, noBug)
		for _, f := range check.All(history, check.Options{Complete: true}) {
			t.Errorf("seed %d: %v", seed, f)
		}
		outcomes := map[check.Outcome]int{}
		for _, o := range history {
			outcomes[o.Outcome]++
		}
		if outcomes[check.OK] < 100 || outcomes[check.Info] == 0 {
			t.Errorf("seed %d: a dull history: %v", seed, outcomes)
		}
	}
}

// Every planted bug is found within a few seeds.
func TestToyLogWithPlantedBugs(t *testing.T) {
	for b := noBug + 1; b < bugs; b++ {
		t.Run(bugNames[b], func(t *testing.T) {
			for seed := range uint64(200) {
				history, _ := playHistory(t, seed, b)
				if found := check.All(history, check.Options{Complete: true}); len(found) > 0 {
					t.Logf("seed %d: %v", seed, found[0])
					return
				}
			}
			t.Error("200 seeds found nothing")
		})
	}
}

func TestToyLogReplays(t *testing.T) {
	sums := map[uint64]bool{}
	for seed := range uint64(5) {
		_, first := playHistory(t, seed, noBug)
		_, again := playHistory(t, seed, noBug)
		if first != again {
			t.Errorf("seed %d has two traces", seed)
		}
		sums[first] = true
	}
	if len(sums) != 5 {
		t.Errorf("5 seeds gave %d traces", len(sums))
	}
}
