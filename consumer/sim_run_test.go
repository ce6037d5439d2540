package consumer

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"time"

	"github.com/skein-io/skein/internal/sim"
)

// run is a program that calls Run.
func (p *process) run() error {
	workers := 1 + p.rand.IntN(4)
	options := append(p.options(p.rand), Topics(p.w.topicNames()...), Workers(workers), InFlight(40, 100), DrainMax(time.Second),
		Retries(1000, 10*time.Millisecond, 100*time.Millisecond))
	if p.slot.mode == runKey || p.w.bug.anyOrder {
		options = append(options, PerKey())
	}
	return Run(p.ctx, p.handle, options...)
}

// errSim is what a handler fails with.
var errSim = errors.New("the handler fails")

func (p *process) handle(ctx context.Context, r Record) error {
	held, attempt := p.w.begins(p, r)
	h := fnv.New64a()
	fmt.Fprint(h, p.name, r.TopicPartition())
	chance := &sim.Rand{Rand: rand.New(rand.NewPCG(p.w.seed^h.Sum64(), uint64(r.Offset)<<16|uint64(attempt)))}
	d := p.work(chance)
	if chance.Chance(800) { // a handler that looks at its context
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-p.gone:
			return errSim
		case <-ctx.Done():
			return p.w.failed(p, held, r, ctx.Err())
		}
	} else {
		p.sleep(d)
	}
	if p.attacked() && chance.Chance(20) {
		err := errSim
		if chance.Chance(50) {
			err = GiveUp(errSim)
		}
		return p.w.failed(p, held, r, err)
	}
	p.w.processed(p, held, r)
	return nil
}
