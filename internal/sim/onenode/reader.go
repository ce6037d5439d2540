package onenode

import (
	"time"

	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
	"github.com/skein-io/skein/internal/sim/check"
)

// reader consumes every partition from the beginning, at positions of its own. Now and then it asks for offsets by
// time, or is restarted and begins again.
type reader struct {
	*client
	cursor
	until map[check.Partition]record.Offset // of a reader at the end: where it may stop
	done  func()
}

func newReader(w *world, name string) *reader {
	return &reader{client: newClient(w, name)}
}

func (r *reader) start() {
	r.cursor = newCursor(r.client, r.name)
	for index := range int32(r.world.options.Partitions) {
		r.assign(index, 0)
	}
	op := check.Operation{Process: r.name, Kind: check.Assign, Positions: r.list()}
	r.world.recorder.Begin(op).End(check.OK, nil)
	r.loop()
}

func (r *reader) loop() {
	again := func() { r.later(5*time.Millisecond, 150*time.Millisecond, r.loop) }
	switch {
	case r.until != nil && r.finished():
		r.done()
	case r.until == nil && r.rand.Chance(100):
		r.listOffsets(again)
	default:
		r.poll(again)
	}
}

func (r *reader) finished() bool {
	for index, position := range r.positions {
		if position < r.until[check.Partition{Topic: topicName, Index: index}] {
			return false
		}
	}
	return true
}

// crash forgets the positions and begins anew.
func (r *reader) crash() {
	r.world.recorder.Begin(check.Operation{Process: r.name, Kind: check.Crash}).End(check.OK, nil)
	r.restart(r.rand.Between(0, time.Second), r.start)
}

// listOffsets asks for the start and the end of every partition.
func (r *reader) listOffsets(then func()) {
	timestamp, latest := int64(-2), r.rand.Chance(500)
	if latest {
		timestamp = -1
	}
	pending := r.world.recorder.Begin(check.Operation{Process: r.name, Kind: check.ListOffsets})
	r.ask(listOffsetsRequest(r.world.options.Partitions, timestamp), requestTimeout, func(m protocol.Message, err error) {
		var marks []check.Watermark
		if err == nil {
			for index, offset := range listedOffsets(m) {
				mark := check.Watermark{Partition: check.Partition{Topic: topicName, Index: int32(index)}, LogStart: offset, High: check.NoOffset}
				if latest {
					mark.LogStart, mark.High = check.NoOffset, offset
				}
				marks = append(marks, mark)
			}
		}
		if len(marks) == 0 {
			pending.End(check.Fail, nil)
		} else {
			pending.End(check.OK, func(o *check.Operation) { o.Watermarks = marks })
		}
		then()
	})
}

func listOffsetsRequest(partitions int, timestamp int64) *protocol.ListOffsetsRequest {
	q := protocol.NewListOffsetsRequest()
	topic := protocol.ListOffsetsRequestTopic{Name: topicName}
	for index := range int32(partitions) {
		topic.Partitions = append(topic.Partitions, protocol.ListOffsetsRequestPartition{PartitionIndex: index, CurrentLeaderEpoch: -1, Timestamp: timestamp})
	}
	q.Topics = []protocol.ListOffsetsRequestTopic{topic}
	return q
}

// listedOffsets is the offset of each partition, NoOffset where there was an error; nil if all had one.
func listedOffsets(m protocol.Message) []record.Offset {
	var offsets []record.Offset
	some := false
	for _, p := range m.(*protocol.ListOffsetsResponse).Topics[0].Partitions {
		offset := check.NoOffset
		if p.ErrorCode == protocol.None {
			offset, some = record.Offset(p.Offset), true
		}
		offsets = append(offsets, offset)
	}
	if !some {
		return nil
	}
	return offsets
}

// cursor is positions in partitions, and how a client polls from them. Readers and members have one.
type cursor struct {
	client    *client
	process   string // in the history
	positions map[int32]record.Offset
	epochs    map[int32]record.LeaderEpoch // of the record before the position
}

func newCursor(c *client, process string) cursor {
	return cursor{client: c, process: process, positions: map[int32]record.Offset{}, epochs: map[int32]record.LeaderEpoch{}}
}

func (c *cursor) assign(index int32, at record.Offset) { c.positions[index] = at }

// list is the positions in the order of partitions.
func (c *cursor) list() []check.Position {
	var list []check.Position
	for index := range int32(c.client.world.options.Partitions) {
		if at, ok := c.positions[index]; ok {
			list = append(list, check.Position{Partition: check.Partition{Topic: topicName, Index: index}, Offset: at})
		}
	}
	return list
}

// poll fetches once from all positions.
func (c *cursor) poll(then func()) {
	q := protocol.NewFetchRequest()
	q.MaxBytes, q.SessionEpoch, q.MinBytes = 1<<20, -1, 0
	topic := protocol.FetchRequestTopic{Topic: topicName}
	for _, p := range c.list() {
		topic.Partitions = append(topic.Partitions, protocol.FetchRequestPartition{Partition: p.Index, FetchOffset: int64(p.Offset),
			CurrentLeaderEpoch: -1, LastFetchedEpoch: -1, LogStartOffset: -1, PartitionMaxBytes: int32(200 + c.client.rand.IntN(4000))})
	}
	q.Topics = []protocol.FetchRequestTopic{topic}
	pending := c.client.world.recorder.Begin(check.Operation{Process: c.process, Kind: check.Poll})
	c.client.ask(q, requestTimeout, func(m protocol.Message, err error) {
		if err != nil {
			pending.End(check.Info, nil)
			then()
			return
		}
		c.fetched(m.(*protocol.FetchResponse), pending, then)
	})
}

func (c *cursor) fetched(m *protocol.FetchResponse, pending *check.Pending, then func()) {
	var records []check.Record
	var marks []check.Watermark
	lost := false
	for i := range m.Responses {
		for j := range m.Responses[i].Partitions {
			p := &m.Responses[i].Partitions[j]
			at := check.Partition{Topic: topicName, Index: p.PartitionIndex}
			if _, mine := c.positions[at.Index]; !mine {
				continue // it was taken away meanwhile
			}
			switch p.ErrorCode {
			case protocol.None:
				marks = append(marks, check.Watermark{Partition: at, LogStart: record.Offset(p.LogStartOffset), High: record.Offset(p.HighWatermark)})
				records = append(records, c.decode(at, p)...)
			case protocol.OffsetOutOfRange:
				lost = true
			}
		}
	}
	pending.End(check.OK, func(o *check.Operation) { o.Records, o.Watermarks = records, marks })
	if len(records) > 0 {
		c.client.world.Notef("%s read %d records", c.client.name, len(records))
	}
	if lost {
		c.reset(then)
		return
	}
	then()
}

// decode takes the records at and after the position, and moves it.
func (c *cursor) decode(at check.Partition, p *protocol.FetchResponsePartitionData) []check.Record {
	var records []check.Record
	bytes, _ := p.Records.(protocol.Bytes)
	for rest := []byte(bytes); len(rest) > 0; {
		batch, after, err := record.Split(rest)
		if err == nil {
			err = batch.Check()
		}
		if err != nil {
			c.client.world.wrong("bytes", at.String(), "%s was given a batch that is none: %v", c.client.name, err)
			return records
		}
		if batch.NextOffset() > record.Offset(p.HighWatermark) {
			c.client.world.wrong("above-watermark", at.String(), "%s was given a batch that ends at %d; the high watermark is %d",
				c.client.name, batch.NextOffset(), p.HighWatermark)
		}
		list := batch.Records(record.Limits{})
		for list.Next() {
			if r := list.Record(); r.Offset >= c.positions[at.Index] {
				records = append(records, check.Record{Partition: at, Offset: r.Offset, Value: string(r.Value)})
				c.positions[at.Index] = r.Offset + 1
			}
		}
		if err := list.Err(); err != nil {
			c.client.world.wrong("bytes", at.String(), "%s cannot read a batch: %v", c.client.name, err)
		}
		list.Close()
		c.epochs[at.Index] = batch.LeaderEpoch()
		rest = after
	}
	return records
}

// reset goes on at the log start: what was read from is gone.
func (c *cursor) reset(then func()) {
	c.client.world.reach("offset out of range")
	c.client.ask(listOffsetsRequest(c.client.world.options.Partitions, -2), requestTimeout, func(m protocol.Message, err error) {
		if err == nil {
			for index, start := range listedOffsets(m) {
				at, mine := c.positions[int32(index)]
				if mine && start > at {
					c.assign(int32(index), start)
				}
			}
			op := check.Operation{Process: c.process, Kind: check.Seek, Positions: c.list()}
			c.client.world.recorder.Begin(op).End(check.OK, nil)
		}
		then()
	})
}
