package check

import (
	"slices"
	"strings"
	"testing"

	"github.com/skein-io/skein/test/conformance/report"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// laterRows are about what skein does not offer yet. They are asked of the stand-in.
var laterRows = []string{"J2", "O9", "O11", "O15", "O16"}

// laterMistakes are what a broker may get wrong there, and exactly the rows that see it.
var laterMistakes = []struct {
	name   string
	flaw   flaw
	plant  plant
	misses string
}{
	{"a KIP-848 group is listed as another", noFlaw, listedAs("classic"), "J2"},
	{"JoinGroup leaves an empty KIP-848 group what it is", noFlaw, listedAs("consumer"), "J2"},
	{"a share group takes classic members", noFlaw, refusedJoins(func(r *kmsg.JoinGroupResponse) {
		r.ErrorCode = kerr.MemberIDRequired.Code
	}), "J2"},
	{"who is refused gets an id", noFlaw, refusedJoins(func(r *kmsg.JoinGroupResponse) { r.MemberID = "member-1" }), "J2"},

	{"old versions commit for KIP-848 members", noFlaw, commitErrors(func(_ *kmsg.OffsetCommitRequest, code int16) int16 {
		return unless(code, kerr.UnsupportedVersion)
	}), "O9"},
	{"epochs to come may commit", noFlaw, commitErrors(func(_ *kmsg.OffsetCommitRequest, code int16) int16 {
		return unless(code, kerr.StaleMemberEpoch)
	}), "O9"},
	{"the member's own epoch may not commit", noFlaw, commitErrors(func(q *kmsg.OffsetCommitRequest, code int16) int16 {
		if q.Version == 9 {
			return kerr.StaleMemberEpoch.Code
		}
		return code
	}), "O9"},

	{"nothing need be stable", noFlaw, asks(func(q *kmsg.OffsetFetchRequest) { q.RequireStable = false }), "O11"},
	{"what is not stable is told", noFlaw, unstable(func(_ *kmsg.OffsetFetchResponse, one *kmsg.OffsetFetchResponseTopicPartition) {
		one.Offset = 1
	}), "O11"},
	{"one open partition makes all unstable", noFlaw, unstable(func(r *kmsg.OffsetFetchResponse, _ *kmsg.OffsetFetchResponseTopicPartition) {
		for i := range r.Topics[0].Partitions {
			r.Topics[0].Partitions[i].ErrorCode = kerr.UnstableOffsetCommit.Code
		}
	}), "O11"},
	{"an open transaction's offsets are told", showsPending, plant{}, "O11 O15"},

	{"aborts commit", noFlaw, asks(func(q *kmsg.EndTxnRequest) { q.Commit = true }), "O15"},
	{"commits abort", noFlaw, asks(func(q *kmsg.EndTxnRequest) { q.Commit = false }), "O11 O15"},
	{"a transaction's end wins over later commits", endWins, plant{}, "O15"},

	{"strangers commit in a transaction", noFlaw, transactionErrors(func(_ *kmsg.TxnOffsetCommitRequest, code int16) int16 {
		return unless(code, kerr.UnknownMemberID)
	}), "O16"},
	{"any generation commits in a transaction", noFlaw, transactionErrors(func(_ *kmsg.TxnOffsetCommitRequest, code int16) int16 {
		return unless(code, kerr.IllegalGeneration)
	}), "O16"},
	{"a transaction waits for the rebalance", noFlaw, transactionErrors(func(q *kmsg.TxnOffsetCommitRequest, code int16) int16 {
		if q.MemberID != "" && code == 0 {
			return kerr.RebalanceInProgress.Code
		}
		return code
	}), "O16"},
	{"a transaction has to name a member", noFlaw, transactionErrors(func(q *kmsg.TxnOffsetCommitRequest, code int16) int16 {
		if q.MemberID == "" {
			return kerr.UnknownMemberID.Code
		}
		return code
	}), "O11 O15 O16"},
}

// unless clears one error.
func unless(code int16, cleared *kerr.Error) int16 {
	if code == cleared.Code {
		return 0
	}
	return code
}

func listedAs(kind string) plant {
	return answers(func(_ kmsg.Request, r *kmsg.ListGroupsResponse) {
		for i := range r.Groups {
			r.Groups[i].GroupType = kind
		}
	})
}

func refusedJoins(change func(*kmsg.JoinGroupResponse)) plant {
	return answers(func(_ kmsg.Request, r *kmsg.JoinGroupResponse) {
		if r.ErrorCode == kerr.InconsistentGroupProtocol.Code {
			change(r)
		}
	})
}

func commitErrors(change func(q *kmsg.OffsetCommitRequest, code int16) int16) plant {
	return answers(func(q kmsg.Request, r *kmsg.OffsetCommitResponse) {
		for i := range r.Topics {
			for j := range r.Topics[i].Partitions {
				one := &r.Topics[i].Partitions[j]
				one.ErrorCode = change(q.(*kmsg.OffsetCommitRequest), one.ErrorCode)
			}
		}
	})
}

func transactionErrors(change func(q *kmsg.TxnOffsetCommitRequest, code int16) int16) plant {
	return answers(func(q kmsg.Request, r *kmsg.TxnOffsetCommitResponse) {
		for i := range r.Topics {
			for j := range r.Topics[i].Partitions {
				one := &r.Topics[i].Partitions[j]
				one.ErrorCode = change(q.(*kmsg.TxnOffsetCommitRequest), one.ErrorCode)
			}
		}
	})
}

// unstable changes answers with a partition that is not stable.
func unstable(change func(*kmsg.OffsetFetchResponse, *kmsg.OffsetFetchResponseTopicPartition)) plant {
	return answers(func(_ kmsg.Request, r *kmsg.OffsetFetchResponse) {
		for i := range r.Topics {
			for j := range r.Topics[i].Partitions {
				if one := &r.Topics[i].Partitions[j]; one.ErrorCode == kerr.UnstableOffsetCommit.Code {
					change(r, one)
				}
			}
		}
	})
}

// askLater asks the later rows of the stand-in with a mistake, and returns those that missed, and why.
func askLater(t *testing.T, f flaw, mistake plant) map[string]string {
	t.Helper()
	missed := map[string]string{}
	mistake.standIn = newStandIn(f).answer
	inBubble(t, Options{Only: laterRows, once: true, plant: mistake}, func(r *report.Report) {
		for _, one := range r.Results {
			switch one.Verdict {
			case report.Pass:
			case report.Miss:
				missed[one.ID] = one.Detail
			default:
				t.Errorf("%s: %s %s", one.ID, one.Verdict, one.Detail)
			}
		}
	})
	return missed
}

// TestLaterRowsPass asks them of the stand-in as it is.
func TestLaterRowsPass(t *testing.T) {
	for id, detail := range askLater(t, noFlaw, plant{}) {
		t.Errorf("%s: %s", id, detail)
	}
}

// TestEveryLaterRowCanMiss plants a mistake into the stand-in. The rows that are about it see it, and no others.
func TestEveryLaterRowCanMiss(t *testing.T) {
	for _, m := range laterMistakes {
		t.Run(m.name, func(t *testing.T) {
			missed, want := askLater(t, m.flaw, m.plant), strings.Fields(m.misses)
			for _, id := range laterRows {
				if _, got := missed[id]; got != slices.Contains(want, id) {
					t.Errorf("%s: missed %v: %s", id, got, missed[id])
				}
			}
		})
	}
}
