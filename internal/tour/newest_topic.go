package tour

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skein-io/skein/consumer"
	"github.com/skein-io/skein/perceptor"
	"github.com/skein-io/skein/perceptor/change"
	"github.com/skein-io/skein/perceptor/envelope"
	"github.com/skein-io/skein/perceptor/sink"
)

// shuffledStock is the history of four rows, each change delivered one to three times, up to half of the history too late. The same
// each time.
func shuffledStock() (deliveries []*change.Change, last map[string]change.Version) {
	random := rand.New(rand.NewPCG(9, 9))
	last = map[string]change.Version{}
	var places []int
	for n := range uint64(24) { // in the order of the binlog: the last of each row is its newest
		op := change.Update
		switch {
		case n < 4:
			op = change.Create
		case n%7 == 6:
			op = change.Delete
		}
		c := stockOf(op, int64(1+n%4), int64(n), at(1, int64(200+n/3), 7, 1000*(n+1)))
		last[c.Image()[0].String()] = c.Version
		for range 1 + random.IntN(3) {
			place := int(n) + random.IntN(12)
			at, _ := slices.BinarySearch(places, place)
			places, deliveries = slices.Insert(places, at, place), slices.Insert(deliveries, at, c)
		}
	}
	return deliveries, last
}

// Apply makes the rows of the scene a sink, for perceptor.Apply. One change is in a batch, so that a run is the same each time.
func (s *newestRows) Apply(_ context.Context, changes []*change.Change, outcomes []sink.Outcome) error {
	for i, c := range changes {
		j, err := s.judge(c)
		if err != nil {
			return err
		}
		outcomes[i] = sink.Outcome{Verdict: j.verdict, Stored: j.stored}
	}
	return nil
}

// Close implements sink.Sink.
func (s *newestRows) Close() error { return nil }

// throughTopic sends shuffled changes through a topic, and applies them as a member of a group.
func (s *newestRows) throughTopic() error {
	clear(s.rows)
	deliveries, last := shuffledStock()
	if err := s.createTopic(1); err != nil {
		return err
	}
	if err := s.sendChanges(deliveries); err != nil {
		return err
	}
	var counts perceptor.Counts
	if err := s.applyAll(&counts, int64(len(deliveries))); err != nil {
		return err
	}
	offsets, err := s.committed()
	if err != nil {
		return err
	}
	s.fact(Wire, "topic.committed", offsets[0], int64(len(deliveries)))
	got := counts.Tables()[stock.String()]
	by, want := map[string]uint64{}, map[string]uint64{}
	for _, v := range change.Verdicts {
		if n := got.Of(v); n > 0 {
			by[v.String()] = n
		}
	}
	newest := map[string]change.Version{}
	for _, c := range deliveries { // the rule, without topic, envelope, group and cells
		id := c.Image()[0].String()
		stored, exists := newest[id]
		verdict := change.Judge(stored, exists, c.Version)
		if want[verdict.String()]++; verdict.Puts() {
			newest[id] = c.Version
		}
	}
	s.fact(Client, "topic.counted", by, want)
	ends := map[string]string{}
	for id, cells := range s.rows {
		v, err := versionIn(cells)
		if err != nil {
			return err
		}
		ends[id] = fmt.Sprintf("%d@%d:%d", v.ExecuteTime, v.Position.File, v.Position.Offset)
	}
	ended := map[string]string{}
	for id, v := range last {
		ended[id] = fmt.Sprintf("%d@%d:%d", v.ExecuteTime, v.Position.File, v.Position.Offset)
	}
	s.fact(Rule, "topic.rows", ends, ended)
	return nil
}

// sendChanges writes changes as Debezium writes them.
func (s *newestRows) sendChanges(changes []*change.Change) error {
	client, err := s.observer()
	if err != nil {
		return err
	}
	encoder, err := envelope.NewEncoder(envelope.Options{Format: envelope.Debezium, NoTombstones: true})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(s.ctx, askMax)
	defer cancel()
	for _, c := range changes {
		encoder.Reset()
		records, err := encoder.Encode(nil, c, 0)
		if err != nil {
			return err
		}
		for _, r := range records {
			out := &kgo.Record{Topic: s.topic, Key: r.Key, Value: r.Value}
			for _, h := range r.Headers {
				out.Headers = append(out.Headers, kgo.RecordHeader{Key: h.Key, Value: h.Value})
			}
			if err := client.ProduceSync(ctx, out).FirstErr(); err != nil {
				return err
			}
		}
	}
	return nil
}

// applyAll applies what is in the topic until so many records are acknowledged.
func (s *newestRows) applyAll(counts *perceptor.Counts, records int64) error {
	ctx, end := context.WithCancel(s.ctx)
	defer end()
	reader := newActor("c1", s.broker.Dial)
	reader.lag = s.broker.Lag
	done := make(chan error, 1)
	go func() {
		done <- perceptor.Apply(ctx, s.group, []string{stock.String()}, s, perceptor.Prefix(s.prefix), perceptor.Count(counts),
			perceptor.Workers(1), perceptor.Batches(1, 1),
			perceptor.Consumer(consumer.Brokers(s.broker.Bootstrap), consumer.Transport(kgo.Dialer(reader.connect)), consumer.ClientID("c1"), consumer.AutoCommit(100*time.Millisecond)))
	}()
	err := s.await("the changes to be applied", askMax, func() error {
		select {
		case err := <-done:
			done <- err
			if err == nil {
				err = errNotYet
			}
			return err
		default:
		}
		offsets, err := s.committed()
		if err == nil && offsets[0] < records {
			err = fmt.Errorf("%w: %v", errNotYet, offsets)
		}
		return err
	})
	end()
	if ended := <-done; err == nil {
		err = ended
	}
	return err
}
