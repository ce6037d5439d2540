// Command dead-letter tries a record that cannot be processed three times, then again after five seconds, in a topic of its
// own so that nothing waits for it, and then puts it aside in a dead-letter topic with a note where it came from and why.
// It prints the letters, too.
//
//	go run ./examples/dead-letter localhost:9092 orders
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/signal"
	"time"

	"github.com/skein-io/skein/consumer"
)

type order struct {
	ID     int
	Amount int
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: dead-letter BROKER TOPIC")
		os.Exit(2)
	}
	if err := run(ctx, os.Stdout, os.Args[1], os.Args[2], 5*time.Second); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer, broker, topic string, later time.Duration) error {
	handler := func(_ context.Context, r consumer.Record) error {
		var o order
		if err := json.Unmarshal(r.Value, &o); err != nil {
			return consumer.GiveUp(err) // it will never be JSON
		}
		if o.Amount < 0 {
			return fmt.Errorf("order %d has an amount of %d", o.ID, o.Amount)
		}
		fmt.Fprintf(out, "order %d: %d\n", o.ID, o.Amount)
		return nil
	}
	return consumer.Run(ctx, handler,
		consumer.Brokers(broker),
		consumer.Group("dead-letter"),
		consumer.Topics(topic),
		consumer.ResetTo(consumer.Earliest),
		consumer.Retries(3, 10*time.Millisecond, time.Second),
		consumer.RetryTopics(consumer.RetryTopic{Topic: topic + "-retry", Delay: later}),
		consumer.DeadLetter(topic+"-dead"),
	)
}
