package herd

import (
	"fmt"
	"testing"
	"time"

	"github.com/skein-io/skein/internal/herd/measure"
	"github.com/skein-io/skein/internal/oldconsumer"
	"github.com/skein-io/skein/internal/oldconsumer/memtree"
	"github.com/skein-io/skein/internal/sim"
	"github.com/skein-io/skein/internal/sim/seeds"
)

// bed is a herd whose happenings are kept.
type bed struct {
	*Herd
	t       testing.TB
	world   *sim.World
	all     []Happening
	numbers map[string]int
}

func newBed(t testing.TB, seed uint64, partitions int, most time.Duration) *bed {
	b := &bed{t: t, world: sim.NewWorld(sim.WorldOptions{Seed: seed, EventsMax: 5_000_000}), numbers: map[string]int{}}
	r := b.world.Rand("delays")
	delay := func(string) time.Duration { return r.Between(time.Millisecond, most) }
	b.Herd = New(b.world, Options{Partitions: partitions, PerSecond: 10, Settings: oldconsumer.DefaultSettings(), SessionTimeout: 6 * time.Second,
		RequestDelay: delay, NotifyDelay: delay, Tell: func(h Happening) { b.all = append(b.all, h) }})
	return b
}

func (b *bed) run(d time.Duration) {
	b.t.Helper()
	if err := b.world.Run(b.world.Now().Add(d)); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bed) count(kind Kind, note oldconsumer.NoteKind) (n int) {
	for _, h := range b.all {
		if h.Kind == kind && (kind != Noted || h.Note.Kind == note) {
			n++
		}
	}
	return n
}

func (b *bed) history(partitions int) *measure.History {
	h := &measure.History{Partitions: partitions}
	for _, what := range b.all {
		if b.numbers[what.Member] == 0 {
			b.numbers[what.Member] = len(b.numbers) + 1
		}
		if e, ok := what.Event(b.numbers[what.Member]); ok {
			h.Events = append(h.Events, e)
		}
	}
	return h
}

// TestOneByOne: members that come when all is quiet share the partitions, each as every other works it out.
func TestOneByOne(t *testing.T) {
	b := newBed(t, 1, 10, 5*time.Millisecond)
	for i := range 3 {
		b.Join(fmt.Sprint("c", i+1))
		b.run(20 * time.Second)
	}
	for name, want := range map[string]string{"c1": "[0 1 2 3]", "c2": "[4 5 6]", "c3": "[7 8 9]"} {
		if got := fmt.Sprint(b.Reading(name)); got != want {
			t.Errorf("%s reads %s, not %s", name, got, want)
		}
		for _, p := range b.Reading(name) {
			if owner, there := b.Tree.Owner(oldconsumer.OwnerPath(Group, Topic, p)); !there || owner == memtree.Persistent {
				t.Errorf("partition %d has no owner in the tree", p)
			}
		}
	}
	// Each who comes is told of itself, and so is everybody else.
	if n := b.count(Notified, 0); n != 0+1+2 {
		t.Errorf("%d notifications", n)
	}
	b.Note()
	if f := b.history(10).Figures(0, b.Now()+1); f.Doubled != 0 || f.Failed != 0 || !f.Stable {
		t.Errorf("%+v", f)
	}
}

// TestLeave: what a member committed before it released, the next one reads on from; nothing is read twice or left out when
// nobody is in a hurry.
func TestLeave(t *testing.T) {
	b := newBed(t, 2, 4, 2*time.Millisecond)
	b.Join("c1")
	b.run(10 * time.Second)
	b.Join("c2")
	b.run(20 * time.Second)
	b.Leave("c1")
	b.run(20 * time.Second)
	if got := fmt.Sprint(b.Reading("c2")); got != "[0 1 2 3]" {
		t.Errorf("c2 reads %s\n%s", got, b.State())
	}
	b.Note()
	f := b.history(4).Figures(0, b.Now()+1)
	if f.Doubled != 0 || !f.Stable || f.TwoOwners != 0 {
		t.Errorf("%+v", f)
	}
}

// TestSplitBrain: a member whose session is over, and which cannot be told, goes on reading beside the one that took over. Both
// read the same records.
func TestSplitBrain(t *testing.T) {
	b := newBed(t, 3, 2, 2*time.Millisecond)
	b.Join("c1")
	b.run(20 * time.Second)
	b.Join("c2")
	b.run(20 * time.Second)
	cut := b.Now()
	b.Cut("c2")
	b.run(16 * time.Second)
	if one, two := fmt.Sprint(b.Reading("c1")), fmt.Sprint(b.Reading("c2")); one != "[0 1]" || two != "[1]" {
		t.Errorf("c1 reads %s and c2 %s", one, two)
	}
	b.Note()
	f := b.history(2).Figures(cut, b.Now()+1)
	// The session ends 6 s after the cut; the rest of the 16 s has two readers.
	if least, most := 9*time.Second, 10*time.Second; f.TwoOwners < least || f.TwoOwners > most || f.Stable || f.Doubled < 90 {
		t.Errorf("%+v", f)
	}
	b.Heal("c2")
	b.run(30 * time.Second)
	if one, two := fmt.Sprint(b.Reading("c1")), fmt.Sprint(b.Reading("c2")); one != "[0]" || two != "[1]" {
		t.Errorf("afterwards c1 reads %s and c2 %s\n%s", one, two, b.State())
	}
}

// TestGaveUp: whoever cannot claim a partition tries four times with a back-off, gives up, and reads nothing until something changes.
func TestGaveUp(t *testing.T) {
	b := newBed(t, 5, 2, time.Millisecond)
	inTheWay := oldconsumer.OwnerPath(Group, Topic, 1)
	b.Tree.Put(inTheWay, []byte("somebody-0"))
	b.Join("c1")
	b.run(5 * time.Minute)
	if n := b.count(Noted, oldconsumer.Collided); n != 4 || b.count(Noted, oldconsumer.GaveUp) != 1 {
		t.Errorf("%d tries", n)
	}
	last := time.Duration(0)
	for _, h := range b.all {
		if h.Kind == Noted && h.Note.Kind == oldconsumer.GaveUp {
			last = h.At
		}
	}
	if last < 6*time.Second || last > 7*time.Second {
		t.Errorf("it gave up after %v, with three back-offs of 2 s", last)
	}
	if got := b.Reading("c1"); len(got) != 0 {
		t.Errorf("it reads %v", got)
	}
	if _, there := b.Tree.Owner(oldconsumer.OwnerPath(Group, Topic, 0)); there {
		t.Error("it kept what it had claimed")
	}
	b.Tree.Do(memtree.Persistent, oldconsumer.Request{Op: oldconsumer.Delete, Path: inTheWay})
	b.run(5 * time.Minute)
	if got := b.Reading("c1"); len(got) != 0 {
		t.Errorf("nobody told it, and it reads %v", got)
	}
	b.Join("c2")
	b.run(time.Minute)
	if one, two := fmt.Sprint(b.Reading("c1")), fmt.Sprint(b.Reading("c2")); one != "[0]" || two != "[1]" {
		t.Errorf("c1 reads %s and c2 %s", one, two)
	}
}

// TestShortCut: a member that is back before its session is over keeps it, and learns what it was not told.
func TestShortCut(t *testing.T) {
	b := newBed(t, 4, 2, 2*time.Millisecond)
	b.Join("c1")
	b.run(20 * time.Second)
	b.Cut("c1")
	b.run(time.Second)
	b.Join("c2")
	b.run(time.Second)
	b.Heal("c1")
	b.run(30 * time.Second)
	if one, two := fmt.Sprint(b.Reading("c1")), fmt.Sprint(b.Reading("c2")); one != "[0]" || two != "[1]" {
		t.Errorf("c1 reads %s and c2 %s\n%s", one, two, b.State())
	}
	if n := b.count(SessionEnded, 0); n != 0 {
		t.Errorf("%d sessions ended", n)
	}
}

// TestSimHerd: members come, go, die and are cut off at any time, with everything late. Whatever happens, the tree never has two owners
// of a partition, who reads without a doubt is the owner, and a herd in which nobody gave up since the last disturbance is
// balanced in the end.
func TestSimHerd(t *testing.T) {
	balanced, gaveUp := 0, 0
	chosen := seeds.Chosen(t, 150)
	for seed := range chosen.All() {
		world := sim.NewRand(seed)
		n, partitions := 2+world.IntN(6), 1+world.IntN(12)
		b := newBed(t, seed, partitions, time.Duration(1+world.IntN(400))*time.Millisecond)
		var alive []string
		for i := range n {
			name := fmt.Sprint("c", i+1)
			alive = append(alive, name)
			b.Join(name)
			b.run(time.Duration(world.IntN(3000)) * time.Millisecond)
		}
		for range 3 {
			i := world.IntN(len(alive))
			switch world.IntN(3) {
			case 0:
				if len(alive) > 1 {
					b.Leave(alive[i])
					alive = append(alive[:i], alive[i+1:]...)
				}
			case 1:
				if len(alive) > 1 {
					b.Kill(alive[i])
					alive = append(alive[:i], alive[i+1:]...)
				}
			case 2:
				b.Cut(alive[i])
				b.run(time.Duration(world.IntN(15000)) * time.Millisecond)
				b.Heal(alive[i])
			}
			b.run(time.Duration(world.IntN(5000)) * time.Millisecond)
		}
		before := b.count(Noted, oldconsumer.GaveUp)
		b.run(5 * time.Minute)
		owned := map[int32]string{}
		for _, name := range alive {
			for _, p := range b.Reading(name) {
				if owned[p] != "" {
					t.Fatalf("seed %d: %s and %s read partition %d\n%s", seed, owned[p], name, p, b.State())
				}
				owned[p] = name
				owner, there := b.Tree.Owner(oldconsumer.OwnerPath(Group, Topic, p))
				if !there || b.bySess[owner].member.Name() != name {
					t.Fatalf("seed %d: %s reads partition %d, which is not its own\n%s", seed, name, p, b.State())
				}
			}
		}
		for p := range int32(partitions) {
			if owner, there := b.Tree.Owner(oldconsumer.OwnerPath(Group, Topic, p)); there && owned[p] != b.bySess[owner].member.Name() {
				t.Fatalf("seed %d: %s owns partition %d and does not read it\n%s", seed, b.bySess[owner].member.Name(), p, b.State())
			}
		}
		if b.count(Noted, oldconsumer.GaveUp) > before {
			gaveUp++
			continue // the partitions of who gave up stay without a reader: so it was
		}
		if b.count(Noted, oldconsumer.GaveUp) == 0 {
			balanced++
			if len(owned) != partitions {
				t.Fatalf("seed %d: %d of %d partitions are read\n%s", seed, len(owned), partitions, b.State())
			}
		}
	}
	t.Logf("%d herds came to rest, in %d somebody gave up at last", balanced, gaveUp)
	if !chosen.One && balanced < chosen.Count/4 {
		t.Errorf("only %d of %d herds came to rest", balanced, chosen.Count)
	}
}
