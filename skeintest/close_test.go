package skeintest_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"github.com/skein-io/skein/skeintest"
)

// parked is a request that is under way.
type parked struct {
	t        *testing.T
	response kmsg.Response
	err      error
	done     chan struct{}
}

// park sends a request on a connection of its own.
func park(t *testing.T, node *skeintest.Node, request kmsg.Request) *parked {
	t.Helper()
	versions := kversion.Stable()
	versions.SetMaxKeyVersion(kmsg.JoinGroup.Int16(), 3) // as before KIP-394: a place in the group at the first asking
	c := client(t, node, kgo.MaxVersions(versions))
	t.Cleanup(c.Close)
	p := &parked{t: t, done: make(chan struct{})}
	go func() {
		defer close(p.done)
		p.response, p.err = c.SeedBrokers()[0].Request(context.Background(), request)
	}()
	return p
}

// answer is what came, at once: time stands still until then.
func (p *parked) answer() kmsg.Response {
	p.t.Helper()
	<-p.done
	if p.err != nil {
		p.t.Fatal(p.err)
	}
	return p.response
}

func (p *parked) waits() bool {
	synctest.Wait()
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// loaded waits until the node coordinates a group: __consumer_offsets is there, and the group's partition has been read.
func loaded(t *testing.T, node *skeintest.Node, group string) {
	t.Helper()
	c := client(t, node)
	defer c.Close()
	fetch := kmsg.NewPtrOffsetFetchRequest()
	fetch.Group = group
	for begun := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		fetched, err := fetch.RequestWith(t.Context(), c)
		if err == nil && fetched.ErrorCode == 0 && (len(fetched.Groups) == 0 || fetched.Groups[0].ErrorCode == 0) {
			return
		}
		if time.Since(begun) > time.Minute {
			t.Fatal(fetched, err)
		}
	}
}

// joinOf asks for a place in a group.
func joinOf(group, member string) *kmsg.JoinGroupRequest {
	r := kmsg.NewPtrJoinGroupRequest()
	r.Group, r.MemberID, r.ProtocolType, r.SessionTimeoutMillis, r.RebalanceTimeoutMillis = group, member, "consumer", 30_000, 60_000
	p := kmsg.NewJoinGroupRequestProtocol()
	p.Name, p.Metadata = "range", []byte("t")
	r.Protocols = append(r.Protocols, p)
	return r
}

func syncOf(group, member string, generation int32) *kmsg.SyncGroupRequest {
	r := kmsg.NewPtrSyncGroupRequest()
	r.Group, r.MemberID, r.Generation, r.ProtocolType, r.Protocol = group, member, generation, new("consumer"), new("range")
	return r
}

// TestCloseWithParkedMembers: a JoinGroup that waits for another member, and a SyncGroup that waits for the leader, do
// not keep a node from closing. It takes no time, and both members are told to look for another coordinator.
func TestCloseWithParkedMembers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := skeintest.Start(t, skeintest.InMemory(), skeintest.Set("group.initial.rebalance.delay.ms", "100"))
		loaded(t, node, "joining")
		loaded(t, node, "syncing")

		a, b := park(t, node, joinOf("syncing", "")), park(t, node, joinOf("syncing", ""))
		first, second := a.answer().(*kmsg.JoinGroupResponse), b.answer().(*kmsg.JoinGroupResponse)
		follower := first.MemberID
		if first.LeaderID == follower {
			follower = second.MemberID
		}
		if first.ErrorCode != 0 || second.ErrorCode != 0 || first.Generation != second.Generation {
			t.Fatalf("%+v and %+v", first, second)
		}
		sync := park(t, node, syncOf("syncing", follower, first.Generation))
		if alone := park(t, node, joinOf("joining", "")).answer().(*kmsg.JoinGroupResponse); alone.ErrorCode != 0 {
			t.Fatalf("%+v", alone)
		}
		join := park(t, node, joinOf("joining", ""))
		if !sync.waits() || !join.waits() {
			t.Fatalf("nobody is parked: %+v %v, %+v %v", sync.response, sync.err, join.response, join.err)
		}

		begun := time.Now()
		node.Stop()
		if took := time.Since(begun); took != 0 {
			t.Errorf("Close took %v", took)
		}
		if r := join.answer().(*kmsg.JoinGroupResponse); r.ErrorCode != kerr.NotCoordinator.Code {
			t.Errorf("the join was answered %v", kerr.ErrorForCode(r.ErrorCode))
		}
		if r := sync.answer().(*kmsg.SyncGroupResponse); r.ErrorCode != kerr.NotCoordinator.Code {
			t.Errorf("the sync was answered %v", kerr.ErrorForCode(r.ErrorCode))
		}
	})
}
