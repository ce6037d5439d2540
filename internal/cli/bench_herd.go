package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/skein-io/skein/internal/herd"
	"github.com/skein-io/skein/internal/oldgroups"
)

// herdMembersMax bounds a herd: each member has a session with ZooKeeper, and some connections to the node.
const herdMembersMax = 2000

// errOverLimit ends a run that takes too long.
var errOverLimit = errors.New("the limit is over")

type herdOptions struct {
	output
	zookeeper string
	run       herd.Options
	svg       string
	page      string
	limit     time.Duration
}

func newBenchHerd() *cobra.Command {
	o := herdOptions{run: herd.DefaultOptions()}
	c := &cobra.Command{
		Use:   "herd",
		Short: "Measure rebalances through watches on a ZooKeeper beside those of a coordinator",
		Long: "Let members of Kafka's old consumer rebalance through watches on a real ZooKeeper, and as many consumers of today through a\n" +
			"coordinator, and measure what that costs: all members come at once, one leaves, and one is cut off for one and a half sessions. Each\n" +
			"run has as many partitions as members. The old members are a simulation of their algorithm, each with a session of its own; their\n" +
			"partitions grow by the clock. The coordinator is a node of this process, with Kafka's defaults and records.\n\n" +
			"ZooKeeper has to take so many sessions from one address: maxClientCnxns=0. What is made there is deleted at the end.",
		Example: "  skein bench herd --zookeeper 127.0.0.1:2181 --members 10,50\n" +
			"  skein bench herd --zookeeper 127.0.0.1:2181 --svg docs/why-a-coordinator.svg --page docs/why-a-coordinator.md",
		Args: exactly(),
		RunE: func(c *cobra.Command, _ []string) error { return o.measure(c) },
	}
	o.output.flag(c)
	f := c.Flags()
	f.StringVar(&o.zookeeper, "zookeeper", "", "use the ZooKeeper at `HOST:PORT,.../CHROOT`")
	f.IntSliceVar(&o.run.Members, "members", o.run.Members, "how many members, one run after the other")
	f.Int64Var(&o.run.PerSecond, "rate", o.run.PerSecond, "records a second, of each partition")
	f.DurationVar(&o.run.Session, "session", o.run.Session, "session timeout of both")
	f.DurationVar(&o.run.Settle, "settle", o.run.Settle, "wait no longer than this `TIME` for a herd to become stable")
	f.DurationVar(&o.limit, "limit", 4*time.Minute+45*time.Second, "end after this `TIME`, with what is measured by then")
	f.StringVar(&o.svg, "svg", "", "write a picture to `FILE`")
	f.StringVar(&o.page, "page", "", "write the figures into the place that `FILE` has for them")
	return c
}

func (o *herdOptions) measure(c *cobra.Command) error {
	address, err := o.check(c)
	if err != nil {
		return err
	}
	// To look first is to say well what is wrong.
	tree, err := oldgroups.Open(c.Context(), address, nil, 10*time.Second)
	if err != nil {
		return err
	}
	tree.Close()
	o.run.ZooKeeper, o.run.Root = address.Servers, address.Root
	ctx, cancel := context.WithTimeoutCause(c.Context(), o.limit, errOverLimit)
	defer cancel()
	results := []herd.Result{}
	err = herd.Run(ctx, o.run, func(r herd.Result) {
		results = append(results, r)
		fmt.Fprintf(c.ErrOrStderr(), "%s, %d members, %s: %s, %s, stable %v after %v\n", r.Side, r.Members, r.Step, plural(r.Notifications, "notification"),
			plural(r.Requests, "request"), r.Stable, r.StableAfter.Round(10*time.Millisecond))
	})
	if err != nil && errors.Is(context.Cause(ctx), errOverLimit) {
		fmt.Fprintf(c.ErrOrStderr(), "the limit of %v is over: what was not measured by then is missing\n", o.limit)
		err = nil
	}
	if err != nil {
		return err
	}
	if err := o.write(results); err != nil {
		return err
	}
	return o.output.print(c, results, func(p *page) { p.line("%s", herd.Table(results)) })
}

func (o *herdOptions) check(c *cobra.Command) (address oldgroups.Address, err error) {
	if err := o.output.check(c); err != nil {
		return address, err
	}
	switch {
	case o.zookeeper == "":
		return address, misused(c, "--zookeeper is missing: it is HOST:PORT,.../CHROOT")
	case len(o.run.Members) == 0:
		return address, misused(c, "--members is empty")
	case o.run.PerSecond < 0 || o.run.PerSecond > 10000:
		return address, misused(c, "--rate %d: it is 0 to 10000", o.run.PerSecond)
	case o.run.Session < time.Second || o.run.Settle <= 0 || o.limit <= 0:
		return address, misused(c, "--session is at least 1s, --settle and --limit are more than 0")
	}
	for _, n := range o.run.Members {
		if n < 2 || n > herdMembersMax {
			return address, misused(c, "--members %d: it is 2 to %d", n, herdMembersMax)
		}
	}
	if address, err = oldgroups.ParseAddress(o.zookeeper); err != nil {
		return address, misused(c, "--zookeeper %w", err)
	}
	return address, nil
}

// write puts the results where they are wanted.
func (o *herdOptions) write(results []herd.Result) error {
	if o.svg != "" {
		if err := os.WriteFile(o.svg, []byte(herd.Picture(results).SVG()), 0o644); err != nil {
			return fmt.Errorf("picture: %w", err)
		}
	}
	if o.page == "" {
		return nil
	}
	text, err := os.ReadFile(o.page)
	if err != nil {
		return fmt.Errorf("page: %w", err)
	}
	written, err := herd.WritePage(string(text), herd.Table(results))
	if err != nil {
		return fmt.Errorf("%s: %w", o.page, err)
	}
	return os.WriteFile(o.page, []byte(written), 0o644)
}
