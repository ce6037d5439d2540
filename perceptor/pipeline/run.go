package pipeline

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skein-io/skein/perceptor/pipeline/spec"
	"github.com/skein-io/skein/perceptor/sink"
)

// Options say how a pipeline is run. The zero value runs all parts and tells nobody but `status`.
type Options struct {
	// Only names the parts to run, as Parts does; all if it is empty.
	Only []string
	// Resnapshot lets the source begin anew, in a new epoch, with snapshots of all tables: what helps after binlog.ErrPurged. Rows that
	// were deleted meanwhile are not told.
	Resnapshot bool
	// Log is where what happens is told. Nil: nowhere.
	Log *slog.Logger
	// Instance names this process in what it tells of itself. HOST.PID if it is empty.
	Instance string
	// StatusEvery is how often that is told. StatusEvery if it is 0.
	StatusEvery time.Duration
	// Budget bounds, by its capacity, the batches on their way of all pipelines that have the same. Nil: each for itself.
	Budget chan struct{}
	// Transport is added to how the brokers are reached.
	Transport []kgo.Opt

	// open connects sinks; OpenSink if it is nil.
	open func(ctx context.Context, s *spec.Sink, tables []string) (sink.Sink, error)
}

func (o *Options) fill() {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	o.Instance = cmp.Or(o.Instance, thisInstance())
	o.StatusEvery = cmp.Or(o.StatusEvery, StatusEvery)
}

// SourcePart is the name of a pipeline's source among its parts.
const SourcePart = "source"

// SinkPart is the name of a sink among a pipeline's parts.
func SinkPart(sink string) string { return "sink " + sink }

// Parts are the names of a pipeline's parts.
func Parts(c *Config) []string {
	var names []string
	if c.Source != nil {
		names = append(names, SourcePart)
	}
	for i := range c.Sinks {
		names = append(names, SinkPart(c.Sinks[i].Name))
	}
	return names
}

// Run runs the parts of a pipeline until ctx ends, or until all have ended or need somebody. Any number of processes may run
// a file: they share the work of its sinks, and elect one that runs its source.
//
// It returns nil after ctx has ended and what was begun is written and acknowledged. A part that needs somebody ends with an
// error that says what to do, and the others with it or not, as on-failure says. What passes, as a server that is away, is
// tried again for ever.
func Run(ctx context.Context, c *Config, o Options) error {
	o.fill()
	for _, name := range o.Only {
		if !slices.Contains(Parts(c), name) {
			return fmt.Errorf("%s: there is no part %q: it has %s", c.File, name, strings.Join(Parts(c), ", "))
		}
	}
	to, err := openCluster(c, o.Transport...)
	if err != nil {
		return err
	}
	defer to.close()
	wanted := func(name string) bool { return len(o.Only) == 0 || slices.Contains(o.Only, name) }
	if err := secretsThere(c, wanted); err != nil {
		return err
	}
	var parts []*part
	if c.Source != nil && wanted(SourcePart) {
		parts = append(parts, newSourcePart(c, &o, to).part)
	}
	for i := range c.Sinks {
		if wanted(SinkPart(c.Sinks[i].Name)) {
			parts = append(parts, newSinkPart(c, &c.Sinks[i], &o, to).part)
		}
	}
	return runParts(ctx, c, parts, newBoard(c, &o, to))
}

// secretsThere looks for what the wanted parts will log in with, so that a part that waits for something else does not hide it.
func secretsThere(c *Config, wanted func(part string) bool) error {
	var missing []error
	if c.Source != nil && wanted(SourcePart) {
		_, err := BinlogConfig(c)
		missing = append(missing, err)
	}
	for i := range c.Sinks {
		if s := &c.Sinks[i]; s.MySQL != nil && wanted(SinkPart(s.Name)) {
			_, err := MySQLConfig(c, s)
			missing = append(missing, err)
		}
	}
	return errors.Join(missing...)
}

func runParts(ctx context.Context, c *Config, parts []*part, told *board) error {
	running, stop := context.WithCancel(ctx)
	defer stop()
	failed := make([]error, len(parts))
	var work sync.WaitGroup
	for i, p := range parts {
		work.Go(func() {
			failed[i] = p.supervise(running)
			if failed[i] != nil && c.OnFailure == spec.FailureStop {
				stop()
			}
		})
	}
	telling, silence := context.WithCancel(context.WithoutCancel(ctx))
	board := make(chan struct{})
	go func() {
		defer close(board)
		told.run(telling, parts)
	}()
	work.Wait()
	silence()
	<-board
	told.end(parts)
	return errors.Join(failed...)
}
