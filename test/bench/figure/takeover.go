package figure

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skein-io/skein/test/bench/report"
	"github.com/skein-io/skein/test/bench/wire"
)

// Takeover: two members share a topic of 6 partitions; one is killed with
// SIGKILL. Its session is due a session timeout after the last request that it
// sent to the coordinator. The expiry shows in DescribeGroups, asked each 3
// ms. It is over when the other member has had a record of every partition
// that was taken over. The clients have their defaults but for the session
// timeout, which is the least that Kafka allows, to save time. A group of
// franz-go and one of librdkafka are measured at the same time.

const (
	sessionTimeout = 6 * time.Second
	describeEvery  = 3 * time.Millisecond
	feedEvery      = 20 * time.Millisecond
)

func (b *Bench) takeover(ctx context.Context) error {
	return b.turns(ctx, "takeover", []string{report.Skein, report.Kafka}, b.takeoverOnce)
}

func (b *Bench) takeoverOnce(ctx context.Context, side string) (values, error) {
	k, err := b.shared(ctx, side)
	if err != nil {
		return nil, err
	}
	programs := map[string]string{"franz-go": filepath.Join(b.Tools, "member"), "librdkafka": b.clients.Path("member")}
	type result struct {
		v   values
		err error
	}
	results := make(chan result, len(programs))
	for family, program := range programs {
		topic, err := b.createTopic(ctx, k, partitionsOfTopic, false)
		if err != nil {
			return nil, err
		}
		b.noteCommand(family+": "+filepath.Base(program), []string{k.Addr(), topic, topic, strconv.FormatInt(sessionTimeout.Milliseconds(), 10)})
		phase := time.Duration(b.names*7%10) * 300 * time.Millisecond
		go func() {
			v, err := b.killOne(ctx, k, family, program, topic, phase)
			results <- result{v, errors.Join(err, b.deleteTopic(ctx, k, topic))}
		}()
	}
	all := values{}
	for range programs {
		r := <-results
		maps.Copy(all, r.v)
		err = errors.Join(err, r.err)
	}
	b.used = true
	return all, err
}

// killOne measures one family of clients. phase shifts the kill against the
// heartbeats, so that repetitions do not all meet the same moment.
func (b *Bench) killOne(ctx context.Context, k *broker, family, program, topic string, phase time.Duration) (values, error) {
	ctx, cancel := context.WithTimeout(ctx, memberTimeMax)
	defer cancel()
	go feed(ctx, k.Addr(), topic)
	victim, heir, err := b.pair(ctx, k, program, topic)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", family, err)
	}
	defer heir.kill()
	defer victim.kill()
	if err := pause(ctx, b.Sizes.Steady+phase); err != nil {
		return nil, err
	}
	kept, killed := heir.partitions(), time.Now()
	victim.kill()
	due := victim.lastContact().Add(sessionTimeout)
	expired, err := k.awaitExpiry(ctx, topic, due)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", family, err)
	}
	taken, err := heir.awaitConsumed(ctx, partitionsOfTopic-len(kept), killed, kept)
	if err != nil {
		return nil, fmt.Errorf("%s, after the kill: %w", family, err)
	}
	return values{
		family + "_expiry_late_ms": milliseconds(expired.Sub(due)),
		family + "_takeover_ms":    milliseconds(taken.Sub(expired)),
	}, nil
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// pair starts two members and returns when each has its half.
func (b *Bench) pair(ctx context.Context, k *broker, program, topic string) (victim, heir *member, err error) {
	started := time.Now()
	victim, err = startMember(ctx, program, k.Addr(), topic, topic, sessionTimeout)
	if err != nil {
		return nil, nil, err
	}
	if _, err := victim.awaitConsumed(ctx, partitionsOfTopic, started, nil); err != nil {
		victim.kill()
		return nil, nil, fmt.Errorf("first member: %w", err)
	}
	heir, err = startMember(ctx, program, k.Addr(), topic, topic, sessionTimeout)
	if err != nil {
		victim.kill()
		return nil, nil, err
	}
	if _, err := heir.awaitConsumed(ctx, partitionsOfTopic/2, started, nil); err != nil {
		victim.kill()
		heir.kill()
		return nil, nil, fmt.Errorf("second member: %w", err)
	}
	return victim, heir, nil
}

// awaitExpiry returns when the group is no longer what it was: two members in
// a stable group. It starts to look shortly before due.
func (k *broker) awaitExpiry(ctx context.Context, group string, due time.Time) (time.Time, error) {
	if err := pause(ctx, time.Until(due)-300*time.Millisecond); err != nil {
		return time.Time{}, err
	}
	c, err := wire.Dial(ctx, k.Addr())
	if err != nil {
		return time.Time{}, err
	}
	defer c.Close()
	for {
		state, members, err := c.DescribeGroup(group)
		if err != nil {
			return time.Time{}, err
		}
		if state != "Stable" || members != 2 {
			return time.Now(), nil
		}
		if err := pause(ctx, describeEvery); err != nil {
			return time.Time{}, fmt.Errorf("the member has not expired: %w", err)
		}
	}
}

// feed sends a record to each partition of a topic every feedEvery.
func feed(ctx context.Context, addr, topic string) {
	client, err := kgo.NewClient(kgo.SeedBrokers(addr), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(0))
	if err != nil {
		return // the members will consume nothing, and that is reported
	}
	defer client.Close()
	for pause(ctx, feedEvery) == nil {
		for p := range int32(partitionsOfTopic) {
			client.Produce(ctx, &kgo.Record{Topic: topic, Partition: p, Value: []byte("fed")}, nil)
		}
	}
}
