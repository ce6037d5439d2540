package hbase

import (
	"context"
	"fmt"

	"github.com/skein-io/skein/perceptor/hbase/client"
)

// rewriting is what becomes of rows that are written as they were read, or not at all.
type rewriting struct {
	// step says what is to be written to a row that somebody else has changed since it was read, nil if nothing is. A row that
	// is gone has no cells.
	step func(row *client.Row) *client.Step
	// done and failed are told what became of each row that is not left out by step.
	done   func(row []byte)
	failed func(row []byte, err error)
}

// rewriteLooks bounds how often a row is looked at that changes again and again.
const rewriteLooks = 20

// rewrite carries out ops of one step each, whose conditions are that the row is as it was read. Where that does not hold the
// row is read again.
func (s *Sink) rewrite(ctx context.Context, table string, ops []client.Op, r rewriting) error {
	for range rewriteLooks {
		if len(ops) == 0 {
			return nil
		}
		if err := s.client.Batch(ctx, table, ops); err != nil {
			return err
		}
		var changed []client.Op
		for i := range ops {
			switch op := &ops[i]; {
			case op.Err != nil:
				r.failed(op.Row, op.Err)
			case op.Done[0]:
				r.done(op.Row)
			default:
				changed = append(changed, client.Op{Row: op.Row})
			}
		}
		var err error
		if ops, err = s.lookAgain(ctx, table, changed, r); err != nil {
			return err
		}
	}
	for i := range ops {
		r.failed(ops[i].Row, fmt.Errorf("others changed the row each of the %d times that it was looked at", rewriteLooks))
	}
	return nil
}

// lookAgain reads whole rows, and returns what is to be written to them.
func (s *Sink) lookAgain(ctx context.Context, table string, ops []client.Op, r rewriting) ([]client.Op, error) {
	if len(ops) == 0 {
		return nil, nil
	}
	if err := s.client.Batch(ctx, table, ops); err != nil {
		return nil, err
	}
	again := ops[:0]
	for i := range ops {
		op := ops[i]
		if op.Err != nil {
			r.failed(op.Row, op.Err)
			continue
		}
		op.Found.Key = op.Row
		if step := r.step(&op.Found); step != nil {
			again = append(again, client.Op{Row: op.Row, Steps: []client.Step{*step}})
		}
	}
	return again, nil
}
