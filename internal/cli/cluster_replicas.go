package cli

import (
	"slices"
	"strings"
	"time"

	"github.com/skein-io/skein/internal/protocol"
)

// How far each replica is, and why it is in the ISR or out of it, in words.

// takeReplicas makes the replicas of what the nodes told of them.
func (q *clusterQuestion) takeReplicas() {
	nodes := map[int32]*clusterNode{}
	for i := range q.found.Nodes {
		nodes[q.found.Nodes[i].ID] = &q.found.Nodes[i]
	}
	for i := range q.found.Partitions {
		p := &q.found.Partitions[i]
		var led *protocol.DescribeReplicasResponsePartition
		if p.Leader != nil {
			if at := q.held[replicaKey{p.topicID, p.Partition, *p.Leader}]; at != nil && at.LeaderID == *p.Leader {
				led = at
			}
		}
		for _, id := range p.Replicas {
			p.Details = append(p.Details, p.replica(id, nodes[id], led, q.held[replicaKey{p.topicID, p.Partition, id}], q.found.At))
		}
	}
}

// replica is one replica: led is what the leader told of the partition, own what the replica's node did; either may be nil.
func (p *clusterPartition) replica(id int32, node *clusterNode, led, own *protocol.DescribeReplicasResponsePartition, now time.Time) clusterReplica {
	r := clusterReplica{Node: id, InSync: slices.Contains(p.ISR, id), Standing: "unknown"}
	if own != nil {
		r.LogStart, r.LogEnd = known(own.LogStartOffset), known(own.LogEndOffset)
		r.DurableEnd, r.HighWatermark = known(own.DurableEndOffset), known(own.HighWatermark)
	}
	var seen *protocol.DescribeReplicasResponseReplica
	if led != nil {
		for i := range led.Replicas {
			if led.Replicas[i].NodeID == id {
				seen = &led.Replicas[i]
			}
		}
	}
	if seen != nil {
		r.InSync, r.Standing, r.Since = seen.InSync, seen.Standing, moment(seen.SinceMs)
		lag := max(led.LogEndOffset-seen.DurableEndOffset, 0)
		r.Lag = &lag
		if own == nil && p.isFollower(id) { // what the leader heard of it last
			r.LogEnd, r.DurableEnd = known(seen.LogEndOffset), known(seen.DurableEndOffset)
		}
	}
	r.Why = p.why(&r, node, led, seen, now)
	if own != nil && own.ErrorCode != protocol.None {
		r.Why += "; " + describeCode(own.ErrorCode, own.ErrorMessage)
	}
	if node != nil && node.Problem != "" {
		r.Why += "; the node does not answer"
	}
	return r
}

func (p *clusterPartition) isFollower(id int32) bool { return p.Leader == nil || *p.Leader != id }

// why says in words why a replica is in the ISR or out of it.
func (p *clusterPartition) why(r *clusterReplica, node *clusterNode, led *protocol.DescribeReplicasResponsePartition, seen *protocol.DescribeReplicasResponseReplica, now time.Time) string {
	place := "out"
	if r.InSync {
		place = "in"
	}
	absent := absence(r.Node, node, now)
	switch {
	case seen != nil:
		if reason := p.reason(r, led, seen, now); reason != "" {
			return place + ": " + reason
		}
		return place
	case absent != "":
		return place + ": " + absent
	case p.Leader == nil:
		return place + ": nobody leads the partition"
	case r.InSync:
		return place
	}
	return place + ": why, its leader does not tell (node " + number(*p.Leader) + ")"
}

// absence says what keeps a node away, where that is not for a partition's leader to tell.
func absence(id int32, node *clusterNode, now time.Time) string {
	switch {
	case node == nil:
		return "node " + number(id) + " is not registered"
	case node.State != "unfenced":
		return node.State + since(node.Since, now)
	}
	return ""
}

// reason is what a leader's word for the standing means.
func (p *clusterPartition) reason(r *clusterReplica, led *protocol.DescribeReplicasResponsePartition, seen *protocol.DescribeReplicasResponseReplica, now time.Time) string {
	lags := "lags " + records(*r.Lag) + since(r.Since, now)
	switch seen.Standing {
	case "in":
		return ""
	case "leaving":
		return lags + "; the controller is asked to take it out"
	case "joining":
		return "has caught up; the controller is asked to take it in"
	case "silent":
		return "has not fetched from node " + number(led.LeaderID) + " in leader epoch " + number(led.LeaderEpoch)
	case "behind":
		switch {
		case seen.LogEndOffset >= led.LogEndOffset:
			return "has fetched everything, but its disk lags " + records(*r.Lag) + since(r.Since, now)
		case r.Since == nil:
			return lags + ", and never caught up in leader epoch " + number(led.LeaderEpoch)
		}
		return lags
	case "unfit":
		return "has not fetched since it was fenced or refused"
	case "catching up":
		return "catches up, " + records(*r.Lag) + " to go"
	case "waiting":
		return "has caught up, and joins in a moment"
	case "unregistered":
		return absence(r.Node, nil, now)
	}
	return seen.Standing + since(r.Since, now) // what its broker is to the cluster
}

// since is " since 14:02:11", with the day if it is another than today; nothing if it is not known.
func since(at *time.Time, now time.Time) string {
	if at == nil {
		return ""
	}
	return " since " + clock(at, now)
}

// clock is a time as a person reads it: 14:02:11, with the day if it is another than now's.
func clock(at *time.Time, now time.Time) string {
	if at == nil {
		return ""
	}
	if at.UTC().Format(time.DateOnly) == now.UTC().Format(time.DateOnly) {
		return at.UTC().Format(time.TimeOnly)
	}
	return at.UTC().Format(time.DateTime)
}

// records is "1,204 records".
func records(n int64) string {
	if n == 1 {
		return "1 record"
	}
	return thousands(n) + " records"
}

// thousands writes a number that is at least 0 in groups of three digits.
func thousands(n int64) string {
	digits := number(n)
	var b strings.Builder
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(d)
	}
	return b.String()
}
