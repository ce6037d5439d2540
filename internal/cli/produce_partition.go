package cli

import "github.com/twmb/franz-go/pkg/kgo"

// anyPartition leaves the choice to the partitioner.
const anyPartition int32 = -1

// chosenPartitions sends a record to the partition that it names, and any other as Kafka's own clients do: by the hash of
// its key, or without a key to one partition for each batch.
type chosenPartitions struct{ others kgo.Partitioner }

func (c chosenPartitions) ForTopic(topic string) kgo.TopicPartitioner {
	return &chosenPartition{c.others.ForTopic(topic)}
}

type chosenPartition struct{ kgo.TopicPartitioner }

func (c *chosenPartition) RequiresConsistency(r *kgo.Record) bool {
	return r.Partition >= 0 || c.TopicPartitioner.RequiresConsistency(r)
}

func (c *chosenPartition) Partition(r *kgo.Record, n int) int {
	if r.Partition >= 0 {
		return int(r.Partition)
	}
	return c.TopicPartitioner.Partition(r, n)
}

// OnNewBatch lets the partitioner for records without a key move on (kgo.TopicPartitionerOnNewBatch).
func (c *chosenPartition) OnNewBatch() {
	if p, ok := c.TopicPartitioner.(kgo.TopicPartitionerOnNewBatch); ok {
		p.OnNewBatch()
	}
}
