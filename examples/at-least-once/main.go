// Command at-least-once reads a topic as a member of a group and commits what it has processed itself: a record that was
// not processed when the program ended is read again.
//
//	go run ./examples/at-least-once localhost:9092 orders
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"

	"github.com/skein-io/skein/consumer"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: at-least-once BROKER TOPIC")
		os.Exit(2)
	}
	if err := run(ctx, os.Stdout, os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer, broker, topic string) error {
	c, err := consumer.New(ctx,
		consumer.Brokers(broker),
		consumer.Group("at-least-once"),
		consumer.ResetTo(consumer.Earliest),
		consumer.NoAutoCommit(),
	)
	if err != nil {
		return err
	}
	defer c.Close(context.Background()) // leaves the group, so that others take over at once
	if err := c.Subscribe(topic); err != nil {
		return err
	}
	for {
		records, err := c.Poll(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		for r := range records.All() {
			fmt.Fprintf(out, "%v@%d %s\n", r.TopicPartition(), r.Offset, r.Value)
		}
		// Everything that Poll returned is processed now. If the program dies before this line, it comes again. An interrupt
		// must not end the commit.
		if err := c.Commit(context.WithoutCancel(ctx)); err != nil {
			return err
		}
	}
}
