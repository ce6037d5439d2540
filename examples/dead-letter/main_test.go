package main

import (
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/skein-io/skein/consumer"
	"github.com/skein-io/skein/examples/exampletest"
)

func TestRun(t *testing.T) {
	bed := exampletest.New(t, "orders", "orders-retry", "orders-dead")
	bed.Produce("orders", `{"ID":1,"Amount":10}`, `{"ID":2,"Amount":-1}`, `not JSON`, `{"ID":3,"Amount":30}`)
	out := bed.Start(func(w io.Writer) error { return run(bed.Context, w, bed.Broker, "orders", 100*time.Millisecond) })
	out.Expect("order 1: 10", "order 3: 30")

	dead, err := consumer.New(t.Context(), consumer.Brokers(bed.Broker), consumer.ResetTo(consumer.Earliest))
	if err != nil {
		t.Fatal(err)
	}
	defer dead.Close(t.Context())
	if err := dead.Assign(consumer.TopicPartition{Topic: "orders-dead"}); err != nil {
		t.Fatal(err)
	}
	var letters []string
	for len(letters) < 2 {
		records, err := dead.Poll(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for r := range records.All() {
			from, _ := r.Headers.Last(consumer.HeaderTopic)
			offset, _ := r.Headers.Last(consumer.HeaderOffset)
			attempts, _ := r.Headers.Last(consumer.HeaderAttempts)
			letters = append(letters, fmt.Sprintf("%s from %s@%s after %s", r.Value, from, offset, attempts))
		}
	}
	if letters[0] != "not JSON from orders@2 after 1" || letters[1] != `{"ID":2,"Amount":-1} from orders@1 after 3` {
		t.Errorf("%q", letters)
	}
	out.End()
}
