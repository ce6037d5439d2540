package check

// DeletedRecords finds records that came back: a log that begins before an offset up to which the records were deleted,
// for certain and before the question.
func DeletedRecords(v *View) []Finding {
	r := report{class: "deleted-record"}
	deleted := map[Partition][]offsetAt{} // by completion of the deletion
	for i := range v.ops {
		op := &v.ops[i]
		if op.Kind == DeleteRecords && op.Outcome == OK {
			for _, p := range op.Positions {
				deleted[p.Partition] = append(deleted[p.Partition], offsetAt{op.completed(), p.Offset, i})
			}
		}
	}
	for i := range v.ops {
		op := &v.ops[i]
		if op.Outcome != OK {
			continue
		}
		for _, w := range op.Watermarks {
			for _, d := range deleted[w.Partition] {
				if w.LogStart != NoOffset && d.at < op.Invoked && w.LogStart < d.offset {
					r.add(w.Partition, []int{d.op, i}, "%s saw the log begin at %d; the records before %d had been deleted", op.Process, w.LogStart, d.offset)
					break
				}
			}
		}
	}
	return r.done()
}
