package cli

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/skein-io/skein/internal/protocol"
)

// anatomyEveryMin bounds how often a node is asked.
const anatomyEveryMin = 100 * time.Millisecond

type anatomyOptions struct {
	once  bool
	every time.Duration
}

func newNodeAnatomy() *cobra.Command {
	var (
		n       connection
		o       output
		options anatomyOptions
	)
	c := &cobra.Command{
		Use:   "anatomy [NODE]",
		Short: "Show what happens inside a node: connections, requests, who waits, disk, fetchers, groups, controller",
		Long: "Show what happens inside a node, again and again: connections, requests by stage and how long the oldest waits (Kafka's\n" +
			"purgatory is the requests that wait), the Syncer's rounds, partitions, fetchers and their lag, groups, the controller.\n" +
			"NODE is a node's id; without it the bootstrap server that answers is shown. The node measures nothing while nobody looks.",
		Example: "  skein node anatomy --bootstrap-server host2:9092\n  skein node anatomy 2 --once\n  skein node anatomy 2 --once -o json",
		Args:    atMostOne,
		RunE: func(c *cobra.Command, args []string) error {
			if err := o.check(c); err != nil {
				return err
			}
			if options.every < anatomyEveryMin {
				return misused(c, "--every %v: it is at least %v", options.every, anatomyEveryMin)
			}
			a := &anatomist{c: c, n: &n, id: -1}
			if len(args) > 0 {
				id, err := strconv.ParseInt(args[0], 10, 32)
				if err != nil || id < 0 {
					return misused(c, "NODE %q: it is a node's id", args[0])
				}
				a.id = int32(id)
			}
			return a.run(&o, options)
		},
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	n.flags(c)
	o.flag(c)
	c.Flags().BoolVar(&options.once, "once", false, "look twice, so that rates are known, show the second, and end")
	c.Flags().DurationVar(&options.every, "every", time.Second, "look each `TIME`")
	return c
}

// anatomist looks at one node.
type anatomist struct {
	c       *cobra.Command
	n       *connection
	id      int32  // -1: whoever answers
	address string // of the node, once it is known
	before  *protocol.DescribeNodeResponse
}

// run looks until it is told to end. Who does not answer the first time is an error; later it is shown, and asked again.
func (a *anatomist) run(o *output, options anatomyOptions) error {
	found, err := a.look()
	if err != nil {
		return err
	}
	for first := true; ; first = false {
		if !first || !options.once {
			if err := a.show(o, found, err); err != nil {
				return err
			}
		}
		if !first && options.once {
			return err
		}
		if !pause(a.c.Context(), options.every) {
			return nil
		}
		if found, err = a.look(); err != nil && options.once {
			return err
		}
	}
}

// show writes one picture: over the one before, on a terminal.
func (a *anatomist) show(o *output, found *nodeAnatomy, failed error) error {
	if o.format == "json" && failed == nil {
		return printJSON(a.c.OutOrStdout(), found)
	}
	if isTerminal(a.c.OutOrStdout()) {
		fmt.Fprint(a.c.OutOrStdout(), "\x1b[H\x1b[J")
	}
	if failed != nil {
		fmt.Fprintln(a.c.ErrOrStderr(), "skein:", failed)
		return nil
	}
	p := &page{w: a.c.OutOrStdout()}
	found.print(p)
	return p.err
}

// look asks the node once, by a connection of its own.
func (a *anatomist) look() (*nodeAnatomy, error) {
	w, err := a.reach()
	if err != nil {
		return nil, err
	}
	defer w.close()
	request, response := protocol.NewDescribeNodeRequest(), protocol.NewDescribeNodeResponse()
	if err := w.ask(request, response); err != nil {
		return nil, err
	}
	if response.ErrorCode != protocol.None {
		return nil, errors.New(describeCode(response.ErrorCode, response.ErrorMessage))
	}
	if a.id >= 0 && response.NodeID != a.id {
		return nil, fmt.Errorf("node %d answers at %s, which is the address of node %d", response.NodeID, w.address, a.id)
	}
	a.address = w.address
	found := newNodeAnatomyDocument(w.address, a.before, response)
	a.before = response
	return found, nil
}

// reach connects to the node. Its address is asked once.
func (a *anatomist) reach() (*wire, error) {
	if a.address != "" {
		return dialWire(a.c.Context(), a.address, a.n.timeout)
	}
	first, err := a.n.reachAny(a.c)
	if err != nil || a.id < 0 {
		return first, err
	}
	b := a.n.brokers(a.c.Context(), first)
	w, err := b.at(a.id)
	if err != nil {
		b.close()
		return nil, err
	}
	_ = first.close()
	return w, nil
}
