package check

// Watermarks finds high watermarks and log starts that went back in the eyes of one process: an answer that came before
// a request was made showed a higher one than the request was answered with. Of a partition with several replicas it
// looks at the high watermarks of ListOffsets only (KIP-207), see Options.Replicated.
func Watermarks(v *View) []Finding {
	r := report{class: "watermark"}
	for _, ops := range v.perProcess(Poll, ListOffsets) {
		high, start := map[Partition][]offsetAt{}, map[Partition][]offsetAt{}
		for _, i := range ops {
			if v.ops[i].Outcome != OK {
				continue
			}
			if v.options.Replicated && v.ops[i].Kind != ListOffsets {
				continue
			}
			for _, w := range v.ops[i].Watermarks {
				high[w.Partition] = append(high[w.Partition], offsetAt{v.ops[i].Invoked, w.High, i})
				start[w.Partition] = append(start[w.Partition], offsetAt{v.ops[i].Invoked, w.LogStart, i})
			}
		}
		for _, p := range sortedKeys(high, comparePartitions) {
			v.neverBack(p, "the high watermark", high[p], &r)
			if !v.options.Replicated {
				v.neverBack(p, "the log start", start[p], &r)
			}
		}
	}
	return r.done()
}

// neverBack checks a series that is sorted by Invoked.
func (v *View) neverBack(p Partition, what string, series []offsetAt, r *report) {
	ended := append([]offsetAt{}, series...)
	sortBy(ended, func(o offsetAt) int64 { return v.ops[o.op].completed() })
	highest := offsetAt{offset: NoOffset}
	for _, o := range series {
		for len(ended) > 0 && v.ops[ended[0].op].completed() < o.at {
			if ended[0].offset > highest.offset {
				highest = ended[0]
			}
			ended = ended[1:]
		}
		if o.offset != NoOffset && o.offset < highest.offset {
			r.add(p, []int{highest.op, o.op}, "%s saw %s at %d, then at %d", v.ops[o.op].Process, what,
				highest.offset, o.offset)
		}
	}
}
