package check

// NeverSent finds values that were read from a partition that nobody sent them to: bytes that changed, or a record that
// came from elsewhere. A history without any send says nothing.
func NeverSent(v *View) []Finding {
	r := report{class: "never-sent"}
	sends := false
	for _, l := range v.logs {
		sends = sends || len(l.sentOrder) > 0
	}
	if !sends {
		return nil
	}
	for _, p := range v.order {
		l := v.logs[p]
		for _, offset := range l.offsets {
			for _, s := range l.values[offset] {
				if _, sent := l.sent[s.value]; !sent {
					r.add(p, []int{s.op}, "%q was read at offset %d and never sent there", s.value, offset)
				}
			}
		}
	}
	return r.done()
}
