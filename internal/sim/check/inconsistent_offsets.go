package check

// InconsistentOffsets finds offsets at which two values were seen, by readers or in answers to senders.
func InconsistentOffsets(v *View) []Finding {
	r := report{class: "inconsistent-offsets"}
	for _, p := range v.order {
		l := v.logs[p]
		for _, offset := range l.offsets {
			if values := l.values[offset]; len(values) > 1 {
				r.add(p, []int{values[0].op, values[1].op}, "offset %d holds %q and %q",
					offset, values[0].value, values[1].value)
			}
		}
	}
	return r.done()
}
