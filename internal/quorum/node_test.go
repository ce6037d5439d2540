package quorum

import (
	"fmt"
	"strings"
	"testing"

	"github.com/skein-io/skein/internal/disk"
	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
)

func TestOneNodeFromNothing(t *testing.T) {
	fs := disk.NewSimulated(disk.SimulatedOptions{Seed: 1})
	l := mustOpen(t, fs, 1, nil)
	if node, epoch, ok := l.node.Leader(); !ok || node != 1 || epoch != 1 {
		t.Fatalf("leader %v in epoch %v, %v", node, epoch, ok)
	}
	broker := l.node.Image().Broker(1)
	if broker == nil || broker.Fenced || l.node.Image().Feature("metadata.version") != 25 {
		t.Fatalf("after Open: broker %+v", broker)
	}
	for i := range 5 {
		if err := l.create(fmt.Sprint("t", i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.create("t1"); protocol.CodeOf(err) != protocol.TopicAlreadyExists {
		t.Fatalf("second t1: %v", err)
	}
	before := dump(l.node.Image())
	l.close(t)

	again := mustOpen(t, fs, 1, nil)
	if dump(again.node.Image()) != before {
		t.Error("the image after a restart of the same incarnation differs")
	}
	if _, epoch, _ := again.node.Leader(); epoch != 2 {
		t.Errorf("epoch %d after one restart, want 2", epoch)
	}
	again.close(t)

	third := mustOpen(t, fs, 2, nil)
	p := third.node.Image().Partition(metadata.TopicPartition{Topic: "t3", Partition: 1})
	if p == nil || p.LeaderEpoch != 1 || p.Leader != 1 {
		t.Errorf("a new incarnation leads %+v, want leader epoch 1", p)
	}
	third.close(t)
}

// TestProposalTooLarge: a request whose records do not go into one entry of the metadata log is refused, and changes
// nothing; the node goes on. One that just fits is taken.
func TestProposalTooLarge(t *testing.T) {
	fs := disk.NewSimulated(disk.SimulatedOptions{})
	l := mustOpen(t, fs, 1, nil)
	if err := l.create("t"); err != nil {
		t.Fatal(err)
	}
	before := dump(l.node.Image())
	set := func(size int) (*protocol.IncrementalAlterConfigsResponse, error) {
		r := protocol.NewIncrementalAlterConfigsRequest()
		r.Resources = []protocol.IncrementalAlterConfigsRequestAlterConfigsResource{{ResourceType: int8(metadata.TopicResource), ResourceName: "t"}}
		configs := &r.Resources[0].Configs
		for ; size > 0; size -= 30_000 {
			value := strings.Repeat("x", min(size, 30_000))
			*configs = append(*configs, protocol.IncrementalAlterConfigsRequestAlterableConfig{Name: fmt.Sprint("n", len(*configs)), Value: &value})
		}
		m, err := l.ask(r)
		if err != nil {
			return nil, err
		}
		return m.(*protocol.IncrementalAlterConfigsResponse), nil
	}
	if _, err := set(EntryBytesMax); protocol.CodeOf(err) != protocol.PolicyViolation || !strings.Contains(protocol.ReasonOf(err), "at most") {
		t.Fatalf("too large: %v", err)
	}
	if dump(l.node.Image()) != before {
		t.Error("what was refused has changed the image")
	}
	if err := l.create("after"); err != nil {
		t.Fatal(err)
	}
	for fits := EntryBytesMax - 30_000; ; fits -= 10_000 {
		r, err := set(fits)
		if err == nil {
			if code := r.Responses[0].ErrorCode; code != protocol.None {
				t.Fatal(code)
			}
			break
		}
		if fits < EntryBytesMax-100_000 {
			t.Fatalf("%d bytes do not fit either: %v", fits, err)
		}
	}
	after := dump(l.node.Image())
	l.close(t)
	again := mustOpen(t, fs, 1, nil)
	if dump(again.node.Image()) != after {
		t.Error("what just fits was not read again")
	}
	again.close(t)
}

// TestSubscribers: every change is seen, in order, before it is answered; a late subscriber begins with everything.
func TestSubscribers(t *testing.T) {
	l := mustOpen(t, disk.NewSimulated(disk.SimulatedOptions{}), 1, nil)
	defer l.close(t)
	var seen []string
	watch := func(name string) {
		last := metadata.NewImage("cluster")
		first := true
		l.node.Subscribe(func(before, after *metadata.Image, delta *metadata.Delta) {
			if !first && before != last {
				t.Errorf("%s: an image was skipped", name)
			}
			for _, c := range delta.Topics {
				seen = append(seen, fmt.Sprint(name, " ", c.Topic().Name, c.Partitions))
			}
			last, first = after, false
		})
	}
	watch("early")
	l.node.Submit(createRequest("a", 2), 6, func(_ protocol.Message, err error) { seen = append(seen, fmt.Sprint("answer ", err)) })
	_ = l.node.Work(l.now)
	watch("late")
	if err := l.create("b"); err != nil {
		t.Fatal(err)
	}
	want := "[early a[0 1] answer <nil> late a[0 1] early b[0 1] late b[0 1]]"
	if fmt.Sprint(seen) != want {
		t.Errorf("seen %v\nwant %v", seen, want)
	}
}

// TestManyRequestsOneSync: requests that wait together are made durable together.
func TestManyRequestsOneSync(t *testing.T) {
	fs := disk.NewSimulated(disk.SimulatedOptions{})
	l := mustOpen(t, fs, 1, nil)
	defer l.close(t)
	syncs := 0
	fs.SetHook(func(c disk.Call) error {
		if c.Op == disk.OpSync {
			syncs++
		}
		return nil
	})
	answers := 0
	for i := range 50 {
		l.node.Submit(createRequest(fmt.Sprint("t", i), 1), 6, func(protocol.Message, error) { answers++ })
	}
	if err := l.node.Work(l.now); err != nil {
		t.Fatal(err)
	}
	if answers != 50 || syncs != 1 {
		t.Errorf("%d answers after %d syncs, want 50 after 1", answers, syncs)
	}
}
