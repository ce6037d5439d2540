package scenario

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/skein-io/skein/test/interop/line"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// groups looks at a group with a member, then resets, deletes offsets of, and
// deletes it once it is empty. The member is the orchestrator's own client.
func (a *admin) groups(ctx context.Context) error {
	member, err := a.join(ctx)
	if err != nil {
		return err
	}
	if got := a.call(ctx, line.Request{Cmd: "list_groups"}); got != nil {
		a.want(slices.Contains(got.Groups, a.group), "list_groups: %s is not in %v", a.group, got.Groups)
	}
	if got := a.call(ctx, line.Request{Cmd: "describe_group"}); got != nil {
		a.want(strings.EqualFold(got.State, "stable"), "describe_group: state %q, want Stable", got.State)
		a.want(got.Members == 1, "describe_group: %d members, want 1", got.Members)
	}
	if got := a.call(ctx, line.Request{Cmd: "group_offsets"}); got != nil {
		a.want(got.Offsets["0"] == 3 && got.Offsets["1"] == 5, "group_offsets: %v, want 0:3 1:5", got.Offsets)
	}
	member.Close()
	return a.emptyGroup(ctx)
}

// join makes a stable group of one with two committed offsets.
func (a *admin) join(ctx context.Context) (*kgo.Client, error) {
	member, err := kgo.NewClient(kgo.SeedBrokers(a.env.Bootstrap), kgo.ConsumerGroup(a.group), kgo.ConsumeTopics(a.topic),
		kgo.DisableAutoCommit(), kgo.Balancers(kgo.RangeBalancer()))
	if err != nil {
		return nil, err
	}
	poll, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	member.PollRecords(poll, 1)
	offsets := map[string]map[int32]kgo.EpochOffset{a.topic: {0: {Epoch: -1, Offset: 3}, 1: {Epoch: -1, Offset: 5}}}
	member.CommitOffsetsSync(ctx, offsets, nil)
	committed, failed := a.env.committed(ctx, a.group, a.topic)
	if failed != nil || committed[0] != 3 || committed[1] != 5 {
		member.Close()
		return nil, fmt.Errorf("the member's commit reads back as %v (%w)", committed, failed)
	}
	return member, nil
}

func (a *admin) emptyGroup(ctx context.Context) error {
	err := a.env.until(ctx, "group empty", 15*time.Second, func() (bool, error) {
		all, err := a.env.adm.DescribeGroups(ctx, a.group)
		return all[a.group].State == "Empty", err
	})
	if err != nil {
		return err
	}
	if a.call(ctx, line.Request{Cmd: "reset_offsets", Offsets: map[string]int64{"0": 7, "1": 8}}) != nil {
		committed, err := a.env.committed(ctx, a.group, a.topic)
		a.want(err == nil && committed[0] == 7 && committed[1] == 8, "after reset_offsets the offsets are %v (%v), want 0:7 1:8", committed, err)
	}
	if a.call(ctx, line.Request{Cmd: "delete_offsets", Partitions: []int32{1}}) != nil {
		committed, err := a.env.committed(ctx, a.group, a.topic)
		_, there := committed[1]
		a.want(err == nil && !there, "after delete_offsets partition 1 is still at %d (%v)", committed[1], err)
	}
	if a.call(ctx, line.Request{Cmd: "delete_group"}) == nil {
		return nil
	}
	all, err := a.env.adm.ListGroups(ctx)
	a.want(err == nil && !hasGroup(all, a.group), "after delete_group it is still listed (%v)", err)
	return nil
}

func hasGroup(all kadm.ListedGroups, group string) bool { return slices.Contains(all.Groups(), group) }
