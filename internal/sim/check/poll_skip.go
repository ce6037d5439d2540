package check

import "slices"

// PollSkips finds readers that jumped over a record that is known to be there, inside a poll or, with assigned
// partitions, between two.
func PollSkips(v *View) []Finding {
	r := report{class: "poll-skip"}
	v.pollSteps(func(s pollStep) {
		offsets := s.log.offsets
		i, _ := slices.BinarySearch(offsets, s.from+1)
		for ; i < len(offsets) && offsets[i] < s.to; i++ {
			if !s.log.mayBeGone(offsets[i]) {
				r.add(s.log.partition, []int{s.fromOp, s.toOp}, "%s went from offset %d to %d over %q at %d",
					v.ops[s.toOp].Process, s.from, s.to, s.log.values[offsets[i]][0].value, offsets[i])
				return
			}
		}
	})
	return r.done()
}
