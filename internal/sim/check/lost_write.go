package check

// LostWrites finds records that must be in the log, that readers went past, and that nobody ever read. Somebody must
// have read each partition from its beginning, or the history says nothing about it.
func LostWrites(v *View) []Finding {
	r := report{class: "lost-write"}
	for _, p := range v.order {
		l := v.logs[p]
		for _, value := range l.sentOrder {
			if l.read[value] || !v.kept(l, value) {
				continue
			}
			offset, known := l.place(value)
			if known && offset < l.highestRead && !l.mayBeGone(offset) {
				r.add(p, []int{l.sent[value].op}, "%q at offset %d was never read, although reading reached %d",
					value, offset, l.highestRead)
			}
		}
	}
	return r.done()
}
