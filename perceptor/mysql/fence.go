package mysql

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/skein-io/skein/consumer/dedupe"
	"github.com/skein-io/skein/perceptor/change"
	"github.com/skein-io/skein/perceptor/sink"
)

// claims are the generations that this process has claimed partitions in, so that it does so once.
type claims struct {
	mu   sync.Mutex
	have map[dedupe.Partition]int32
}

func (c *claims) has(t dedupe.Token) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	generation, known := c.have[t.Of()]
	return known && generation >= t.Generation
}

func (c *claims) set(t dedupe.Token, claimed bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case !claimed:
		delete(c.have, t.Of())
	case c.have == nil:
		c.have = map[dedupe.Partition]int32{t.Of(): t.Generation}
	default:
		c.have[t.Of()] = t.Generation
	}
}

// ApplyFenced implements sink.Fenced, if Config.Generations names a table; otherwise it is Apply. A generation claims a
// partition once, before it first writes. From then on each of its transactions holds the partition's row with a shared lock:
// those of one generation do not wait for each other, and a newer one cannot claim the partition between the look and the commit.
func (s *Sink) ApplyFenced(ctx context.Context, tokens []dedupe.Token, changes []*change.Change, outcomes []sink.Outcome) error {
	if s.owners == nil {
		return s.apply(ctx, nil, changes, outcomes)
	}
	tokens = slices.Clone(tokens) // in one order, so that two batches do not wait for each other in a circle
	slices.SortFunc(tokens, func(t, u dedupe.Token) int {
		return cmp.Or(cmp.Compare(t.Group, u.Group), cmp.Compare(t.Topic, u.Topic), cmp.Compare(t.Partition, u.Partition))
	})
	past := &sink.FencedError{}
	for _, t := range tokens {
		var fenced *dedupe.FencedError
		if err := s.claim(ctx, t); errors.As(err, &fenced) {
			past.Past = append(past.Past, fenced)
		} else if err != nil {
			return err
		}
	}
	if len(past.Past) > 0 {
		return past
	}
	return s.apply(ctx, tokens, changes, outcomes)
}

// claim says that the token's generation has the partition.
func (s *Sink) claim(ctx context.Context, t dedupe.Token) error {
	if s.claimed.has(t) {
		return nil
	}
	err := s.inTransaction(ctx, func(tx *sql.Tx) error {
		_, err := s.owners.Claim(ctx, tx, t)
		return err
	})
	switch {
	case err == nil:
		s.claimed.set(t, true)
	case !errors.Is(err, dedupe.ErrFenced):
		err = fmt.Errorf("%v: %w", t, named(s.c.Generations, err))
	}
	return err
}

// share holds the partitions of a batch until its transaction ends, or refuses it.
func (s *Sink) share(ctx context.Context, tx *sql.Tx, tokens []dedupe.Token) error {
	past := &sink.FencedError{}
	for _, t := range tokens {
		err := s.owners.Share(ctx, tx, t)
		var fenced *dedupe.FencedError
		switch {
		case errors.As(err, &fenced):
			past.Past = append(past.Past, fenced)
			s.claimed.set(t, false)
		case err != nil: // unclaimed: somebody has reset the row, the next batch claims it
			s.claimed.set(t, false)
			return err
		}
	}
	if len(past.Past) > 0 {
		return past
	}
	return nil
}

// inTransaction begins, does, and commits, again if another transaction got in the way.
func (s *Sink) inTransaction(ctx context.Context, do func(*sql.Tx) error) error {
	for try := 1; ; try++ {
		err := s.once(ctx, do)
		if err == nil || fateOf(err) != fateAgain || try >= s.c.Tries {
			return err
		}
		if err := pause(ctx, try); err != nil {
			return err
		}
	}
}

func (s *Sink) once(ctx context.Context, do func(*sql.Tx) error) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := do(tx); err != nil {
		_ = tx.Rollback()
		return err
	}
	return tx.Commit()
}
