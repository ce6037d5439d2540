package clients

import (
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
	"github.com/skein-io/skein/internal/sim/check"
)

// cursor is positions in partitions, and how a client polls from them. Readers and members have one.
type cursor struct {
	*Client
	process   string // in the history
	positions map[int32]record.Offset
	epochs    map[int32]record.LeaderEpoch // of the record before the position
}

func newCursor(c *Client, process string) cursor {
	return cursor{Client: c, process: process, positions: map[int32]record.Offset{}, epochs: map[int32]record.LeaderEpoch{}}
}

func (c *cursor) assign(index int32, at record.Offset) { c.positions[index] = at }

// at is the positions in the order of partitions.
func (c *cursor) at() []check.Position {
	var list []check.Position
	for index := range int32(c.World.Partitions) {
		if at, ok := c.positions[index]; ok {
			list = append(list, check.Position{Partition: check.Partition{Topic: c.World.Topic, Index: index}, Offset: at})
		}
	}
	return list
}

// poll fetches once from all positions in partitions that one broker leads, which it chooses.
func (c *cursor) poll(then func()) {
	asked := map[int][]check.Position{} // by broker
	var brokers []int
	for _, p := range c.at() {
		broker := c.leader(p.Partition)
		if asked[broker] == nil {
			brokers = append(brokers, broker)
		}
		asked[broker] = append(asked[broker], p)
	}
	if len(brokers) == 0 {
		then()
		return
	}
	broker := brokers[c.rand.IntN(len(brokers))]
	q := protocol.NewFetchRequest()
	q.MaxBytes, q.SessionEpoch, q.MinBytes = 1<<20, -1, 0
	topic := protocol.FetchRequestTopic{Topic: c.World.Topic}
	for _, p := range asked[broker] {
		topic.Partitions = append(topic.Partitions, protocol.FetchRequestPartition{Partition: p.Index, FetchOffset: int64(p.Offset),
			CurrentLeaderEpoch: -1, LastFetchedEpoch: -1, LogStartOffset: -1, PartitionMaxBytes: int32(200 + c.rand.IntN(4000))})
	}
	q.Topics = []protocol.FetchRequestTopic{topic}
	pending := c.World.Recorder.Begin(check.Operation{Process: c.process, Kind: check.Poll})
	c.ask(broker, q, RequestTimeout, func(m protocol.Message, err error) {
		if err != nil {
			for _, p := range asked[broker] {
				c.misled(p.Partition, protocol.None, err)
			}
			pending.End(check.Info, nil)
			then()
			return
		}
		c.fetched(broker, m.(*protocol.FetchResponse), pending, then)
	})
}

func (c *cursor) fetched(broker int, m *protocol.FetchResponse, pending *check.Pending, then func()) {
	var records []check.Record
	var marks []check.Watermark
	lost := false
	for i := range m.Responses {
		for j := range m.Responses[i].Partitions {
			p := &m.Responses[i].Partitions[j]
			at := check.Partition{Topic: c.World.Topic, Index: p.PartitionIndex}
			if _, mine := c.positions[at.Index]; !mine {
				continue // it was taken away meanwhile
			}
			c.misled(at, p.ErrorCode, nil)
			switch p.ErrorCode {
			case protocol.None:
				marks = append(marks, check.Watermark{Partition: at, LogStart: record.Offset(p.LogStartOffset), High: record.Offset(p.HighWatermark)})
				records = append(records, c.decode(at, broker, p)...)
			case protocol.OffsetOutOfRange:
				lost = true
			}
		}
	}
	pending.End(check.OK, func(o *check.Operation) { o.Records, o.Watermarks = records, marks })
	if len(records) > 0 {
		c.World.Notef("%s read %d records", c.Name, len(records))
	}
	if lost {
		c.reset(then)
		return
	}
	then()
}

// decode takes the records at and after the position, and moves it. Where a checksum is wrong it stops, as clients do: it asks
// again from there.
func (c *cursor) decode(at check.Partition, broker int, p *protocol.FetchResponsePartitionData) []check.Record {
	var records []check.Record
	bytes, _ := p.Records.(protocol.Bytes)
	for rest := []byte(bytes); len(rest) > 0; {
		batch, after, err := record.Split(rest)
		if err == nil {
			err = batch.Check()
		}
		if err != nil && c.World.Spoilt != nil && c.World.Spoilt(at, broker) {
			c.World.Notef("%s was given damaged bytes of %v after %d: %v", c.Name, at, c.positions[at.Index], err)
			c.World.Reach("damage met by a consumer")
			return records
		}
		if err != nil {
			c.World.Wrong("bytes", at.String(), "%s was given a batch that is none: %v", c.Name, err)
			return records
		}
		if batch.NextOffset() > record.Offset(p.HighWatermark) {
			c.World.Wrong("above-watermark", at.String(), "%s was given a batch that ends at %d; the high watermark is %d",
				c.Name, batch.NextOffset(), p.HighWatermark)
		}
		list := batch.Records(record.Limits{})
		for list.Next() {
			if r := list.Record(); r.Offset >= c.positions[at.Index] {
				records = append(records, check.Record{Partition: at, Offset: r.Offset, Value: string(r.Value)})
				c.positions[at.Index] = r.Offset + 1
			}
		}
		if err := list.Err(); err != nil {
			c.World.Wrong("bytes", at.String(), "%s cannot read a batch: %v", c.Name, err)
		}
		list.Close()
		c.epochs[at.Index] = batch.LeaderEpoch()
		rest = after
	}
	return records
}

// reset goes on at the log start: what was read from is gone.
func (c *cursor) reset(then func()) {
	c.World.Reach("offset out of range")
	c.list(-2, func(found map[int32]record.Offset) {
		for index, start := range found {
			if at, mine := c.positions[index]; mine && start > at {
				c.assign(index, start)
			}
		}
		op := check.Operation{Process: c.process, Kind: check.Seek, Positions: c.at()}
		c.World.Recorder.Begin(op).End(check.OK, nil)
		then()
	})
}
