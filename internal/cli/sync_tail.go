package cli

import (
	"bufio"
	"context"
	"crypto/rand"
	"fmt"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skein-io/skein/consumer"
	"github.com/skein-io/skein/perceptor"
	"github.com/skein-io/skein/perceptor/pipeline"
	"github.com/skein-io/skein/perceptor/pipeline/spec"
)

type syncTailOptions struct {
	output
	group         string
	fromBeginning bool
	max           int64
}

func newSyncTail() *cobra.Command {
	var o syncTailOptions
	c := &cobra.Command{
		Use:   "tail FILE TABLE...",
		Short: "Print the changes of tables as they come",
		Long: "Print the changes of tables, decoded: what was done, to which row, which columns changed from what to what, and the version. It\n" +
			"begins with the changes of now, or with --from-beginning with the oldest that is kept. With --group it goes on where that group\n" +
			"was; without, it leaves nothing behind. Ctrl-C ends it.",
		Example:           "  skein sync tail shop.yaml shop.stock\n  skein sync tail shop.yaml shop.stock --from-beginning --max 10 -o json",
		Args:              fileAndTables,
		RunE:              func(c *cobra.Command, args []string) error { return o.run(c, args[0], args[1:]) },
		ValidArgsFunction: pipelineFiles,
	}
	o.flag(c)
	f := c.Flags()
	f.StringVarP(&o.group, "group", "g", "", "go on as `GROUP`, and acknowledge what is printed")
	f.BoolVar(&o.fromBeginning, "from-beginning", false, "begin at the oldest change if the group has acknowledged nothing")
	f.Int64VarP(&o.max, "max", "n", 0, "end after `N` changes")
	return c
}

func (o *syncTailOptions) run(c *cobra.Command, file string, tables []string) error {
	if err := o.check(c); err != nil {
		return err
	}
	if o.max < 0 {
		return misused(c, "--max %d: it is at least 1", o.max)
	}
	loaded, err := loadPipeline(c, file)
	if err != nil {
		return err
	}
	for _, table := range tables {
		if _, _, ok := spec.SplitTable(table); !ok {
			return misused(c, "table %q: it is DATABASE.TABLE", table)
		}
	}
	read, err := pipeline.ReadOptions(loaded)
	if err != nil {
		return err
	}
	transport, err := pipeline.Transport(loaded)
	if err != nil {
		return err
	}
	t := &tailing{o: o, brokers: loaded.Brokers.Addresses, transport: transport, w: bufio.NewWriter(c.OutOrStdout()), options: []perceptor.Option{
		perceptor.Prefix(loaded.Topics.Prefix), perceptor.Read(read),
	}}
	if len(loaded.Read.Topics) > 0 {
		wanted := map[string]bool{}
		for _, table := range tables {
			wanted[table] = true
		}
		t.options = append(t.options, perceptor.From(loaded.Read.Topics, func(database, table string) bool { return wanted[database+"."+table] }))
	}
	return t.run(c.Context(), tables)
}

// tailing prints changes.
type tailing struct {
	o         *syncTailOptions
	brokers   []string
	transport []kgo.Opt
	options   []perceptor.Option

	mu      sync.Mutex
	w       *bufio.Writer
	printed int64
}

func (t *tailing) run(ctx context.Context, tables []string) error {
	group, own := t.o.group, false
	if group == "" {
		group, own = "skein-tail-"+rand.Text(), true
	}
	reset := consumer.Latest
	if t.o.fromBeginning {
		reset = consumer.Earliest
	}
	ctx, end := context.WithCancel(ctx)
	defer end()
	options := append([]perceptor.Option{perceptor.Consumer(consumer.Brokers(t.brokers...), consumer.Transport(t.transport...), consumer.ClientID("skein-sync"),
		consumer.NoTopicCreation(), consumer.ResetTo(reset))}, t.options...)
	err := perceptor.Subscribe(ctx, group, tables, func(ctx context.Context, e perceptor.Event) error { return t.print(ctx, e, end) }, options...)
	if own {
		t.forget(group)
	}
	return err
}

// print prints one change. After the last one that is wanted, the others are not acknowledged.
func (t *tailing) print(ctx context.Context, e perceptor.Event, end func()) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.o.max > 0 && t.printed >= t.o.max {
		return context.Canceled
	}
	var line []byte
	if t.o.format == "json" {
		var err error
		if line, err = marshalPlain(tailDocument(&e)); err != nil {
			return consumer.GiveUp(err)
		}
	} else {
		line = appendTail(nil, &e)
	}
	_, err := t.w.Write(append(line, '\n'))
	if err == nil {
		err = t.w.Flush()
	}
	if err != nil {
		return consumer.GiveUp(fmt.Errorf("the output: %w", err))
	}
	if t.printed++; t.printed == t.o.max {
		end()
	}
	return nil
}

// forgetMax is how long it may take to delete a group that nobody needs.
const forgetMax = 5 * time.Second

// forget deletes the group that was made for this run. If that fails, the brokers forget it by themselves in time.
func (t *tailing) forget(group string) {
	ctx, cancel := context.WithTimeout(context.Background(), forgetMax)
	defer cancel()
	client, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(t.brokers...), kgo.ClientID("skein-sync"), kgo.DisableClientMetrics()}, t.transport...)...)
	if err != nil {
		return
	}
	defer client.Close()
	_, _ = kadm.NewClient(client).DeleteGroup(ctx, group)
}
