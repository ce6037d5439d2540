package pipeline

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skein-io/skein/consumer"
)

const oneSinkFile = `name: shop
brokers: {addresses: "x:1"}
sink: {type: hbase, zookeeper: "x:1", tables: ["shop.*"]}
`

// A sink waits for topics, takes new ones that fit, and tells how far it is; when it is to end, nothing is left of it.
func TestRunSink(t *testing.T) {
	inBubble(t, oneSinkFile, func(b *bed) {
		end := b.start(b.options())
		b.until("it waits", func() bool {
			all := b.inspect().Sinks[0].Processes
			return len(all) == 1 && all[0].State == Waiting && strings.Contains(all[0].Problem, "no topic")
		})
		b.topic("skein.shop.a", "skein.other.b")
		b.put("a", 0, 1, 10)
		b.put("a", 1, 11, 5)
		b.until("the first table", func() bool { return b.to.len() == 15 })
		b.topic("skein.shop.c")
		b.put("c", 1, 1, 7)
		b.until("a table that comes later", func() bool { return b.to.len() == 22 })
		b.until("no lag", func() bool { return b.inspect().Sinks[0].Lag == 0 && b.inspect().Sinks[0].Tables["shop.c"].Put == 7 })
		s := b.inspect().Sinks[0]
		if len(s.Topics) != 2 || s.Topics[0].Table != "shop.a" || *s.Topics[0].Newest != 15_000 || *s.Topics[0].Applied != 15_000 || s.Tables["shop.a"].Put != 10+5 || s.Tables["shop.a"].Newest != 15_000 {
			t.Errorf("%+v", s)
		}
		if p := s.Processes[0]; p.State != Running || p.Stale || p.Instance != "here.1" || len(s.Blocked) > 0 {
			t.Errorf("%+v", p)
		}
		if err := end(); err != nil {
			t.Error(err)
		}
		if s := b.inspect().Sinks[0]; len(s.Processes) != 0 || s.Lag != 0 {
			t.Errorf("somebody is left: %+v", s)
		}
	})
}

// While the target is away, the lag, its time and the records that are held up are told, and what is told of a process that
// is not heard of any more is stale.
func TestRunBlocked(t *testing.T) {
	inBubble(t, oneSinkFile, func(b *bed) {
		b.topic("skein.shop.a")
		b.put("a", 0, 1, 10)
		end := b.start(b.options())
		b.until("what was there", func() bool { return b.inspect().Sinks[0].Lag == 0 })
		b.to.set(true)
		b.put("a", 0, 11, 5)
		b.until("blocked", func() bool { return len(b.inspect().Sinks[0].Blocked) > 0 })
		s := b.inspect().Sinks[0]
		if at := s.Blocked[0]; at.Topic != "skein.shop.a" || at.Partition != 0 || at.Offset != 10 || !strings.Contains(at.Why, "the server is away") || !strings.Contains(at.Why, "shop.a") {
			t.Errorf("blocked at %+v", at)
		}
		if topic := s.Topics[0]; s.Lag != 5 || *topic.BehindMs != 5000 || *topic.Applied != 10_000 || *topic.Newest != 15_000 || *topic.SinceMs <= 5000 {
			t.Errorf("of the topic %+v", topic)
		}
		b.to.set(false)
		b.until("all", func() bool { s := b.inspect().Sinks[0]; return s.Lag == 0 && s.Processes[0].State == Running })
		if err := end(); err != nil {
			t.Error(err)
		}

		// A process that was killed leaves what it told last.
		b.raw(&kgo.Record{Topic: "skein.status", Key: []byte("shop/sink hbase/dead.7"),
			Value: []byte(`{"pipeline":"shop","part":"sink hbase","instance":"dead.7","at":"` + time.Now().UTC().Format(time.RFC3339Nano) + `","every_ms":2000,"state":"running"}`)})
		if all := b.inspect().Sinks[0].Processes; len(all) != 1 || all[0].Stale {
			t.Errorf("at once %+v", all)
		}
		time.Sleep(time.Minute)
		if all := b.inspect().Sinks[0].Processes; len(all) != 1 || !all[0].Stale || all[0].AgeMs < 60_000 {
			t.Errorf("later %+v", all)
		}
		time.Sleep(leftAfter)
		end = b.start(b.options())
		b.until("the next process takes it away", func() bool {
			all := b.inspect().Sinks[0].Processes
			return len(all) == 1 && all[0].Instance == "here.1"
		})
		if err := end(); err != nil {
			t.Error(err)
		}
	})
}

// A record that cannot be written ends the sink with an error that names it, which status goes on to tell.
func TestRunRefused(t *testing.T) {
	inBubble(t, oneSinkFile, func(b *bed) {
		b.topic("skein.shop.a")
		b.to.bad = 3
		b.put("a", 0, 1, 5)
		ended := make(chan error, 1)
		go func() { ended <- Run(b.Context(), b.c, b.options()) }()
		err := <-ended
		var handler *consumer.HandlerError
		if !errors.As(err, &handler) || handler.Offset != 2 || !strings.Contains(err.Error(), "sink hbase: ") || !strings.Contains(err.Error(), "it does not fit") {
			t.Fatalf("it ended with %v", err)
		}
		time.Sleep(time.Hour)
		s := b.inspect().Sinks[0]
		if len(s.Processes) != 1 || s.Processes[0].State != Failed || s.Processes[0].Stale || len(s.Blocked) != 1 || s.Blocked[0].Offset != 2 || s.Lag != 3 {
			t.Errorf("status is %+v", s)
		}
		// Once it is mended, the next process begins there.
		b.to.mu.Lock()
		b.to.bad = 0
		b.to.mu.Unlock()
		end := b.start(b.options())
		b.until("all", func() bool {
			s := b.inspect().Sinks[0]
			return s.Lag == 0 && b.to.len() == 5 && s.Processes[0].State == Running
		})
		if err := end(); err != nil {
			t.Error(err)
		}
	})
}

// With a dead-letter topic the sink goes on, and status says what was refused.
func TestRunDeadLetter(t *testing.T) {
	inBubble(t, strings.Replace(oneSinkFile, "type: hbase,", "type: hbase, bad-records: dead-letter,", 1), func(b *bed) {
		b.topic("skein.shop.a")
		b.to.bad = 3
		b.put("a", 0, 1, 5)
		b.raw(&kgo.Record{Topic: "skein.shop.a", Partition: 1, Value: []byte("{broken")})
		end := b.start(b.options())
		b.until("all", func() bool {
			s := b.inspect().Sinks[0]
			return s.Lag == 0 && s.Tables["shop.a"].Refused == 1 && s.Processes[0].Sink.Unread == 1 && s.Processes[0].Sink.Refused != nil
		})
		if s := b.inspect().Sinks[0]; s.Tables["shop.a"].Put != 4 || !strings.Contains(s.Processes[0].Sink.Refused.Reason, "it does not fit") {
			t.Errorf("%+v", s)
		}
		k, err := openCluster(b.c, kgo.Dialer(b.node.Dial))
		if err != nil {
			t.Fatal(err)
		}
		defer k.close()
		ends, err := k.admin.ListEndOffsets(b.Context(), "skein.dead-letter")
		if err != nil {
			t.Fatal(err)
		}
		letters := int64(0)
		for _, p := range ends["skein.dead-letter"] {
			letters += p.Offset
		}
		if letters != 2 {
			t.Errorf("%d dead letters", letters)
		}
		if err := end(); err != nil {
			t.Error(err)
		}
	})
}

func TestRunUnknownPart(t *testing.T) {
	inBubble(t, oneSinkFile, func(b *bed) {
		o := b.options()
		o.Only = []string{"sink nothing"}
		if err := Run(b.Context(), b.c, o); err == nil || !strings.Contains(err.Error(), `there is no part "sink nothing": it has sink hbase`) {
			t.Error(err)
		}
	})
}
