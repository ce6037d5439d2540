package scenario

import (
	"context"
	"fmt"
	"time"

	"github.com/skein-io/skein/test/interop/check"
	"github.com/skein-io/skein/test/interop/family"
	"github.com/skein-io/skein/test/interop/line"
)

// Produce writes keyed records in every codec of the family, with and without
// idempotence, and reads each topic back twice: with the orchestrator's own
// client, and with the family's.
func Produce(ctx context.Context, env *Env, f *family.Family) (Notes, error) {
	client, err := f.Start(ctx, env.Bootstrap)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	notes := Notes{}
	for _, codec := range f.Codecs {
		for _, idempotent := range f.Idempotence {
			start := time.Now()
			name := codec + map[bool]string{true: "-idempotent", false: "-plain"}[idempotent]
			if err := produceOnce(ctx, env, f, client, codec, idempotent, named(f, "produce", name)); err != nil {
				return notes, fmt.Errorf("%s: %w", name, err)
			}
			notes[name] = fmt.Sprintf("%.1fs", time.Since(start).Seconds())
		}
	}
	return notes, nil
}

func produceOnce(ctx context.Context, env *Env, f *family.Family, client *line.Client, codec string, idempotent bool, topic string) error {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	if err := env.topic(ctx, topic, partitions); err != nil {
		return err
	}
	want := &check.Produced{Tag: codec, Count: env.Records, Keys: keys, Size: valueSize,
		TellsOffsets: f.TellsOffsets, RecordHeaders: f.RecordHeaders, NoDuplicates: true, Ordered: true}
	_, err := client.Call(ctx, line.Request{Cmd: "produce", Topic: topic, Codec: codec, Idempotent: idempotent,
		Count: env.Records, Keys: keys, Size: valueSize, Tag: codec}, want.Take)
	if err != nil {
		return fmt.Errorf("produce: %w", err)
	}
	if want.Acked() != env.Records {
		return fmt.Errorf("%d of %d records were acknowledged", want.Acked(), env.Records)
	}
	held, err := check.ReadTopic(ctx, env.Bootstrap, topic)
	if err != nil {
		return err
	}
	if err := want.Compare(held); err != nil {
		return err
	}
	return readBack(ctx, env, client, topic, held)
}

// readBack lets the family read the whole topic and compares every record.
func readBack(ctx context.Context, env *Env, client *line.Client, topic string, held check.Topic) error {
	reader := check.NewMember("the family's consumer")
	_, err := client.Call(ctx, line.Request{Cmd: "consume", Topic: topic, Partitions: every(partitions), Count: env.Records}, reader.Take)
	if err != nil {
		return fmt.Errorf("read back: %w", err)
	}
	if got := len(reader.Records()); got != env.Records {
		return fmt.Errorf("read back: %d records, want %d", got, env.Records)
	}
	if err := check.Contents(held, reader); err != nil {
		return fmt.Errorf("read back: %w", err)
	}
	return reader.Steps()
}
