// Command from-sarama shows how a program that uses sarama's consumer groups moves here, step by step.
//
// With sarama a type has three methods, and a loop calls Consume again after each rebalance:
//
//	func (h *handler) Setup(sarama.ConsumerGroupSession) error
//	func (h *handler) Cleanup(sarama.ConsumerGroupSession) error
//	func (h *handler) ConsumeClaim(s sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
//		for m := range claim.Messages() {
//			...
//			s.MarkMessage(m, "")
//		}
//		return nil
//	}
//	for ctx.Err() == nil {
//		group.Consume(ctx, []string{topic}, h)
//	}
//
// Here:
//
//	sarama                                  consumer
//	NewConsumerGroup(addrs, group, config)  New(ctx, Brokers(addrs...), Group(group))
//	Consume in a loop                       Subscribe once; Poll in a loop, through all rebalances
//	Setup                                   Listener.Assigned
//	Cleanup                                 Listener.Revoked: nothing of the partitions is delivered any more
//	ConsumeClaim, a goroutine a partition   Run, which has the goroutines; or records.Partitions()
//	MarkMessage                             nothing: what Poll returned is processed when Poll is called again
//	session.Commit                          Commit, or CommitAsync
//	Config.Consumer.Offsets.Initial         ResetTo
//	Group.Rebalance.GroupStrategies         Assignors: the same names, so both can be in one group while you move
//	MaxProcessingTime                       PollIntervalMax, with a verdict at its half (OnStall)
//	Errors() channel                        what Poll returns
//
//	go run ./examples/from-sarama localhost:9092 orders
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"

	"github.com/skein-io/skein/consumer"
	"github.com/skein-io/skein/consumer/assign"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: from-sarama BROKER TOPIC")
		os.Exit(2)
	}
	if err := run(ctx, os.Stdout, os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer, broker, topic string) error {
	// What was Setup and Cleanup. Both run in Poll, so they need no lock.
	listener := consumer.Listener{
		Assigned: func(_ context.Context, _ *consumer.Consumer, partitions []consumer.TopicPartition) {
			fmt.Fprintln(out, "setup", partitions)
		},
		Revoked: func(_ context.Context, _ *consumer.Consumer, partitions []consumer.TopicPartition) {
			fmt.Fprintln(out, "cleanup", partitions)
		},
	}
	c, err := consumer.New(ctx,
		consumer.Brokers(broker),
		consumer.Group("from-sarama"),
		consumer.Assignors(assign.Range()), // sarama's default; members of both can share the group
		consumer.ResetTo(consumer.Earliest),
		consumer.Listen(listener),
	)
	if err != nil {
		return err
	}
	defer c.Close(context.Background())
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
		for partition, mine := range records.Partitions() { // what was ConsumeClaim
			for r := range mine.All() {
				fmt.Fprintf(out, "claim %v: %s\n", partition, r.Value)
			}
		}
	}
}
