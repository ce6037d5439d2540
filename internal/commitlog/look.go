package commitlog

import (
	"sync/atomic"
	"time"
)

// SyncerView is the Syncer of a log directory at one moment. Rounds, Busy, Files and Last are counted only while somebody
// looks: they begin at 0 with the first look, and stop when nobody has looked for watchFor. Two looks make a rate.
type SyncerView struct {
	Rounds  int64
	Busy    time.Duration // of the rounds together
	Files   int64         // that they synced
	Last    time.Duration // of the last round; -1 if none was watched
	Running time.Duration // of the round at hand; -1 if none runs, or its begin was not watched
	Dirty   int           // logs that wait for the next round
	Waiters int           // that wait in Sync
	Offline error         // why the directory takes no more writes
}

// watchFor is how long a look keeps the rounds measured.
const watchFor = 15 * time.Second

// roundWatch measures rounds while somebody looks. Else it costs a round one read of memory.
type roundWatch struct {
	until  atomic.Int64 // ns since 1970; 0: nobody looks
	began  atomic.Int64 // of the round at hand, if it is watched
	rounds atomic.Int64
	busy   atomic.Int64
	files  atomic.Int64
	last   atomic.Int64
}

func (w *roundWatch) begins(works []dirtyWork) {
	until := w.until.Load()
	if until == 0 {
		return
	}
	now := time.Now().UnixNano()
	if now > until {
		w.until.CompareAndSwap(until, 0)
		return
	}
	files := 0
	for i := range works {
		files += len(works[i].files)
	}
	w.files.Add(int64(files))
	w.began.Store(now)
}

func (w *roundWatch) ends() {
	began := w.began.Load()
	if began == 0 {
		return
	}
	took := max(time.Now().UnixNano()-began, 0)
	w.began.Store(0)
	w.rounds.Add(1)
	w.busy.Add(took)
	w.last.Store(took)
}

// View looks at the Syncer, and has it measure its rounds for a while.
func (d *Dir) View() SyncerView {
	s := &d.syncer
	now := time.Now()
	if s.watch.until.Swap(now.Add(watchFor).UnixNano()) == 0 {
		s.watch.last.Store(-1)
	}
	v := SyncerView{Rounds: s.watch.rounds.Load(), Busy: time.Duration(s.watch.busy.Load()), Files: s.watch.files.Load(),
		Last: time.Duration(s.watch.last.Load()), Running: -1, Offline: d.Offline()}
	if began := s.watch.began.Load(); began != 0 {
		v.Running = max(now.Sub(time.Unix(0, began)), 0)
	}
	s.mu.Lock()
	v.Dirty, v.Waiters = len(s.queue), len(s.waiters)
	s.mu.Unlock()
	return v
}
