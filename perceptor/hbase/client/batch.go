package client

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// Batch carries out ops, which are of different rows of one table, on all servers that have them at the same time, and
// fills in what became of them. What may pass (regions that move, servers that are gone or busy) is tried again, for as
// long as the context and Options.RetryTimeout allow.
//
// If it returns an error, some of the ops may have been carried out. Op.Err is what concerns one op only.
func (c *Client) Batch(ctx context.Context, table string, ops []Op) error {
	todo := make([]*placed, len(ops))
	for i := range ops {
		o := &ops[i]
		o.Err, o.Done, o.Found = o.check(c.options.RequestMax), [MaxSteps]bool{}, Row{}
		todo[i] = &placed{op: o}
	}
	patience := c.patience(ctx)
	for {
		again, cause, err := c.try(ctx, table, todo)
		if err != nil {
			return err
		}
		if len(again) == 0 {
			return nil
		}
		if len(again) < len(todo) {
			patience.progress()
		}
		if err := patience.wait(cause); err != nil {
			return fmt.Errorf("%d rows of %q: %w", len(again), table, err)
		}
		todo = again
	}
}

// MaxRow is the longest key of a row, in bytes.
const MaxRow = 1<<15 - 1

// check refuses what no server takes. A request that is too large must not be sent: HBase closes the connection on it, in the
// middle of it, and its reason is lost.
func (o *Op) check(requestMax int) error {
	switch size := o.size(); {
	case len(o.Row) == 0:
		return errors.New("a row of HBase cannot have an empty key")
	case len(o.Row) > MaxRow:
		return fmt.Errorf("a row key of %d bytes: %w, at most %d", len(o.Row), ErrTooLarge, MaxRow)
	case size > requestMax:
		return fmt.Errorf("a row of about %d bytes: %w, at most %d", size, ErrTooLarge, requestMax)
	case len(o.Steps) > MaxSteps:
		return fmt.Errorf("an op of %d steps; at most %d are allowed", len(o.Steps), MaxSteps)
	}
	return nil
}

// try sends each op once, and returns those that have to be tried again and why.
func (c *Client) try(ctx context.Context, table string, ops []*placed) (again []*placed, cause, err error) {
	servers := map[string][]*placed{}
	for _, p := range ops {
		if p.op.Err != nil {
			continue
		}
		if p.region = c.regions.find(table, p.op.Row); p.region == nil && cause == nil {
			if p.region, err = c.locate(ctx, table, p.op.Row); err != nil {
				if heal(err) == giveUp {
					return nil, nil, err
				}
				cause, err = err, nil
			}
		}
		if p.region == nil { // nor is another looked for in this try: each would wait as long
			again = append(again, p)
			continue
		}
		p.answered, p.failed, p.done, p.found = false, nil, [MaxSteps]bool{}, Row{}
		servers[p.region.addr] = append(servers[p.region.addr], p)
	}
	var mu sync.Mutex
	var wait sync.WaitGroup
	free := make(chan struct{}, requestsMax)
	for addr, ops := range servers {
		for _, part := range c.parts(ops) {
			free <- struct{}{}
			wait.Add(1)
			go func() {
				defer wait.Done()
				defer func() { <-free }()
				left, leftFor, failed := c.send(ctx, addr, part)
				mu.Lock()
				defer mu.Unlock()
				again = append(again, left...)
				if leftFor != nil {
					cause = leftFor
				}
				if failed != nil {
					err = failed
				}
			}()
		}
	}
	wait.Wait()
	return again, cause, err
}

// requestsMax is how many requests of one batch are under way at the same time, so that a large batch is not in memory twice.
const requestsMax = 16

// parts cuts ops so that each part fits into a request.
func (c *Client) parts(ops []*placed) [][]*placed {
	var parts [][]*placed
	first, size := 0, 0
	for i, p := range ops {
		n := p.op.size()
		if i > first && size+n > c.options.BatchBytes {
			parts = append(parts, ops[first:i])
			first, size = i, 0
		}
		size += n
	}
	return append(parts, ops[first:])
}

// send sends ops to one server. A server says of a region that it does not have that inside the answer, for each action.
func (c *Client) send(ctx context.Context, addr string, ops []*placed) (again []*placed, cause, err error) {
	actions := plan(ops)
	message, err := c.ask(ctx, addr, regionService, "Multi", func(b []byte) []byte { return appendMulti(b, actions) })
	if err == nil {
		if err = readMulti(message, actions); err != nil {
			err = &connectionError{addr, err}
		}
	}
	if err != nil {
		help := heal(err)
		if help == giveUp {
			return nil, nil, err
		}
		if help != waitOnly {
			for _, p := range ops {
				c.regions.forget(p.region)
			}
		}
		return ops, err, nil
	}
	for _, p := range ops {
		if p.failed == nil {
			p.op.Found, p.op.Done = p.found, p.done
			continue
		}
		switch heal(p.failed) {
		case giveUp:
			p.op.Err = p.failed
			continue
		case waitOnly:
		default:
			c.regions.forget(p.region)
		}
		again, cause = append(again, p), p.failed
	}
	return again, cause, nil
}

// Get reads columns of a row. A row that does not exist has no cells.
func (c *Client) Get(ctx context.Context, table string, row []byte, columns Columns) (Row, error) {
	ops := []Op{{Row: row, Get: columns}}
	if err := c.Batch(ctx, table, ops); err != nil {
		return Row{}, err
	}
	return ops[0].Found, ops[0].Err
}

// Mutate carries out mutations of a row together, if the condition holds, and reports whether it did. A nil condition
// always holds.
func (c *Client) Mutate(ctx context.Context, table string, row []byte, condition *Condition, mutations ...Mutation) (done bool, err error) {
	ops := []Op{{Row: row, Steps: []Step{{condition, mutations}}}}
	if err := c.Batch(ctx, table, ops); err != nil {
		return false, err
	}
	return ops[0].Done[0], ops[0].Err
}
