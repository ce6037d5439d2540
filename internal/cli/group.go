package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
)

func newGroup() *cobra.Command {
	return family("group", "List, describe, explain, replay, reset and delete consumer groups, and show their lag",
		newGroupList(), newGroupDescribe(), newGroupWhy(), newGroupLag(), newGroupReset(), newGroupImport(), newGroupDelete(), newReplay())
}

// stillComing says whether a group's coordinator is being made or loaded: Apache Kafka makes it when it is first asked for.
func stillComing(err error) bool {
	failed, ok := errors.AsType[*kadm.ShardErrors](err)
	if !ok || len(failed.Errs) == 0 {
		return false
	}
	code, ok := codeOf(failed.Errs[0].Err)
	return ok && passing(code)
}

// findGroups describes groups; one that is not there is an error. Kafka before 4.0 says Dead of such a group.
func findGroups(ctx context.Context, admin *kadm.Client, names ...string) (kadm.DescribedGroups, error) {
	groups, err := admin.DescribeGroups(ctx, names...)
	for err != nil && stillComing(err) && pause(ctx, coordinatorRetry) {
		groups, err = admin.DescribeGroups(ctx, names...)
	}
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		g, ok := groups[name]
		switch {
		case !ok:
			return nil, fmt.Errorf("group %s was left out of the coordinator's answer", name)
		case g.Err != nil:
			return nil, answered("group "+name, g.Err, g.ErrMessage)
		case g.State == "Dead":
			return nil, answered("group "+name, kerr.GroupIDNotFound, "")
		}
	}
	return groups, nil
}
