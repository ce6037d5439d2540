package clients

import (
	"maps"
	"slices"
	"time"

	"github.com/skein-io/skein/internal/record"
	"github.com/skein-io/skein/internal/sim/check"
)

// Reader consumes every partition from the beginning, at positions of its own. Now and then it asks for offsets by
// time, or is restarted and begins again.
type Reader struct {
	*Client
	cursor
	until map[check.Partition]record.Offset // of a reader at the end: where it may stop
	done  func()
}

func newReader(w *World, name string) *Reader {
	return &Reader{Client: newClient(w, name)}
}

func (r *Reader) start() {
	r.cursor = newCursor(r.Client, r.Name)
	for index := range int32(r.World.Partitions) {
		r.assign(index, 0)
	}
	op := check.Operation{Process: r.Name, Kind: check.Assign, Positions: r.cursor.at()}
	r.World.Recorder.Begin(op).End(check.OK, nil)
	r.loop()
}

func (r *Reader) loop() {
	longest := 150 * time.Millisecond
	if r.until != nil {
		longest = 5 * time.Millisecond // nothing happens beside it that it should see
	}
	again := func() { r.later(5*time.Millisecond, longest, r.loop) }
	switch {
	case r.until != nil && r.finished():
		r.done()
	case r.until == nil && r.rand.Chance(100):
		r.listOffsets(again)
	default:
		r.poll(again)
	}
}

func (r *Reader) finished() bool {
	for index, position := range r.positions {
		if position < r.until[check.Partition{Topic: r.World.Topic, Index: index}] {
			return false
		}
	}
	return true
}

// crash forgets the positions and begins anew.
func (r *Reader) crash() {
	r.World.Recorder.Begin(check.Operation{Process: r.Name, Kind: check.Crash}).End(check.OK, nil)
	r.restart(r.rand.Between(0, time.Second), r.start)
}

// listOffsets asks for the start or the end of every partition that one broker leads.
func (r *Reader) listOffsets(then func()) {
	timestamp, latest := int64(-2), r.rand.Chance(500)
	if latest {
		timestamp = -1
	}
	pending := r.World.Recorder.Begin(check.Operation{Process: r.Name, Kind: check.ListOffsets})
	r.list(timestamp, func(found map[int32]record.Offset) {
		var marks []check.Watermark
		for _, index := range slices.Sorted(maps.Keys(found)) {
			mark := check.Watermark{Partition: check.Partition{Topic: r.World.Topic, Index: index}, LogStart: found[index], High: check.NoOffset}
			if latest {
				mark.LogStart, mark.High = check.NoOffset, found[index]
			}
			marks = append(marks, mark)
		}
		if len(marks) == 0 {
			pending.End(check.Fail, nil)
		} else {
			pending.End(check.OK, func(o *check.Operation) { o.Watermarks = marks })
		}
		then()
	})
}
