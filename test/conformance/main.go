// Command conformance asks a broker, over the wire and with bare requests,
// what the checklist of the group coordinator says about classic groups, and
// prints a line for each row of it and the score.
//
//	go run ./test/conformance --bootstrap-server HOST:PORT [--json] [--only J3,J9] [--slow] [--list]
//
// It works with any broker that speaks Kafka's protocol, on its own groups and
// topics, which it deletes. The exit status is 0 if no row is missed, 1 if one
// is, 2 if the run could not be made. docs/conformance.md tells the rest.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/skein-io/skein/test/conformance/check"
	"github.com/skein-io/skein/test/conformance/report"
)

func main() {
	bootstrap := flag.String("bootstrap-server", "127.0.0.1:9092", "host:port of a broker")
	asJSON := flag.Bool("json", false, "print one JSON document")
	only := flag.String("only", "", "only these rows, separated by commas")
	slow := flag.Bool("slow", false, "also rows that take minutes")
	list := flag.Bool("list", false, "name the rows, and end")
	flag.Parse()
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	if *list {
		names(os.Stdout)
		return
	}
	o := check.Options{Bootstrap: *bootstrap, Slow: *slow}
	if *only != "" {
		o.Only = strings.Split(*only, ",")
	}
	code, err := run(ctx, o, *asJSON, os.Stdout)
	if err != nil {
		fmt.Fprintln(os.Stderr, "conformance:", err)
		code = 2
	}
	os.Exit(code)
}

// run returns the exit status.
func run(ctx context.Context, o check.Options, asJSON bool, w io.Writer) (int, error) {
	r, err := check.Run(ctx, o)
	if err != nil {
		return 2, err
	}
	write := r.Text
	if asJSON {
		write = r.JSON
	}
	if err := write(w); err != nil {
		return 2, err
	}
	return min(r.Count(report.Miss), 1), nil
}

func names(w io.Writer) {
	for _, row := range check.Rows() {
		seen := ""
		if !row.BlackBox() {
			seen = " (not black-box)"
		}
		fmt.Fprintf(w, "%-4s %s%s\n", row.ID, row.Asks, seen)
	}
}
