package coordinator

import (
	"sync"
	"time"

	"github.com/skein-io/skein/internal/group"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
)

// writer makes batches of records and remembers which are not committed yet.
type writer struct {
	builder *record.Builder
	encoder encoder
	buffer  []byte
	written []written // not committed, in order
	late    int       // of written: reported as timed out
}

// written is a batch in the log that is not committed.
type written struct {
	last group.Seq
	end  record.Offset // of the log after it
	at   group.Instant
}

func (w *writer) reset() { w.written, w.late = nil, 0 }

// deadline is when the oldest batch that was not reported yet times out.
func (w *writer) deadline(timeout time.Duration) (at group.Instant, waits bool) {
	if w.late < len(w.written) {
		return w.written[w.late].at.Add(timeout), true
	}
	return 0, false
}

// timedOut returns the last Seq of the batches that have waited too long, once for each.
func (w *writer) timedOut(now group.Instant, timeout time.Duration) (upTo group.Seq, ok bool) {
	for w.late < len(w.written) && w.written[w.late].at.Add(timeout) <= now {
		upTo, ok = w.written[w.late].last, true
		w.late++
	}
	return upTo, ok
}

// below takes out the batches below an offset and returns the last Seq of them.
func (w *writer) below(committed record.Offset) (upTo group.Seq, ok bool) {
	n := 0
	for n < len(w.written) && w.written[n].end <= committed {
		upTo, ok = w.written[n].last, true
		n++
	}
	w.written = w.written[:copy(w.written, w.written[n:])]
	w.late = max(w.late-n, 0)
	return upTo, ok
}

// progress is what other goroutines report of the log.
type progress struct {
	mu        sync.Mutex
	life      int // counts the loads: what was asked for before is not wanted any more
	committed record.Offset
	failed    error
	news      bool
}

func (p *progress) reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.life++
	p.committed, p.failed, p.news = 0, nil, false
}

func (p *progress) waits() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.news
}

func (p *progress) report(life int, end record.Offset, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if life != p.life {
		return
	}
	p.news = true
	if err == nil {
		p.committed = max(p.committed, end)
	} else if p.failed == nil {
		p.failed = err
	}
}

func (p *progress) take() (committed record.Offset, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.news = false
	return p.committed, p.failed
}

// takeProgress releases what was committed. An error is the end of this life: what is committed is not known any more.
func (l *loop) takeProgress() error {
	committed, err := l.progress.take()
	if upTo, ok := l.writer.below(committed); ok {
		l.step(&group.Committed{UpTo: upTo})
		l.release(upTo)
	}
	return err
}

// release gives the replies that waited for records up to a Seq.
func (l *loop) release(upTo group.Seq) {
	n := 0
	for n < len(l.deferred) && l.deferred[n].Seq <= upTo {
		l.finish(l.deferred[n].Token, l.deferred[n].Body, nil)
		n++
	}
	l.dropDeferred(0, n)
}

// refuseDeferred answers those who wait for the records from first to last with an error.
func (l *loop) refuseDeferred(first, last group.Seq, err *protocol.Error) {
	from := 0
	for from < len(l.deferred) && l.deferred[from].Seq < first {
		from++
	}
	end := from
	for end < len(l.deferred) && l.deferred[end].Seq <= last {
		l.finish(l.deferred[end].Token, l.deferred[end].Body.Refuse(err), nil)
		end++
	}
	l.dropDeferred(from, end)
}

func (l *loop) dropDeferred(first, end int) {
	if first == end {
		return
	}
	rest := first + copy(l.deferred[first:], l.deferred[end:])
	clear(l.deferred[rest:])
	l.deferred = l.deferred[:rest]
}
