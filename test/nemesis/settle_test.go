package nemesis

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
)

const (
	// settleMax is how long after the harm everybody may take to get on: a request that went nowhere is given up after
	// 15 s, and a client's pauses and a group's session come on top.
	settleMax = 90 * time.Second
	// afterwards is how long the producers go on after the harm.
	afterwards = 3 * time.Second
)

// settle demands progress of everybody, now that nothing is wrong any more.
func (w *world) settle() {
	time.Sleep(afterwards)
	for _, p := range w.producers {
		p.quiet()
	}
	begun := time.Now()
	for _, what := range []struct {
		name string
		done func() error
	}{
		{"records are acknowledged", w.acknowledged},
		{"every replica is in sync", w.inSync},
		{"a topic is created", w.topicCreated},
		{"readers are at the end", w.readToTheEnd},
		{"the group has committed everything", w.committedToTheEnd},
	} {
		w.insist(begun, what.name, what.done)
	}
	w.finalReader()
}

// insist waits until something is so.
func (w *world) insist(begun time.Time, what string, done func() error) {
	for {
		err := done()
		if err == nil {
			w.journal.note("%s, %v after the harm", what, time.Since(begun))
			return
		}
		if time.Since(begun) > settleMax {
			w.fail("%v after the harm it is not so that %s: %v", time.Since(begun), what, err)
			w.look()
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
}

func (w *world) acknowledged() error {
	for _, p := range w.producers {
		if n := p.waiting.Load(); n > 0 {
			return fmt.Errorf("%s waits for %d records", p.name, n)
		}
	}
	return nil
}

func (w *world) inSync() error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	listed, err := kadm.NewClient(w.admin).ListTopicsWithInternal(ctx)
	if err != nil {
		return err
	}
	for _, topic := range listed {
		for _, p := range topic.Partitions {
			if p.Err != nil || p.Leader < 0 || len(p.ISR) != len(p.Replicas) {
				return fmt.Errorf("%s-%d has the leader %d, the replicas %v, in sync %v, %v", topic.Topic, p.Partition, p.Leader, p.Replicas, p.ISR, p.Err)
			}
		}
	}
	return nil
}

func (w *world) topicCreated() error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	created, err := kadm.NewClient(w.admin).CreateTopic(ctx, 1, int16(min(3, w.options.nodes)), nil, fmt.Sprint("afterwards-", time.Since(w.journal.begun).Milliseconds()))
	if err == nil {
		err = created.Err
	}
	return err
}

// ends are the ends of the partitions, by slot.
func (w *world) ends() (map[int]int64, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	listed, err := kadm.NewClient(w.admin).ListEndOffsets(ctx, topics[0].name, topics[1].name)
	if err == nil {
		err = listed.Error()
	}
	if err != nil {
		return nil, err
	}
	ends := map[int]int64{}
	listed.Each(func(o kadm.ListedOffset) { ends[slot(o.Topic, o.Partition)] = o.Offset })
	return ends, nil
}

func (r *reader) atTheEnd(ends map[int]int64) error {
	for s, end := range ends {
		if at := r.next[s].Load(); at < end {
			return fmt.Errorf("%s has read partition %d of all up to %d of %d", r.name, s, at, end)
		}
	}
	return nil
}

func (w *world) readToTheEnd() error {
	ends, err := w.ends()
	if err != nil {
		return err
	}
	for _, r := range w.readers {
		if err := r.atTheEnd(ends); err != nil {
			return err
		}
	}
	return nil
}

func (w *world) committedToTheEnd() error {
	ends, err := w.ends()
	if err != nil {
		return err
	}
	client := w.client("end")
	defer client.Close()
	committed, err := fetchCommitted(context.Background(), w, client)
	if err != nil {
		return err
	}
	for p := range topics[0].partitions {
		if end := ends[slot(topics[0].name, p)]; committed[p] < end && end > 0 {
			return fmt.Errorf("the group has committed %d of %d in partition %d", committed[p], end, p)
		}
	}
	return nil
}

// finalReader reads everything from the start, as somebody who was not there.
func (w *world) finalReader() {
	r := startReader(w, "final")
	w.insist(time.Now(), "everything can be read", func() error {
		ends, err := w.ends()
		if err != nil {
			return err
		}
		return r.atTheEnd(ends)
	})
	r.end()
}
