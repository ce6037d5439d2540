package check

import "github.com/skein-io/skein/internal/record"

// KnownOffsets finds sends that were answered with an offset not above one that somebody knew already when they began:
// the log end went back. Attempts at one batch are left to Retries.
func KnownOffsets(v *View) []Finding {
	r := report{class: "known-offset"}
	known, sends := v.knownOffsets()
	for _, p := range v.order {
		facts, highest := known[p], offsetAt{offset: NoOffset}
		sortBy(facts, func(k offsetAt) int64 { return k.at })
		for _, s := range sends[p] {
			for len(facts) > 0 && facts[0].at < s.at {
				if facts[0].offset > highest.offset {
					highest = facts[0]
				}
				facts = facts[1:]
			}
			if s.offset <= highest.offset {
				r.add(p, []int{highest.op, s.op}, "a send was answered with offset %d; %d was known before it began",
					s.offset, highest.offset)
			}
		}
	}
	return r.done()
}

// offsetAt is an offset and the moment from which on, or before which, it counts.
type offsetAt struct {
	at     int64
	offset record.Offset
	op     int
}

// knownOffsets lists by partition the highest offset that each answer made known, and the lowest that each send got,
// sends in the order of Invoked.
func (v *View) knownOffsets() (known, sends map[Partition][]offsetAt) {
	known, sends = map[Partition][]offsetAt{}, map[Partition][]offsetAt{}
	for _, i := range v.byStart {
		op := &v.ops[i]
		if op.Outcome != OK || op.Kind != Send && op.Kind != Poll && op.Kind != ListOffsets {
			continue
		}
		first, last := map[Partition]record.Offset{}, map[Partition]record.Offset{}
		for _, rec := range op.Records {
			if rec.Offset < 0 {
				continue
			}
			if _, ok := first[rec.Partition]; !ok && v.logs[rec.Partition].sent[rec.Value].attempts == 1 {
				first[rec.Partition] = rec.Offset
			}
			last[rec.Partition] = max(last[rec.Partition], rec.Offset)
		}
		for _, w := range op.Watermarks {
			if w.High > 0 {
				last[w.Partition] = max(last[w.Partition], w.High-1)
			}
		}
		for p, offset := range last {
			known[p] = append(known[p], offsetAt{op.completed(), offset, i})
		}
		if op.Kind == Send {
			for p, offset := range first {
				sends[p] = append(sends[p], offsetAt{op.Invoked, offset, i})
			}
		}
	}
	return known, sends
}
