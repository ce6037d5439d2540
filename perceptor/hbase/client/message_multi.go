package client

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
)

// Op is what a batch does with one row: it reads it, or it tries its steps, each of which is carried out by the server if
// its condition holds, one after the other and each atomically. What becomes of it is filled in.
type Op struct {
	Row []byte
	// Get reads the columns, if there are no steps.
	Get Columns
	// Steps are sent in their order. They do not stop at the first that is carried out.
	Steps []Step

	// Found is what Get has read.
	Found Row
	// Done says, for each of the steps, whether it was carried out. After a connection broke, a step may have been carried
	// out without its answer coming back, and then the answer of the second try stands here.
	Done [MaxSteps]bool
	// Err: the op cannot be carried out, and trying again does not help.
	Err error
}

// MaxSteps bounds the steps of an op.
const MaxSteps = 2

// Step is a conditional mutation of the row: all of Mutations, or nothing. Without a Condition it is always carried out.
type Step struct {
	Condition *Condition
	Mutations []Mutation
}

// size is about how many bytes the op is on the wire.
func (o *Op) size() int {
	n := 64 + len(o.Row)
	for i := range o.Steps {
		n += 256
		for j := range o.Steps[i].Mutations {
			n += o.Steps[i].Mutations[j].size() + len(o.Row)
		}
	}
	return n
}

// plain reports that the op may share a RegionAction with others: the server carries them out together.
func (o *Op) plain() bool {
	return len(o.Steps) == 0 || len(o.Steps) == 1 && o.Steps[0].Condition == nil && len(o.Steps[0].Mutations) == 1
}

// placed is an op with the region that it goes to, and what came back.
type placed struct {
	op       *Op
	region   *region
	done     [MaxSteps]bool
	found    Row
	failed   *ServerError
	answered bool
}

// action is what becomes one RegionAction: plain ops of one region, or one step of an op.
type action struct {
	ops  []*placed
	step int
}

// plan orders ops by their regions and puts plain ones together. Steps of an op follow each other: the server carries
// actions out in their order.
func plan(ops []*placed) []action {
	slices.SortStableFunc(ops, func(p, q *placed) int {
		return cmp.Or(bytes.Compare(p.region.name, q.region.name), cmp.Compare(plainFirst(p), plainFirst(q)))
	})
	actions := make([]action, 0, len(ops))
	for i := 0; i < len(ops); i++ {
		p := ops[i]
		if !p.op.plain() {
			for step := range p.op.Steps {
				actions = append(actions, action{ops: ops[i : i+1], step: step})
			}
			continue
		}
		first := i
		for i+1 < len(ops) && ops[i+1].region == p.region && ops[i+1].op.plain() {
			i++
		}
		actions = append(actions, action{ops: ops[first : i+1]})
	}
	return actions
}

func plainFirst(p *placed) int {
	if p.op.plain() {
		return 0
	}
	return 1
}

// appendMulti appends MultiRequest{regionAction=1{region=1, atomic=2, action=3{index=1, mutation=2, get=3}, condition=4}}.
func appendMulti(b []byte, actions []action) []byte {
	for i := range actions {
		var at int
		b, at = begin(b, 1)
		a := &actions[i]
		b = appendRegion(b, 1, a.ops[0].region.name)
		if a.ops[0].op.plain() {
			b = appendPlain(b, a.ops)
		} else {
			b = appendStep(b, a.ops[0].op.Row, &a.ops[0].op.Steps[a.step])
		}
		b = end(b, at)
	}
	return b
}

func appendPlain(b []byte, ops []*placed) []byte {
	for i, p := range ops {
		var at, inner int
		b, at = begin(b, 3)
		b = appendUint(b, 1, uint64(i))
		if len(p.op.Steps) > 0 {
			b, inner = begin(b, 2)
			b = appendMutation(b, p.op.Row, &p.op.Steps[0].Mutations[0])
		} else {
			b, inner = begin(b, 3)
			b = appendGet(b, p.op.Row, p.op.Get)
		}
		b = end(end(b, inner), at)
	}
	return b
}

func appendStep(b []byte, row []byte, s *Step) []byte {
	if len(s.Mutations) > 1 {
		b = appendBool(b, 2, true)
	}
	for i := range s.Mutations {
		var at, mutation int
		b, at = begin(b, 3)
		b = appendUint(b, 1, uint64(i))
		b, mutation = begin(b, 2)
		b = end(end(appendMutation(b, row, &s.Mutations[i]), mutation), at)
	}
	if s.Condition != nil {
		var at int
		b, at = begin(b, 4)
		b = end(appendCondition(b, row, s.Condition), at)
	}
	return b
}

// readMulti reads MultiResponse{regionActionResult=1}, which has to have one for each action that was sent, and tells each
// op what became of it.
func readMulti(b []byte, actions []action) error {
	next := 0
	err := eachField(b, func(f field) error {
		if f.number != 1 {
			return nil
		}
		if next == len(actions) {
			return fmt.Errorf("%w: more than %d results", errMalformed, len(actions))
		}
		next++
		return readActionResult(f.bytes, &actions[next-1])
	})
	if err == nil && next != len(actions) {
		err = fmt.Errorf("%w: %d results for %d actions", errMalformed, next, len(actions))
	}
	return err
}

// readActionResult reads RegionActionResult{resultOrException=1, exception=2, processed=3}. The exception is that of all
// its ops: the region is not there, say.
func readActionResult(b []byte, a *action) error {
	first := a.ops[0]
	processed := false
	err := eachField(b, func(f field) error {
		switch f.number {
		case 1:
			return readResultOrException(f.bytes, a)
		case 2:
			e, err := readNamedException(f.bytes)
			for _, p := range a.ops {
				p.answered, p.failed = true, e
			}
			return err
		case 3:
			processed = f.bool()
		}
		return nil
	})
	if err != nil {
		return err
	}
	if !first.op.plain() {
		first.answered = true
		first.done[a.step] = processed && first.failed == nil
		return nil
	}
	for _, p := range a.ops {
		if !p.answered {
			return fmt.Errorf("%w: an action without a result", errMalformed)
		}
		p.done[0] = len(p.op.Steps) > 0 && p.failed == nil
	}
	return nil
}

// readResultOrException reads ResultOrException{index=1, result=2, exception=3}.
func readResultOrException(b []byte, a *action) error {
	index := uint64(0)
	var found Row
	var failed *ServerError
	err := eachField(b, func(f field) (err error) {
		switch f.number {
		case 1:
			index = f.num
		case 2:
			found, _, err = readResult(f.bytes)
		case 3:
			failed, err = readNamedException(f.bytes)
		}
		return err
	})
	if err != nil {
		return err
	}
	if !a.ops[0].op.plain() { // of a step's mutations; an exception is the step's
		if failed != nil {
			a.ops[0].failed = failed
		}
		return nil
	}
	if index >= uint64(len(a.ops)) {
		return fmt.Errorf("%w: a result of action %d of %d", errMalformed, index, len(a.ops))
	}
	p := a.ops[index]
	p.answered, p.found, p.failed = true, found, failed
	return nil
}
