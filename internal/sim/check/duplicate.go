package check

// Duplicates finds values of idempotent sends that were seen at two offsets. Without idempotence a client that retries
// may double a record, and that is no finding.
func Duplicates(v *View) []Finding {
	r := report{class: "duplicate"}
	for _, p := range v.order {
		l := v.logs[p]
		for _, value := range l.sentOrder {
			places, op := l.places[value], l.sent[value].op
			if len(places) > 1 && v.ops[op].Idempotent {
				r.add(p, []int{op}, "%q is at offsets %d and %d", value, places[0], places[1])
			}
		}
	}
	return r.done()
}
