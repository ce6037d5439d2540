package main

import (
	"time"

	"github.com/IBM/sarama"
	"github.com/skein-io/skein/test/interop/line"
)

// consume reads Count records of the given partitions without a group.
func consume(s *line.Session, r line.Request) (any, error) {
	client, err := sarama.NewClient(brokers, config())
	if err != nil {
		return nil, err
	}
	defer func() { _ = client.Close() }()
	consumer, err := sarama.NewConsumerFromClient(client)
	if err != nil {
		return nil, err
	}
	defer func() { _ = consumer.Close() }()
	all := make(chan *sarama.ConsumerMessage)
	done := make(chan struct{})
	defer close(done)
	for _, p := range r.Partitions {
		if err := follow(client, consumer, r, p, all, done); err != nil {
			return nil, err
		}
	}
	for taken := 0; taken < r.Count && !s.Stopped(); {
		select {
		case m := <-all:
			taken++
			s.Emit(recordEvent(m))
		case <-time.After(50 * time.Millisecond):
		}
	}
	return nil, nil
}

// follow hands one partition's records on until done.
func follow(client sarama.Client, consumer sarama.Consumer, r line.Request, p int32, all chan<- *sarama.ConsumerMessage, done <-chan struct{}) error {
	offset := r.Offset
	if r.ByTime {
		var err error
		if offset, err = client.GetOffset(r.Topic, p, r.Timestamp); err != nil {
			return err
		}
	}
	part, err := consumer.ConsumePartition(r.Topic, p, offset)
	if err != nil {
		return err
	}
	go func() {
		defer part.AsyncClose()
		for {
			select {
			case m, open := <-part.Messages():
				if !open {
					return
				}
				select {
				case all <- m:
				case <-done:
					return
				}
			case <-done:
				return
			}
		}
	}()
	return nil
}
