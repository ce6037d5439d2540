package dedupe

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"testing"
)

var dialects = []Dialect{MySQL, PostgreSQL, SQLite}

func tok(generation int32, offset int64, epoch int32) Token {
	return Token{Group: "g", Topic: "orders", Partition: 3, Generation: generation, Offset: offset, LeaderEpoch: epoch}
}

// in runs f in a transaction that is committed.
func in(t *testing.T, db *sql.DB, f func(tx *sql.Tx)) {
	t.Helper()
	tx, err := db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	f(tx)
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
}

func TestApply(t *testing.T) {
	for _, d := range dialects {
		t.Run(d.String(), func(t *testing.T) {
			f, s, db := newFake(t, d)
			steps := []struct {
				what       string
				token      Token
				want       Verdict
				fencedBy   int32
				mark       Mark
				statements int
			}{
				{"the first", tok(5, 10, 2), New, 0, Mark{5, 10, 2}, 4},
				{"the next", tok(5, 11, 2), New, 0, Mark{5, 11, 2}, 1},
				{"again", tok(5, 11, 2), Already, 0, Mark{5, 11, 2}, 3},
				{"an earlier one", tok(5, 3, 2), Already, 0, Mark{5, 11, 2}, 3},
				{"over a gap", tok(5, 20, 2), New, 0, Mark{5, 20, 2}, 1},
				{"of a later generation", tok(7, 21, 2), New, 0, Mark{7, 21, 2}, 1},
				{"of the older one", tok(5, 22, 2), 0, 7, Mark{7, 21, 2}, 3},
				{"applied, of the older one", tok(5, 21, 2), 0, 7, Mark{7, 21, 2}, 3},
				{"applied, of a newer one", tok(8, 21, 2), Already, 0, Mark{8, 21, 2}, 3},
				{"of the one before it", tok(7, 22, 2), 0, 8, Mark{8, 21, 2}, 3},
				{"after the log was cut at 15", tok(8, 15, 3), New, 0, Mark{8, 15, 3}, 1},
				{"on the new branch", tok(8, 16, 3), New, 0, Mark{8, 16, 3}, 1},
				{"again on the new branch", tok(8, 16, 3), Already, 0, Mark{8, 16, 3}, 3},
				{"without an epoch, applied", tok(8, 16, -1), Already, 0, Mark{8, 16, 3}, 3},
				{"without an epoch", tok(8, 17, -1), New, 0, Mark{8, 17, -1}, 1},
				{"an epoch after none", tok(8, 17, 4), Already, 0, Mark{8, 17, -1}, 3},
			}
			for _, step := range steps {
				f.said = 0
				in(t, db, func(tx *sql.Tx) {
					v, err := s.Apply(context.Background(), tx, step.token)
					var fenced *FencedError
					switch {
					case step.fencedBy != 0:
						if !errors.Is(err, ErrFenced) || !errors.As(err, &fenced) || fenced.Generation != step.fencedBy || fenced.Token != step.token {
							t.Errorf("%s: %v, %v", step.what, v, err)
						}
					case err != nil || v != step.want:
						t.Errorf("%s: %v, %v", step.what, v, err)
					}
				})
				if got := f.rows[step.token.Of()]; got != step.mark {
					t.Errorf("%s: the row is %+v, not %+v", step.what, got, step.mark)
				}
				if f.said != step.statements {
					t.Errorf("%s: %d statements, not %d", step.what, f.said, step.statements)
				}
			}
		})
	}
}

func TestClaim(t *testing.T) {
	for _, d := range dialects {
		t.Run(d.String(), func(t *testing.T) {
			_, s, db := newFake(t, d)
			ctx := context.Background()
			in(t, db, func(tx *sql.Tx) {
				m, err := s.Claim(ctx, tx, tok(4, 0, 0))
				if want := (Mark{4, -1, -1}); err != nil || m != want || m.Next() != 0 || m.Has(tok(4, 0, 0)) {
					t.Errorf("of nothing: %+v, %v", m, err)
				}
				if v, err := s.Apply(ctx, tx, tok(4, 0, 0)); v != New || err != nil {
					t.Errorf("the first record: %v, %v", v, err)
				}
			})
			in(t, db, func(tx *sql.Tx) {
				m, err := s.Claim(ctx, tx, tok(5, 0, 0))
				if want := (Mark{5, 0, 0}); err != nil || m != want || m.Next() != 1 || !m.Has(tok(5, 0, 0)) || m.Has(tok(5, 0, 1)) {
					t.Errorf("of a partition with a record: %+v, %v", m, err)
				}
			})
			in(t, db, func(tx *sql.Tx) {
				if m, err := s.Claim(ctx, tx, tok(4, 0, 0)); !errors.Is(err, ErrFenced) || m.Generation != 5 {
					t.Errorf("by the older generation: %+v, %v", m, err)
				}
				if _, err := s.Apply(ctx, tx, tok(4, 1, 0)); !errors.Is(err, ErrFenced) {
					t.Errorf("a record of the older generation: %v", err)
				}
			})
		})
	}
}

// TestRollback: nothing holds that is not committed, and others are told.
func TestRollback(t *testing.T) {
	_, s, db := newFake(t, MySQL)
	ctx := context.Background()
	a, err := db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	if v, err := s.Apply(ctx, a, tok(9, 5, 0)); v != New || err != nil {
		t.Fatal(v, err)
	}
	b, err := db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Apply(ctx, b, tok(4, 5, 0)); !errors.Is(err, errBusy) {
		t.Errorf("while another has the row: %v", err)
	}
	_ = b.Rollback()
	_ = a.Rollback()
	in(t, db, func(tx *sql.Tx) {
		if v, err := s.Apply(ctx, tx, tok(4, 5, 0)); v != New || err != nil {
			t.Errorf("after the other was rolled back: %v, %v", v, err)
		}
	})
}

func TestReset(t *testing.T) {
	for _, d := range dialects {
		f, s, db := newFake(t, d)
		ctx := context.Background()
		in(t, db, func(tx *sql.Tx) {
			if _, err := s.Apply(ctx, tx, tok(57, 900, 8)); err != nil {
				t.Error(err)
			}
			if err := s.Reset(ctx, tx, tok(1, -1, -5)); err != nil {
				t.Error(err)
			}
			if v, err := s.Apply(ctx, tx, tok(1, 0, 0)); v != New || err != nil {
				t.Errorf("after Reset: %v, %v", v, err)
			}
		})
		if got, want := f.rows[tok(0, 0, 0).Of()], (Mark{1, 0, 0}); got != want {
			t.Errorf("%v: %+v", d, got)
		}
	}
}

// TestPartitionsAreApart: a row is one of a group, topic and partition.
func TestPartitionsAreApart(t *testing.T) {
	f, s, db := newFake(t, MySQL)
	tokens := []Token{tok(1, 7, 0), tok(1, 7, 0), tok(1, 7, 0), tok(1, 7, 0)}
	tokens[1].Group, tokens[2].Topic, tokens[3].Partition = "g ", "Orders", 4
	for _, token := range tokens {
		in(t, db, func(tx *sql.Tx) {
			if v, err := s.Apply(context.Background(), tx, token); v != New || err != nil {
				t.Errorf("%v: %v, %v", token, v, err)
			}
		})
	}
	if len(f.rows) != 4 {
		t.Errorf("%d rows", len(f.rows))
	}
}

func TestRefused(t *testing.T) {
	_, s, db := newFake(t, MySQL)
	long := tok(1, 1, 1)
	long.Group = strings.Repeat("x", 256)
	topic := tok(1, 1, 1)
	topic.Topic = strings.Repeat("x", 250)
	none := tok(1, 1, 1)
	none.Topic = ""
	for _, token := range []Token{long, topic, none, tok(1, -1, 0)} {
		in(t, db, func(tx *sql.Tx) {
			if v, err := s.Apply(context.Background(), tx, token); err == nil {
				t.Errorf("%v: %v", token, v)
			}
		})
	}
	keyed := tok(1, 1, 1)
	keyed.PerKey = true
	in(t, db, func(tx *sql.Tx) {
		if v, err := s.Apply(context.Background(), tx, keyed); !errors.Is(err, ErrPerKey) {
			t.Errorf("a token of processing per key: %v %v", v, err)
		}
		if _, err := s.Claim(context.Background(), tx, keyed); !errors.Is(err, ErrPerKey) {
			t.Errorf("a token of processing per key: %v", err)
		}
	})
	for _, name := range []string{"", "a b", "a;b", "a.b.c", "`a`", "1a"} {
		if _, err := NewSQL(MySQL, name); err == nil {
			t.Errorf("a table %q", name)
		}
	}
	if _, err := NewSQL(Dialect{}, "applied"); err == nil {
		t.Error("no dialect")
	}
	if _, err := NewSQL(PostgreSQL, "shop.applied"); err != nil {
		t.Error(err)
	}
}

// TestStatements: what is sent to which database.
func TestStatements(t *testing.T) {
	for _, d := range dialects {
		s, err := NewSQL(d, "applied")
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{s.stmt.apply, s.stmt.claim, s.stmt.look, s.stmt.reset, s.stmt.create} {
			if strings.ContainsAny(text, "{}%") || strings.Contains(text, "?") == d.d.numbered && text != s.stmt.create {
				t.Errorf("%v: %s", d, text)
			}
		}
		want := map[string]string{"MySQL": "VARBINARY(255)", "PostgreSQL": "VARCHAR(255)", "SQLite": "TEXT"}[d.String()]
		if !strings.Contains(s.Schema(), want) {
			t.Errorf("%v: %s", d, s.Schema())
		}
	}
	s, _ := NewSQL(PostgreSQL, "applied")
	if !strings.HasSuffix(s.stmt.apply, "AND generation <= $7 AND (applied_offset < $8 OR (leader_epoch >= 0 AND leader_epoch < $9))") {
		t.Error(s.stmt.apply)
	}
}
