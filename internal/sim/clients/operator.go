package clients

import (
	"fmt"
	"slices"
	"time"

	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
	"github.com/skein-io/skein/internal/sim/check"
)

// Operator administers a cluster while it is in use: it moves partitions of the topic to other replicas, changes its
// configuration, and makes topics, writes into them, reads them and deletes them, one name again and again.
type Operator struct {
	*Client
	brokers int32 // they have the ids 1 to brokers
	churn   *churn
}

func newOperator(w *World) *Operator {
	o := &Operator{Client: newClient(w, "operator"), brokers: int32(len(w.Addresses))}
	o.churn = &churn{operator: o}
	return o
}

func (o *Operator) start() { o.loop() }

func (o *Operator) loop() {
	o.later(200*time.Millisecond, 2*time.Second, func() {
		if o.World.Quiet {
			return
		}
		switch o.rand.IntN(4) {
		case 0:
			o.reassign(o.loop)
		case 1:
			o.configure(o.loop)
		default:
			o.churn.step(o.loop)
		}
	})
}

// reassign gives a partition of the topic, or one that keeps groups, other replicas, or the same in another order.
func (o *Operator) reassign(then func()) {
	var replicas []int32
	for _, i := range o.rand.Perm(int(o.brokers))[:o.World.Replicas] {
		replicas = append(replicas, int32(i+1))
	}
	topic, partitions := o.World.Topic, o.World.Partitions
	if n := o.World.GroupPartitions; n > 0 && o.rand.Chance(500) {
		topic, partitions = metadata.ConsumerOffsetsTopic, n
	}
	index := int32(o.rand.IntN(partitions))
	q := protocol.NewAlterPartitionReassignmentsRequest()
	q.TimeoutMs = 5000
	q.Topics = []protocol.AlterPartitionReassignmentsRequestReassignableTopic{{Name: topic,
		Partitions: []protocol.AlterPartitionReassignmentsRequestReassignablePartition{{PartitionIndex: index, Replicas: replicas}}}}
	o.ask(o.any(), q, RequestTimeout, func(answer protocol.Message, err error) {
		code := protocol.UnknownServerError
		if err == nil {
			r := answer.(*protocol.AlterPartitionReassignmentsResponse)
			if code = r.ErrorCode; code == protocol.None && len(r.Responses) > 0 {
				code = r.Responses[0].Partitions[0].ErrorCode
			}
		}
		o.World.Notef("reassign %s-%d to %v: %v %v", topic, index, replicas, code, err)
		if code == protocol.None {
			o.World.Reach("partition of " + topic + " reassigned")
		}
		then()
	})
}

// configure sets something of the topic that every log has to hear of.
func (o *Operator) configure(then func()) {
	value := fmt.Sprint(100_000 + o.rand.IntN(1000))
	q := protocol.NewIncrementalAlterConfigsRequest()
	q.Resources = []protocol.IncrementalAlterConfigsRequestAlterConfigsResource{{ResourceType: 2, ResourceName: o.World.Topic,
		Configs: []protocol.IncrementalAlterConfigsRequestAlterableConfig{{Name: "max.message.bytes", Value: &value}}}}
	o.ask(o.any(), q, RequestTimeout, func(answer protocol.Message, err error) {
		if err == nil && answer.(*protocol.IncrementalAlterConfigsResponse).Responses[0].ErrorCode == protocol.None {
			o.World.Reach("configuration changed")
		}
		then()
	})
}

// churn is the life of a topic that is made and deleted again and again. What was acknowledged in one of its lives must be
// there as long as it lasts and never be seen in another. One client asks, and so each answer follows from the one before;
// when what became of a request is not known, it goes on with a topic of another name.
type churn struct {
	operator *Operator
	names    int
	lives    int
	written  int
	exists   bool
	acked    map[string]record.Offset // in this life
	before   map[string]bool          // in earlier lives of the name
}

func (c *churn) name() string { return fmt.Sprint("churn-", c.names) }

func (c *churn) at() check.Partition { return check.Partition{Topic: c.name()} }

// step does the next thing.
func (c *churn) step(then func()) {
	switch {
	case !c.exists:
		c.create(then)
	case len(c.acked) < 2 || c.operator.rand.Chance(400):
		c.write(then)
	case c.operator.rand.Chance(500):
		c.read(then)
	default:
		c.delete(then)
	}
}

// unsure goes on with another name.
func (c *churn) unsure() {
	c.names++
	c.exists, c.acked, c.before = false, nil, nil
}

func (c *churn) create(then func()) {
	o := c.operator
	q := protocol.NewCreateTopicsRequest()
	topic := protocol.NewCreateTopicsRequestCreatableTopic()
	topic.Name, topic.NumPartitions, topic.ReplicationFactor = c.name(), 1, o.World.Replicas
	q.Topics = []protocol.CreateTopicsRequestCreatableTopic{topic}
	o.ask(o.any(), q, RequestTimeout, func(answer protocol.Message, err error) {
		code := protocol.RequestTimedOut
		if err == nil {
			code = answer.(*protocol.CreateTopicsResponse).Topics[0].ErrorCode
		}
		o.World.Notef("create %s: %v %v", c.name(), code, err)
		switch code {
		case protocol.None:
			c.lives++
			c.exists, c.acked = true, map[string]record.Offset{}
			o.watched = []string{c.name()}
			o.leaders = nil
		case protocol.TopicAlreadyExists:
			o.World.Wrong("metadata", c.name(), "it is there already, and was never made or is deleted")
			c.unsure()
		case protocol.InvalidReplicationFactor: // too few brokers live
		default:
			c.unsure()
		}
		then()
	})
}

func (c *churn) write(then func()) {
	o := c.operator
	c.written++
	value := fmt.Sprintf("%s/%d.%d", c.name(), c.lives, c.written)
	builder := record.NewBuilder()
	if err := builder.Add(o.World.Wall().UnixMilli(), nil, []byte(value)); err != nil {
		panic(err)
	}
	batch, err := builder.Build()
	if err != nil {
		panic(err)
	}
	q := protocol.NewProduceRequest()
	q.Acks, q.TimeoutMs = -1, 3_600_000
	q.TopicData = []protocol.ProduceRequestTopicProduceData{{Name: c.name(), PartitionData: []protocol.ProduceRequestPartitionProduceData{{Records: batch}}}}
	o.ask(o.leader(c.at()), q, RequestTimeout, func(answer protocol.Message, err error) {
		code := protocol.RequestTimedOut
		if err == nil {
			r := &answer.(*protocol.ProduceResponse).Responses[0].PartitionResponses[0]
			if code = r.ErrorCode; code == protocol.None {
				c.acked[value] = record.Offset(r.BaseOffset)
			}
		}
		o.misled(c.at(), code, err)
		then()
	})
}

// read reads the topic from its start: every record that was acknowledged must be there, none of an earlier life.
func (c *churn) read(then func()) {
	o := c.operator
	q := protocol.NewFetchRequest()
	q.MaxBytes, q.SessionEpoch = 1<<20, -1
	q.Topics = []protocol.FetchRequestTopic{{Topic: c.name(), Partitions: []protocol.FetchRequestPartition{{
		CurrentLeaderEpoch: -1, LastFetchedEpoch: -1, LogStartOffset: -1, PartitionMaxBytes: 1 << 20}}}}
	o.ask(o.leader(c.at()), q, RequestTimeout, func(answer protocol.Message, err error) {
		code := protocol.RequestTimedOut
		if err == nil {
			if r := answer.(*protocol.FetchResponse); len(r.Responses) > 0 {
				p := &r.Responses[0].Partitions[0]
				if code = p.ErrorCode; code == protocol.None {
					c.judge(p)
				}
			}
		}
		o.misled(c.at(), code, err)
		then()
	})
}

func (c *churn) judge(p *protocol.FetchResponsePartitionData) {
	o := c.operator
	found := map[string]record.Offset{}
	bytes, _ := p.Records.(protocol.Bytes)
	for rest := []byte(bytes); len(rest) > 0; {
		batch, after, err := record.Split(rest)
		if err != nil {
			o.World.Wrong("bytes", c.name(), "a batch that is none: %v", err)
			return
		}
		list := batch.Records(record.Limits{})
		for list.Next() {
			found[string(list.Record().Value)] = list.Record().Offset
		}
		list.Close()
		rest = after
	}
	for _, value := range c.values() {
		offset, there := found[value]
		switch {
		case there && offset != c.acked[value]:
			o.World.Wrong("inconsistent-offsets", c.name(), "%q was acknowledged at %d and is at %d", value, c.acked[value], offset)
		case !there && c.acked[value] < record.Offset(p.HighWatermark):
			o.World.Wrong("lost-write", c.name(), "%q was acknowledged at %d; the log is read up to %d without it", value, c.acked[value], p.HighWatermark)
		}
	}
	for value := range c.before {
		if _, there := found[value]; there {
			o.World.Wrong("old-records", c.name(), "%q was acknowledged in an earlier life of the topic", value)
		}
	}
	o.World.Reach("topic read that was made again")
}

// values are those acknowledged, in the order of offsets.
func (c *churn) values() []string {
	var values []string
	for value := range c.acked {
		values = append(values, value)
	}
	slices.Sort(values)
	return values
}

func (c *churn) delete(then func()) {
	o := c.operator
	q := protocol.NewDeleteTopicsRequest()
	q.TopicNames, q.TimeoutMs = []string{c.name()}, 5000
	o.ask(o.any(), q, RequestTimeout, func(answer protocol.Message, err error) {
		code := protocol.RequestTimedOut
		if err == nil {
			code = answer.(*protocol.DeleteTopicsResponse).Responses[0].ErrorCode
		}
		o.World.Notef("delete %s: %v %v", c.name(), code, err)
		switch code {
		case protocol.None:
			if c.before == nil {
				c.before = map[string]bool{}
			}
			for value := range c.acked {
				c.before[value] = true
			}
			c.exists = false
			o.World.Reach("topic deleted")
		case protocol.UnknownTopicOrPartition:
			o.World.Wrong("metadata", c.name(), "it is not there, and was made and never deleted")
			c.unsure()
		default:
			c.unsure()
		}
		then()
	})
}
