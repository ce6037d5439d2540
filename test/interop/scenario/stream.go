package scenario

import (
	"context"
	"fmt"
	"time"

	"github.com/skein-io/skein/test/interop/line"
	"github.com/twmb/franz-go/pkg/kgo"
)

// stream writes to a topic until it is stopped, so that whatever happens to a
// member happens amid work.
type stream struct {
	cancel context.CancelFunc
	done   chan error
}

// stream starts one of about rate records a second.
func (e *Env) stream(ctx context.Context, codec, topic, tag string, rate int) (*stream, error) {
	cl, err := kgo.NewClient(kgo.SeedBrokers(line.Addresses(e.Bootstrap)...), kgo.DefaultProduceTopic(topic),
		kgo.ProducerBatchCompression(codecOptions[codec]), kgo.RecordPartitioner(kgo.StickyKeyPartitioner(nil)))
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	s := &stream{cancel: cancel, done: make(chan error, 1)}
	go func() {
		defer cl.Close()
		s.done <- write(ctx, cl, tag, rate)
	}()
	return s, nil
}

// write sends a batch ten times a second. A batch that was begun is finished. Timestamps rise by a second a record,
// from so long ago that none is from the future.
func write(ctx context.Context, cl *kgo.Client, tag string, rate int) error {
	pace, batch, start := line.NewPace(10), max(1, rate/10), time.Now().Add(-5*24*time.Hour)
	for from := 0; ctx.Err() == nil; from += batch {
		if err := cl.ProduceSync(context.WithoutCancel(ctx), seedBatch(tag, from, from+batch, start)...).FirstErr(); err != nil {
			return fmt.Errorf("write while the group works: %w", err)
		}
		pace.Wait()
	}
	return nil
}

// ended is the error of a stream that could not write.
func (s *stream) ended() error {
	select {
	case err := <-s.done:
		s.done <- err
		return err
	default:
		return nil
	}
}

// stop ends it once what it sent is acknowledged.
func (s *stream) stop() error {
	s.cancel()
	err := <-s.done
	s.done <- err // for a second call
	return err
}
