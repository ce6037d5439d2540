package group

import (
	"slices"
	"time"
)

// beat is what is known of a member's heartbeats: their rhythm, and what a hold does to it.
//
// The usual interval is the third shortest of the last eight gaps between heartbeats; where fewer are known it is the
// shortest, and from three on the second. So one that came early, or late because the process stood still, changes
// nothing; a client that becomes faster is followed soon, and the hold grows again when it was thought too fast. Not every
// gap says something:
//
//   - One that follows a hold which another request cut, or that ends right behind our answer, may be short because of
//     that. It counts if it is not shorter than usual.
//   - One of more than one and a half intervals, after a hold that lasted to its end, may be two: librdkafka skips a
//     heartbeat that is due while another is not answered. Or the interval is longer than was thought. It does not
//     count; the next hold is half as long, so nothing is skipped, and the gap after that tells which it was.
type beat struct {
	token     Token // held; 0 is none
	at        Instant
	seen      bool            // at is that of a heartbeat in this state of the group
	gaps      []time.Duration // that count, the newest last; at most beatGapsMax
	held      time.Duration   // how long the last one was held
	cut       bool            // another request ended that
	doubt     bool            // the last gap may have been two: the hold after it is half as long
	tried     bool            // a hold did not make a heartbeat late
	late      int             // how many holds in a row made one late
	releaseAt Instant
}

const (
	// beatGapsMax is how many gaps are remembered.
	beatGapsMax = 8
	// beatPrompt is the most that a request takes which is sent as soon as the answer is there.
	beatPrompt = 20 * time.Millisecond
	// beatLateMax is how many late heartbeats in a row say that the client waits for its answers.
	beatLateMax = 2
)

// usual is the interval between two heartbeats; 0 is not known.
func (b *beat) usual() time.Duration {
	n := len(b.gaps)
	if n == 0 {
		return 0
	}
	var sorted [beatGapsMax]time.Duration
	copy(sorted[:], b.gaps)
	slices.Sort(sorted[:n])
	return sorted[n/3]
}

// waits says whether the client was found to wait for its answers before it goes on.
func (b *beat) waits() bool { return b.late >= beatLateMax }

// learn takes the arrival of a heartbeat.
func (b *beat) learn(now Instant, aside bool) {
	gap, held, cut, seen, doubted := now.Sub(b.at), b.held, b.cut, b.seen, b.doubt
	b.at, b.seen, b.held, b.cut, b.doubt = now, true, 0, false, false
	usual := b.usual()
	if !seen {
		return
	}
	if !aside && held >= holdProbe(usual)/2 {
		if gap > usual+held*3/4 {
			b.late, b.tried = b.late+1, false
			return
		}
		b.late, b.tried = 0, true
	}
	prompt := held > 0 && gap-held <= beatPrompt
	switch {
	case prompt && cut: // it was this heartbeat that cut the hold: the client does not wait for answers
	case (prompt || cut) && gap < usual:
		return
	case held > 0 && !cut && !doubted && b.ambiguous(gap, held, usual):
		b.doubt = true
		return
	}
	b.keep(gap)
}

// ambiguous says whether a gap may be two intervals. With a single gap that is known, also one that is as usual: the
// usual one may have been two.
func (b *beat) ambiguous(gap, held, usual time.Duration) bool {
	if usual == 0 {
		return false
	}
	return gap > usual*3/2 || len(b.gaps) == 1 && gap > held*3/2 && gap/2 <= held+holdMargin(usual)
}

func (b *beat) keep(gap time.Duration) {
	if len(b.gaps) == beatGapsMax {
		b.gaps = slices.Delete(b.gaps, 0, 1)
	}
	b.gaps = append(b.gaps, gap)
}
