package check

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/skein-io/skein/test/interop/line"
)

// Produced is what a producer was asked for and what it said was stored.
type Produced struct {
	Tag           string
	Count         int
	Keys          int
	Size          int
	TellsOffsets  bool
	RecordHeaders bool
	// NoDuplicates and Ordered are demanded of a run without a broken
	// connection, and of every idempotent run.
	NoDuplicates, Ordered bool

	mu   sync.Mutex
	acks map[int]place
}

type place struct {
	partition int32
	offset    int64
}

// Take is an event handler that remembers acks.
func (p *Produced) Take(e line.Event, _ time.Time) {
	if e.E != line.Ack {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.acks == nil {
		p.acks = map[int]place{}
	}
	p.acks[e.I] = place{e.P, e.O}
}

// Acked is how many records the producer said were stored.
func (p *Produced) Acked() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.acks)
}

// Compare looks for every acknowledged record in the topic: present at the
// place the producer was told, with its content, in order, once.
func (p *Produced) Compare(t Topic) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	seen := map[int]int{}
	for partition, records := range t {
		if err := p.comparePartition(partition, records, seen); err != nil {
			return err
		}
	}
	for i := range p.acks {
		if seen[i] == 0 {
			return fmt.Errorf("record %d was acknowledged at %v and is not in the topic", i, p.acks[i])
		}
	}
	if len(seen) != p.Count {
		return fmt.Errorf("the topic holds %d different records of %d", len(seen), p.Count)
	}
	return p.comparePlaces(t)
}

func (p *Produced) comparePartition(partition int32, records []Record, seen map[int]int) error {
	last := -1
	for _, r := range records {
		i, ok := line.Number(p.Tag, r.Value)
		if !ok {
			return fmt.Errorf("partition %d offset %d holds a foreign value %q", partition, r.Offset, r.Value)
		}
		if err := p.content(i, r); err != nil {
			return fmt.Errorf("partition %d offset %d: %w", partition, r.Offset, err)
		}
		if seen[i]++; seen[i] > 1 && p.NoDuplicates {
			return fmt.Errorf("record %d is there twice, again at partition %d offset %d", i, partition, r.Offset)
		}
		if i <= last && p.Ordered {
			return fmt.Errorf("partition %d offset %d: record %d follows record %d", partition, r.Offset, i, last)
		}
		last = i
	}
	return nil
}

func (p *Produced) content(i int, r Record) error {
	if want := line.Key(p.Tag, i, p.Keys); r.Key != want {
		return fmt.Errorf("record %d has key %q, want %q", i, r.Key, want)
	}
	if want := line.Value(p.Tag, i, p.Size); r.Value != want {
		return fmt.Errorf("record %d has value %q, want %q", i, r.Value, want)
	}
	want := line.Headers(p.Tag, i)
	if !p.RecordHeaders {
		want = want[:1]
	}
	if !slices.Equal(r.Headers, want) {
		return fmt.Errorf("record %d has headers %v, want %v", i, r.Headers, want)
	}
	return nil
}

// comparePlaces checks the partition and offset of each ack.
func (p *Produced) comparePlaces(t Topic) error {
	if !p.TellsOffsets {
		return nil
	}
	for i, at := range p.acks {
		if at.offset < 0 {
			continue
		}
		r, ok := t.At(at.partition, at.offset)
		if !ok {
			return fmt.Errorf("record %d was acknowledged at %v, where the topic holds nothing", i, at)
		}
		if n, _ := line.Number(p.Tag, r.Value); n != i {
			return fmt.Errorf("record %d was acknowledged at %v, where record %d is", i, at, n)
		}
	}
	return nil
}
