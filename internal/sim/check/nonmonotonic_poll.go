package check

// NonmonotonicPolls finds readers that went back, or stood still, inside a poll or, with assigned partitions, between
// two.
func NonmonotonicPolls(v *View) []Finding {
	r := report{class: "nonmonotonic-poll"}
	v.pollSteps(func(s pollStep) {
		if s.to <= s.from {
			r.add(s.log.partition, []int{s.fromOp, s.toOp}, "%s read offset %d after %d",
				v.ops[s.toOp].Process, s.to, s.from)
		}
	})
	return r.done()
}
