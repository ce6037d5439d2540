package metrics_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skein-io/skein/consumer"
	"github.com/skein-io/skein/consumer/metrics"
	"github.com/skein-io/skein/skeintest"
)

func TestMetrics(t *testing.T) {
	node := skeintest.Start(t)
	producer, err := kgo.NewClient(kgo.SeedBrokers(node.Bootstrap()), kgo.AllowAutoTopicCreation(), kgo.DefaultProduceTopic("orders"))
	if err != nil {
		t.Fatal(err)
	}
	defer producer.Close()
	for i := range 10 {
		if err := producer.ProduceSync(t.Context(), kgo.StringRecord(fmt.Sprint(i))).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	c, err := consumer.New(t.Context(), consumer.Brokers(node.Bootstrap()), consumer.Group("g"), consumer.ResetTo(consumer.Earliest))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(context.Background())
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(metrics.Of(c))
	if err := c.Subscribe("orders"); err != nil {
		t.Fatal(err)
	}
	for n := 0; n < 10; {
		records, err := c.Poll(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		n += records.Len()
	}
	if err := c.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	err = testutil.GatherAndCompare(registry, strings.NewReader(`
# HELP skein_consumer_bytes_total Bytes of keys and values that Poll returned.
# TYPE skein_consumer_bytes_total counter
skein_consumer_bytes_total{client_id="skein-consumer",group="g"} 10
# HELP skein_consumer_commits_total Commits that the coordinator wrote.
# TYPE skein_consumer_commits_total counter
skein_consumer_commits_total{client_id="skein-consumer",group="g"} 1
# HELP skein_consumer_committed Offset that the group has committed, as this consumer knows it.
# TYPE skein_consumer_committed gauge
skein_consumer_committed{client_id="skein-consumer",group="g",partition="0",topic="orders"} 10
# HELP skein_consumer_generation Generation of the group whose member this is; -1 for none.
# TYPE skein_consumer_generation gauge
skein_consumer_generation{client_id="skein-consumer",group="g"} 1
# HELP skein_consumer_lag Offsets between the position and the end; missing while it is not known.
# TYPE skein_consumer_lag gauge
skein_consumer_lag{client_id="skein-consumer",group="g",partition="0",topic="orders"} 0
# HELP skein_consumer_records_total Records that Poll returned.
# TYPE skein_consumer_records_total counter
skein_consumer_records_total{client_id="skein-consumer",group="g"} 10
`), "skein_consumer_bytes_total", "skein_consumer_commits_total", "skein_consumer_committed", "skein_consumer_generation", "skein_consumer_lag", "skein_consumer_records_total")
	if err != nil {
		t.Error(err)
	}
	if problems, err := testutil.GatherAndLint(registry); err != nil || len(problems) > 0 {
		t.Error(problems, err)
	}
}
