// Command bench measures the figures of docs/benchmarks.md. Start it with
// test/bench/run, which builds what it needs:
//
//	test/bench/run [--quick] [--markdown] [FIGURE...]
//
// Without a figure it takes all. It prints a table, and keeps every sample in
// out/bench/TIME/run.json; --from reads such a file instead of measuring.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/skein-io/skein/test/bench/figure"
	"github.com/skein-io/skein/test/bench/report"
)

type options struct {
	figure.Config
	size     string // "full", "quick" or "tiny"
	page     string // of which the result section is written
	markdown bool
	from     string
	out      string
	names    []string
	figures  []figure.Figure
}

func main() {
	o, err := parse(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(2)
	}
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o *options) error {
	if o.from != "" {
		r, err := report.Read(o.from)
		if err != nil {
			return err
		}
		return show(o, r)
	}
	r, err := measure(ctx, o)
	if r == nil {
		return err
	}
	return errors.Join(err, show(o, r))
}

// measure takes the figures; one that fails does not stop the others. A run
// that could not begin is nil.
func measure(ctx context.Context, o *options) (*report.Run, error) {
	out := filepath.Join(o.out, time.Now().UTC().Format("20060102-150405"))
	if err := os.MkdirAll(out, 0o755); err != nil {
		return nil, err
	}
	o.Dir = filepath.Join(out, "work")
	r := begin(o)
	b, err := figure.Open(ctx, o.Config, r)
	if err != nil {
		return nil, err
	}
	for _, f := range o.figures {
		if err := b.Measure(ctx, f); err != nil {
			r.Failures = append(r.Failures, err.Error())
			o.Log("FAILED %v", err)
		}
		if ctx.Err() != nil {
			break
		}
	}
	r.Ended = time.Now()
	path := filepath.Join(out, "run.json")
	err = errors.Join(b.Close(), r.Write(path))
	o.Log("samples are in %s", path)
	if len(r.Failures) > 0 {
		err = errors.Join(err, fmt.Errorf("%d figures failed", len(r.Failures)))
	}
	return r, err
}

func show(o *options, r *report.Run) error {
	fmt.Print(report.Table(r))
	if !o.markdown {
		return nil
	}
	return report.WriteSection(o.page, r)
}

// pick finds figures by name; no name is all.
func pick(names []string) ([]figure.Figure, error) {
	if len(names) == 0 {
		return figure.All, nil
	}
	var known []string
	for _, f := range figure.All {
		known = append(known, f.Name)
	}
	for _, name := range names {
		if !slices.Contains(known, name) {
			return nil, fmt.Errorf("no figure %q; there are %s", name, strings.Join(known, " "))
		}
	}
	return slices.DeleteFunc(slices.Clone(figure.All), func(f figure.Figure) bool { return !slices.Contains(names, f.Name) }), nil
}

func parse(args []string) (*options, error) {
	var o options
	started := time.Now()
	o.Log = func(format string, args ...any) {
		fmt.Fprintf(os.Stderr, "%6.1fs "+format+"\n", append([]any{time.Since(started).Seconds()}, args...)...)
	}
	flags := flag.NewFlagSet("bench", flag.ExitOnError)
	touch := o.define(flags)
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	o.names = flags.Args()
	var err error
	if o.figures, err = pick(o.names); err != nil {
		return nil, err
	}
	if o.Sizes, err = sizes(o.size); err != nil {
		return nil, err
	}
	if *touch >= 0 {
		o.Sizes.Touch = *touch << 20
	}
	if o.Repetitions == 0 {
		o.Repetitions = map[string]int{"full": 3}[o.size]
	}
	o.Repetitions = max(1, o.Repetitions)
	return &o, nil
}
