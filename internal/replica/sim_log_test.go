package replica

import (
	"sort"

	"github.com/skein-io/skein/internal/record"
)

// simEntry is a record: who wrote it when, and what.
type simEntry struct {
	epoch record.LeaderEpoch
	value int64
}

// simLog is a log that loses at a crash what is not durable.
type simLog struct {
	start   record.Offset
	entries []simEntry
	durable record.Offset
}

func (l *simLog) end() record.Offset { return l.start + record.Offset(len(l.entries)) }

func (l *simLog) at(o record.Offset) simEntry { return l.entries[o-l.start] }

func (l *simLog) latest() record.LeaderEpoch {
	if n := len(l.entries); n > 0 {
		return l.entries[n-1].epoch
	}
	return record.NoLeaderEpoch
}

// epochEnd is commitlog's Log.EpochEnd.
func (l *simLog) epochEnd(epoch record.LeaderEpoch) (EpochEnd, bool) {
	n := len(l.entries)
	if epoch < 0 || epoch > l.latest() {
		return EpochEnd{record.NoLeaderEpoch, -1}, false
	}
	i := sort.Search(n, func(i int) bool { return l.entries[i].epoch > epoch })
	if i == 0 {
		return EpochEnd{epoch, l.start}, true
	}
	return EpochEnd{l.entries[i-1].epoch, l.start + record.Offset(i)}, true
}

// leaderEpochEnd is the same for a leader, whose epoch has begun at the log's end though nothing was written in it yet.
func (l *simLog) leaderEpochEnd(epoch, leaders record.LeaderEpoch) (EpochEnd, bool) {
	if latest := l.latest(); epoch > latest && epoch < leaders {
		if latest == record.NoLeaderEpoch {
			latest = epoch
		}
		return EpochEnd{latest, l.end()}, true
	}
	return l.epochEnd(epoch)
}

func (l *simLog) truncate(end record.Offset) {
	l.entries = l.entries[:max(end, l.start)-l.start]
	l.durable = min(l.durable, l.end())
}

func (l *simLog) reset(start record.Offset) { *l = simLog{start: start, durable: start} }

func (l *simLog) moveStart(to record.Offset) {
	to = min(to, l.end())
	if to > l.start {
		l.entries = append([]simEntry(nil), l.entries[to-l.start:]...)
		l.start = to
		l.durable = max(l.durable, to)
	}
}
