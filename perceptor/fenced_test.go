package perceptor

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/skein-io/skein/consumer/dedupe"
	"github.com/skein-io/skein/perceptor/change"
	"github.com/skein-io/skein/perceptor/sink"
)

// fencing is a memory that knows the generation of each partition's owner.
type fencing struct {
	*memory
	mu      sync.Mutex
	owners  map[dedupe.Partition]int32
	tokens  int
	refused int
}

func newFencing() *fencing {
	return &fencing{memory: newMemory(), owners: map[dedupe.Partition]int32{}}
}

func (f *fencing) ApplyFenced(ctx context.Context, tokens []dedupe.Token, changes []*change.Change, outcomes []sink.Outcome) error {
	f.mu.Lock()
	past := &sink.FencedError{}
	for _, t := range tokens {
		f.tokens++
		if owner := f.owners[t.Of()]; owner > t.Generation {
			past.Past = append(past.Past, &dedupe.FencedError{Token: t, Generation: owner})
		}
	}
	if len(past.Past) > 0 {
		f.refused++
		f.mu.Unlock()
		return past
	}
	for _, t := range tokens {
		f.owners[t.Of()] = t.Generation
	}
	f.mu.Unlock()
	return f.memory.Apply(ctx, changes, outcomes)
}

// claim says that a newer generation has the partition.
func (f *fencing) claim(partition, generation int32) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.owners[dedupe.Partition{Group: "g", Topic: topicOfStock, Partition: partition}] = generation
}

// Members come and go, and keep partitions while they have records in hand: nobody is fenced for good, by itself or by others.
func TestApplyFencedChaos(t *testing.T) {
	f := newFencing()
	applyChaos(t, f.memory, f)
	if f.tokens == 0 {
		t.Error("nobody was asked for tokens")
	}
	t.Logf("%d tokens, %d batches refused", f.tokens, f.refused)
}

func token(partition, generation int32) dedupe.Token {
	return dedupe.Token{Group: "g", Topic: topicOfStock, Partition: partition, Generation: generation, Offset: 7, LeaderEpoch: 1}
}

// A batch of two partitions of which another member has one: the changes of the other are written, those of the first are refused by
// name, and none of them is written.
func TestWriterFenced(t *testing.T) {
	f := newFencing()
	f.claim(1, 6)
	var counts Counts
	w := newWriter(t.Context(), f, 100, 1, &counts)
	var wait sync.WaitGroup
	errs := make([]error, 20)
	for i := range errs {
		wait.Go(func() {
			_, errs[i] = w.write(t.Context(), token(int32(i%2), 5), []*change.Change{update(int64(i), version(1, 1))})
		})
	}
	wait.Wait()
	if n := counts.Fenced(); n != 10 {
		t.Errorf("%d changes are counted as fenced", n)
	}
	for i, err := range errs {
		_, written := f.rows[int64(i)]
		var past *sink.FencedError
		if refused := i%2 == 1; refused == written || refused != errors.Is(err, dedupe.ErrFenced) || refused != errors.As(err, &past) || refused && past.Past[0].Generation != 6 {
			t.Errorf("partition %d: written: %v, %v", i%2, written, err)
		}
	}
}

// A record that is handled longer than its generation lasts is written in the one in which the member got later records of the
// partition; that of another partition is not.
func TestWriterGenerations(t *testing.T) {
	f := newFencing()
	w := newWriter(t.Context(), f, 100, 1, &Counts{})
	for i, step := range []struct {
		token   dedupe.Token
		refused bool
	}{{token(0, 5), false}, {token(1, 5), false}, {token(0, 6), false}, {token(0, 5), false}, {token(1, 5), true}, {token(2, -1), false}} {
		if i == 4 {
			f.claim(1, 6)
		}
		_, err := w.write(t.Context(), step.token, []*change.Change{update(int64(i), version(1, 1))})
		if errors.Is(err, dedupe.ErrFenced) != step.refused {
			t.Errorf("step %d, %s: %v", i, step.token, err)
		}
	}
	if n := f.tokens; n != 5 {
		t.Errorf("%d tokens: a record that was read without a group has none", n)
	}
}

// A zombie's changes are counted and tried again until it learns that it has lost the partition. Here it never does.
func TestApplyFenced(t *testing.T) {
	inBubble(t, func(b *bed) {
		f := newFencing()
		f.claim(0, 1000)
		b.put(0, update(1, version(1, 10)))
		b.put(1, update(2, version(1, 10)))
		var counts Counts
		end := b.start(func(ctx context.Context) error {
			return Apply(ctx, "g", []string{"shop.stock"}, f, b.options(Count(&counts), DeadLetter("dead"), Retries(1<<30, time.Second, time.Second))...)
		})
		b.until("a commit and refusals", func() bool { return b.committed("g", 1) == 1 && counts.Fenced() >= 3 })
		if got := b.committed("g", 0); got > 0 {
			b.Errorf("what was refused is acknowledged: %d", got)
		}
		if _, written := f.rows[1]; written {
			b.Error("what was refused is written")
		}
		f.claim(0, 0) // as Reset does
		b.until("the commit", func() bool { return b.committed("g", 0) == 1 })
		if err := end(); err != nil {
			b.Error(err)
		}
	})
}

// cutting is a memory that applies truncates, or says why not.
type cutting struct {
	*memory
	outcome sink.Outcome
	errs    []error
	cuts    int
}

func (c *cutting) Truncate(_ context.Context, one *change.Change) (sink.Outcome, error) {
	if len(c.errs) > 0 {
		err := c.errs[0]
		c.errs = c.errs[1:]
		return sink.Outcome{}, err
	}
	c.cuts++
	return c.outcome, nil
}

// A truncate goes to the sink that applies it, again while it fails; one that is not configured for it is told and passed; one
// that refuses it sends it to the dead-letter topic.
func TestApplyTruncate(t *testing.T) {
	inBubble(t, func(b *bed) {
		b.put(0, update(1, version(1, 10)), &change.Change{Op: change.Truncate, Table: stock, Version: version(1, 40)})
		for i, test := range []struct {
			outcome sink.Outcome
			want    TableCounts
		}{
			{sink.Outcome{Verdict: change.Absent}, TableCounts{Truncated: 1}},
			{sink.Outcome{Err: sink.ErrTruncate}, TableCounts{Truncates: 1}},
			{sink.Outcome{Err: errors.New("no table")}, TableCounts{Refused: 1}},
		} {
			c := &cutting{memory: newMemory(), outcome: test.outcome, errs: []error{errors.New("away"), errors.New("away")}}
			group := string(rune('a' + i))
			var counts Counts
			end := b.start(func(ctx context.Context) error {
				return Apply(ctx, group, []string{"shop.stock"}, c, b.options(Count(&counts), DeadLetter("dead"))...)
			})
			b.until("the commit", func() bool { return b.committed(group, 0) == 2 })
			if err := end(); err != nil {
				b.Error(err)
			}
			got := counts.Tables()["shop.stock"]
			if got.Truncated != test.want.Truncated || got.Truncates != test.want.Truncates || got.Refused != test.want.Refused || c.cuts != 1 || len(c.errs) != 0 {
				b.Errorf("%+v: counted %+v, applied %d times", test.outcome, got, c.cuts)
			}
		}
		if dead := b.deadLetters(1); !strings.Contains(dead[0], "no table") {
			b.Errorf("dead letters: %q", dead)
		}
	})
}
