package consumer

import (
	"fmt"
	"time"

	"github.com/skein-io/skein/consumer/internal/link"
	"github.com/skein-io/skein/consumer/internal/position"
	"github.com/skein-io/skein/internal/record"
	"github.com/skein-io/skein/internal/sim"

	"github.com/twmb/franz-go/pkg/kerr"
)

// simLog is a partition: its log as bytes, who leads it, and what became of its records. Guarded by simWorld.mu.
type simLog struct {
	w    *simWorld
	name TopicPartition

	leader, epoch int32
	bytes         []byte
	batches       []simBatch
	epochs        []simEpoch
	records       []simRecord // by offset
	hw            int64
	waiting       map[*simFetch]bool

	floor     int64 // below it every record is processed
	committed int64
}

type simBatch struct {
	base, next int64
	at         int // in simLog.bytes
}

type simEpoch struct {
	epoch int32
	start int64
}

// simRecord is what is known of an offset. A marker of a transaction is no record that anybody is given.
type simRecord struct {
	key    string // "" is null
	marker bool
	done   bool
}

func newSimLog(w *simWorld, name TopicPartition, chance *sim.Rand) *simLog {
	return &simLog{w: w, name: name, leader: int32(chance.IntN(simNodes)), epochs: []simEpoch{{0, 0}}, waiting: map[*simFetch]bool{}}
}

func (l *simLog) end() int64 { return int64(len(l.records)) }

// nextRecord is the first offset from this one on that is a record.
func (l *simLog) nextRecord(from int64) int64 {
	for from < l.end() && l.records[from].marker {
		from++
	}
	return from
}

// produce appends a batch. It becomes visible later, as if followers had to fetch it.
func (l *simLog) produce(chance *sim.Rand) {
	b := record.NewBuilder()
	b.SetBaseOffset(record.Offset(l.end()))
	b.SetLeaderEpoch(record.LeaderEpoch(l.epoch))
	base := l.end()
	if chance.Chance(50) {
		b.SetProducer(7, 0, -1)
		b.SetTransactional(true)
		b.SetControl(true)
		must(b.Add(time.Now().UnixMilli(), record.ControlKey(record.ControlCommit), make([]byte, 6)))
		l.records = append(l.records, simRecord{marker: true, done: true})
	} else {
		for range 1 + chance.IntN(5) {
			key := ""
			if !chance.Chance(150) {
				key = string('a' + rune(chance.IntN(4)))
			}
			var bytes []byte
			if key != "" && !l.w.bug.nullKeys {
				bytes = []byte(key)
			}
			must(b.Add(time.Now().UnixMilli(), bytes, l.value(l.end())))
			l.records = append(l.records, simRecord{key: key})
		}
	}
	l.batches = append(l.batches, simBatch{base: base, next: l.end(), at: len(l.bytes)})
	var err error
	l.bytes, err = b.AppendTo(l.bytes)
	must(err)
	l.raiseFloor()
	l.catchUp(chance.Between(0, 30*time.Millisecond))
}

func (l *simLog) value(offset int64) []byte { return fmt.Appendf(nil, "%v@%d", l.name, offset) }

// catchUp makes what is in the log now visible after a while.
func (l *simLog) catchUp(d time.Duration) {
	end, epoch := l.end(), l.epoch
	l.w.after(d, func() {
		if l.epoch != epoch || end <= l.hw {
			return
		}
		l.hw = end
		for f := range l.waiting {
			f.look(l.w)
		}
	})
}

// elect gives the partition another leader. It has the whole log; where the high watermark is it finds out again.
func (l *simLog) elect(chance *sim.Rand) {
	l.leader = (l.leader + 1 + int32(chance.IntN(simNodes-1))) % simNodes
	l.epoch++
	l.epochs = append(l.epochs, simEpoch{l.epoch, l.end()})
	for back := chance.IntN(3); back > 0; back-- {
		for i := len(l.batches) - 1; i >= 0; i-- {
			if l.batches[i].next <= l.hw {
				l.hw = l.batches[i].base
				break
			}
		}
	}
	l.w.notef("%v: node %d leads in epoch %d, high watermark %d of %d", l.name, l.leader, l.epoch, l.hw, l.end())
	l.catchUp(chance.Between(10*time.Millisecond, 500*time.Millisecond))
	for f := range l.waiting {
		f.look(l.w)
	}
}

// checkLeader says what a node answers that does not lead the partition, or not in this epoch.
func (l *simLog) checkLeader(node, epoch int32) error {
	switch {
	case node != l.leader:
		return kerr.NotLeaderForPartition
	case epoch >= 0 && epoch < l.epoch:
		return kerr.FencedLeaderEpoch
	case epoch > l.epoch:
		return kerr.UnknownLeaderEpoch
	}
	return nil
}

// epochEnd answers OffsetForLeaderEpoch.
func (l *simLog) epochEnd(epoch int32) (int32, int64) {
	found, end := int32(-1), int64(-1)
	for i, e := range l.epochs {
		if e.epoch > epoch {
			break
		}
		found, end = e.epoch, l.end()
		if i+1 < len(l.epochs) {
			end = l.epochs[i+1].start
		}
	}
	return found, end
}

// lastEpoch is the epoch of the record in front of an offset.
func (l *simLog) lastEpoch(offset int64) int32 {
	at := int32(-1)
	for _, e := range l.epochs {
		if e.start < offset {
			at = e.epoch
		}
	}
	return at
}

// read is what a Fetch gets of the partition.
func (l *simLog) read(want position.Want, node int32, bytesMax int) link.FetchAnswer {
	a := link.FetchAnswer{Name: l.name, PreferredReplica: -1, Leader: link.Leader{Node: -1, Epoch: -1}}
	if a.Err = l.checkLeader(node, want.LeaderEpoch); a.Err != nil {
		if a.Err != kerr.UnknownLeaderEpoch && l.epoch%2 == 0 { // a broker that tells who leads (KIP-951), or one that does not
			a.Leader = link.Leader{Node: l.leader, Epoch: l.epoch}
		}
		return a
	}
	if want.From.Offset > l.end() {
		a.Err = kerr.OffsetOutOfRange
		return a
	}
	a.Ends = position.Ends{HighWatermark: l.hw, LastStableOffset: l.hw, LogStart: 0}
	from := -1
	for i := len(l.batches) - 1; i >= 0; i-- {
		b := l.batches[i]
		if b.next <= want.From.Offset {
			break
		}
		if b.next <= l.hw {
			from = i
		}
	}
	if from < 0 {
		return a
	}
	start, to := l.batches[from].at, len(l.bytes)
	for i := from; i < len(l.batches); i++ {
		if l.batches[i].next > l.hw || i > from && l.batches[i].at-start >= bytesMax {
			to = l.batches[i].at
			break
		}
	}
	a.Bytes = l.bytes[start:to:to]
	return a
}

// raiseFloor looks how far every record is processed now.
func (l *simLog) raiseFloor() {
	for l.floor < l.end() && l.records[l.floor].done {
		l.floor++
	}
}

// simFetch is a Fetch that waits at its node.
type simFetch struct {
	node  int32
	cfg   link.FetchConfig
	wants []position.Want
	reply func(any)
	over  bool // the broker may not wait any longer
	done  bool
}

// look answers the Fetch if there is something to tell.
func (f *simFetch) look(w *simWorld) {
	if f.done {
		return
	}
	answers, bytes, news := make([]link.FetchAnswer, 0, len(f.wants)), 0, false
	for _, want := range f.wants {
		l := w.logs[want.Part.Name]
		if l == nil {
			answers, news = append(answers, link.FetchAnswer{Name: want.Part.Name, PreferredReplica: -1, Err: kerr.UnknownTopicOrPartition}), true
			continue
		}
		most := int(f.cfg.PartitionMaxBytes)
		if bytes >= int(f.cfg.MaxBytes) {
			continue
		}
		a := l.read(want, f.node, most)
		bytes += len(a.Bytes)
		news = news || a.Err != nil || len(a.Bytes) > 0
		answers = append(answers, a)
	}
	if !news && !f.over {
		return
	}
	f.done = true
	for _, want := range f.wants {
		if l := w.logs[want.Part.Name]; l != nil {
			delete(l.waiting, f)
		}
	}
	f.reply(answers)
}
