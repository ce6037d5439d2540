package check

// Unseen finds records that must be in the log and that the readers at the end did not find beyond what they had read.
// It needs Options.Complete: before the end of a run such records are simply not read yet.
func Unseen(v *View) []Finding {
	r := report{class: "unseen"}
	if !v.options.Complete {
		return nil
	}
	for _, p := range v.order {
		l := v.logs[p]
		for _, value := range l.sentOrder {
			if l.read[value] || !v.kept(l, value) {
				continue
			}
			offset, known := l.place(value)
			switch {
			case !known && l.start <= 0 && !v.options.Compacted[p]:
				r.add(p, []int{l.sent[value].op}, "%q was acknowledged without an offset and never read", value)
			case known && offset >= l.highestRead && !l.mayBeGone(offset):
				r.add(p, []int{l.sent[value].op}, "%q at offset %d was never read; reading ended at %d",
					value, offset, l.highestRead)
			}
		}
	}
	return r.done()
}
