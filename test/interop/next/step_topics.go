package main

import (
	"errors"
	"regexp"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/skein-io/skein/consumer"
)

// pattern: a topic that is made later, and matches, is assigned; one that does not match is not.
func pattern(b *bench) error {
	one, err := b.topic("orders-1", 2)
	if err != nil {
		return err
	}
	if _, err := b.topic("other", 2); err != nil {
		return err
	}
	re := regexp.MustCompile("^" + b.name + "-orders-")
	m, err := b.join(func(c *consumer.Consumer) error { return c.SubscribePattern(re) })
	if err != nil {
		return err
	}
	if err := b.until("the first topic", has(2, m)); err != nil {
		return err
	}
	two, err := b.topic("orders-2", 3)
	if err != nil {
		return err
	}
	if err := b.until("the second topic", has(5, m)); err != nil {
		return err
	}
	for _, name := range []string{one, two} {
		if err := b.write(name, 2, 10); err != nil {
			return err
		}
		if err := b.until("records of "+name, func() bool { return m.took(name) == 20 }); err != nil {
			return err
		}
	}
	return m.close()
}

// topicGrows: the coordinator notices, and the member asks for no rebalance.
func topicGrows(b *bench) error {
	name, err := b.topic("t", 2)
	if err != nil {
		return err
	}
	m, err := b.join(topics(name))
	if err != nil {
		return err
	}
	if err := b.until("two partitions", has(2, m)); err != nil {
		return err
	}
	if _, err := b.adm.UpdatePartitions(b.ctx, 4, name); err != nil {
		return err
	}
	if err := b.until("four partitions", has(4, m)); err != nil {
		return err
	}
	if err := b.write(name, 4, 10); err != nil {
		return err
	}
	return b.until("records of all partitions", func() bool { return m.took(name) == 40 })
}

// topicMadeAgain: a topic of the same name has another id. What was held of the old one is given up, and the new one is read
// from its beginning.
func topicMadeAgain(b *bench) error {
	name, err := b.topic("t", 2)
	if err != nil {
		return err
	}
	m, err := b.join(topics(name))
	if err != nil {
		return err
	}
	if err := b.write(name, 2, 30); err != nil {
		return err
	}
	if err := b.until("records of the old topic", func() bool { return m.took(name) == 60 }); err != nil {
		return err
	}
	if _, err := b.adm.DeleteTopic(b.ctx, name); err != nil {
		return err
	}
	if err := b.until("the topic is gone", func() bool {
		found, err := b.adm.ListTopics(b.ctx, name)
		return err == nil && errors.Is(found[name].Err, kerr.UnknownTopicOrPartition)
	}); err != nil {
		return err
	}
	if _, err := b.topic("t", 2); err != nil {
		return err
	}
	if err := b.until("the new topic can be written", func() bool { return b.write(name, 2, 10) == nil }); err != nil {
		return err
	}
	return b.until("records of the new topic", func() bool { return m.took(name) == 80 })
}
