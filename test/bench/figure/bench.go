package figure

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/skein-io/skein/test/bench/machine"
	"github.com/skein-io/skein/test/bench/native"
	"github.com/skein-io/skein/test/bench/report"
)

// Config is what a run is told.
type Config struct {
	Skein       string // the binary
	Tools       string // folder of the programs floor and member
	Dir         string // data and logs; must not exist yet; removed by Close
	HeapMiB     int    // of Kafka's JVM
	Repetitions int
	Sizes       Sizes
	Log         func(format string, args ...any)
}

// Bench is one run. Its methods are for one goroutine.
type Bench struct {
	Config
	Run     *report.Run
	clients *native.Programs
	brokers map[string]*broker // the shared pair, started when first needed
	used    bool               // the shared pair has done work
	names   int                // of topics and groups so far
}

// Figure is a name and how it is measured.
type Figure struct {
	Name    string
	measure func(*Bench, context.Context) error
	// apart figures run on brokers of their own, after the shared pair has
	// ended.
	apart bool
}

// All lists the figures in the order in which a full run takes them.
var All = []Figure{
	{Name: "floor", measure: (*Bench).floor},
	{Name: "start", measure: (*Bench).start, apart: true},
	{Name: "idle", measure: (*Bench).idle, apart: true},
	{Name: "produce1k", measure: (*Bench).produce1k},
	{Name: "produce1k@300", measure: (*Bench).produce1k300},
	{Name: "produce100", measure: (*Bench).produce100},
	{Name: "consume1k", measure: (*Bench).consume1k},
	{Name: "consume100", measure: (*Bench).consume100},
	{Name: "latency", measure: (*Bench).latency},
	{Name: "commits", measure: (*Bench).commits},
	{Name: "join", measure: (*Bench).join},
	{Name: "churn", measure: (*Bench).churn},
	{Name: "takeover", measure: (*Bench).takeover},
	{Name: "poll1k", measure: (*Bench).poll1k},
	{Name: "poll100", measure: (*Bench).poll100},
	{Name: "keyed", measure: (*Bench).keyed},
	{Name: "pause", measure: (*Bench).pause},
	{Name: "after", measure: (*Bench).after},
	{Name: "partitions", measure: (*Bench).partitions, apart: true},
	{Name: "restart", measure: (*Bench).restart, apart: true},
	{Name: "crowd", measure: (*Bench).crowd, apart: true},
	{Name: "load", measure: (*Bench).load, apart: true},
	{Name: "cluster-start", measure: (*Bench).clusterStart, apart: true},
	{Name: "cluster-produce", measure: (*Bench).clusterProduce, apart: true},
	{Name: "cluster-latency", measure: (*Bench).clusterLatency, apart: true},
	{Name: "cluster-failover", measure: (*Bench).clusterFailover, apart: true},
	{Name: "cluster-partitions", measure: (*Bench).clusterPartitions, apart: true},
}

// figureTimeMax bounds one figure, whatever its clients do.
const figureTimeMax = 20 * time.Minute

// Open prepares a run: folders and client programs.
func Open(ctx context.Context, c Config, r *report.Run) (*Bench, error) {
	if err := os.Mkdir(c.Dir, 0o755); err != nil {
		return nil, fmt.Errorf("the working folder must be new: %w", err)
	}
	clients, err := native.Build(ctx, filepath.Join(c.Dir, "clients"))
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(c.Dir))
	}
	return &Bench{Config: c, Run: r, clients: clients, brokers: map[string]*broker{}}, nil
}

// Close ends the brokers and removes the data.
func (b *Bench) Close() error {
	return errors.Join(b.stopShared(), os.RemoveAll(b.Dir))
}

// Measure takes one figure. What it measured before an error is kept.
func (b *Bench) Measure(ctx context.Context, f Figure) error {
	ctx, cancel := context.WithTimeout(ctx, figureTimeMax)
	defer cancel()
	if f.apart {
		if err := b.stopShared(); err != nil {
			return err
		}
	}
	b.Log("%s", f.Name)
	if err := f.measure(b, ctx); err != nil {
		return fmt.Errorf("%s: %w", f.Name, err)
	}
	return nil
}

// values are what one measurement gives.
type values = map[string]float64

// turns measures each side in turn, as often as asked: A B C A B C.
func (b *Bench) turns(ctx context.Context, name string, sides []string, measure func(ctx context.Context, side string) (values, error)) error {
	return b.repeat(ctx, b.Repetitions, name, sides, measure)
}

func (b *Bench) repeat(ctx context.Context, n int, name string, sides []string, measure func(ctx context.Context, side string) (values, error)) error {
	for repetition := 1; repetition <= n; repetition++ {
		for _, side := range sides {
			v, err := measure(ctx, side)
			if err != nil {
				return fmt.Errorf("%s, repetition %d: %w", side, repetition, err)
			}
			b.keep(name, side, repetition, v)
		}
	}
	return nil
}

func (b *Bench) keep(name, side string, repetition int, v values) {
	b.Log("  %s %s: %s", side, fmt.Sprint(repetition), brief(v))
	b.Run.Samples = append(b.Run.Samples, report.Sample{Figure: name, Side: side, Repetition: repetition, At: time.Now(), Values: v})
}

// touch prepares the machine for a measurement.
func (b *Bench) touch(ctx context.Context) error {
	return machine.Touch(ctx, b.Dir, b.Sizes.Touch)
}

// settle puts on the disk what others left to be written; a figure that moves
// few bytes needs no touched memory.
func (b *Bench) settle(ctx context.Context) error {
	return machine.Touch(ctx, b.Dir, 0)
}
