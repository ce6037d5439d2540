package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/skein-io/skein/perceptor/pipeline"
	"github.com/skein-io/skein/perceptor/pipeline/spec"
)

// statusTimeout bounds one look, and statusEvery is how often --watch looks.
const (
	statusTimeout = time.Minute
	statusEvery   = 2 * time.Second
)

func newSyncStatus() *cobra.Command {
	var (
		n      connection
		o      output
		prefix string
		watch  bool
	)
	c := &cobra.Command{
		Use:   "status [FILE]",
		Short: "Tell how far a pipeline's parts are behind, what became of changes, and what holds them up",
		Long: "Tell of a pipeline, whoever runs it: of the source where it is and how far that is behind the server's binlog; of each sink how\n" +
			"many records of each topic it has not acknowledged, how far that is behind in time, what became of changes and why, and at which\n" +
			"record it is held up. The processes that run it tell of themselves in the topic PREFIX.status; one that has not been heard of is\n" +
			"marked as such. Without FILE all processes of a cluster are listed that tell there.",
		Example: "  skein sync status shop.yaml\n  skein sync status shop.yaml --watch\n  skein sync status --bootstrap-server broker1:9092 --prefix shop",
		Args:    atMostOne,
		RunE: func(c *cobra.Command, args []string) error {
			if err := o.check(c); err != nil {
				return err
			}
			look, err := syncStatusOf(c, &n, prefix, args)
			if err != nil {
				return err
			}
			if !watch {
				document, text, err := look(c.Context())
				if err != nil {
					return err
				}
				return o.print(c, document, text)
			}
			return watchStatus(c, &o, look)
		},
		ValidArgsFunction: pipelineFiles,
	}
	n.flags(c)
	o.flag(c)
	c.Flags().StringVar(&prefix, "prefix", "skein", "without FILE: `PREFIX` of the topic PREFIX.status")
	c.Flags().BoolVar(&watch, "watch", false, "look again every 2 s until it is told to end")
	return c
}

// look finds a document, and how it is shown as text.
type look func(ctx context.Context) (document any, text func(*page), err error)

func syncStatusOf(c *cobra.Command, n *connection, prefix string, args []string) (look, error) {
	if len(args) == 0 {
		addresses, err := n.addresses(c)
		if err != nil {
			return nil, err
		}
		cluster := &pipeline.Config{Brokers: spec.Brokers{Addresses: addresses}, Topics: spec.Topics{Prefix: prefix}}
		return func(ctx context.Context) (any, func(*page), error) {
			ctx, cancel := context.WithTimeout(ctx, n.timeout)
			defer cancel()
			found, err := pipeline.Listen(ctx, cluster)
			return found, func(p *page) { printProcesses(p, found) }, statusProblem(err, addresses, n.timeout)
		}, nil
	}
	loaded, err := loadPipeline(c, args[0])
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) (any, func(*page), error) {
		ctx, cancel := context.WithTimeout(ctx, statusTimeout)
		defer cancel()
		s, err := pipeline.Inspect(ctx, loaded)
		return s, func(p *page) { printStatus(p, s) }, statusProblem(err, loaded.Brokers.Addresses, statusTimeout)
	}, nil
}

// statusProblem says which brokers did not answer.
func statusProblem(err error, addresses []string, within time.Duration) error {
	if err != nil && errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("the brokers %v did not answer within %v; skein doctor --as-client says which step fails", addresses, within)
	}
	return err
}

// watchStatus shows one look after the other: on a terminal each in the place of the last one.
func watchStatus(c *cobra.Command, o *output, find look) error {
	for {
		document, text, err := find(c.Context())
		if c.Context().Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		if o.format == "text" && isTerminal(c.OutOrStdout()) {
			fmt.Fprint(c.OutOrStdout(), "\x1b[H\x1b[2J")
		}
		if err := o.print(c, document, text); err != nil {
			return err
		}
		if !pause(c.Context(), statusEvery) {
			return nil
		}
	}
}
