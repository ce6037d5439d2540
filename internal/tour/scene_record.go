package tour

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/tour/lane"
)

// recordScene: what one record goes through, from its producer to a consumer, in microseconds.
var recordScene = Scene{Name: "record", Cluster: true, Begin: func(a *Act) []Step {
	s := &recorded{replicated: replicated{Act: a}}
	a.lanes, a.group = nil, ""
	return []Step{{Name: "whole", Do: s.whole}, {Name: "path", Do: s.path}, {Name: "waits", Do: s.waits}}
}}

// recorded is a partition on two nodes, leader and slow, with a producer and a consumer on connections of their own. All
// nodes are in this process, so that one clock tells every time.
type recorded struct {
	replicated
	producer, consumer *line

	mu       sync.Mutex
	happened []Happening
}

// The lanes of the scene.
const (
	producerLane = iota
	leaderLane
	followerLane
	consumerLane
)

// whole makes everything ready: a first record opens each connection.
func (s *recorded) whole() (err error) {
	if err = s.cast(); err != nil {
		return err
	}
	for _, part := range []string{"producer", "leader", "follower", "consumer"} {
		s.laneOf(s.words.Say("record.part." + part))
	}
	if err = s.createReplicated(map[string]string{"min.insync.replicas": "2"}, s.leader, s.slow); err != nil {
		return err
	}
	for _, l := range []**line{&s.producer, &s.consumer} {
		if *l, err = s.open(s.addresses[s.leader], softwareName); err != nil {
			return err
		}
		s.closing = append(s.closing, (*l).close)
	}
	var first int64
	err = s.await("the first record", askMax, func() error {
		code, offset, err := s.produceAt(s.producer, "the first")
		if err == nil && code != protocol.None {
			err = fmt.Errorf("the answer to Produce is %s", code)
		}
		first = offset
		return err
	})
	if err != nil {
		return err
	}
	s.fact(Wire, "whole", first, int64(0))
	return s.showEnds(1)
}

// showEnds waits until both replicas are durable to an end, and the leader has told everybody.
func (s *recorded) showEnds(end int64) error {
	want := replicaEnds{end, end, end}
	var ends [2]replicaEnds
	err := s.await("both replicas to be durable", askMax, func() error {
		for i, node := range []int32{s.leader, s.slow} {
			p, err := s.describe(node)
			if err != nil {
				return err
			}
			ends[i] = replicaEnds{p.LogEndOffset, p.DurableEndOffset, p.HighWatermark}
		}
		if ends[0] != want || ends[1].end != end || ends[1].durable != end {
			return fmt.Errorf("%w: %v", errNotYet, ends)
		}
		return nil
	})
	if err != nil {
		return err
	}
	s.table([]string{"replica", "log-end", "durable-end", "high-watermark"}, [][]string{
		{s.words.Say("record.part.leader"), fmt.Sprint(ends[0].end), fmt.Sprint(ends[0].durable), fmt.Sprint(ends[0].highWatermark)},
		{s.words.Say("record.part.follower"), fmt.Sprint(ends[1].end), fmt.Sprint(ends[1].durable), ""}})
	return nil
}

// read is what a consumer was answered.
type read struct {
	records       int // bytes
	highWatermark int64
	at            time.Time
	err           error
}

// fetch asks for what is at an offset, and waits for it so long at most.
func (s *recorded) fetch(offset int64, wait time.Duration) (r read) {
	request, response := protocol.NewFetchRequest(), protocol.NewFetchResponse()
	request.MinBytes, request.MaxWaitMs = 1, int32(wait.Milliseconds())
	partition := protocol.NewFetchRequestPartition()
	partition.FetchOffset, partition.PartitionMaxBytes = offset, 1<<20
	request.Topics = []protocol.FetchRequestTopic{{Topic: s.topic, Partitions: []protocol.FetchRequestPartition{partition}}}
	if r.err = s.consumer.ask(2*askMax, request, fetchVersion, response); r.err != nil {
		return r
	}
	r.at = time.Now()
	_, r.records, r.highWatermark = fetchedOf(response)
	if response.ErrorCode != protocol.None || r.highWatermark < 0 {
		r.err = fmt.Errorf("the answer to Fetch is %+v", response)
	}
	return r
}

// fetchVersion is one in which Fetch names topics.
const fetchVersion = 12

// fetchedOf is what the only partition of an answer holds; the high watermark is -1 if there is none.
func fetchedOf(response *protocol.FetchResponse) (records []byte, n int, highWatermark int64) {
	for _, t := range response.Responses {
		for _, p := range t.Partitions {
			records, _ := p.Records.(protocol.Bytes)
			return records, len(records), p.HighWatermark
		}
	}
	return nil, 0, -1
}

// stage is one thing that happens to the record.
type stage struct {
	at       time.Time
	from, to int
	said     string
}

// path sends one record, and tells what happened in the nodes meanwhile.
func (s *recorded) path() error {
	seen := make(chan read, 1)
	go func() { seen <- s.fetch(1, askMax) }()
	s.broker.Watch(func(h Happening) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.happened = append(s.happened, h)
	})
	defer s.broker.Watch(nil)
	batch, err := batchOf("the second")
	if err != nil {
		return err
	}
	sent := time.Now()
	code, offset, err := s.produceAt(s.producer, "the second")
	answered := time.Now()
	if err != nil {
		return err
	}
	if code != protocol.None {
		return fmt.Errorf("the answer to Produce is %s", code)
	}
	r := <-seen
	if r.err != nil {
		return r.err
	}
	var w witnessed
	err = s.await("what the nodes did", askMax, func() error {
		s.mu.Lock()
		defer s.mu.Unlock()
		if w = s.witness(); !w.whole() {
			return fmt.Errorf("%w: %+v", errNotYet, w)
		}
		return nil
	})
	if err != nil {
		return err
	}
	us := func(d time.Duration) int64 { return d.Microseconds() }
	wrote := func(h *Happening) string {
		return s.words.Say("lane.wrote", h.File, h.Offset, h.Offset+int64(h.Bytes), us(h.Took))
	}
	stages := []stage{
		{sent, producerLane, leaderLane, s.words.Say("lane.produce", len(batch))},
		{w.wrote.At, leaderLane, leaderLane, wrote(w.wrote)},
		{w.fetched.At, leaderLane, followerLane, s.words.Say("lane.fetched", w.fetchedBytes)},
		{w.copied.At, followerLane, followerLane, wrote(w.copied)},
		{w.synced.At, leaderLane, leaderLane, s.words.Say("lane.synced.disk", us(w.synced.Took))},
		{w.copySynced.At, followerLane, followerLane, s.words.Say("lane.synced.disk", us(w.copySynced.Took))},
		{w.told.Exchange.Asked, followerLane, leaderLane, s.words.Say("lane.durable", 2)},
		{answered, leaderLane, producerLane, s.words.Say("lane.answered", offset)},
		{r.at, leaderLane, consumerLane, s.words.Say("lane.seen", r.highWatermark)},
	}
	slices.SortStableFunc(stages, func(a, b stage) int { return cmp.Compare(a.at.Sub(sent), b.at.Sub(sent)) })
	s.micro = true
	for _, g := range stages {
		s.marks = append(s.marks, mark{row: lane.Row{At: g.at.Sub(sent), From: g.from, To: g.to, Text: g.said}})
	}
	place := fmt.Sprintf("%s@%d", w.wrote.File, w.wrote.Offset)
	s.fact(Wire, "path.offset", offset, int64(1))
	s.fact(Disk, "path.bytes", []int{w.wrote.Bytes, w.fetchedBytes, w.copied.Bytes, r.records}, []int{len(batch), len(batch), len(batch), len(batch)})
	s.fact(Disk, "path.place", fmt.Sprintf("%s@%d", w.copied.File, w.copied.Offset), place)
	s.fact(Disk, "path.after", []bool{!answered.Before(w.synced.At), !answered.Before(w.copySynced.At), !answered.Before(w.told.Exchange.Asked)},
		[]bool{true, true, true})
	s.fact(Wire, "path.seen", []any{r.highWatermark, !r.at.Before(w.told.Exchange.Asked)}, []any{int64(2), true}, r.highWatermark)
	return s.showEnds(2)
}

// witnessed is what happened in the nodes to one record.
type witnessed struct {
	wrote, synced      *Happening // at the leader
	copied, copySynced *Happening // at the follower
	fetched, told      *Happening // the follower's Fetch and its ReplicaDurableEnds
	fetchedBytes       int
}

func (w *witnessed) whole() bool {
	return w.wrote != nil && w.synced != nil && w.copied != nil && w.copySynced != nil && w.fetched != nil && w.told != nil
}

// witness finds the first of each, in the order in which one needs the other.
func (s *recorded) witness() (w witnessed) {
	first := func(found **Happening, h *Happening, is bool) {
		if *found == nil && is {
			*found = h
		}
	}
	for i := range s.happened {
		h := &s.happened[i]
		switch ofLog := strings.HasPrefix(h.File, s.topic+"-0/") && strings.HasSuffix(h.File, ".log"); h.Kind {
		case Wrote:
			first(&w.wrote, h, ofLog && h.Node == s.leader)
			first(&w.copied, h, ofLog && h.Node == s.slow)
		case Synced: // all files, where it names none
			first(&w.synced, h, w.wrote != nil && (ofLog || h.File == "") && h.Node == s.leader)
			first(&w.copySynced, h, w.copied != nil && (ofLog || h.File == "") && h.Node == s.slow)
		case Asked:
			if h.Node == s.slow {
				s.witnessAsked(&w, h, first)
			}
		}
	}
	return w
}

func (s *recorded) witnessAsked(w *witnessed, h *Happening, first func(**Happening, *Happening, bool)) {
	switch request := h.Exchange.Request.(type) {
	case *protocol.FetchRequest:
		response := h.Exchange.Response.(*protocol.FetchResponse)
		for _, t := range response.Responses {
			for _, p := range t.Partitions {
				if records, _ := p.Records.(protocol.Bytes); t.TopicID == s.topicID && len(records) > 0 && w.fetched == nil {
					w.fetched, w.fetchedBytes = h, len(records)
				}
			}
		}
	case *protocol.ReplicaDurableEndsRequest:
		for _, t := range request.Topics {
			for _, p := range t.Partitions {
				first(&w.told, h, t.TopicID == s.topicID && p.DurableEndOffset == 2)
			}
		}
	}
}

// metadataVersion is one that names topics.
const metadataVersion = 9

// waits cuts the follower off: two records stay where they are, and what comes behind them on the connection waits too.
func (s *recorded) waits() error {
	s.broker.Faults.Cut(s.leader, s.slow)
	for _, value := range []string{"the third", "the fourth"} {
		batch, err := batchOf(value)
		if err != nil {
			return err
		}
		if err := s.producer.send(produceOf(s.topic, batch), produceVersion); err != nil {
			return err
		}
	}
	metadata, metadataAnswer := protocol.NewMetadataRequest(), protocol.NewMetadataResponse()
	metadata.Topics, metadata.AllowAutoTopicCreation = []protocol.MetadataRequestTopic{{Name: &s.topic}}, false
	if err := s.producer.send(metadata, metadataVersion); err != nil {
		return err
	}
	var inside *protocol.DescribeNodeResponse
	requests := func(key protocol.Key) (found protocol.DescribeNodeResponseApiRequests) {
		for _, r := range inside.Requests {
			if r.ApiKey == int16(key) {
				found = r
			}
		}
		return found
	}
	err := s.await("the records to wait", askMax, func() error {
		request, response := protocol.NewDescribeNodeRequest(), protocol.NewDescribeNodeResponse()
		if err := s.askNode(s.addresses[s.leader], request, response); err != nil {
			return err
		}
		inside = response
		if requests(protocol.KeyProduce).Waiting < 2 || requests(protocol.KeyMetadata).Queued == 0 || inside.WaitsCommitted < 2 {
			return fmt.Errorf("%w: %+v", errNotYet, inside.Requests)
		}
		return nil
	})
	if err != nil {
		return err
	}
	s.fact(Wire, "waits.committed", inside.WaitsCommitted, int32(2))
	s.fact(Wire, "waits.order", []int32{requests(protocol.KeyProduce).Waiting, requests(protocol.KeyMetadata).Queued}, []int32{2, 1})
	unseen := s.fetch(2, 100*time.Millisecond)
	if unseen.err != nil {
		return unseen.err
	}
	s.fact(Wire, "waits.unseen", unseen.records, 0, unseen.highWatermark)
	s.broker.Faults.Heal()
	offsets := []int64{}
	for range 2 {
		answer := protocol.NewProduceResponse()
		if err := s.producer.receive(2*askMax, protocol.KeyProduce, produceVersion, answer); err != nil {
			return err
		}
		code, offset, err := producedOf(answer)
		if err != nil {
			return err
		}
		if code != protocol.None {
			return fmt.Errorf("the answer to Produce is %s", code)
		}
		offsets = append(offsets, offset)
	}
	if err := s.producer.receive(2*askMax, protocol.KeyMetadata, metadataVersion, metadataAnswer); err != nil {
		return err
	}
	s.fact(Wire, "waits.answered", offsets, []int64{2, 3})
	s.fact(Wire, "waits.last", len(metadataAnswer.Topics), 1)
	seen := s.fetch(2, askMax)
	if seen.err != nil {
		return seen.err
	}
	s.fact(Wire, "waits.seen", seen.highWatermark, int64(4))
	return nil
}
