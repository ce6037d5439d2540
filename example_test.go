package skein_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skein-io/skein"
)

// A program holds its own broker: any Kafka client reaches it at Bootstrap.
func ExampleOpen() {
	dir, err := os.MkdirTemp("", "skein")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	node, err := skein.Open(skein.Config{DataDir: dir, Listen: "127.0.0.1:0"})
	if err != nil {
		log.Fatal(err)
	}
	defer node.Close()

	client, err := kgo.NewClient(kgo.SeedBrokers(node.Bootstrap()), kgo.AllowAutoTopicCreation(),
		kgo.ConsumeTopics("orders"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	ctx := context.Background()
	if err := client.ProduceSync(ctx, &kgo.Record{Topic: "orders", Value: []byte("one order")}).FirstErr(); err != nil {
		log.Fatal(err)
	}
	for _, r := range client.PollFetches(ctx).Records() {
		fmt.Printf("%s at offset %d\n", r.Value, r.Offset)
	}
	// Output: one order at offset 0
}

// Values that make no sense are refused, all at once, with the place they came from.
func ExampleOpen_configuration() {
	_, err := skein.Open(skein.Config{Set: []string{"num.partition=6", "log.retention.hours=soon"}})
	fmt.Println(err)
	// Output:
	// --set: num.partition = "6": there is no such broker property; did you mean num.partitions?
	// --set: log.retention.hours = "soon": must be a whole number
}
