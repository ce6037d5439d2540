package figure

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skein-io/skein/test/bench/machine"
	"github.com/skein-io/skein/test/bench/report"
	"github.com/skein-io/skein/test/services"
)

// properties are set on both sides, and nothing else is. Groups do not wait
// for members, and deleted data goes at once, not in the middle of a later
// measurement.
var properties = map[string]string{
	"group.initial.rebalance.delay.ms": "0",
	"log.segment.delete.delay.ms":      "100",
}

// jvmFlags are those of Kafka's own start script that services does not set.
var jvmFlags = []string{"-XX:InitiatingHeapOccupancyPercent=35", "-XX:+ExplicitGCInvokesConcurrent"}

// broker is a running broker with a client for its topics.
type broker struct {
	services.Broker
	side  string
	admin *kadm.Client
}

// prepare makes a broker of a side in a new folder, without starting it.
func (b *Bench) prepare(side, folder string) (*broker, error) {
	o := services.Options{Dir: filepath.Join(b.Dir, folder+"-"+side), Properties: properties, ReadyTimeout: 2 * time.Minute}
	var process services.Broker
	var err error
	if side == report.Skein {
		process, err = services.NewSkein(b.Skein, o)
	} else {
		process, err = services.NewKafka(o, services.JVM{HeapMiB: b.HeapMiB, Flags: jvmFlags})
	}
	if err != nil {
		return nil, err
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(process.Addr()))
	if err != nil {
		return nil, err
	}
	return &broker{Broker: process, side: side, admin: kadm.NewClient(client)}, nil
}

// open prepares a broker and starts it.
func (b *Bench) open(ctx context.Context, side, folder string) (*broker, error) {
	k, err := b.prepare(side, folder)
	if err != nil {
		return nil, err
	}
	if err := k.Start(ctx); err != nil {
		return nil, errors.Join(err, k.remove())
	}
	return k, nil
}

// remove ends the broker and deletes its data; its log output stays if it
// ended badly.
func (k *broker) remove() error {
	k.admin.Close()
	if err := k.Stop(); err != nil {
		log, _ := os.ReadFile(filepath.Join(k.Dir(), "server.log"))
		return fmt.Errorf("%w\n%s", err, log[max(0, len(log)-3000):])
	}
	return os.RemoveAll(k.Dir())
}

// shared is the broker of the long-lived pair that runs a side.
func (b *Bench) shared(ctx context.Context, side string) (*broker, error) {
	if side == report.KafkaFlush {
		side = report.Kafka // the flush is a property of the topic
	}
	if k := b.brokers[side]; k != nil {
		return k, nil
	}
	k, err := b.open(ctx, side, "shared")
	if err != nil {
		return nil, err
	}
	b.brokers[side] = k
	return k, nil
}

func (b *Bench) stopShared() error {
	var err error
	for _, k := range b.brokers {
		err = errors.Join(err, k.remove())
	}
	b.brokers = map[string]*broker{}
	return err
}

// cpu is the processor time of the broker and of the whole machine.
type cpu struct {
	machine.CPU
	busy float64
}

func (k *broker) cpu() (cpu, error) {
	own, err := machine.ReadCPU(k.PID())
	if err != nil {
		return cpu{}, err
	}
	busy, err := machine.ReadBusy()
	return cpu{own, busy}, err
}

// spent adds to v what was spent since before, for each GiB of n bytes.
func (k *broker) spent(before cpu, n int64, v values) error {
	after, err := k.cpu()
	if err != nil {
		return err
	}
	amount, own := float64(n)/float64(gib), after.Since(before.CPU)
	v["cpu_s_per_gib"] = own.Total() / amount
	v["cpu_user_s_per_gib"] = own.User / amount
	v["cpu_system_s_per_gib"] = own.System / amount
	v["machine_cpu_s_per_gib"] = (after.busy - before.busy) / amount
	return nil
}
