package cli

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skein-io/skein/internal/protocol"
)

// failuresShown is how many different reasons are told.
const failuresShown = 5

// tally counts what became of records. Its methods may be called concurrently.
type tally struct {
	begun, stored, bytes, failed atomic.Int64
	hopeless                     atomic.Bool // the next records would fail too

	mu      sync.Mutex
	reasons []failureReason
	others  int64
}

type failureReason struct {
	text  string
	first int64 // number of the record, from 1
	times int64
}

// begin counts a record whose fate is not known yet.
func (t *tally) begin() { t.begun.Add(1) }

// waiting is how many records have no fate yet, and decided how many have one.
func (t *tally) waiting() (waiting, decided int64) {
	decided = t.stored.Load() + t.failed.Load()
	return t.begun.Load() - decided, decided
}

// watch gives up when records wait and none was decided for a whole period. It ends with ctx.
func (t *tally) watch(ctx context.Context, period time.Duration, giveUp context.CancelCauseFunc) {
	tick := time.NewTicker(max(period/20, time.Millisecond))
	defer tick.Stop()
	last, since := int64(-1), time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			waiting, decided := t.waiting()
			if waiting == 0 || decided != last {
				last, since = decided, now
			} else if now.Sub(since) >= period {
				t.hopeless.Store(true)
				giveUp(errGaveUp)
				return
			}
		}
	}
}

// note takes the fate of a record.
func (t *tally) note(number int64, r *kgo.Record, err error) {
	if err == nil {
		t.stored.Add(1)
		t.bytes.Add(int64(len(r.Key) + len(r.Value)))
		return
	}
	t.failed.Add(1)
	if !ofTheRecord(err) {
		t.hopeless.Store(true)
	}
	text := produceFailure(err)
	t.mu.Lock()
	defer t.mu.Unlock()
	i := slices.IndexFunc(t.reasons, func(f failureReason) bool { return f.text == text })
	switch {
	case i >= 0:
		t.reasons[i].times++
		t.reasons[i].first = min(t.reasons[i].first, number)
	case len(t.reasons) < failuresShown:
		t.reasons = append(t.reasons, failureReason{text, number, 1})
	default:
		t.others++
	}
}

// ofTheRecord says whether an error is about one record or batch, so that others may be taken.
func ofTheRecord(err error) bool {
	code, ok := codeOf(err)
	if !ok {
		return false
	}
	switch code {
	case protocol.MessageTooLarge, protocol.RecordListTooLarge, protocol.InvalidRecord, protocol.InvalidTimestamp, protocol.CorruptMessage:
		return true
	}
	return false
}

func produceFailure(err error) string {
	code, ok := codeOf(err)
	switch {
	case ok:
		text := code.String()
		if remedy := remedyOf(code); remedy != "" {
			text += "; " + remedy
		}
		return text
	case strings.HasPrefix(err.Error(), "invalid record partitioning choice"): // of franz-go's, without a type
		return "there is no such partition; skein topic describe shows those there are"
	}
	return err.Error()
}

// report tells why records failed.
func (t *tally) report(w io.Writer) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, f := range t.reasons {
		if f.times == 1 {
			fmt.Fprintf(w, "record %d failed: %s\n", f.first, f.text)
		} else {
			fmt.Fprintf(w, "%d records failed, the first is record %d: %s\n", f.times, f.first, f.text)
		}
	}
	if t.others > 0 {
		fmt.Fprintf(w, "%d records failed for other reasons\n", t.others)
	}
}
