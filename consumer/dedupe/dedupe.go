package dedupe

import (
	"context"
	"errors"
	"fmt"
)

// Partition names a partition as a group reads it.
type Partition struct {
	Group     string
	Topic     string
	Partition int32
}

// Token is a record, and in whose name it is applied.
type Token struct {
	Group      string
	Generation int32 // of the group (generation id, or member epoch with KIP-848); -1 without a group's assignment
	Topic      string
	Partition  int32
	Offset     int64 // -1 for no record, in Claim and Reset
	// LeaderEpoch of the leader that appended the record; -1 if it is not known.
	LeaderEpoch int32
	// PerKey: records of the partition are processed in order only where they have the same key, so none stands for those in front of
	// it. A store refuses such a token with ErrPerKey.
	PerKey bool
}

// Of is the partition that the token is about.
func (t Token) Of() Partition {
	return Partition{Group: t.Group, Topic: t.Topic, Partition: t.Partition}
}

func (t Token) String() string {
	return fmt.Sprintf("%s/%s-%d@%d (generation %d, leader epoch %d)", t.Group, t.Topic, t.Partition, t.Offset, t.Generation, t.LeaderEpoch)
}

// Mark is what a store knows of a partition.
type Mark struct {
	Generation  int32 // the highest that has shown itself
	Offset      int64 // of the record applied last; -1 none
	LeaderEpoch int32 // of that record; -1 not known
}

// Has tells whether a record was applied: it is not behind the one applied last. One with a higher leader epoch is another record, which
// the log has at that offset now.
func (m Mark) Has(t Token) bool {
	rewritten := m.LeaderEpoch >= 0 && t.LeaderEpoch > m.LeaderEpoch
	return t.Offset <= m.Offset && !rewritten
}

// Next is the offset to read on from: one more than that of the record applied last, 0 if there is none.
func (m Mark) Next() int64 { return m.Offset + 1 }

// Verdict says what to do with a record.
type Verdict int8

// The verdicts.
const (
	// New: it was not applied. Now the store says, in the caller's transaction, that it is: the caller writes its data and commits.
	New Verdict = iota + 1
	// Already: it was applied. The caller writes nothing for it. The transaction should be committed all the same: it may have raised the
	// generation.
	Already
)

func (v Verdict) String() string {
	switch v {
	case New:
		return "new"
	case Already:
		return "already applied"
	}
	return fmt.Sprintf("Verdict(%d)", int8(v))
}

// Store keeps what is applied. Tx is a transaction of the store, begun and ended by the caller; nothing holds before it is
// committed. Methods are safe for concurrent use in different transactions: those about the same partition wait for each other, or
// one fails with an error of the store upon which its transaction has to be tried again.
type Store[Tx any] interface {
	// Claim says that a generation owns a partition, and returns what is applied of it. Writers of older generations are refused from the commit on.
	// The partition is locked until the transaction ends. To be called when a partition is assigned, with the result as the position to read
	// from (with its leader epoch, so that a log that was truncated is noticed, KIP-320); or at the beginning of a transaction for
	// many records, with Mark.Has to sort out and one Apply for the last.
	// The token's Offset and LeaderEpoch mean nothing. The error is a *FencedError if a newer generation has shown itself.
	Claim(ctx context.Context, tx Tx, t Token) (Mark, error)

	// Apply asks whether a record was applied, and writes that it is. To be called before the data is written. The error is a
	// *FencedError if a newer generation has shown itself: the transaction has to be rolled back, and the record is not the caller's any more.
	Apply(ctx context.Context, tx Tx, t Token) (Verdict, error)

	// Reset makes a partition's row what the token says, whatever it was: generation, offset of the record applied last (-1 none), its leader
	// epoch. It is for people who know that a topic or a group began anew.
	Reset(ctx context.Context, tx Tx, t Token) error
}

// ErrPerKey: records are processed in the order of their keys only, and one row cannot say which are applied.
var ErrPerKey = errors.New("dedupe: records are processed in order per key only, and the store knows one offset a partition: leave out consumer.PerKey, or make the writes idempotent by themselves")

// ErrFenced: a newer generation of the group has the partition. Errors of this kind are a *FencedError.
var ErrFenced = errors.New("fenced")

// FencedError refuses a writer of an older generation.
type FencedError struct {
	Token Token
	// Generation is the newer one.
	Generation int32
}

func (e *FencedError) Error() string {
	return fmt.Sprintf("dedupe: %v is fenced: generation %d has the partition", e.Token, e.Generation)
}

// Is: it is ErrFenced.
func (e *FencedError) Is(target error) bool { return target == ErrFenced }
