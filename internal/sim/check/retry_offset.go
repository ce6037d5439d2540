package check

import "cmp"

// retryWindow is how many batches of a producer a broker must recognise.
const retryWindow = 5

// Retries finds produce requests of one producer, epoch and sequence that were answered with two offsets, or without
// one while the batch was among the last five. It needs Operation.Producer: one send is one request for one partition.
func Retries(v *View) []Finding {
	r := report{class: "retry-offset"}
	batches := v.numberedBatches()
	for _, key := range sortedKeys(batches, compareNumbering) {
		var known []attempts
		for _, sequence := range sortedKeys(batches[key], cmp.Compare[int32]) {
			a := attempts{sequence: sequence, all: batches[key][sequence]}
			if a.choose() {
				known = append(known, a)
			}
		}
		sortBy(known, func(a attempts) int64 { return -int64(a.first.offset) }) // the newest batch first
		for newer, a := range known {
			a.check(key, newer, &r)
		}
	}
	return r.done()
}

// numbering is the scope of a sequence number.
type numbering struct {
	partition Partition
	producer  int64
	epoch     int16
}

func compareNumbering(a, b numbering) int {
	return cmp.Or(comparePartitions(a.partition, b.partition), cmp.Compare(a.producer, b.producer), cmp.Compare(a.epoch, b.epoch))
}

// attempts are the answered requests with one batch.
type attempts struct {
	sequence int32
	all      []offsetAt // in the order of Invoked
	first    offsetAt   // the first that was answered with an offset
}

// numberedBatches collects the answers to each batch, by sequence.
func (v *View) numberedBatches() map[numbering]map[int32][]offsetAt {
	all := map[numbering]map[int32][]offsetAt{}
	for _, i := range v.byStart {
		op := &v.ops[i]
		if op.Kind != Send || op.Producer == nil || op.Outcome != OK || len(op.Records) == 0 {
			continue
		}
		key := numbering{op.Records[0].Partition, op.Producer.ID, op.Producer.Epoch}
		if all[key] == nil {
			all[key] = map[int32][]offsetAt{}
		}
		answer := offsetAt{op.Invoked, op.Records[0].Offset, i}
		all[key][op.Producer.Sequence] = append(all[key][op.Producer.Sequence], answer)
	}
	return all
}

// choose finds the first attempt with an offset.
func (a *attempts) choose() bool {
	for _, answer := range a.all {
		if answer.offset != NoOffset {
			a.first = answer
			return true
		}
	}
	return false
}

// check compares the answers; newer is how many batches of the producer came after this one.
func (a *attempts) check(key numbering, newer int, r *report) {
	for _, answer := range a.all {
		switch {
		case answer.offset == a.first.offset:
		case answer.offset != NoOffset:
			r.add(key.partition, []int{a.first.op, answer.op},
				"producer %d epoch %d sequence %d was answered with offset %d and with %d",
				key.producer, key.epoch, a.sequence, a.first.offset, answer.offset)
		case newer < retryWindow:
			r.add(key.partition, []int{a.first.op, answer.op},
				"producer %d epoch %d sequence %d was answered with offset %d and, with %d newer batches, without one",
				key.producer, key.epoch, a.sequence, a.first.offset, newer)
		}
	}
}
