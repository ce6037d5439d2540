package consumer_test

import (
	"testing"
	"time"

	"github.com/skein-io/skein/consumer"
)

// Stats tell since when the coordinator has not been heard of: counted from what it has answered, not from when the answer came.
func TestHeard(t *testing.T) {
	inBubble(t, 1, func(b *bed) {
		b.topic("orders", 1)
		c := b.consumer(consumer.Group("g"), consumer.SessionTimeout(10*time.Second), consumer.HeartbeatInterval(time.Second))
		if at := c.Stats().Heard; !at.IsZero() {
			b.Errorf("before it has joined: %v", at)
		}
		b.must(c.Subscribe("orders"))
		for range 20 {
			b.poll(c, time.Second)
			age := time.Since(c.Stats().Heard)
			if len(c.Assignment()) == 1 && (age < 0 || age > 5*time.Second) {
				b.Errorf("the coordinator answers, and was heard of %v ago", age)
			}
		}
		before := c.Stats().Heard
		b.node.Pause()
		paused := time.Now()
		b.poll(c, 30*time.Second)
		if at := c.Stats().Heard; at.Before(before) || at.After(paused) {
			b.Errorf("it answers since %v no more, and was heard of at %v", paused, at)
		}
		b.node.Resume()
		b.poll(c, 30*time.Second)
		if age := time.Since(c.Stats().Heard); age > 5*time.Second {
			b.Errorf("it answers again, and was heard of %v ago", age)
		}
	})
}
