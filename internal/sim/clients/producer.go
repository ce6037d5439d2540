package clients

import (
	"fmt"
	"time"

	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
	"github.com/skein-io/skein/internal/sim/check"
)

// Producer sends batches to one partition. With sequence numbers it keeps up to window batches under way and sends all
// of them again, in order, when one is not answered or refused; without, it has one batch under way and may send it
// twice.
type Producer struct {
	*Client
	partition  check.Partition
	idempotent bool
	window     int
	acks       int16

	id       int64
	next     int32 // sequence of the next batch
	batches  []*batch
	values   int
	acked    int
	refused  int  // times in a row that the oldest batch was refused although nothing was under way before it
	waiting  bool // a send or a retry is planned
	underway int
	broker   int  // that has what is under way
	retrying bool // all that is under way is awaited, then everything is sent again
}

// batch is some values on their way into the log.
type batch struct {
	sequence int32
	values   []string
	attempts int
	settled  bool // acknowledged, or given up
}

func newProducer(w *World, name string, partition int32, idempotent bool) *Producer {
	p := &Producer{Client: newClient(w, name), partition: check.Partition{Topic: w.Topic, Index: partition}, idempotent: idempotent, window: 1, acks: -1, id: -1}
	if idempotent {
		p.window = w.Window
	} else if p.rand.Chance(300) {
		p.acks = 1
	}
	return p
}

func (p *Producer) start() {
	if p.idempotent {
		p.init()
		return
	}
	p.plan()
}

// init asks for a producer id.
func (p *Producer) init() {
	r := protocol.NewInitProducerIDRequest()
	r.ProducerID, r.ProducerEpoch = -1, -1
	p.ask(p.any(), r, RequestTimeout, func(m protocol.Message, err error) {
		if err == nil && m.(*protocol.InitProducerIDResponse).ErrorCode == protocol.None {
			p.id, p.next = m.(*protocol.InitProducerIDResponse).ProducerID, 0
			p.World.Notef("%s has producer id %d", p.Name, p.id)
			p.World.Give("producer-id", fmt.Sprint(p.id), p.Name)
			p.plan()
			return
		}
		p.later(10*time.Millisecond, 500*time.Millisecond, p.init)
	})
}

// plan sends the next batch after a moment.
func (p *Producer) plan() {
	if p.waiting {
		return
	}
	p.waiting = true
	p.later(0, 120*time.Millisecond, func() {
		p.waiting = false
		if !p.retrying && !p.World.Quiet && len(p.batches) < p.room() {
			b := &batch{sequence: p.next}
			for range 1 + p.rand.IntN(4) {
				p.values++
				b.values = append(b.values, fmt.Sprintf("%s/%d.%0*d", p.Name, p.values, 1+p.rand.IntN(120), 0))
			}
			p.next += int32(len(b.values))
			p.batches = append(p.batches, b)
			p.send(b)
		}
		p.plan()
	})
}

// room is how many batches may be under way: one until the first is acknowledged, for a broker that does not know a
// producer takes any sequence for its first, as in Kafka.
func (p *Producer) room() int {
	if p.acked == 0 {
		return 1
	}
	return p.window
}

// send sends a batch to where the others that are under way went.
func (p *Producer) send(b *batch) {
	if p.underway == 0 {
		p.broker = p.leader(p.partition)
	}
	b.attempts++
	p.underway++
	op := check.Operation{Process: p.Name, Kind: check.Send, Idempotent: p.idempotent}
	builder := record.NewBuilder()
	if p.idempotent {
		builder.SetProducer(p.id, 0, b.sequence)
		op.Producer = &check.Producer{ID: p.id, Sequence: b.sequence}
	}
	for _, v := range b.values {
		op.Records = append(op.Records, check.Record{Partition: p.partition, Offset: check.NoOffset, Value: v})
		if err := builder.Add(p.World.Wall().UnixMilli(), nil, []byte(v)); err != nil {
			panic(err)
		}
	}
	bytes, err := builder.Build()
	if err != nil {
		panic(err)
	}
	r := protocol.NewProduceRequest()
	r.Acks, r.TimeoutMs = p.acks, 3_600_000
	r.TopicData = []protocol.ProduceRequestTopicProduceData{{Name: p.partition.Topic,
		PartitionData: []protocol.ProduceRequestPartitionProduceData{{Index: p.partition.Index, Records: bytes}}}}
	pending := p.World.Recorder.Begin(op)
	p.ask(p.broker, r, RequestTimeout, func(m protocol.Message, err error) {
		p.underway--
		if err != nil {
			p.misled(p.partition, protocol.None, err)
			p.World.Notef("%s: %s has no answer: %v", p.Name, b.values[0], err)
			pending.End(check.Info, func(o *check.Operation) { o.Error = err.Error() })
			p.unanswered(b)
			return
		}
		answer := &m.(*protocol.ProduceResponse).Responses[0].PartitionResponses[0]
		p.answered(b, pending, answer)
	})
}

func (p *Producer) answered(b *batch, pending *check.Pending, answer *protocol.ProduceResponsePartitionProduceResponse) {
	code := answer.ErrorCode
	p.misled(p.partition, code, nil)
	p.World.Notef("%s: %s is %v at %d", p.Name, b.values[0], code, answer.BaseOffset)
	outcome := check.OutcomeOf(code.String())
	if outcome == check.OK && p.acks == 1 && len(p.World.Addresses) > 1 {
		outcome = check.Info // what only the leader has may go with it
		pending.End(outcome, nil)
		p.settle(b)
		p.retryIfDue()
		return
	}
	pending.End(outcome, func(o *check.Operation) {
		if outcome != check.OK {
			o.Error = code.String()
			return
		}
		for i := range o.Records {
			o.Records[i].Offset = record.Offset(answer.BaseOffset) + record.Offset(i)
		}
	})
	if outcome == check.OK {
		if b.attempts > 1 {
			p.World.Reach("acknowledged at a retry")
		}
		p.refused = 0
		p.settle(b)
		p.retryIfDue()
		return
	}
	if code == protocol.OutOfOrderSequenceNumber || code == protocol.UnknownProducerID {
		p.outOfOrder(b)
	}
	p.unanswered(b)
}

// settle takes a batch out of what is under way.
func (p *Producer) settle(b *batch) {
	b.settled = true
	p.acked++
	kept := p.batches[:0]
	for _, other := range p.batches {
		if !other.settled {
			kept = append(kept, other)
		}
	}
	p.batches = kept
}

// outOfOrder: the oldest batch is refused although every one before it was acknowledged. The broker has lost some. One of
// several may be a former leader that does not know it yet, and has not seen the newest.
func (p *Producer) outOfOrder(b *batch) {
	if len(p.batches) == 0 || p.batches[0] != b {
		return
	}
	limit := 3
	if len(p.World.Addresses) > 1 {
		limit = 30
		p.misled(p.partition, protocol.NotLeaderOrFollower, nil)
		if p.World.Attack {
			return
		}
	}
	if p.refused++; p.refused == limit {
		p.World.Wrong("sequence", p.Name, "the oldest batch, sequence %d of producer %d, is out of order: batches before it are forgotten", b.sequence, p.id)
	}
}

// unanswered sends everything again when nothing is under way any more, or gives up what may be given up.
func (p *Producer) unanswered(b *batch) {
	if !p.idempotent && p.rand.Chance(400) {
		p.settle(b)
		p.acked--
		return
	}
	p.retrying = true
	p.retryIfDue()
}

func (p *Producer) retryIfDue() {
	if !p.retrying || p.underway > 0 {
		return
	}
	p.later(10*time.Millisecond, 300*time.Millisecond, func() {
		if !p.retrying || p.underway > 0 {
			return
		}
		p.retrying = false
		p.World.Reach("batches sent again")
		for _, b := range p.batches {
			p.send(b)
		}
	})
}
