package consumer

import (
	"context"
	"errors"
	"regexp"
	"time"
)

// poll is a program with a loop around Poll.
func (p *process) poll() error {
	c, err := New(context.Background(), p.options(p.rand)...)
	must(err)
	p.w.locked(func() { p.c = c })
	p.pattern = p.rand.Chance(250)
	p.subscribe(true)
	p.w.bug.begin(p)
	for err == nil && p.ctx.Err() == nil {
		err = p.pollOnce()
	}
	ctx, cancel := context.WithTimeout(context.Background(), simEnd/2)
	defer cancel()
	if p.isDead() {
		cancel()
	} else if err == nil && p.slot.mode != pollAuto {
		if failed := c.Commit(ctx); failed != nil {
			p.notef("the last Commit failed: %v", failed)
		}
	}
	p.call(true)
	defer p.call(false)
	if closed := c.Close(ctx); err == nil {
		return closed
	}
	return err
}

// pollOnce is one turn: Poll, work, commit.
func (p *process) pollOnce() error {
	ctx, cancel := context.WithTimeout(p.ctx, p.rand.Between(10*time.Millisecond, time.Second))
	p.call(true)
	records, err := p.c.Poll(ctx)
	p.call(false)
	over := ctx.Err() != nil
	cancel()
	if err != nil && !(over && errors.Is(err, ctx.Err())) {
		return err
	}
	p.w.bug.polled(p)
	got := records.Slice()
	p.w.delivered(p, got)
	var processed []CommitOffset
	for i, r := range got {
		p.sleep(p.work(p.rand))
		p.w.processed(p, nil, r)
		if p.slot.mode == pollExplicit {
			processed = append(processed, r.After())
			if i+1 == len(got) || p.rand.Chance(200) {
				p.commit(lastOfEach(processed)...)
				processed = nil
			}
		}
		if p.isDead() {
			return nil
		}
	}
	switch {
	case p.slot.mode == pollSync && len(got) > 0:
		p.commit()
	case p.slot.mode == pollAsync && len(got) > 0:
		p.commitAsync()
	case (p.slot.mode == pollAsync || p.slot.mode == pollExplicit) && !p.attacked(): // what failed was not tried again
		p.commit()
	}
	p.pause()
	if attack := p.attacked(); p.partly && (!attack || p.rand.Chance(200)) {
		p.subscribe(true)
	} else if attack && p.rand.Chance(10) {
		p.subscribe(false)
	}
	return nil
}

// subscribe sets the subscription: all topics, or only some, or none.
func (p *process) subscribe(all bool) {
	p.partly = !all
	names := p.w.topicNames()
	switch {
	case all && p.pattern:
		must(p.c.SubscribePattern(regexp.MustCompile("^t")))
	case all:
		must(p.c.Subscribe(names...))
	case p.rand.Chance(500):
		p.notef("unsubscribes")
		must(p.c.Unsubscribe())
	default:
		p.notef("subscribes to %v only", names[:1])
		must(p.c.Subscribe(names[0]))
	}
	if !all {
		p.w.locked(func() { p.w.reach("a subscription changed") })
	}
}

// lastOfEach keeps the last offset of each partition.
func lastOfEach(offsets []CommitOffset) []CommitOffset {
	var last []CommitOffset
	for i, o := range offsets {
		again := false
		for _, later := range offsets[i+1:] {
			again = again || later.Partition == o.Partition
		}
		if !again {
			last = append(last, o)
		}
	}
	return last
}

func (p *process) commit(offsets ...CommitOffset) {
	if err := p.c.Commit(p.ctx, offsets...); err != nil {
		p.notef("Commit of %v failed: %v", offsets, err)
	}
}

func (p *process) commitAsync() {
	err := p.c.CommitAsync(func(offsets []CommitOffset, err error) {
		p.w.called(p, "of CommitAsync")
		if err != nil {
			p.notef("CommitAsync of %v failed: %v", offsets, err)
		}
	})
	if err != nil {
		p.notef("CommitAsync was refused: %v", err)
	}
}

// pause pauses a partition now and then, and resumes it later.
func (p *process) pause() {
	attack := p.attacked()
	if len(p.paused) > 0 && (!attack || p.rand.Chance(100)) {
		_ = p.c.Resume(p.paused...) // one that was given up needs it not
		p.paused = nil
	}
	if all := p.c.Assignment(); attack && len(all) > 0 && len(p.paused) == 0 && p.rand.Chance(20) {
		p.paused = all[p.rand.IntN(len(all)):][:1]
		_ = p.c.Pause(p.paused...)
		p.notef("pauses %v", p.paused)
	}
}

func (w *simWorld) topicNames() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var names []string
	for _, n := range w.names {
		names = append(names, n.Topic)
	}
	return sortedOnce(names)
}
