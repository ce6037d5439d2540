package databases

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/skein-io/skein/consumer/dedupe"
	"github.com/skein-io/skein/perceptor/change"
	"github.com/skein-io/skein/perceptor/mysql"
	"github.com/skein-io/skein/perceptor/sink"
)

func fencing(t *testing.T, l *layout) *mysql.Sink {
	t.Helper()
	s, err := mysql.Open(t.Context(), mysql.Config{DSN: dsn("sinker", "sinker", "target"), Layout: l.which, Generations: "owners"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func owner(partition, generation int32) dedupe.Token {
	return dedupe.Token{Group: "g", Topic: "skein.shop.stock", Partition: partition, Generation: generation, Offset: -1, LeaderEpoch: -1}
}

// A past generation's batch is refused by name and writes nothing; that of another partition is not concerned; the new one goes on.
func TestSinkFenced(t *testing.T) {
	layouts(t, func(t *testing.T, l *layout) {
		run1(t, l.db, "DROP TABLE IF EXISTS owners")
		l.create("stock", "id VARCHAR(20) NOT NULL, name VARCHAR(20) NULL", "PRIMARY KEY (id)")
		table := textTable("stock", "id", "name")
		zombie, next := fencing(t, l), fencing(t, l)
		write := func(s *mysql.Sink, id string, tokens ...dedupe.Token) error {
			outcomes := make([]sink.Outcome, 1)
			err := s.ApplyFenced(t.Context(), tokens, []*change.Change{put(table, change.Version{Epoch: 1, ExecuteTime: 1}, id, "x")}, outcomes)
			return errors.Join(err, outcomes[0].Err)
		}
		for _, step := range []struct {
			s       *mysql.Sink
			id      string
			tokens  []dedupe.Token
			refused int32 // the partition
		}{
			{zombie, "a", []dedupe.Token{owner(1, 5), owner(2, 5)}, -1},
			{next, "b", []dedupe.Token{owner(1, 6)}, -1},
			{zombie, "lost", []dedupe.Token{owner(1, 5)}, 1},
			{zombie, "lost", []dedupe.Token{owner(2, 5), owner(1, 5)}, 1},
			{zombie, "c", []dedupe.Token{owner(2, 5)}, -1},
			{fencing(t, l), "lost", []dedupe.Token{owner(1, 5)}, 1}, // a zombie that starts anew
			{next, "d", []dedupe.Token{owner(1, 6)}, -1},
			{zombie, "e", []dedupe.Token{owner(1, 7)}, -1}, // it has the partition again
			{next, "lost", []dedupe.Token{owner(1, 6)}, 1},
		} {
			err := write(step.s, step.id, step.tokens...)
			var past *sink.FencedError
			if refused := step.refused >= 0; refused != errors.Is(err, dedupe.ErrFenced) || refused != errors.As(err, &past) || !refused && err != nil {
				t.Errorf("%s by %v: %v", step.id, step.tokens, err)
			} else if refused && (len(past.Past) != 1 || !past.Has(owner(step.refused, 0).Of())) {
				t.Errorf("%s by %v: %v", step.id, step.tokens, past)
			}
		}
		if got := l.live("stock", "id"); got != "a;b;c;d;e" {
			t.Errorf("the rows are %s", got)
		}
		run1(t, l.db, "DELETE FROM owners") // somebody begins anew: it is claimed again
		for range 2 {
			if err := write(next, "f", owner(1, 1)); err != nil && !errors.Is(err, dedupe.ErrUnclaimed) {
				t.Error(err)
			}
		}
		if got := l.live("stock", "id"); got != "a;b;c;d;e;f" {
			t.Errorf("the rows are %s", got)
		}
	})
}

// Two generations race: when the newer one has written, the older one, with four batches under way, writes no more.
func TestSinkFencedRace(t *testing.T) {
	layouts(t, func(t *testing.T, l *layout) {
		run1(t, l.db, "DROP TABLE IF EXISTS owners")
		l.create("stock", "id VARCHAR(40) NOT NULL, name VARCHAR(20) NULL", "PRIMARY KEY (id)")
		table := textTable("stock", "id", "name")
		zombie, next := fencing(t, l), fencing(t, l)
		refused := 0
		for generation := range int32(40) {
			write := func(ctx context.Context, s *mysql.Sink, generation int32, id string) error {
				outcomes := make([]sink.Outcome, 1)
				return s.ApplyFenced(ctx, []dedupe.Token{owner(3, generation)}, []*change.Change{put(table, change.Version{Epoch: 1, ExecuteTime: 1}, id, "x")}, outcomes)
			}
			started := make(chan struct{}, 4)
			errs := make([]error, 4)
			var all sync.WaitGroup
			for worker := range 4 {
				all.Go(func() {
					for n := 0; errs[worker] == nil; n++ {
						errs[worker] = write(t.Context(), zombie, 2*generation, fmt.Sprintf("%d zombie %d %d", generation, worker, n))
						if n == 3 {
							started <- struct{}{}
						}
					}
				})
			}
			for range 4 {
				<-started
			}
			if err := write(t.Context(), next, 2*generation+1, fmt.Sprintf("%d next", generation)); err != nil {
				t.Fatal(err)
			}
			count := "SELECT COUNT(*) FROM stock WHERE id LIKE '" + fmt.Sprint(generation) + " zombie %'"
			then := selected(t, l.db, count)
			all.Wait()
			if now := selected(t, l.db, count); now != then {
				t.Errorf("generation %d: the zombie had %s rows when the next one had written, and has %s", generation, then, now)
			}
			for _, err := range errs {
				if errors.Is(err, dedupe.ErrFenced) {
					refused++
				} else {
					t.Error(err)
				}
			}
		}
		t.Logf("%d batches were refused", refused)
	})
}
