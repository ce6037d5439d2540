// Command per-key processes 16 records at a time, and those with the same key in order: a slow customer does not hold up
// the others. Offsets are committed up to the first record that is not processed.
//
//	go run ./examples/per-key localhost:9092 orders
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync"
	"time"

	"github.com/skein-io/skein/consumer"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: per-key BROKER TOPIC")
		os.Exit(2)
	}
	if err := run(ctx, os.Stdout, os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer, broker, topic string) error {
	var mu sync.Mutex // handlers run side by side
	handler := func(_ context.Context, r consumer.Record) error {
		time.Sleep(10 * time.Millisecond) // a call to somewhere
		mu.Lock()
		defer mu.Unlock()
		fmt.Fprintf(out, "%s: %s\n", r.Key, r.Value)
		return nil
	}
	return consumer.Run(ctx, handler,
		consumer.Brokers(broker),
		consumer.Group("per-key"),
		consumer.Topics(topic),
		consumer.ResetTo(consumer.Earliest),
		consumer.PerKey(),
		consumer.Workers(16),
	)
}
