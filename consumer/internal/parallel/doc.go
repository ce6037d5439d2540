// Package parallel decides which records run at the same time, and what may be committed meanwhile.
//
// Records of a partition are added in the order of their offsets. Next gives one that may run, Done says how it went.
// Records of one lane run one after the other and in order; lanes run side by side. A lane is a key within a partition,
// or the whole partition; a record with a null key is a lane of its own. The order between partitions is fair, and
// within one the lowest offset that may run goes first, so the frontier is held up as little as possible.
//
//	offset      10     11     12     13     14     15
//	key          a      b      a      c      -      b
//	state     done   runs   done   done   runs  waits     15 waits for 11, which has the same key
//	              ^                             ^
//	              the frontier: 11              added up to 16
//
// The frontier of a partition is the offset below which everything is processed: that is what may be committed. What was
// processed beyond it is processed again after a crash.
//
// It is a pure value: one goroutine owns it, and the time is given to it. Keys are found by a hash whose seed is random, and
// nothing but speed depends on that. It refuses to run, to retry and to commit anything itself. Start with Scheduler.
package parallel
