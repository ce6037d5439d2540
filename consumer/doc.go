// Package consumer is Kafka's consumer in Go: subscribe, poll, commit. It works with Apache Kafka and with skein.
//
//	c, err := consumer.New(ctx, consumer.Brokers("localhost:9092"), consumer.Group("orders"))
//	if err != nil {
//		return err
//	}
//	defer c.Close(context.Background())
//	c.Subscribe("orders")
//	for {
//		records, err := c.Poll(ctx)
//		if err != nil {
//			return err
//		}
//		for r := range records.All() {
//			fmt.Println(r.Topic, r.Partition, r.Offset, string(r.Value))
//		}
//	}
//
// Defaults are those of Java's KafkaConsumer. So is the model: a record counts as processed when the application calls
// Poll again, and offsets are committed for what is processed, by itself each auto.commit.interval.ms or by Commit and
// CommitAsync.
//
// # Group protocols
//
// GroupProtocol chooses how the member and its coordinator talk. ClassicProtocol, the default, joins and syncs, and one
// member computes the assignment (Assignors). ConsumerProtocol (KIP-848, Apache Kafka 4.0 and later) leaves that to the
// coordinator: each member gives up and gets its own part of a new assignment when it can, and nobody waits for all the
// others. AutoProtocol takes the second where the coordinator has it. The application sees the same of each: listeners,
// commits, Explain. The generation of a Token, of GroupMetadata and of Stats is the member epoch then.
//
// # Concurrency
//
// Poll is for one goroutine at a time; so are Subscribe and Assign. Listeners and callbacks of commits run within Poll
// and Close, and nowhere else, so what they share with the loop needs no lock. Everything else may be called from any
// goroutine. Heartbeats, joins and fetches go on in the background while the application works; only where a partition
// has to be given up a rebalance waits for the next Poll, at most max.poll.interval.ms.
//
// # Brokers that fail, or answer nonsense
//
// Whatever can pass is tried again with a growing pause: a node that does not answer, bytes that cannot be read, answers that cannot
// be true. Explain and the log say what it was last. An error of Poll is what the application has to know: the package's error types tell
// what it concerns. A loop may go on after all of them but *GroupError, which ends the membership. Batches are checked before
// their records are given out, and unpacked up to 64 MiB; answers are read up to twice fetch.max.bytes, at least 100 MiB, and those of
// the coordinator to members up to 16 MiB.
package consumer
