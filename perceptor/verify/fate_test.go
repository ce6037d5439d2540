package verify

import (
	"context"
	"math/rand/v2"
	"testing"

	"github.com/skein-io/skein/perceptor/binlog"
	"github.com/skein-io/skein/perceptor/change"
	"github.com/skein-io/skein/perceptor/sink"
)

type noProgress struct{}

func (noProgress) Reached(context.Context) (binlog.Position, bool, error) {
	return binlog.Position{}, false, nil
}
func (noProgress) Applied(context.Context) (binlog.Position, bool, error) {
	return binlog.Position{}, false, nil
}

// world is one row of a source, and of a sink that follows it.
type world struct {
	r       *rand.Rand
	history []uint64 // the value that each change gave the row, at offset 10 * its index
	applied int      // how many of them the sink has
	wrong   bool     // somebody wrote to the sink by hand, behind the last change that it has
	spoiled int      // when that was
}

func place(n int) change.Position { return change.Position{File: 1, Offset: uint64(10 * n)} }

// goOn lets changes be made and applied.
func (w *world) goOn() {
	for range w.r.IntN(4) {
		switch w.r.IntN(3) {
		case 0:
			w.history = append(w.history, w.r.Uint64N(2)) // a row often becomes again what it was
		default:
			w.applied = min(w.applied+1, len(w.history))
		}
	}
}

// look is what is seen of source and sink; between the two the world goes on.
func (w *world) look() look {
	l := look{at: place(len(w.history))}
	if n := len(w.history); n > 0 {
		l.shape = digest{w.history[n-1]}
	}
	w.goOn()
	if n := w.applied; n > 0 {
		value := w.history[n-1]
		if w.wrong && n == w.spoiled {
			value = 9
		}
		l.have = sink.Stored{Versioned: true, Version: change.Version{Epoch: 1, Position: place(n - 1)}, Columns: []sink.StoredColumn{{Value: []byte{byte(value)}}}}
		l.have.Version.Position.Offset++ // within the transaction
	}
	return l
}

func (l *look) differs() bool {
	value := byte(0)
	if len(l.have.Columns) > 0 {
		value = l.have.Columns[0].Value[0]
	}
	return uint64(value) != l.shape[0]
}

// A sink that only follows never differs for good, however its row is changed, and changed back, between the looks; one that
// somebody wrote to does, as soon as the source has come to rest.
func TestFate(t *testing.T) {
	random := rand.New(rand.NewPCG(8, 8))
	found, wrongs, waited := 0, 0, 0
	for range 50_000 {
		w := &world{r: random}
		for range random.IntN(6) {
			w.goOn()
		}
		if w.applied > 0 && random.IntN(3) == 0 {
			w.wrong, w.spoiled = true, w.applied
		}
		r := &run{c: &Config{Source: &Source{epoch: 1}, Progress: noProgress{}}}
		s := &suspect{}
		const looks = 8
		verdict := later
		settled := false
		for n := range looks {
			applied := place(w.applied)
			l := w.look()
			if !l.differs() {
				settled = true
				break
			}
			if verdict = r.fate(s, &l, applied, true, n == looks-1); verdict != later {
				break
			}
			if random.IntN(2) == 0 {
				w.goOn()
			}
		}
		switch {
		case settled:
		case verdict == stays && !w.wrong:
			t.Fatalf("a sink that follows differs for good: %v, %d applied", w.history, w.applied)
		case verdict == stays:
			found++
		default:
			waited++
		}
		if w.wrong {
			wrongs++
		}
	}
	if found < wrongs/4 || waited == 0 {
		t.Errorf("too tame: %d of %d spoiled rows found, %d in flight", found, wrongs, waited)
	}
	t.Logf("%d of %d spoiled rows found, %d in flight", found, wrongs, waited)
}

// The rule that a version which no view reaches is of no change holds at the end of the time, and not before.
func TestFateOfAVersionOfNoChange(t *testing.T) {
	r := &run{c: &Config{Source: &Source{epoch: 1}, Progress: noProgress{}}}
	s := &suspect{}
	l := look{at: place(5), shape: digest{1}, have: sink.Stored{Versioned: true, Version: change.Version{Epoch: 1, Position: place(99)}}}
	for n := range 5 {
		if got := r.fate(s, &l, place(5), true, false); got != later {
			t.Fatalf("look %d: %d", n, got)
		}
	}
	if got := r.fate(s, &l, place(5), true, true); got != stays {
		t.Errorf("in the end: %d", got)
	}
	fresh := &suspect{}
	if got := r.fate(fresh, &l, place(5), true, true); got != inFlight {
		t.Errorf("after one look: %d", got)
	}
}

func TestSums(t *testing.T) {
	d := newDigester()
	rows := []sink.Stored{
		{Key: []byte("1"), Columns: []sink.StoredColumn{{Value: []byte("a")}, {Value: []byte("b")}}},
		{Key: []byte("1"), Columns: []sink.StoredColumn{{Value: []byte("ab")}, {Value: []byte("")}}},
		{Key: []byte("1"), Columns: []sink.StoredColumn{{Value: []byte("")}, {Value: []byte("ab")}}},
		{Key: []byte("1"), Columns: []sink.StoredColumn{{Null: true}, {Value: []byte("ab")}}},
		{Key: []byte("1a"), Columns: []sink.StoredColumn{{Value: []byte("")}, {Value: []byte("b")}}},
		{Key: []byte("1"), Leftover: true, Columns: []sink.StoredColumn{{Value: []byte("a")}, {Value: []byte("b")}}},
	}
	seen := map[digest]int{}
	var forward, back sum
	for i := range rows {
		x := d.row(&rows[i])
		if other, twice := seen[x]; twice {
			t.Errorf("rows %d and %d have the same digest", other, i)
		}
		seen[x] = i
		forward.add(x)
		back.add(d.row(&rows[len(rows)-1-i]))
	}
	if forward != back || forward.rows != 6 {
		t.Errorf("%v and %v", forward, back)
	}
	back.add(digest{1, 0})
	if forward == back {
		t.Error("one more row makes no difference")
	}
	// The lower half carries into the upper one: all ones and one are nothing.
	var carry sum
	carry.add(digest{^uint64(0), ^uint64(0)})
	carry.add(digest{1, 0})
	if carry.total != (digest{}) {
		t.Errorf("%v", carry)
	}
}

func TestBounds(t *testing.T) {
	s := &Source{table: &change.Table{Key: []int{1, 0}, Columns: []change.Column{{Name: "b`", Type: change.VarChar}, {Name: "a", Type: change.Integer}}}}
	got, err := s.between([][]byte{[]byte("1"), []byte("x'")}, [][]byte{[]byte("5"), []byte("y")})
	want := "`a`>=1 AND (`a`>1 OR (`a`=1 AND `b```>'x\\'')) AND `a`<=5 AND (`a`<5 OR (`a`=5 AND `b```<='y'))"
	if got != want || err != nil {
		t.Errorf("%s, %v", got, err)
	}
	if _, err := s.between([][]byte{[]byte("1; DROP"), []byte("x")}, nil); err == nil {
		t.Error("what is no number is taken for one")
	}
	if got, _ := s.between(nil, nil); got != "" {
		t.Error(got)
	}
}
