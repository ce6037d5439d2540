package figure

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/skein-io/skein/test/bench/report"
)

// Produce: acks=all, 6 partitions, src/produce.c of package native.

// clientTimeMax bounds one run of a client program.
const clientTimeMax = 4 * time.Minute

func (b *Bench) produce1k(ctx context.Context) error {
	return b.produce(ctx, "produce1k", 1024, 0,
		[]string{report.Floor, report.FloorSync, report.Skein, report.Kafka, report.KafkaFlush})
}

func (b *Bench) produce1k300(ctx context.Context) error {
	return b.produce(ctx, "produce1k@300", 1024, 300,
		[]string{report.FloorSync, report.Skein, report.Kafka, report.KafkaFlush})
}

func (b *Bench) produce100(ctx context.Context) error {
	return b.produce(ctx, "produce100", 100, 0,
		[]string{report.Floor, report.FloorSync, report.Skein, report.Kafka, report.KafkaFlush})
}

// produce measures records of one size. rate is in MB/s, 0 is unlimited.
func (b *Bench) produce(ctx context.Context, name string, recordBytes, rate int, sides []string) error {
	for _, side := range []string{report.Skein, report.Kafka} {
		if _, err := b.produceOnce(ctx, side, recordBytes, rate, b.Sizes.Warm); err != nil {
			return fmt.Errorf("warming %s up: %w", side, err)
		}
	}
	return b.turns(ctx, name, sides, func(ctx context.Context, side string) (values, error) {
		if isFloor(side) {
			return b.floorIn(ctx, side, rate)
		}
		return b.produceOnce(ctx, side, recordBytes, rate, b.Sizes.Produce)
	})
}

// produceOnce fills a new topic, and deletes it.
func (b *Bench) produceOnce(ctx context.Context, side string, recordBytes, rate int, bytes int64) (values, error) {
	k, err := b.shared(ctx, side)
	if err != nil {
		return nil, err
	}
	topic, err := b.createTopic(ctx, k, partitionsOfTopic, side == report.KafkaFlush)
	if err != nil {
		return nil, err
	}
	if err := b.touch(ctx); err != nil {
		return nil, err
	}
	v, err := b.fill(ctx, k, topic, recordBytes, rate, bytes)
	if err != nil {
		return nil, err
	}
	b.used = true
	return v, b.deleteTopic(ctx, k, topic)
}

// produced is what the client prints.
type produced struct {
	Records   int64   `json:"records"`
	Seconds   float64 `json:"seconds"`
	ClientCPU float64 `json:"client_cpu_s"`
	Library   string  `json:"librdkafka"`
}

// fill runs the client, counts what the broker spends, and checks that the
// topic holds every record.
func (b *Bench) fill(ctx context.Context, k *broker, topic string, recordBytes, rate int, bytes int64) (values, error) {
	count := bytes / int64(recordBytes)
	before, err := k.cpu()
	if err != nil {
		return nil, err
	}
	var p produced
	err = b.client(ctx, &p, "produce", k.Addr(), topic, strconv.Itoa(partitionsOfTopic),
		strconv.Itoa(recordBytes), strconv.FormatInt(count, 10), strconv.Itoa(rate), deadline(clientTimeMax))
	if err != nil {
		return nil, err
	}
	amount := count * int64(recordBytes)
	v := values{"mb_per_s": float64(amount) / 1e6 / p.Seconds, "client_cpu_s_per_gib": p.ClientCPU / float64(amount) * float64(gib)}
	if err := k.spent(before, amount, v); err != nil {
		return nil, err
	}
	b.Run.Versions["librdkafka"] = p.Library
	end, err := k.endOffsets(ctx, topic, partitionsOfTopic)
	if err == nil && end != count {
		err = fmt.Errorf("%s holds %d records of the %d that were acknowledged", topic, end, count)
	}
	return v, err
}

// client runs a program of package native and notes the command.
func (b *Bench) client(ctx context.Context, result any, name string, args ...string) error {
	b.noteCommand(name, args)
	return b.clients.Run(ctx, result, clientTimeMax+time.Minute, name, args...)
}

func deadline(d time.Duration) string { return strconv.Itoa(int(d.Seconds())) }
