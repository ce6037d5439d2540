package perceptor

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skein-io/skein/perceptor/change"
	"github.com/skein-io/skein/perceptor/envelope"
)

// heartbeats writes one now and then, as long as the server is heard of.
func (f *feed) heartbeats(ctx context.Context) {
	if f.cfg.HeartbeatEvery == 0 {
		return
	}
	encoder, err := envelope.NewEncoder(f.cfg.Encode)
	if err != nil { // those of rows would have failed before
		panic(err)
	}
	topic := envelope.HeartbeatTopic(f.cfg.Encode.Prefix)
	there := false
	for {
		select {
		case <-time.After(f.cfg.HeartbeatEvery):
		case <-ctx.Done():
			return
		}
		if !f.heard.Swap(false) {
			continue
		}
		if !there {
			_, err = f.ensure(ctx, topic, 1, nil)
			there = err == nil
		}
		if there {
			err = f.heartbeat(ctx, encoder, topic)
			encoder.Reset()
		}
		if err != nil && ctx.Err() == nil {
			f.cfg.Log.Warn("a heartbeat is not written", "source", f.cfg.Name, "topic", topic, "error", err)
		}
	}
}

// heartbeat tells the place up to which everything is acknowledged.
func (f *feed) heartbeat(ctx context.Context, encoder *envelope.Encoder, topic string) error {
	at, known := f.sent.now()
	if !known {
		return nil
	}
	place, err := at.At()
	if err != nil {
		return err
	}
	now := time.Now()
	records, err := encoder.EncodeHeartbeat(nil, change.Version{Epoch: at.Epoch, ExecuteTime: at.Clock, Position: place}, now.UnixMilli())
	if err != nil {
		return err
	}
	r := &records[0]
	return f.put(ctx, &kgo.Record{Topic: topic, Key: r.Key, Value: r.Value, Timestamp: now, Headers: headersOf(r)})
}

// put writes a record and waits until it is acknowledged, or until ctx ends: then it may still be written.
func (f *feed) put(ctx context.Context, r *kgo.Record) error {
	written := make(chan error, 1)
	f.client.Produce(context.WithoutCancel(ctx), r, func(_ *kgo.Record, err error) { written <- err })
	select {
	case err := <-written:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}
