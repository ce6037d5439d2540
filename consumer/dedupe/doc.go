// Package dedupe answers one question inside a transaction of the store that a consumer writes to: was this record
// applied already? A consumer that asks it, and writes the answer and its data in the same transaction, applies each record
// once, however often it is delivered and however many members believe that the partition is theirs.
//
// The store keeps one row a group and partition: the record that was applied last, and the highest generation of the group
// that has shown itself. Two things follow:
//
//   - A record that is not behind the one applied last is Already applied: the caller skips its writes.
//   - A writer of an older generation is refused with a *FencedError, because the partition has another owner: its transaction has to be
//     rolled back. So a member that was thought dead cannot write after its successor has begun.
//
// # In order only
//
// One row for a partition says that everything up to an offset is applied. That is true only of a consumer that applies a
// partition's records in the order of their offsets: a loop around Poll, or parallel processing with order per partition.
// With order per key a later record may be applied first, and the earlier one would be skipped: tokens of consumer.Run with
// PerKey are refused with ErrPerKey.
//
// A writer whose records need no order, because what it writes is idempotent by itself, takes the second of the two alone: Claim once,
// in a transaction of its own, then SQL.Share in each.
//
// # What the leader epoch is for
//
// After an unclean election a log can go on with other records at offsets that were there before. They have a higher leader
// epoch than the record applied last, so they count as not applied although their offsets do, and the row goes back to them.
// Without an epoch, -1, offsets alone decide.
//
// # When numbers begin again
//
// Offsets begin again when a topic is deleted and created, generations when a group is deleted or has expired. Nothing in the
// row can tell: the records would be skipped, the group would be fenced. Reset sets the row to what is true.
//
// Store is the interface, SQL is the implementation for database/sql. The package opens no database, begins and ends no
// transaction, and retries nothing. Start with Store.
package dedupe
