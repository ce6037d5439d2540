package nemesis

import (
	"context"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skein-io/skein/internal/sim"
	"github.com/skein-io/skein/internal/sim/check"
	"github.com/skein-io/skein/skeintest"
)

// options are what a run is made of.
type options struct {
	seed      uint64
	nodes     int
	producers int
	readers   int
	members   int
	attack    time.Duration   // how long there is harm
	pause     time.Duration   // between two harms, at most
	allowed   map[string]bool // kinds of harm
}

// draw gives the options of a seed. Each kind of harm is in some runs and not in others, so that one does not hide what
// another would show.
func draw(seed uint64) options {
	r := sim.NewRand(seed).Fork("options")
	o := options{seed: seed, nodes: 3, producers: 1 + r.IntN(2), readers: 1, members: 1 + r.IntN(3),
		attack: 30 * time.Second, pause: r.Between(500*time.Millisecond, 5*time.Second), allowed: map[string]bool{}}
	if r.Chance(200) {
		o.nodes = 5
	}
	for _, h := range harms {
		o.allowed[h.name] = r.Chance(600)
	}
	return o
}

// topics are written and read by everybody, with their numbers of partitions. The group reads the first.
var topics = []struct {
	name       string
	partitions int32
}{{"orders", 3}, {"notes", 2}}

// world is one run.
type world struct {
	t       *testing.T
	options options
	rand    *sim.Rand
	journal *journal
	history *check.Recorder
	node    *skeintest.Node // any of them
	admin   *kgo.Client
	ids     map[string]kadm.TopicID

	producers []*producer
	readers   []*reader
	members   []*member
	nemesis   *nemesis

	mu     sync.Mutex
	failed []string
}

func newWorld(t *testing.T, o options) *world {
	w := &world{t: t, options: o, rand: sim.NewRand(o.seed), journal: newJournal(), ids: map[string]kadm.TopicID{}}
	w.history = check.NewRecorder(func() int64 { return int64(time.Since(w.journal.begun)) })
	return w
}

// fail notes something that must not be.
func (w *world) fail(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	message := fmt.Sprintf(format, args...)
	w.journal.note("FAILS: %s", message)
	w.failed = append(w.failed, message)
}

// run starts the cluster and its clients, does harm, heals, and judges.
func (w *world) run() {
	o := w.options
	w.journal.note("seed %d: %+v", o.seed, o)
	w.node = skeintest.Start(nodeTest{w.t, w}, skeintest.InMemory(), skeintest.Nodes(o.nodes), skeintest.Seed(o.seed*100+1),
		skeintest.Logger(w.journal.logger()), skeintest.Set("offsets.topic.num.partitions", "2"),
		skeintest.Set("initial.broker.registration.timeout.ms", "3600000"), skeintest.Set("group.min.session.timeout.ms", "1000"))
	w.admin = w.client("admin")
	w.createTopics()
	for i := range o.producers {
		w.producers = append(w.producers, startProducer(w, fmt.Sprint("producer", i)))
	}
	for i := range o.readers {
		w.readers = append(w.readers, startReader(w, fmt.Sprint("reader", i)))
	}
	for i := range o.members {
		w.members = append(w.members, startMember(w, fmt.Sprint("member", i)))
	}
	offsets := startAuditor(w)
	w.nemesis = newNemesis(w)
	w.nemesis.attack()
	w.nemesis.heal()
	w.settle()
	offsets.end()
	for _, m := range w.members {
		m.end()
	}
	for _, r := range w.readers {
		r.end()
	}
	for _, p := range w.producers {
		p.end()
	}
	w.judge()
	w.admin.Close()
}

// judge looks at what the clients saw, and prints the run if anything is wrong.
func (w *world) judge() {
	for _, f := range check.All(w.history.History(), check.Options{Complete: len(w.failed) == 0}) {
		w.fail("%s", f)
	}
	if len(w.failed) == 0 && os.Getenv("SKEIN_LOG") == "" {
		return
	}
	w.t.Logf("the run:\n%s", w.journal)
	if dir := os.Getenv("SKEIN_HISTORY"); dir != "" {
		if f, err := os.Create(fmt.Sprintf("%s/history-%d.jsonl", dir, w.options.seed)); err == nil {
			_ = check.Write(f, w.history.History())
			_ = f.Close()
		}
	}
	for _, f := range w.failed {
		w.t.Errorf("seed %d: %s", w.options.seed, f)
	}
}

// client makes a client of the cluster.
func (w *world) client(name string, options ...kgo.Opt) *kgo.Client {
	watch := &spin{world: w, name: name}
	c, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(w.node.Bootstraps()...), kgo.Dialer(watch.dial), kgo.WithHooks(watch), kgo.ClientID(name),
		kgo.MetadataMinAge(100 * time.Millisecond), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(0),
		kgo.RequestTimeoutOverhead(5 * time.Second), kgo.DialTimeout(5 * time.Second), kgo.RetryTimeout(15 * time.Second)}, options...)...)
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

func (w *world) createTopics() {
	for _, topic := range topics {
		created, err := kadm.NewClient(w.admin).CreateTopic(context.Background(), topic.partitions, int16(min(3, w.options.nodes)), nil, topic.name)
		if err == nil {
			err = created.Err
		}
		if err != nil {
			w.t.Fatal(err)
		}
		w.ids[topic.name] = created.ID
	}
}

// nodeTest is the test as the nodes see it: their failures are the world's.
type nodeTest struct {
	*testing.T
	world *world
}

func (t nodeTest) Error(args ...any)                 { t.world.fail("%s", fmt.Sprint(args...)) }
func (t nodeTest) Errorf(format string, args ...any) { t.world.fail(format, args...) }

// sleep waits, or until ctx ends; false says that it did.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
