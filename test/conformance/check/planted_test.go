package check

import (
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/skein-io/skein/test/conformance/report"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// mistakes are what a broker may get wrong, and the rows that have to see it.
var mistakes = []struct {
	name   string
	plant  plant
	misses string
}{
	{"errors are not told", answers(func(_ kmsg.Request, r kmsg.Response) { silence(reflect.ValueOf(r)) }),
		"F4 F6 F7 F9 J1 J6 J7 J12 J17 J19 S1 S4 S5 S6 Y1 H1 L1 L2 O1 O2 O3 O5 O6 O17 A5"},
	{"no id is asked of new members", answers(func(_ kmsg.Request, r *kmsg.JoinGroupResponse) {
		if r.ErrorCode == kerr.MemberIDRequired.Code {
			r.ErrorCode = 0
		}
	}), "J3"},
	{"member ids are another's", answers(func(_ kmsg.Request, r *kmsg.JoinGroupResponse) { r.MemberID = "member-1" }), "J4 F7"},
	{"every member leads", answers(func(_ kmsg.Request, r *kmsg.JoinGroupResponse) { r.LeaderID = r.MemberID }), "J14 J11 J15 S2"},
	{"the leader is told of itself alone", answers(func(_ kmsg.Request, r *kmsg.JoinGroupResponse) {
		r.Members = slices.DeleteFunc(r.Members, func(m kmsg.JoinGroupResponseMember) bool { return m.MemberID != r.MemberID })
	}), "J11 J16 S1"},
	{"a rejoin begins a generation", func() plant {
		var n atomic.Int32
		return answers(func(_ kmsg.Request, r *kmsg.JoinGroupResponse) { r.Generation += n.Add(1) })
	}(), "J15 J16 S2 Y2 Y5"},
	{"a protocol name where there is none", answers(func(_ kmsg.Request, r *kmsg.JoinGroupResponse) { r.Protocol = kmsg.StringPtr("x") }), "J21"},
	{"the assignment is to be made again", answers(func(_ kmsg.Request, r *kmsg.JoinGroupResponse) { r.SkipAssignment = false }), "S2"},
	{"long reasons are refused", answers(func(q kmsg.Request, r *kmsg.JoinGroupResponse) {
		if reason := q.(*kmsg.JoinGroupRequest).Reason; reason != nil && len(*reason) > 255 {
			r.ErrorCode = kerr.InvalidRequest.Code
		}
	}), "J22"},
	{"members vote for their last protocol", asks(func(q *kmsg.JoinGroupRequest) {
		q.Protocols = slices.Clone(q.Protocols)
		slices.Reverse(q.Protocols)
	}), "J13"},
	{"sessions last twice as long", asks(func(q *kmsg.JoinGroupRequest) { q.SessionTimeoutMillis *= 2 }), "J5 J10 S7 H2"},
	{"rebalances last twice as long", asks(func(q *kmsg.JoinGroupRequest) { q.RebalanceTimeoutMillis *= 2 }), "J9 Y6"},
	{"rebalances last 3 s", asks(func(q *kmsg.JoinGroupRequest) { q.RebalanceTimeoutMillis = 3000 }), "J9 J20"},
	{"another first delay", answers(func(_ kmsg.Request, r *kmsg.DescribeConfigsResponse) {
		setConfig(r, "group.initial.rebalance.delay.ms", "8000")
	}), "J8"},
	{"the group is always Stable", answers(func(_ kmsg.Request, r *kmsg.DescribeGroupsResponse) { r.Groups[0].State = stateStable }),
		"J12 J23 Y2 A2 A6 O20"},
	{"every member gets the same", answers(func(_ kmsg.Request, r *kmsg.SyncGroupResponse) { r.MemberAssignment = []byte(assignmentOf(0)) }), "Y2 Y5 J15"},
	{"commits go astray", asks(func(q *kmsg.OffsetCommitRequest) { q.Group, q.MemberID, q.Generation = q.Group+"-astray", "", -1 }),
		"F1 O1 O4 O8 A6 R2 R3"},
	{"commits are one too low", asks(func(q *kmsg.OffsetCommitRequest) { q.Topics[0].Partitions[0].Offset-- }), "O1 O2 O8 O14 R3"},
	{"no commit is offset 0", answers(func(_ kmsg.Request, r *kmsg.OffsetFetchResponse) {
		for i := range r.Topics {
			for j := range r.Topics[i].Partitions {
				r.Topics[i].Partitions[j].Offset = max(r.Topics[i].Partitions[j].Offset, 0)
			}
		}
	}), "O10 O13 O17 O18 A5"},
	{"one group is left out", answers(func(_ kmsg.Request, r *kmsg.OffsetFetchResponse) { r.Groups = r.Groups[:max(len(r.Groups)-1, 0)] }), "O14"},
	{"a commit's retention is forgotten", asks(func(q *kmsg.OffsetCommitRequest) { q.RetentionTimeMillis = -1 }), "O7 O19 O20"},
	{"subscribed topics expire", asks(func(q *kmsg.JoinGroupRequest) { q.Protocols = subscribing("x") }), "O19 O17"},
	{"states are not listed", answers(func(_ kmsg.Request, r *kmsg.ListGroupsResponse) {
		for i := range r.Groups {
			r.Groups[i].GroupState = ""
		}
	}), "A1"},
	{"filters do nothing", asks(func(q *kmsg.ListGroupsRequest) { q.StatesFilter, q.TypesFilter = nil, nil }), "A1"},
	{"operations are 0", answers(func(_ kmsg.Request, r *kmsg.DescribeGroupsResponse) { r.Groups[0].AuthorizedOperations = 0 }), "A3"},
	{"hosts have no slash", answers(func(_ kmsg.Request, r *kmsg.DescribeGroupsResponse) {
		for i := range r.Groups[0].Members {
			r.Groups[0].Members[i].ClientHost = r.Groups[0].Members[i].ClientHost[1:]
		}
	}), "A4"},
	{"one key is left out", answers(func(q kmsg.Request, r *kmsg.FindCoordinatorResponse) {
		if len(r.Coordinators) > 1 {
			r.Coordinators = r.Coordinators[1:]
		}
	}), "F3"},
	{"the offsets' topic is not shown", answers(func(_ kmsg.Request, r *kmsg.MetadataResponse) {
		for i := range r.Topics {
			if *r.Topics[i].Topic == offsetsTopic {
				r.Topics[i].ErrorCode = kerr.UnknownTopicOrPartition.Code
			}
		}
	}), "F2 R1"},
	{"the offsets' topic is not compacted", answers(func(_ kmsg.Request, r *kmsg.DescribeConfigsResponse) { setConfig(r, "cleanup.policy", "delete") }), "R1"},
	{"the offsets' topic is empty", answers(func(_ kmsg.Request, r *kmsg.FetchResponse) { r.Topics[0].Partitions[0].RecordBatches = nil }), "F1 J1 O8 R2 R3"},
}

// clusterMistakes are those that need several nodes, for the rows that do.
var clusterMistakes = []struct {
	name   string
	plant  plant
	misses string
}{
	{"errors are not told", answers(func(_ kmsg.Request, r kmsg.Response) { silence(reflect.ValueOf(r)) }), "F5"},
	{"another broker says that there is no coordinator", answers(func(_ kmsg.Request, r *kmsg.SyncGroupResponse) {
		if r.ErrorCode == kerr.NotCoordinator.Code {
			r.ErrorCode = kerr.CoordinatorNotAvailable.Code
		}
	}), "F5"},
	{"old versions of OffsetFetch have no error", answers(func(_ kmsg.Request, r *kmsg.OffsetFetchResponse) {
		if r.Version == 1 {
			r.Topics[0].Partitions[0].ErrorCode = 0
		}
	}), "F5"},
	{"another broker knows the group as dead", answers(func(_ kmsg.Request, r *kmsg.DescribeGroupsResponse) { r.Groups[0].ErrorCode = 0 }), "F5"},
	{"members are gone with their coordinator", afterMove(func(r *kmsg.HeartbeatResponse) {
		if r.ErrorCode == 0 {
			r.ErrorCode = kerr.UnknownMemberID.Code
		}
	}), "F5"},
	{"offsets are gone with their coordinator", afterMove(func(r *kmsg.OffsetFetchResponse) {
		for i := range r.Topics {
			r.Topics[i].Partitions[0].Offset = -1
		}
	}), "F5"},
	{"a partition without its leader stays where it is", asks(func(q *kmsg.ElectLeadersRequest) { q.Topics = []kmsg.ElectLeadersRequestTopic{} }), "F5"},
}

// afterMove changes answers once a partition has been given another preferred leader.
func afterMove[R kmsg.Response](change func(R)) plant {
	var moved atomic.Bool
	return answers(func(_ kmsg.Request, r kmsg.Response) {
		switch r := r.(type) {
		case *kmsg.ElectLeadersResponse:
			moved.Store(true)
		case R:
			if moved.Load() {
				change(r)
			}
		}
	})
}

func asks[Q kmsg.Request](change func(Q)) plant {
	return plant{request: func(q kmsg.Request) {
		if q, ok := q.(Q); ok {
			change(q)
		}
	}}
}

func answers[R kmsg.Response](change func(kmsg.Request, R)) plant {
	return plant{response: func(q kmsg.Request, r kmsg.Response) {
		if r, ok := r.(R); ok {
			change(q, r)
		}
	}}
}

// silence clears every error code but the one that says how to go on.
func silence(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			silence(v.Elem())
		}
	case reflect.Slice:
		for i := range v.Len() {
			silence(v.Index(i))
		}
	case reflect.Struct:
		if code := v.FieldByName("ErrorCode"); code.IsValid() && code.Int() != int64(kerr.MemberIDRequired.Code) {
			code.SetInt(0)
		}
		for i := range v.NumField() {
			if v.Field(i).CanSet() {
				silence(v.Field(i))
			}
		}
	}
}

func setConfig(r *kmsg.DescribeConfigsResponse, name, value string) {
	for i := range r.Resources {
		for j := range r.Resources[i].Configs {
			if r.Resources[i].Configs[j].Name == name {
				r.Resources[i].Configs[j].Value = &value
			}
		}
	}
}

// TestEveryRowCanMiss plants mistakes between the broker and the rows. Each mistake is seen by the rows that are about
// it.
func TestEveryRowCanMiss(t *testing.T) {
	for _, m := range mistakes {
		t.Run(m.name, func(t *testing.T) {
			inBubble(t, Options{Only: strings.Fields(m.misses), once: true, plant: m.plant}, func(r *report.Report) {
				for _, one := range r.Results {
					if one.Verdict != report.Miss {
						t.Errorf("%s: %s %s", one.ID, one.Verdict, one.Detail)
					}
				}
			})
		})
	}
}

// TestEveryRowOfAClusterCanMiss is the same for three nodes.
func TestEveryRowOfAClusterCanMiss(t *testing.T) {
	for _, m := range clusterMistakes {
		t.Run(m.name, func(t *testing.T) {
			inBubbleOf(t, 3, Options{Only: strings.Fields(m.misses), once: true, plant: m.plant}, func(r *report.Report) {
				for _, one := range r.Results {
					t.Log(one.ID, one.Detail)
					if one.Verdict != report.Miss {
						t.Errorf("%s: %s %s", one.ID, one.Verdict, one.Detail)
					}
				}
			})
		})
	}
}

// TestEveryRowHasAMistake wants a mistake for every row that a client can see.
func TestEveryRowHasAMistake(t *testing.T) {
	planted := map[string]bool{}
	for _, m := range mistakes {
		for _, id := range strings.Fields(m.misses) {
			planted[id] = true
		}
	}
	for _, m := range clusterMistakes {
		for _, id := range strings.Fields(m.misses) {
			planted[id] = true
		}
	}
	for _, m := range laterMistakes {
		for _, id := range strings.Fields(m.misses) {
			planted[id] = true
		}
	}
	for _, row := range Rows() {
		if row.BlackBox() && !planted[row.ID] {
			t.Errorf("no mistake is planted for row %s: %s", row.ID, row.Asks)
		}
	}
}
