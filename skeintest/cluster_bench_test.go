package skeintest_test

import (
	"context"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skein-io/skein/skeintest"
)

// BenchmarkClusterStart is the time from nothing to the first record that three nodes have, acknowledged by acks=all, and
// back to nothing: real nodes on loopback, each with its own data directory, in one process.
func BenchmarkClusterStart(b *testing.B) {
	for b.Loop() {
		cluster := skeintest.Start(b, skeintest.Nodes(3))
		client, err := kgo.NewClient(kgo.SeedBrokers(cluster.Bootstraps()...))
		if err != nil {
			b.Fatal(err)
		}
		if _, err := kadm.NewClient(client).CreateTopic(context.Background(), 1, 3, nil, "first"); err != nil {
			b.Fatal(err)
		}
		if err := client.ProduceSync(context.Background(), &kgo.Record{Topic: "first", Value: []byte("v")}).FirstErr(); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		client.Close()
		cluster.Stop()
		b.StartTimer()
	}
}
