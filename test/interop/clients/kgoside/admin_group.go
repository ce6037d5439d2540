package kgoside

import (
	"context"
	"strconv"

	"github.com/skein-io/skein/test/interop/line"
	"github.com/twmb/franz-go/pkg/kadm"
)

func listGroups(ctx context.Context, adm *kadm.Client, _ line.Request) (any, error) {
	groups, err := adm.ListGroups(ctx)
	return map[string]any{"groups": groups.Groups()}, err
}

func describeGroup(ctx context.Context, adm *kadm.Client, r line.Request) (any, error) {
	groups, err := adm.DescribeGroups(ctx, r.Group)
	if err != nil {
		return nil, err
	}
	g := groups[r.Group]
	return map[string]any{"state": g.State, "members": len(g.Members)}, g.Err
}

func groupOffsets(ctx context.Context, adm *kadm.Client, r line.Request) (any, error) {
	all, err := adm.FetchOffsets(ctx, r.Group)
	if err != nil {
		return nil, err
	}
	found := map[string]int64{}
	all.Each(func(o kadm.OffsetResponse) {
		if o.Topic == r.Topic {
			found[strconv.Itoa(int(o.Partition))] = o.At
		}
	})
	return map[string]any{"offsets": found}, all.Error()
}

func resetOffsets(ctx context.Context, adm *kadm.Client, r line.Request) (any, error) {
	return nil, adm.CommitAllOffsets(ctx, r.Group, partitionOffsets(r.Topic, r.Offsets))
}

func deleteOffsets(ctx context.Context, adm *kadm.Client, r line.Request) (any, error) {
	var which kadm.TopicsSet
	which.Add(r.Topic, r.Partitions...)
	resp, err := adm.DeleteOffsets(ctx, r.Group, which)
	if err != nil {
		return nil, err
	}
	return nil, resp.Error()
}

func deleteGroup(ctx context.Context, adm *kadm.Client, r line.Request) (any, error) {
	resp, err := adm.DeleteGroup(ctx, r.Group)
	if err != nil {
		return nil, err
	}
	return nil, resp.Err
}
