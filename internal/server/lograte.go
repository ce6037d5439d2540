package server

import (
	"log/slog"
	"sync"
	"time"
)

const (
	logLinesBurst = 10          // lines of one kind at once
	logLineEvery  = time.Second // and then one in this time
	logKindsMax   = 64
)

// rateLog writes log lines about peers, who can make as many as they like happen: of each message a few, then one a
// second, with the number that was left out. Safe for concurrent use.
type rateLog struct {
	to    *slog.Logger
	mu    sync.Mutex
	kinds map[string]*logKind
}

type logKind struct {
	tokens  float64
	last    time.Time
	dropped int
}

func newRateLog(to *slog.Logger) *rateLog { return &rateLog{to: to, kinds: map[string]*logKind{}} }

// warn logs a line. message is one of a few constants: it is what is counted.
func (l *rateLog) warn(message string, args ...any) {
	if dropped, ok := l.allow(message, time.Now()); ok {
		if dropped > 0 {
			args = append(args, "more of these left out", dropped)
		}
		l.to.Warn(message, args...)
	}
}

func (l *rateLog) allow(message string, now time.Time) (dropped int, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	kind := l.kinds[message]
	if kind == nil {
		if len(l.kinds) >= logKindsMax {
			return 0, false
		}
		kind = &logKind{tokens: logLinesBurst, last: now}
		l.kinds[message] = kind
	}
	kind.tokens = min(logLinesBurst, kind.tokens+float64(now.Sub(kind.last))/float64(logLineEvery))
	kind.last = now
	if kind.tokens < 1 {
		kind.dropped++
		return 0, false
	}
	kind.tokens--
	dropped, kind.dropped = kind.dropped, 0
	return dropped, true
}
