package sim

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
)

// talk is two nodes, a connection from a to b, and what each end saw.
type talk struct {
	w          *World
	net        *Network
	a, b       *Node
	near, far  *Conn
	atA, atB   []string
	dialFailed error
}

func newTalk(t *testing.T, o NetworkOptions) *talk {
	t.Helper()
	w := NewWorld(WorldOptions{Seed: 5, TraceLinesMax: 1000})
	k := &talk{w: w, net: w.NewNetwork("net", o), a: w.NewNode("a"), b: w.NewNode("b")}
	k.a.Start(func() {})
	k.b.Start(func() {
		k.net.Listen(k.b, "b:9092", func(c *Conn) {
			k.far = c
			listen(c, &k.atB)
		})
	})
	return k
}

func (k *talk) dial(t *testing.T) {
	t.Helper()
	k.net.Dial(k.a, "b:9092", func(c *Conn, err error) {
		k.near, k.dialFailed = c, err
		if err == nil {
			listen(c, &k.atA)
		}
	})
	run(t, k.w, time.Duration(k.w.Now())+time.Second)
}

func listen(c *Conn, seen *[]string) {
	c.OnFrame = func(f []byte) { *seen = append(*seen, string(f)) }
	c.OnClose = func(err error) { *seen = append(*seen, err.Error()) }
}

func (k *talk) wait(t *testing.T, d time.Duration) {
	t.Helper()
	run(t, k.w, time.Duration(k.w.Now())+d)
}

func wantSeen(t *testing.T, who string, got []string, want ...string) {
	t.Helper()
	if len(got)+len(want) > 0 && !reflect.DeepEqual(got, want) {
		t.Errorf("%s saw %q, want %q", who, got, want)
	}
}

func TestFramesKeepTheirOrder(t *testing.T) {
	k := newTalk(t, NetworkOptions{DelayMin: time.Millisecond, DelayMax: 50 * time.Millisecond, SlowPerMille: 100, SlowMax: 500 * time.Millisecond})
	k.dial(t)
	var want []string
	for i := range 200 {
		frame := []byte(fmt.Sprint(i))
		want = append(want, string(frame))
		k.near.Send(frame)
		frame[0] = 'x' // Send took a copy
		k.wait(t, time.Millisecond)
	}
	k.far.Send([]byte("back"))
	k.near.Close()
	k.wait(t, time.Minute)
	wantSeen(t, "b", k.atB, append(want, ErrClosed.Error())...)
	wantSeen(t, "a", k.atA)
	if k.net.Open() != 0 {
		t.Errorf("%d ends are open", k.net.Open())
	}
}

func TestDialRefused(t *testing.T) {
	k := newTalk(t, NetworkOptions{})
	k.b.Crash()
	k.dial(t)
	if !errors.Is(k.dialFailed, ErrRefused) {
		t.Errorf("dial failed with %v, want refused", k.dialFailed)
	}
}

func TestConnectionThatBrokeBeforeItWasReady(t *testing.T) {
	k := newTalk(t, NetworkOptions{})
	k.net.Listen(k.b, "b:9092", func(c *Conn) { c.Reset() })
	k.dial(t)
	if !errors.Is(k.dialFailed, ErrReset) {
		t.Errorf("dial gave %v, want reset", k.dialFailed)
	}
}

func TestDialBehindACut(t *testing.T) {
	k := newTalk(t, NetworkOptions{StallMax: 500 * time.Millisecond})
	k.net.Cut("b", "a")
	k.dial(t)
	if !errors.Is(k.dialFailed, ErrTimeout) {
		t.Errorf("dial failed with %v, want timeout", k.dialFailed)
	}
}

func TestDialerThatDied(t *testing.T) {
	k := newTalk(t, NetworkOptions{DelayMin: 10 * time.Millisecond, DelayMax: 10 * time.Millisecond})
	k.net.Dial(k.a, "b:9092", func(*Conn, error) { t.Error("a dead node got its connection") })
	k.wait(t, 15*time.Millisecond)
	k.a.Crash()
	k.a.Start(func() {})
	k.wait(t, time.Second)
	wantSeen(t, "b", k.atB, ErrReset.Error())
}

func TestCrashResetsTheOtherEnd(t *testing.T) {
	k := newTalk(t, NetworkOptions{DelayMin: time.Millisecond, DelayMax: time.Millisecond})
	k.dial(t)
	k.far.Send([]byte("lost"))
	k.b.Crash()
	k.near.Send([]byte("to nobody"))
	k.wait(t, time.Second)
	wantSeen(t, "a", k.atA, ErrReset.Error())
	wantSeen(t, "b", k.atB)
	k.b.Start(func() {})
	k.dial(t)
	if !errors.Is(k.dialFailed, ErrRefused) {
		t.Errorf("the listener outlived its node: %v", k.dialFailed)
	}
}

func TestLostFrameResets(t *testing.T) {
	k := newTalk(t, NetworkOptions{})
	k.dial(t)
	k.net.SetOptions(NetworkOptions{ResetPerMille: 1000})
	k.near.Send([]byte("lost"))
	k.wait(t, time.Second)
	wantSeen(t, "a", k.atA, ErrReset.Error())
	wantSeen(t, "b", k.atB, ErrReset.Error())
}

func TestTooManyFramesReset(t *testing.T) {
	k := newTalk(t, NetworkOptions{FramesMax: 3})
	k.dial(t)
	for i := range 4 {
		k.near.Send([]byte{byte('0' + i)})
	}
	k.wait(t, time.Second)
	wantSeen(t, "b", k.atB, ErrReset.Error())
}

func TestCutHoldsFramesOneWay(t *testing.T) {
	k := newTalk(t, NetworkOptions{})
	k.dial(t)
	k.net.Cut("a", "b")
	k.near.Send([]byte("1"))
	k.near.Send([]byte("2"))
	k.far.Send([]byte("other way"))
	k.wait(t, 10*time.Second)
	wantSeen(t, "a", k.atA, "other way")
	wantSeen(t, "b", k.atB)
	k.net.Heal("b", "a")
	k.net.HealAll()
	k.near.Send([]byte("3"))
	k.wait(t, time.Minute)
	wantSeen(t, "b", k.atB, "1", "2", "3")
}

// The sender gives up behind a cut; the other end learns of it only when the way is open.
func TestCutOutlastsTheConnection(t *testing.T) {
	k := newTalk(t, NetworkOptions{StallMax: 2 * time.Second})
	k.dial(t)
	k.net.Cut("a", "b")
	k.near.Send([]byte("1"))
	k.wait(t, 10*time.Second)
	wantSeen(t, "a", k.atA, ErrTimeout.Error())
	wantSeen(t, "b", k.atB)
	k.net.HealAll()
	k.wait(t, time.Second)
	wantSeen(t, "b", k.atB, ErrTimeout.Error())
}

func TestCrashBehindACutIsHeardAfterIt(t *testing.T) {
	k := newTalk(t, NetworkOptions{})
	k.dial(t)
	k.net.Cut("b", "a")
	k.b.Crash()
	k.wait(t, 20*time.Second)
	wantSeen(t, "a", k.atA)
	k.net.HealAll()
	k.wait(t, time.Second)
	wantSeen(t, "a", k.atA, ErrReset.Error())
}

func TestPausedNodeGetsFramesLater(t *testing.T) {
	k := newTalk(t, NetworkOptions{})
	k.dial(t)
	k.b.Pause()
	k.near.Send([]byte("1"))
	k.near.Close()
	k.wait(t, time.Minute)
	wantSeen(t, "b", k.atB)
	k.b.Resume()
	k.wait(t, time.Second)
	wantSeen(t, "b", k.atB, "1", ErrClosed.Error())
}

// A storm of every fault leaves the same trace for the same seed, and another for another.
func TestSameSeedSameTrace(t *testing.T) {
	sums := map[uint64]uint64{}
	for seed := range uint64(20) {
		first, lines := storm(t, seed)
		second, again := storm(t, seed)
		if first != second {
			t.Fatalf("seed %d: two traces\n%s\n\n%s", seed, strings.Join(lines, "\n"), strings.Join(again, "\n"))
		}
		if other, ok := sums[first]; ok {
			t.Errorf("seeds %d and %d give the same trace", seed, other)
		}
		sums[first] = seed
	}
}

func storm(t *testing.T, seed uint64) (uint64, []string) {
	t.Helper()
	w := NewWorld(WorldOptions{Seed: seed, TraceLinesMax: 50, EventsMax: 200_000})
	r := w.Rand("nemesis")
	net := w.NewNetwork("net", NetworkOptions{DelayMin: time.Millisecond, DelayMax: 20 * time.Millisecond,
		SlowPerMille: 20, SlowMax: time.Second, ResetPerMille: 5, StallMax: 3 * time.Second})
	names := []string{"a", "b", "c"}
	nodes := map[string]*Node{}
	for _, name := range names {
		nodes[name] = w.NewNode(name)
		nodes[name].Start(func() { chatter(w, net, nodes[name], names) })
	}
	for range 40 {
		name, other := names[r.IntN(3)], names[r.IntN(3)]
		w.After(r.Between(0, 20*time.Second), func() {
			n := nodes[name]
			switch r.IntN(6) {
			case 0:
				n.Crash()
				w.After(r.Between(0, time.Second), func() {
					if !n.Alive() {
						n.Start(func() { chatter(w, net, n, names) })
					}
				})
			case 1:
				net.Cut(name, other)
			case 2:
				net.HealAll()
			case 3:
				n.Pause()
				w.After(r.Between(0, time.Second), n.Resume)
			case 4:
				n.SetRate(r.Int64N(3_000_000))
			case 5:
				n.SetWallOffset(r.Between(-time.Hour, time.Hour))
			}
		})
	}
	run(t, w, 30*time.Second)
	return w.Trace().Sum(), w.Trace().Lines()
}

// chatter is a toy node: it answers what it gets and calls another every 100 ms.
func chatter(w *World, net *Network, n *Node, names []string) {
	r := w.Rand(fmt.Sprint(n.Name(), n.Incarnation()))
	note := func(c *Conn, what string) {
		w.Notef("%s (%v) %s>%s %s", n.Name(), n.Wall().Unix(), c.Peer(), n.Name(), what)
	}
	net.Listen(n, n.Name(), func(c *Conn) {
		c.OnFrame = func(f []byte) { note(c, string(f)); c.Send(append(f, '!')) }
		c.OnClose = func(err error) { note(c, err.Error()) }
	})
	var call func()
	call = func() {
		n.After(100*time.Millisecond, call)
		net.Dial(n, names[r.IntN(len(names))], func(c *Conn, err error) {
			if err != nil {
				w.Notef("%s: %v", n.Name(), err)
				return
			}
			c.OnFrame = func(f []byte) { note(c, string(f)); c.Close() }
			c.OnClose = func(err error) { note(c, err.Error()) }
			c.Send([]byte("hello"))
		})
	}
	call()
}
