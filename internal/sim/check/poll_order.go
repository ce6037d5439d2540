package check

import "github.com/skein-io/skein/internal/record"

// pollStep is two records of a partition that one process read one after the other, or a position and the first record
// read from it.
type pollStep struct {
	log    *log
	from   record.Offset // the record before; of a position, the offset before it
	fromOp int
	to     record.Offset
	toOp   int
}

// pollSteps calls visit for each step whose order is promised: inside one poll always, between polls only while the
// process reads what it assigned itself; a group may move its partitions at any time.
func (v *View) pollSteps(visit func(pollStep)) {
	for _, ops := range v.perProcess(Poll, Assign, Seek, Subscribe, Crash) {
		reader := pollReader{view: v, last: map[Partition]pollStep{}}
		for _, i := range ops {
			reader.step(i, visit)
		}
	}
}

// pollReader follows one process.
type pollReader struct {
	view       *View
	last       map[Partition]pollStep // to and toOp: what was read last
	subscribed bool
}

func (p *pollReader) step(i int, visit func(pollStep)) {
	op := &p.view.ops[i]
	switch op.Kind {
	case Crash, Subscribe:
		p.subscribed = op.Kind == Subscribe
		clear(p.last)
	case Assign:
		p.subscribed = false
		clear(p.last)
		p.seek(i)
	case Seek:
		p.seek(i)
	case Poll:
		for _, r := range op.Records {
			last, known := p.last[r.Partition]
			next := pollStep{log: p.view.logs[r.Partition], from: last.to, fromOp: last.toOp, to: r.Offset, toOp: i}
			if known && (last.toOp == i || !p.subscribed) {
				visit(next)
			}
			p.last[r.Partition] = next
		}
	}
}

func (p *pollReader) seek(i int) {
	for _, position := range p.view.ops[i].Positions {
		delete(p.last, position.Partition)
		if position.Offset >= 0 && p.view.ops[i].Outcome == OK {
			p.last[position.Partition] = pollStep{to: position.Offset - 1, toOp: i}
		}
	}
}
