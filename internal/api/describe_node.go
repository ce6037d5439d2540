package api

import (
	"cmp"
	"runtime"
	"runtime/metrics"
	"slices"
	"sync"
	"time"

	"github.com/skein-io/skein/internal/group"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/quorum"
)

// DescribeNode, version 0, skein's own: what happens inside this node at this moment, for `skein node anatomy`. Everything
// is read when it is asked for; only the Syncer measures its rounds, for some seconds after each question.
func (n *Node) describeNode(c *Call) {
	response := protocol.NewDescribeNodeResponse()
	response.NodeID, response.NowMs = int32(n.Self), n.Now().UnixMilli()
	response.MonotonicUs = time.Since(n.began).Microseconds()
	response.Goroutines, response.MemoryBytes = int32(runtime.NumGoroutine()), memoryInUse()
	n.tellTraffic(response)
	n.tellSyncer(response)
	n.tellPartitions(response)
	if n.Brokers != nil {
		if self := n.Image().Broker(n.Self); self != nil {
			state, _ := n.Brokers.Of(self)
			response.BrokerState, response.BrokerEpoch = string(state), int64(self.Epoch)
		}
	}
	a := &anatomy{call: c, response: response, left: 2}
	a.mu.Lock() // the timer may ring before it is known here
	a.timer = time.AfterFunc(anatomyPatience, a.end)
	a.mu.Unlock()
	n.tellGroups(a)
	n.tellController(a)
}

// anatomyPatience is how long the coordinator's loops and the controller's are waited for: a node that is ill must still
// tell the rest.
const anatomyPatience = 500 * time.Millisecond

// anatomy is an answer of DescribeNode that waits for its last parts.
type anatomy struct {
	call     *Call
	timer    *time.Timer
	mu       sync.Mutex
	response *protocol.DescribeNodeResponse
	left     int
	ended    bool
}

// add fills in a part, unless it comes too late. The last part ends the call.
func (a *anatomy) add(part func(*protocol.DescribeNodeResponse)) {
	a.mu.Lock()
	if !a.ended {
		part(a.response)
	}
	a.left--
	last := a.left == 0
	a.mu.Unlock()
	if last {
		a.end()
	}
}

func (a *anatomy) end() {
	a.mu.Lock()
	ended, timer := a.ended, a.timer
	a.ended = true
	a.mu.Unlock()
	if !ended {
		timer.Stop()
		a.call.Reply(a.response)
	}
}

// memoryInUse is what the process has of the system, but for what it gave back.
func memoryInUse() int64 {
	samples := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(samples)
	if samples[0].Value.Kind() != metrics.KindUint64 || samples[1].Value.Kind() != metrics.KindUint64 {
		return 0
	}
	return int64(samples[0].Value.Uint64() - samples[1].Value.Uint64())
}

func (n *Node) tellTraffic(r *protocol.DescribeNodeResponse) {
	if n.Inside.Traffic == nil {
		return
	}
	t := n.Inside.Traffic()
	for name, count := range t.Listeners {
		r.Listeners = append(r.Listeners, protocol.DescribeNodeResponseListener{Name: name, Connections: int32(count)})
	}
	slices.SortFunc(r.Listeners, func(a, b protocol.DescribeNodeResponseListener) int { return cmp.Compare(a.Name, b.Name) })
	r.ConnectionsAccepted, r.ConnectionsRefused, r.ConnectionsFailed = t.Accepted, t.Refused, t.Failed
	r.RequestsTotal, r.RequestBytes, r.ResponseBytes = t.Total, t.RequestBytes, t.ResponseBytes
	r.BytesInFlight, r.BytesInFlightMax, r.ConnectionsPaused = t.BytesInFlight, t.BytesInFlightMax, int32(t.Paused)
	for key, u := range t.Requests {
		r.Requests = append(r.Requests, protocol.DescribeNodeResponseApiRequests{ApiKey: int16(key), Queued: int32(u.Queued), Waiting: int32(u.Waiting),
			Ended: int32(u.Ended), OldestUs: u.Oldest.Microseconds()})
	}
	slices.SortFunc(r.Requests, func(a, b protocol.DescribeNodeResponseApiRequests) int { return cmp.Compare(a.ApiKey, b.ApiKey) })
}

func (n *Node) tellSyncer(r *protocol.DescribeNodeResponse) {
	if n.Inside.Syncer == nil {
		return
	}
	v := n.Inside.Syncer()
	r.SyncRounds, r.SyncFiles, r.DirtyLogs = v.Rounds, v.Files, int32(v.Dirty)
	r.SyncBusyUs = v.Busy.Microseconds()
	if v.Last >= 0 {
		r.SyncLastUs = v.Last.Microseconds()
	}
	if v.Running >= 0 {
		r.SyncRunningUs = v.Running.Microseconds()
	}
	if v.Offline != nil {
		reason := v.Offline.Error()
		r.LogDirError = &reason
	}
}

func (n *Node) tellPartitions(r *protocol.DescribeNodeResponse) {
	v := n.Partitions.View()
	r.PartitionsLed, r.PartitionsFollowed, r.PartitionsIdle = int32(v.Led), int32(v.Followed), int32(v.Idle)
	r.PartitionsUnderReplicated, r.PartitionsUnderMinIsr = int32(v.UnderReplicated), int32(v.UnderMinISR)
	r.WaitsCommitted, r.WaitsDurable, r.WaitsRecords, r.WaitsLogEnd = int32(v.Committed), int32(v.Durable), int32(v.Records), int32(v.LogEnd)
	for _, f := range v.Fetchers {
		r.Fetchers = append(r.Fetchers, protocol.DescribeNodeResponseFetcher{LeaderID: int32(f.Leader), Partitions: int32(f.Partitions),
			PartitionsPaused: int32(f.Paused), InFlight: f.InFlight, Failures: int32(f.Failures), Lag: f.Lag, LagMax: f.LagMax})
	}
}

// tellGroups counts the groups by state, when the loops have answered.
func (n *Node) tellGroups(a *anatomy) {
	if n.Groups == nil {
		a.add(func(*protocol.DescribeNodeResponse) {})
		return
	}
	v := n.Groups.View()
	late := "the coordinator's loops do not answer"
	a.tell(func(r *protocol.DescribeNodeResponse) {
		r.CoordinatorActive, r.CoordinatorLoading, r.CoordinatorQueue = int32(v.Active), int32(v.Loading), int32(v.Queue)
		r.GroupsUnknown = &late
	})
	n.Groups.List(nil, nil, func(groups []group.ListedGroup, err *protocol.Error) {
		states := map[string]int32{}
		for i := range groups {
			states[groups[i].State]++
		}
		a.add(func(r *protocol.DescribeNodeResponse) {
			r.GroupsUnknown = nil
			if err != nil {
				reason := err.Error()
				r.GroupsUnknown = &reason
			}
			for state, count := range states {
				r.Groups = append(r.Groups, protocol.DescribeNodeResponseGroupState{State: state, Groups: count})
			}
			slices.SortFunc(r.Groups, func(a, b protocol.DescribeNodeResponseGroupState) int { return cmp.Compare(a.State, b.State) })
		})
	})
}

// tellController tells what this node knows of the controller, without asking another.
func (n *Node) tellController(a *anatomy) {
	if n.Inside.Waiting != nil {
		requests, deliveries := n.Inside.Waiting()
		a.tell(func(r *protocol.DescribeNodeResponse) {
			r.ControllerQueue, r.QuorumQueue = int32(requests), int32(deliveries)
		})
	}
	if n.Inside.Lease != nil {
		if left, needed := n.Inside.Lease(); needed {
			a.tell(func(r *protocol.DescribeNodeResponse) { r.LeaseMs = left.Milliseconds() })
		}
	}
	if n.Quorum == nil {
		a.add(func(*protocol.DescribeNodeResponse) {})
		return
	}
	if leader, epoch, known := n.Quorum.Leader(); known {
		a.tell(func(r *protocol.DescribeNodeResponse) {
			r.ControllerID, r.ControllerEpoch = int32(leader), int32(epoch)
		})
	}
	n.Quorum.Status(func(status quorum.Status, err error) {
		a.add(func(r *protocol.DescribeNodeResponse) {
			if err != nil {
				return
			}
			r.MetadataCommitted = int64(status.HighWatermark)
			for _, m := range status.Members {
				if m.ID == n.Self {
					r.MetadataLogEnd = int64(m.LogEnd)
				}
			}
		})
	})
}

// tell fills in what is known before the last parts are.
func (a *anatomy) tell(part func(*protocol.DescribeNodeResponse)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.ended {
		part(a.response)
	}
}
