package check

import (
	"slices"

	"github.com/skein-io/skein/internal/record"
)

// NonmonotonicSends finds records of one producer that are not in the log in the order in which it sent them. Order is
// promised between sends of which one was answered before the other began, between any two of an idempotent producer,
// and inside one batch.
func NonmonotonicSends(v *View) []Finding {
	r := report{class: "nonmonotonic-send"}
	for _, ops := range v.perProcess(Send) {
		for _, batches := range v.batchesOf(ops, &r) {
			v.checkSendOrder(batches, &r)
		}
	}
	return r.done()
}

// batch is what one send put into one partition.
type batch struct {
	op          int
	partition   Partition
	first, last record.Offset
}

// batchesOf lists what one process sent, by partition, in the order of Invoked, and checks each batch in itself.
func (v *View) batchesOf(ops []int, r *report) [][]batch {
	byPartition := map[Partition][]batch{}
	for _, i := range ops {
		own := map[Partition]batch{}
		for _, rec := range v.ops[i].Records {
			l := v.logs[rec.Partition]
			offset, known := l.place(rec.Value)
			if !known || v.standsFor(l.sent[rec.Value]) != i {
				continue // a further attempt at a send is at the place of the first
			}
			b, begun := own[rec.Partition]
			if begun && offset <= b.last {
				r.add(rec.Partition, []int{i}, "%q is at offset %d, after a record of its batch at %d", rec.Value, offset, b.last)
			}
			if !begun {
				b = batch{op: i, partition: rec.Partition, first: offset}
			}
			b.last = max(b.last, offset)
			own[rec.Partition] = b
		}
		for _, p := range sortedKeys(own, comparePartitions) {
			byPartition[p] = append(byPartition[p], own[p])
		}
	}
	var all [][]batch
	for _, p := range sortedKeys(byPartition, comparePartitions) {
		all = append(all, byPartition[p])
	}
	return all
}

// standsFor is the attempt whose time counts: with idempotence the first, for what is sent again keeps its place; else the
// one that says most, for it may be the one that wrote the record.
func (v *View) standsFor(s sending) int {
	if v.ops[s.first].Idempotent {
		return s.first
	}
	return s.op
}

func (v *View) checkSendOrder(batches []batch, r *report) {
	ended := slices.Clone(batches)
	sortBy(ended, func(b batch) int64 { return v.ops[b.op].completed() })
	var answered, idempotent *batch // the batch furthest on of those that must lie before
	for k := range batches {
		b := &batches[k]
		op := &v.ops[b.op]
		for len(ended) > 0 && v.ops[ended[0].op].completed() < op.Invoked {
			answered = further(answered, &ended[0])
			ended = ended[1:]
		}
		before := answered
		if op.Idempotent {
			before = further(before, idempotent)
			idempotent = further(idempotent, b)
		}
		if before != nil && b.first <= before.last {
			r.add(b.partition, []int{before.op, b.op}, "%s sent offset %d after %d", op.Process, b.first, before.last)
		}
	}
}

func further(a, b *batch) *batch {
	if a == nil || b != nil && b.last > a.last {
		return b
	}
	return a
}
