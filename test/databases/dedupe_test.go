package databases

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/skein-io/skein/consumer/dedupe"
)

func tok(generation int32, offset int64, epoch int32) dedupe.Token {
	return dedupe.Token{Group: "g", Topic: "orders", Partition: 3, Generation: generation, Offset: offset, LeaderEpoch: epoch}
}

// TestDedupeAnswers: the same answers as those of the database that the package's own tests use.
func TestDedupeAnswers(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		s := d.table(t, "answers")
		for _, step := range []struct {
			what   string
			token  dedupe.Token
			want   dedupe.Verdict
			fenced bool
			mark   dedupe.Mark
		}{
			{"the first", tok(5, 10, 2), dedupe.New, false, dedupe.Mark{Generation: 5, Offset: 10, LeaderEpoch: 2}},
			{"the next", tok(5, 11, 2), dedupe.New, false, dedupe.Mark{Generation: 5, Offset: 11, LeaderEpoch: 2}},
			{"again", tok(5, 11, 2), dedupe.Already, false, dedupe.Mark{Generation: 5, Offset: 11, LeaderEpoch: 2}},
			{"of a later generation", tok(7, 21, 2), dedupe.New, false, dedupe.Mark{Generation: 7, Offset: 21, LeaderEpoch: 2}},
			{"of the older one", tok(5, 22, 2), 0, true, dedupe.Mark{Generation: 7, Offset: 21, LeaderEpoch: 2}},
			{"applied, of a newer one", tok(8, 21, 2), dedupe.Already, false, dedupe.Mark{Generation: 8, Offset: 21, LeaderEpoch: 2}},
			{"of the one before it", tok(7, 22, 2), 0, true, dedupe.Mark{Generation: 8, Offset: 21, LeaderEpoch: 2}},
			{"after the log was cut at 15", tok(8, 15, 3), dedupe.New, false, dedupe.Mark{Generation: 8, Offset: 15, LeaderEpoch: 3}},
			{"again on the new branch", tok(8, 15, 3), dedupe.Already, false, dedupe.Mark{Generation: 8, Offset: 15, LeaderEpoch: 3}},
			{"without an epoch", tok(8, 17, -1), dedupe.New, false, dedupe.Mark{Generation: 8, Offset: 17, LeaderEpoch: -1}},
			{"large numbers", tok(1<<31-1, 1<<63-1, 1<<31-1), dedupe.New, false, dedupe.Mark{Generation: 1<<31 - 1, Offset: 1<<63 - 1, LeaderEpoch: 1<<31 - 1}},
		} {
			_, err := d.in(t.Context(), func(tx *sql.Tx) error {
				v, err := s.Apply(t.Context(), tx, step.token)
				if v != step.want {
					t.Errorf("%s: %v", step.what, v)
				}
				return err
			})
			if errors.Is(err, dedupe.ErrFenced) != step.fenced || err != nil && !step.fenced {
				t.Errorf("%s: %v", step.what, err)
			}
			if got := d.mark(t, s, step.token); got != step.mark {
				t.Errorf("%s: %+v, not %+v", step.what, got, step.mark)
			}
		}
		_, err := d.in(t.Context(), func(tx *sql.Tx) error { return s.Reset(t.Context(), tx, tok(1, -1, -1)) })
		if got, want := d.mark(t, s, tok(0, 0, 0)), (dedupe.Mark{Generation: 1, Offset: -1, LeaderEpoch: -1}); err != nil || got != want {
			t.Errorf("after Reset: %+v, %v", got, err)
		}
	})
}

// TestDedupeShare: transactions of the owner hold the partition side by side; a newer generation's claim comes before or after each of
// them, and one of the two waits or is refused; the older one is refused from then on.
func TestDedupeShare(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		s := d.table(t, "shared")
		share := func(tx *sql.Tx, token dedupe.Token) error { return s.Share(t.Context(), tx, token) }
		alone := func(token dedupe.Token) error {
			_, err := d.in(t.Context(), func(tx *sql.Tx) error { return share(tx, token) })
			return err
		}
		claim := func(generation int32) {
			t.Helper()
			if _, err := d.in(t.Context(), func(tx *sql.Tx) error { _, err := s.Claim(t.Context(), tx, tok(generation, -1, -1)); return err }); err != nil {
				t.Fatal(err)
			}
		}
		if err := alone(tok(5, -1, -1)); !errors.Is(err, dedupe.ErrUnclaimed) {
			t.Errorf("before the claim: %v", err)
		}
		claim(5)
		perKey := tok(5, -1, -1)
		perKey.PerKey = true
		var open []*sql.Tx
		for range 2 {
			tx, err := d.begin(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = tx.Rollback() }()
			if err := share(tx, perKey); err != nil {
				t.Fatal(err)
			}
			open = append(open, tx)
		}
		for _, tx := range open {
			if err := tx.Commit(); err != nil {
				t.Fatal(err)
			}
		}
		claim(6)
		var fenced *dedupe.FencedError
		if err := alone(tok(5, -1, -1)); !errors.As(err, &fenced) || fenced.Generation != 6 {
			t.Errorf("the older one: %v", err)
		}
		if err := alone(tok(7, -1, -1)); !errors.Is(err, dedupe.ErrUnclaimed) {
			t.Errorf("one that has not claimed: %v", err)
		}
		if got := d.mark(t, s, tok(0, 0, 0)); got != (dedupe.Mark{Generation: 6, Offset: -1, LeaderEpoch: -1}) {
			t.Errorf("the row is %+v", got)
		}
	})
}

// mark is what the table says: a claim of no generation changes nothing.
func (d *database) mark(t *testing.T, s *dedupe.SQL, token dedupe.Token) dedupe.Mark {
	t.Helper()
	token.Generation = -1
	var m dedupe.Mark
	if _, err := d.in(t.Context(), func(tx *sql.Tx) (err error) {
		if m, err = s.Claim(t.Context(), tx, token); errors.Is(err, dedupe.ErrFenced) {
			err = nil
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return m
}

// TestDedupeNames: names that a database might take for the same are not.
func TestDedupeNames(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		s := d.table(t, "names")
		for _, group := range []string{"", " ", "g", "g ", "G", "e", "é", "e\u0301", "ß", "ss", strings.Repeat("x", 254), strings.Repeat("x", 255), "'; --"} {
			token := tok(1, 4, 0)
			token.Group = group
			_, err := d.in(t.Context(), func(tx *sql.Tx) error {
				v, err := s.Apply(t.Context(), tx, token)
				if v != dedupe.New {
					t.Errorf("group %q: %v", group, v)
				}
				return err
			})
			if err != nil {
				t.Errorf("group %q: %v", group, err)
			}
		}
	})
}

// TestDedupeOneWaits: of two generations that meet at one row, the second waits for the first, and its answer is that of the order in which
// they had the row. Every order is played, with a commit and with a rollback of the first.
func TestDedupeOneWaits(t *testing.T) {
	const older, newer = 4, 5
	for _, d := range all {
		if d.waiting == nil {
			continue
		}
		for _, c := range []struct {
			name          string
			first, second int32
			commit        bool
			want          dedupe.Verdict
			fenced        bool
		}{
			{"the older first", older, newer, true, dedupe.Already, false},
			{"the older first, rolled back", older, newer, false, dedupe.New, false},
			{"the newer first", newer, older, true, 0, true},
			{"the newer first, rolled back", newer, older, false, dedupe.New, false},
		} {
			t.Run(d.name+", "+c.name, func(t *testing.T) {
				s := d.table(t, "waits")
				if _, err := d.in(t.Context(), func(tx *sql.Tx) error { _, err := s.Apply(t.Context(), tx, tok(3, 9, 0)); return err }); err != nil {
					t.Fatal(err)
				}
				first, err := d.begin(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				defer func() { _ = first.Rollback() }()
				if v, err := s.Apply(t.Context(), first, tok(c.first, 10, 0)); v != dedupe.New || err != nil {
					t.Fatal(v, err)
				}
				answer := make(chan error, 1)
				var v dedupe.Verdict
				go func() {
					answer <- d.once(t.Context(), func(tx *sql.Tx) (err error) {
						v, err = s.Apply(t.Context(), tx, tok(c.second, 10, 0))
						return err
					})
				}()
				d.untilOneWaits(t)
				if c.commit {
					err = first.Commit()
				} else {
					err = first.Rollback()
				}
				if err != nil {
					t.Fatal(err)
				}
				err = <-answer
				if v != c.want || errors.Is(err, dedupe.ErrFenced) != c.fenced || err != nil && !c.fenced {
					t.Errorf("the second is told %v, %v", v, err)
				}
			})
		}
	}
}

func (d *database) untilOneWaits(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 40*time.Second)
	defer cancel()
	for {
		n, err := d.waiting(ctx)
		if err != nil {
			t.Fatalf("nobody waits for the row: %v", err)
		}
		if n == 1 {
			return
		}
		select {
		case <-ctx.Done():
		case <-time.After(150 * time.Millisecond): // InnoDB answers from memory while it is asked more often than each 100 ms
		}
	}
}

// TestDedupeOldSnapshot: a transaction that has looked at the database before another one was committed is not told what was true then. The
// database may refuse it.
func TestDedupeOldSnapshot(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		s := d.table(t, "snapshots")
		d.table(t, "snapshots_other")
		for _, c := range []struct {
			generation int32
			fenced     bool
		}{{5, false}, {4, true}, {6, false}} {
			d.exec(t, "DELETE FROM snapshots")
			if _, err := d.in(t.Context(), func(tx *sql.Tx) error { _, err := s.Apply(t.Context(), tx, tok(3, 9, 0)); return err }); err != nil {
				t.Fatal(err)
			}
			err := d.once(t.Context(), func(tx *sql.Tx) error {
				var n int
				if err := tx.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM snapshots_other").Scan(&n); err != nil {
					return err
				}
				if _, err := d.in(t.Context(), func(tx *sql.Tx) error { _, err := s.Apply(t.Context(), tx, tok(5, 10, 0)); return err }); err != nil {
					t.Fatal(err)
				}
				v, err := s.Apply(t.Context(), tx, tok(c.generation, 10, 0))
				if err == nil && v != dedupe.Already {
					t.Errorf("generation %d is told %v", c.generation, v)
				}
				return err
			})
			if err != nil && !d.again(err) && !(c.fenced && errors.Is(err, dedupe.ErrFenced)) || err == nil && c.fenced {
				t.Errorf("generation %d: %v", c.generation, err)
			}
		}
	})
}

// TestDedupeRace lets two generations apply the same record at once, over and over, on partitions that have a row and on such that have none. Either the
// older one writes and the newer one finds it applied, or the newer one writes and the older one is fenced: nothing else is possible.
func TestDedupeRace(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		s := d.table(t, "race")
		d.exec(t, "DROP TABLE IF EXISTS race_data")
		d.exec(t, "CREATE TABLE race_data (number "+d.key+", topic_partition INTEGER NOT NULL, generation INTEGER NOT NULL)")
		const rounds, older, newer = 100, 4, 5
		olderFirst, newerFirst, tries := 0, 0, 0
		for round := range int32(rounds) {
			if round%2 == 0 {
				if _, err := d.in(t.Context(), func(tx *sql.Tx) error { _, err := s.Claim(t.Context(), tx, racer(3, round)); return err }); err != nil {
					t.Fatal(err)
				}
			}
			start := make(chan struct{})
			a := d.race(t, s, racer(older, round), start)
			b := d.race(t, s, racer(newer, round), start)
			close(start)
			<-a.done
			<-b.done
			tries += a.tries + b.tries
			switch wrote := d.wrote(t, round); {
			case a.err == nil && a.verdict == dedupe.New && b.err == nil && b.verdict == dedupe.Already && wrote == older:
				olderFirst++
			case errors.Is(a.err, dedupe.ErrFenced) && b.err == nil && b.verdict == dedupe.New && wrote == newer:
				newerFirst++
			default:
				t.Fatalf("round %d: the older is told %v, %v; the newer %v, %v; written by %d", round, a.verdict, a.err, b.verdict, b.err, wrote)
			}
			if m := d.mark(t, s, racer(0, round)); m.Generation != newer || m.Offset != 10 {
				t.Fatalf("round %d: the row is %+v", round, m)
			}
		}
		t.Logf("the older first %d times, the newer %d times; %d transactions for %d", olderFirst, newerFirst, tries, 2*rounds)
	})
}

func racer(generation, partition int32) dedupe.Token {
	token := tok(generation, 10, 0)
	token.Partition = partition
	return token
}

type contender struct {
	done    chan struct{}
	verdict dedupe.Verdict
	tries   int
	err     error
}

// race prepares one transaction that begins when start is closed.
func (d *database) race(t *testing.T, s *dedupe.SQL, token dedupe.Token, start <-chan struct{}) *contender {
	c := &contender{done: make(chan struct{})}
	go func() {
		defer close(c.done)
		<-start
		c.tries, c.err = d.in(t.Context(), func(tx *sql.Tx) (err error) {
			if c.verdict, err = s.Apply(t.Context(), tx, token); err != nil || c.verdict == dedupe.Already {
				return err
			}
			_, err = tx.ExecContext(t.Context(), "INSERT INTO race_data (topic_partition, generation) VALUES (?, ?)", token.Partition, token.Generation)
			return err
		})
	}()
	return c
}

// wrote is the generation of the one row of a partition's data, -1 if it is not one.
func (d *database) wrote(t *testing.T, partition int32) int32 {
	t.Helper()
	var n, generation int32
	err := d.db.QueryRowContext(t.Context(), "SELECT COUNT(*), COALESCE(MAX(generation), -1) FROM race_data WHERE topic_partition = ?", partition).Scan(&n, &generation)
	if err != nil {
		t.Fatal(err)
	}
	if n != 1 {
		return -1
	}
	return generation
}

// TestDedupeStorm: six members, each of a later generation, none of which knows that it is thought dead, write the same records as fast as they can. Each
// record is written once, in order, and by generations that never go back.
func TestDedupeStorm(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		s := d.table(t, "storm")
		d.exec(t, "DROP TABLE IF EXISTS storm_data")
		d.exec(t, "CREATE TABLE storm_data (number "+d.key+", applied BIGINT NOT NULL, generation INTEGER NOT NULL)")
		const records = 120
		var members sync.WaitGroup
		fenced := make(chan int32, 6)
		for generation := int32(1); generation <= 6; generation++ {
			members.Go(func() {
				// A later generation joins when the older ones are at work.
				if err := d.untilApplied(t, s, int64(generation-1)*records/10); err != nil {
					t.Error(err)
					return
				}
				for offset := int64(0); offset < records; offset++ {
					if _, err := d.in(t.Context(), func(tx *sql.Tx) error { return d.write(t.Context(), s, tx, tok(generation, offset, 0)) }); errors.Is(err, dedupe.ErrFenced) {
						fenced <- generation
						return
					} else if err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		members.Wait()
		close(fenced)
		d.checkStorm(t, records)
		t.Logf("%d of 6 members were fenced", len(fenced))
	})
}

func (d *database) write(ctx context.Context, s *dedupe.SQL, tx *sql.Tx, token dedupe.Token) error {
	v, err := s.Apply(ctx, tx, token)
	if err != nil || v == dedupe.Already {
		return err
	}
	_, err = tx.ExecContext(ctx, "INSERT INTO storm_data (applied, generation) VALUES (?, ?)", token.Offset, token.Generation)
	return err
}

// untilApplied waits until so many records are applied.
func (d *database) untilApplied(t *testing.T, s *dedupe.SQL, records int64) error {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	for {
		n := int64(0)
		if err := d.db.QueryRowContext(ctx, "SELECT COUNT(*) FROM storm_data").Scan(&n); err != nil {
			return err
		}
		if n >= records {
			return nil
		}
		select {
		case <-ctx.Done():
		case <-time.After(time.Millisecond):
		}
	}
}

func (d *database) checkStorm(t *testing.T, records int64) {
	t.Helper()
	rows, err := d.db.QueryContext(t.Context(), "SELECT applied, generation FROM storm_data ORDER BY number")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	next, last := int64(0), int32(0)
	for rows.Next() {
		var offset int64
		var generation int32
		if err := rows.Scan(&offset, &generation); err != nil {
			t.Fatal(err)
		}
		if offset != next || generation < last {
			t.Fatalf("record %d by generation %d comes after record %d by generation %d", offset, generation, next-1, last)
		}
		next, last = offset+1, generation
	}
	if err := rows.Err(); err != nil || next != records {
		t.Errorf("%d records: %v", next, err)
	}
}
