package coordinator

import (
	"errors"

	"github.com/google/uuid"
	"github.com/skein-io/skein/internal/group"
	"github.com/skein-io/skein/internal/protocol"
)

// asError makes an error what a reply carries.
func asError(err error) *protocol.Error {
	if e, ok := errors.AsType[*protocol.Error](err); ok {
		return e
	}
	return protocol.Fail(protocol.CodeOf(err), "%w", err)
}

// needsGroupID refuses the empty group id (F6).
func needsGroupID(groupID string) *protocol.Error {
	if groupID == "" {
		return protocol.Fail(protocol.InvalidGroupID, "the group id is empty")
	}
	return nil
}

// routeNamed is route for the requests that need a group id.
func (c *Coordinator) routeNamed(groupID string) (*loop, *protocol.Error) {
	if c.partitions.Load() <= 0 {
		return nil, errNotRunning
	}
	if err := needsGroupID(groupID); err != nil {
		return nil, err
	}
	return c.route(groupID)
}

// Join handles JoinGroup. The request's byte slices belong to the coordinator from then on. The reply may come only
// when the join phase ends, which takes up to the rebalance timeout.
func (c *Coordinator) Join(r group.JoinRequest, done func(group.JoinReply)) {
	refuse := func(err *protocol.Error) { done(group.JoinReply{Err: err, MemberID: r.MemberID, Generation: -1}) }
	if c.partitions.Load() > 0 && r.GroupID != "" {
		if err := c.cfg.Group.CheckSessionTimeout(r.SessionTimeout); err != nil {
			refuse(err)
			return
		}
	}
	l, err := c.routeNamed(r.GroupID)
	if err != nil {
		refuse(err)
		return
	}
	e := &group.Join{Token: c.token(), JoinRequest: r}
	if r.MemberID == "" {
		e.FreshID = uuid.NewString()
	}
	l.send(e.Token, e, func(b group.Body, err error) {
		if err != nil {
			refuse(asError(err))
			return
		}
		done(*b.(*group.JoinReply))
	})
}

// Sync handles SyncGroup. The request's byte slices belong to the coordinator from then on.
func (c *Coordinator) Sync(r group.SyncRequest, done func(group.SyncReply)) {
	l, err := c.routeNamed(r.GroupID)
	if err != nil {
		done(group.SyncReply{Err: err})
		return
	}
	e := &group.Sync{Token: c.token(), SyncRequest: r}
	l.send(e.Token, e, func(b group.Body, err error) {
		if err != nil {
			done(group.SyncReply{Err: asError(err)})
			return
		}
		done(*b.(*group.SyncReply))
	})
}

// Leave handles LeaveGroup.
func (c *Coordinator) Leave(r group.LeaveRequest, done func(group.LeaveReply)) {
	l, err := c.routeNamed(r.GroupID)
	if err != nil {
		done(group.LeaveReply{Err: err})
		return
	}
	e := &group.Leave{Token: c.token(), LeaveRequest: r}
	l.send(e.Token, e, func(b group.Body, err error) {
		if err != nil {
			done(group.LeaveReply{Err: asError(err)})
			return
		}
		done(*b.(*group.LeaveReply))
	})
}

// CommitOffsets handles OffsetCommit. Topics and partitions that do not exist must have been taken out (O5). It is
// answered when the offsets are committed.
func (c *Coordinator) CommitOffsets(r group.CommitRequest, done func(group.CommitReply)) {
	l, err := c.route(r.GroupID)
	if err != nil {
		done(group.CommitReply{Err: err})
		return
	}
	e := &group.Commit{Token: c.token(), CommitRequest: r}
	l.send(e.Token, e, func(b group.Body, err error) {
		if err != nil {
			done(group.CommitReply{Err: asError(err)})
			return
		}
		done(*b.(*group.CommitReply))
	})
}

// FetchOffsets handles one group of OffsetFetch.
func (c *Coordinator) FetchOffsets(r group.FetchRequest, done func(group.FetchReply)) {
	l, err := c.route(r.GroupID)
	if err != nil {
		done(group.FetchReply{Err: err})
		return
	}
	e := &group.Fetch{Token: c.token(), FetchRequest: r}
	l.send(e.Token, e, func(b group.Body, err error) {
		if err != nil {
			done(group.FetchReply{Err: asError(err)})
			return
		}
		done(*b.(*group.FetchReply))
	})
}

// Describe handles one group of DescribeGroups.
func (c *Coordinator) Describe(groupID string, done func(group.DescribeReply)) {
	l, err := c.route(groupID)
	if err != nil {
		done(group.DescribeReply{Err: err, GroupID: groupID})
		return
	}
	e := &group.Describe{Token: c.token(), GroupID: groupID}
	l.send(e.Token, e, func(b group.Body, err error) {
		if err != nil {
			done(group.DescribeReply{Err: asError(err), GroupID: groupID})
			return
		}
		done(*b.(*group.DescribeReply))
	})
}

// Why tells what happened to a group, with its committed offsets if they are asked for.
func (c *Coordinator) Why(groupID string, offsets bool, done func(group.WhyReply)) {
	l, err := c.route(groupID)
	if err != nil {
		done(group.WhyReply{Err: err, Generation: -1})
		return
	}
	e := &group.Why{Token: c.token(), GroupID: groupID, Offsets: offsets}
	l.send(e.Token, e, func(b group.Body, err error) {
		if err != nil {
			done(group.WhyReply{Err: asError(err), Generation: -1})
			return
		}
		done(*b.(*group.WhyReply))
	})
}

// Inspect reads all that is known of a group's committed offsets. A group id may be empty, as in OffsetFetch.
func (c *Coordinator) Inspect(groupID string, done func(group.InspectReply)) {
	l, err := c.route(groupID)
	if err != nil {
		done(group.InspectReply{Err: err})
		return
	}
	e := &group.Inspect{Token: c.token(), GroupID: groupID}
	l.send(e.Token, e, func(b group.Body, err error) {
		if err != nil {
			done(group.InspectReply{Err: asError(err)})
			return
		}
		done(*b.(*group.InspectReply))
	})
}

// Delete handles one group of DeleteGroups.
func (c *Coordinator) Delete(groupID string, done func(group.DeleteReply)) {
	l, err := c.route(groupID)
	if err != nil {
		done(group.DeleteReply{Err: err})
		return
	}
	e := &group.Delete{Token: c.token(), GroupID: groupID}
	l.send(e.Token, e, func(b group.Body, err error) {
		if err != nil {
			done(group.DeleteReply{Err: asError(err)})
			return
		}
		done(*b.(*group.DeleteReply))
	})
}

// DeleteOffsets handles OffsetDelete.
func (c *Coordinator) DeleteOffsets(r group.DeleteOffsetsRequest, done func(group.DeleteOffsetsReply)) {
	l, err := c.routeNamed(r.GroupID)
	if err != nil {
		done(group.DeleteOffsetsReply{Err: err})
		return
	}
	e := &group.DeleteOffsets{Token: c.token(), DeleteOffsetsRequest: r}
	l.send(e.Token, e, func(b group.Body, err error) {
		if err != nil {
			done(group.DeleteOffsetsReply{Err: asError(err)})
			return
		}
		done(*b.(*group.DeleteOffsetsReply))
	})
}
