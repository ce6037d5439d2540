package skeintest_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/skein-io/skein/skeintest"
)

// A test gets a broker of its own, and its client does not know that it is not a server's.
func ExampleStart() {
	test := func(t *testing.T) {
		node := skeintest.Start(t)
		client, err := kgo.NewClient(kgo.SeedBrokers(node.Bootstrap()), kgo.AllowAutoTopicCreation(), kgo.DefaultProduceTopic("orders"))
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		if err := client.ProduceSync(context.Background(), kgo.StringRecord("hello")).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	run(test)
	// Output: true
}

// The program under test sees one error of its choice. Here it is one that franz-go does not try again.
func ExampleNode_Refuse() {
	test := func(t *testing.T) {
		node := skeintest.Start(t)
		client, err := kgo.NewClient(kgo.SeedBrokers(node.Bootstrap()), kgo.AllowAutoTopicCreation(), kgo.DefaultProduceTopic("orders"))
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		node.Refuse(kmsg.Produce.Int16(), kerr.MessageTooLarge.Code, 1)
		if err := client.ProduceSync(context.Background(), kgo.StringRecord("first")).FirstErr(); !errors.Is(err, kerr.MessageTooLarge) {
			t.Error("the first record: ", err)
		}
		if err := client.ProduceSync(context.Background(), kgo.StringRecord("second")).FirstErr(); err != nil {
			t.Error("the second record: ", err)
		}
	}
	run(test)
	// Output: true
}

// Three nodes in a synctest bubble lose the leader of a partition. The producer does not notice more than a delay, and
// the test takes no real time to speak of.
func ExampleNodes() {
	test := func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			node := skeintest.Start(t, skeintest.InMemory(), skeintest.Nodes(3))
			client, err := kgo.NewClient(kgo.SeedBrokers(node.Bootstraps()...), kgo.Dialer(node.Dial),
				kgo.AllowAutoTopicCreation(), kgo.DefaultProduceTopic("orders"))
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			for i := range 10 {
				if i == 5 {
					node.Node(node.Leader("orders", 0)).Crash()
				}
				if err := client.ProduceSync(context.Background(), kgo.StringRecord(fmt.Sprint(i))).FirstErr(); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
	run(test)
	// Output: true
}

// A node hangs for a minute. In a bubble the minute is over at once.
func ExampleNode_Pause() {
	test := func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			node := skeintest.Start(t, skeintest.InMemory())
			client, err := kgo.NewClient(kgo.SeedBrokers(node.Bootstrap()), kgo.Dialer(node.Dial),
				kgo.AllowAutoTopicCreation(), kgo.DefaultProduceTopic("orders"))
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			begun := time.Now()
			node.Pause()
			time.AfterFunc(time.Minute, node.Resume)
			if err := client.ProduceSync(context.Background(), kgo.StringRecord("hello")).FirstErr(); err != nil {
				t.Fatal(err)
			}
			if took := time.Since(begun); took < time.Minute {
				t.Error("it took only ", took)
			}
		})
	}
	run(test)
	// Output: true
}

// run prints whether a test passes, and nothing else. A real test is a function of its own.
func run(test func(*testing.T)) {
	output := os.Stdout
	os.Stdout, _ = os.Open(os.DevNull)
	passed := testing.RunTests(func(_, _ string) (bool, error) { return true, nil }, []testing.InternalTest{{Name: "orders", F: test}})
	os.Stdout = output
	fmt.Println(passed)
}
