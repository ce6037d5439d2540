package tour

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// described is what DescribeGroups says of the scene's group.
type described struct {
	state  string
	owners map[int32]string // partition of the topic to client id
	twice  []int32          // partitions with more than one owner
	names  []string         // client ids, sorted
}

func (a *Act) describe() (*described, error) {
	admin, err := a.admin()
	if err != nil {
		return nil, err
	}
	groups, err := admin.DescribeGroups(a.ctx, a.group)
	if err != nil {
		return nil, err
	}
	g := groups[a.group]
	if g.Err != nil && !errors.Is(g.Err, kerr.GroupIDNotFound) {
		return nil, g.Err
	}
	d := &described{state: g.State, owners: map[int32]string{}}
	for _, m := range g.Members {
		d.names = append(d.names, m.ClientID)
		assignment, ok := m.Assigned.AsConsumer()
		if !ok {
			continue
		}
		for _, t := range assignment.Topics {
			for _, p := range t.Partitions {
				if t.Topic != a.topic {
					continue
				}
				if d.owners[p] != "" {
					d.twice = append(d.twice, p)
				}
				d.owners[p] = m.ClientID
			}
		}
	}
	slices.Sort(d.names)
	return d, nil
}

// awaitState waits until DescribeGroups says a state.
func (a *Act) awaitState(state string, limit time.Duration) (*described, error) {
	var last *described
	err := a.await("the group to be "+state, limit, func() (err error) {
		if last, err = a.describe(); err == nil && last.state != state {
			err = fmt.Errorf("it is %s", last.state)
		}
		return err
	})
	return last, err
}

// awaitMembers waits until the group knows so many.
func (a *Act) awaitMembers(n int) error {
	return a.await(fmt.Sprintf("%d members", n), joinLimit, func() error {
		d, err := a.describe()
		if err == nil && len(d.names) < n {
			err = errNotYet
		}
		return err
	})
}

// settle waits until the group is Stable with exactly these consumers, every partition has one owner, and each consumer
// has what DescribeGroups says.
func (a *Act) settle(partitions int, limit time.Duration, alive []*member) (*described, error) {
	var names []string
	for _, m := range alive {
		names = append(names, m.name)
	}
	slices.Sort(names)
	var last *described
	err := a.await(fmt.Sprintf("a Stable group of %v", names), limit, func() (err error) {
		last, err = a.describe()
		switch {
		case err != nil:
			return err
		case last.state != "Stable" || !slices.Equal(last.names, names):
			return fmt.Errorf("it is %s with %v", last.state, last.names)
		case len(last.owners) != partitions:
			return fmt.Errorf("%d of %d partitions have an owner", len(last.owners), partitions)
		}
		for _, m := range alive {
			for p, owner := range last.owners {
				if has := slices.Contains(m.partitions(), p); has != (owner == m.name) {
					return fmt.Errorf("partition %d is given to %s, and %s has it: %v", p, owner, m.name, has)
				}
			}
		}
		return nil
	})
	return last, err
}

// committed is the group's committed offsets.
func (a *Act) committed() (map[int32]int64, error) {
	admin, err := a.admin()
	if err != nil {
		return nil, err
	}
	found, err := admin.FetchOffsetsForTopics(a.ctx, a.group, a.topic)
	if err == nil {
		err = found.Error()
	}
	offsets := map[int32]int64{}
	found.Each(func(o kadm.OffsetResponse) { offsets[o.Partition] = o.At })
	return offsets, err
}

// produce sends n records to each partition.
func (a *Act) produce(partitions, n int) error {
	client, err := a.observer()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(a.ctx, 10*time.Second)
	defer cancel()
	for p := range partitions {
		for i := range n {
			r := &kgo.Record{Topic: a.topic, Partition: int32(p), Value: fmt.Appendf(nil, "order %d", i)}
			if err := client.ProduceSync(ctx, r).FirstErr(); err != nil {
				return err
			}
		}
	}
	return nil
}
