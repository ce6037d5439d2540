package check

// FailedReads finds values that were read although every attempt to send them definitely failed (Adya's G1a).
func FailedReads(v *View) []Finding {
	r := report{class: "G1a"}
	for _, p := range v.order {
		l := v.logs[p]
		for _, value := range l.sentOrder {
			op := l.sent[value].op
			if l.read[value] && v.ops[op].Outcome == Fail {
				offset, _ := l.place(value)
				r.add(p, []int{op}, "%q was read at offset %d; sending it failed with %s", value, offset, v.ops[op].Error)
			}
		}
	}
	return r.done()
}
