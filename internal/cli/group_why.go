package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/skein-io/skein/internal/protocol"
)

func newGroupWhy() *cobra.Command {
	var (
		n       connection
		o       output
		entries int
	)
	c := &cobra.Command{
		Use:   "why GROUP",
		Short: "Tell what happened to a group: who came and went, why it rebalanced, who was waited for",
		Long: "Tell what happened to a group, the newest first: who joined, left, expired or was fenced, why it rebalanced and how long that\n" +
			"took, who was waited for, which partitions moved. A group keeps a diary of its last 64 generations in __consumer_offsets, so it\n" +
			"survives restarts and moves with the coordinator. Only brokers of skein keep one.",
		Example: "  skein group why billing\n  skein group why billing --entries 1\n  skein group why billing -o json",
		Args:    exactly("GROUP"),
		RunE: func(c *cobra.Command, args []string) error {
			if err := o.check(c); err != nil {
				return err
			}
			if entries < 0 {
				return misused(c, "--entries %d: it is at least 0", entries)
			}
			found, err := askWhy(c, &n, args[0], o.format == "json")
			if err != nil {
				return err
			}
			if c.Flags().Changed("entries") && len(found.Entries) > entries {
				found.Entries = found.Entries[:entries]
			}
			return o.print(c, found, found.print)
		},
		ValidArgsFunction: n.groupNames(1),
	}
	n.flags(c)
	o.flag(c)
	c.Flags().IntVar(&entries, "entries", 64, "tell the newest `N` entries")
	return c
}

// askWhy asks the group's coordinator. While there is none, or it is loading, it asks again until the timeout is over.
func askWhy(c *cobra.Command, n *connection, group string, offsets bool) (*groupWhy, error) {
	ctx, cancel := context.WithTimeout(c.Context(), n.timeout)
	defer cancel()
	var last error
	for tries := 0; ; tries++ {
		found, err := askWhyOnce(ctx, c, n, group, offsets)
		switch {
		case err == nil:
			return found, nil
		case ctx.Err() != nil && last != nil:
			return nil, last
		}
		if code, _ := codeOf(err); !passing(code) {
			return nil, err
		}
		last = err
		select {
		case <-ctx.Done():
			return nil, last
		case <-time.After(retryAfter(tries)):
		}
	}
}

func askWhyOnce(ctx context.Context, c *cobra.Command, n *connection, group string, offsets bool) (*groupWhy, error) {
	broker, err := findCoordinator(ctx, c, n, group)
	if err != nil {
		return nil, err
	}
	w, err := dialWire(ctx, net.JoinHostPort(broker.Host, strconv.Itoa(int(broker.Port))), n.timeout)
	if err != nil {
		return nil, errors.Join(err, errors.New("that is the address broker "+number(broker.ID)+" gives to clients: is advertised.listeners right? skein doctor --as-client"))
	}
	defer w.close()
	request, response := protocol.NewDescribeGroupDiaryRequest(), protocol.NewDescribeGroupDiaryResponse()
	request.GroupID, request.IncludeOffsets = group, offsets
	if err := w.ask(request, response); err != nil {
		return nil, err
	}
	if response.ErrorCode != protocol.None {
		return nil, refusal("group "+printable(group), response.ErrorCode, response.ErrorMessage)
	}
	return newGroupWhyDocument(group, broker, response), nil
}

// findCoordinator asks the first bootstrap server that answers for the broker that coordinates a group. A cluster that
// keeps no diaries is told at once.
func findCoordinator(ctx context.Context, c *cobra.Command, n *connection, group string) (describedBroker, error) {
	w, err := n.reach(ctx, c)
	if err != nil {
		return describedBroker{}, err
	}
	defer w.close()
	if err := w.knows(protocol.KeyDescribeGroupDiary); err != nil {
		return describedBroker{}, fmt.Errorf("%w only skein keeps a diary of its groups", err)
	}
	request, response := protocol.NewFindCoordinatorRequest(), protocol.NewFindCoordinatorResponse()
	request.CoordinatorKeys = []string{group}
	if err := w.ask(request, response); err != nil {
		return describedBroker{}, err
	}
	if len(response.Coordinators) != 1 {
		return describedBroker{}, fmt.Errorf("group %s was left out of the answer of %s", printable(group), w.address)
	}
	found := &response.Coordinators[0]
	if found.ErrorCode != protocol.None {
		return describedBroker{}, refusal("the coordinator of group "+printable(group), found.ErrorCode, found.ErrorMessage)
	}
	return describedBroker{found.NodeID, found.Host, found.Port}, nil
}
