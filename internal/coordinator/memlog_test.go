package coordinator

import (
	"sync"
	"sync/atomic"

	"github.com/skein-io/skein/internal/record"
)

// memLog is a Log in memory. What is appended is committed at once, or when the test says so.
type memLog struct {
	mu      sync.Mutex
	batches []record.Batch
	end     record.Offset
	high    record.Offset
	manual  bool  // commit only by commitAll
	refuse  error // of the next appends
	lost    error // of OnCommitted
	appends int
	waits   []memWait
	gate    chan struct{} // Load waits until it is closed, if it is set
	lapsed  atomic.Bool   // another may lead
}

func (l *memLog) Leased() bool { return !l.lapsed.Load() }

type memWait struct {
	below record.Offset
	f     func(error)
}

func (l *memLog) Append(batch []byte) (record.Offset, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.refuse != nil {
		return 0, l.refuse
	}
	b := append(record.Batch(nil), batch...)
	b.SetBaseOffset(l.end)
	base := l.end
	l.end = b.NextOffset()
	l.batches = append(l.batches, b)
	l.appends++
	if !l.manual {
		l.high = l.end
	}
	return base, nil
}

func (l *memLog) OnCommitted(below record.Offset, f func(error)) {
	l.mu.Lock()
	if l.lost == nil && l.high < below {
		l.waits = append(l.waits, memWait{below, f})
		l.mu.Unlock()
		return
	}
	err := l.lost
	l.mu.Unlock()
	f(err)
}

// commitAll moves the high watermark to the end.
func (l *memLog) commitAll() {
	l.mu.Lock()
	l.high = l.end
	waits := l.waits
	l.waits = nil
	l.mu.Unlock()
	for _, w := range waits {
		w.f(nil)
	}
}

// lose fails everybody who waits, as when another node is elected.
func (l *memLog) lose(err error) {
	l.mu.Lock()
	l.lost = err
	waits := l.waits
	l.waits = nil
	l.mu.Unlock()
	for _, w := range waits {
		w.f(err)
	}
}

func (l *memLog) Load(from record.Offset, f func(record.Batch) error) error {
	if l.gate != nil {
		<-l.gate
	}
	l.mu.Lock()
	batches := append([]record.Batch(nil), l.batches...)
	high := l.high
	l.mu.Unlock()
	for _, b := range batches {
		if b.BaseOffset() >= from && b.NextOffset() <= high {
			if err := f(b); err != nil {
				return err
			}
		}
	}
	return nil
}

func (l *memLog) HighWatermark() record.Offset {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.high
}

func (l *memLog) LogEnd() record.Offset {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.end
}
