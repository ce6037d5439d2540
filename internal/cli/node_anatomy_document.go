package cli

import (
	"time"

	"github.com/skein-io/skein/internal/protocol"
)

// nodeAnatomy is one look into a node. Rates are of the time since the look before, null at the first.
type nodeAnatomy struct {
	Node        int32           `json:"node"`
	Address     string          `json:"address"`
	At          time.Time       `json:"at"`
	State       string          `json:"state"`
	BrokerEpoch *int64          `json:"brokerEpoch"`
	Goroutines  int32           `json:"goroutines"`
	MemoryBytes int64           `json:"memoryBytes"`
	Connections nodeConnections `json:"connections"`
	Traffic     nodeTraffic     `json:"traffic"`
	Requests    []nodeRequests  `json:"requests"`
	Waiting     nodeWaiting     `json:"waiting"`
	Syncer      nodeSyncer      `json:"syncer"`
	Partitions  nodePartitions  `json:"partitions"`
	Fetchers    []nodeFetcher   `json:"fetchers"`
	Coordinator nodeCoordinator `json:"coordinator"`
	Controller  nodeController  `json:"controller"`
}

type nodeConnections struct {
	Listeners map[string]int32 `json:"listeners"` // open, by listener
	Accepted  int64            `json:"accepted"`  // since the start, as the next two
	Refused   int64            `json:"refused"`   // over a limit
	Failed    int64            `json:"failed"`    // closed for what the peer did
	Paused    int32            `json:"paused"`    // not read from, for they have no room for another request
}

type nodeTraffic struct {
	RequestsPerSecond *float64 `json:"requestsPerSecond"`
	BytesInPerSecond  *float64 `json:"bytesInPerSecond"`
	BytesOutPerSecond *float64 `json:"bytesOutPerSecond"`
	BytesInFlight     int64    `json:"bytesInFlight"`
	BytesInFlightMax  int64    `json:"bytesInFlightMax"` // 0 is no limit
}

// nodeRequests is the requests of one API that are not answered.
type nodeRequests struct {
	API      string  `json:"api"`
	Queued   int32   `json:"queued"`  // not started: an earlier one of the connection has to end first
	Waiting  int32   `json:"waiting"` // started
	Ended    int32   `json:"ended"`   // the answer waits for that of an earlier one
	OldestMs float64 `json:"oldestMs"`
}

type nodeWaiting struct {
	HighWatermark int32 `json:"highWatermark"` // produces and commits
	Disk          int32 `json:"disk"`          // produces with acks=1
	Consumers     int32 `json:"consumerFetchPartitions"`
	Followers     int32 `json:"followerFetchPartitions"`
}

type nodeSyncer struct {
	RoundsPerSecond *float64 `json:"roundsPerSecond"`
	RoundMs         *float64 `json:"roundMs"` // the mean since the look before
	FilesPerRound   *float64 `json:"filesPerRound"`
	LastMs          *float64 `json:"lastMs"`
	RunningMs       *float64 `json:"runningMs"` // of the round at hand
	DirtyLogs       int32    `json:"dirtyLogs"`
	Offline         *string  `json:"offline"` // why the log directory takes no more writes
}

type nodePartitions struct {
	Led             int32 `json:"led"`
	Followed        int32 `json:"followed"`
	Idle            int32 `json:"idle"`
	UnderReplicated int32 `json:"underReplicated"`
	UnderMinISR     int32 `json:"underMinIsr"`
}

type nodeFetcher struct {
	Leader     int32 `json:"leader"`
	Partitions int32 `json:"partitions"`
	Paused     int32 `json:"paused"`
	InFlight   bool  `json:"inFlight"`
	Failures   int32 `json:"failures"` // in a row
	Lag        int64 `json:"lag"`
	LagMax     int64 `json:"lagMax"`
}

type nodeCoordinator struct {
	Active  int32            `json:"active"`
	Loading int32            `json:"loading"`
	Queue   int32            `json:"queue"`
	Groups  map[string]int32 `json:"groups"` // by state
	Problem *string          `json:"problem"`
}

type nodeController struct {
	Leader    *int32 `json:"leader"`
	Epoch     *int32 `json:"epoch"`
	Leads     bool   `json:"leads"` // this node is it
	Committed *int64 `json:"committed"`
	LogEnd    *int64 `json:"logEnd"`
	Requests  int32  `json:"queuedRequests"`
	Messages  int32  `json:"queuedMessages"` // of raft
	LeaseMs   *int64 `json:"leaseMs"`        // for how long this node counts on the controller, if it is not heard; null: it needs none
}

// newNodeAnatomyDocument makes it of an answer and of the one before, which may be nil.
func newNodeAnatomyDocument(address string, before, r *protocol.DescribeNodeResponse) *nodeAnatomy {
	a := &nodeAnatomy{Node: r.NodeID, Address: address, At: time.UnixMilli(r.NowMs).UTC(), State: r.BrokerState, BrokerEpoch: known(r.BrokerEpoch),
		Goroutines: r.Goroutines, MemoryBytes: r.MemoryBytes, Requests: []nodeRequests{}, Fetchers: []nodeFetcher{},
		Connections: nodeConnections{Listeners: map[string]int32{}, Accepted: r.ConnectionsAccepted, Refused: r.ConnectionsRefused, Failed: r.ConnectionsFailed, Paused: r.ConnectionsPaused},
		Traffic:     nodeTraffic{BytesInFlight: r.BytesInFlight, BytesInFlightMax: r.BytesInFlightMax},
		Waiting:     nodeWaiting{HighWatermark: r.WaitsCommitted, Disk: r.WaitsDurable, Consumers: r.WaitsRecords, Followers: r.WaitsLogEnd},
		Syncer:      nodeSyncer{DirtyLogs: r.DirtyLogs, Offline: r.LogDirError, LastMs: millis(r.SyncLastUs), RunningMs: millis(r.SyncRunningUs)},
		Partitions: nodePartitions{Led: r.PartitionsLed, Followed: r.PartitionsFollowed, Idle: r.PartitionsIdle,
			UnderReplicated: r.PartitionsUnderReplicated, UnderMinISR: r.PartitionsUnderMinIsr},
		Coordinator: nodeCoordinator{Active: r.CoordinatorActive, Loading: r.CoordinatorLoading, Queue: r.CoordinatorQueue, Groups: map[string]int32{}, Problem: r.GroupsUnknown},
		Controller: nodeController{Leader: known(r.ControllerID), Leads: r.ControllerID >= 0 && r.ControllerID == r.NodeID, Committed: known(r.MetadataCommitted),
			LogEnd: known(r.MetadataLogEnd), Requests: r.ControllerQueue, Messages: r.QuorumQueue, LeaseMs: known(r.LeaseMs)},
	}
	if a.Controller.Leader != nil {
		a.Controller.Epoch = known(r.ControllerEpoch)
	}
	for _, l := range r.Listeners {
		a.Connections.Listeners[l.Name] = l.Connections
	}
	for _, q := range r.Requests {
		a.Requests = append(a.Requests, nodeRequests{API: protocol.Key(q.ApiKey).String(), Queued: q.Queued, Waiting: q.Waiting, Ended: q.Ended, OldestMs: float64(q.OldestUs) / 1000})
	}
	for _, f := range r.Fetchers {
		a.Fetchers = append(a.Fetchers, nodeFetcher{Leader: f.LeaderID, Partitions: f.Partitions, Paused: f.PartitionsPaused, InFlight: f.InFlight, Failures: f.Failures, Lag: f.Lag, LagMax: f.LagMax})
	}
	for _, g := range r.Groups {
		a.Coordinator.Groups[g.State] = g.Groups
	}
	a.compare(before, r)
	return a
}

// compare adds the rates. A node that was started again meanwhile counts from 0: nothing is said of it until the next look.
func (a *nodeAnatomy) compare(before, r *protocol.DescribeNodeResponse) {
	if before == nil || before.NodeID != r.NodeID || r.MonotonicUs <= before.MonotonicUs || r.RequestsTotal < before.RequestsTotal {
		return
	}
	passed := float64(r.MonotonicUs-before.MonotonicUs) / 1e6
	rate := func(was, is int64) *float64 {
		perSecond := float64(max(is-was, 0)) / passed
		return &perSecond
	}
	a.Traffic.RequestsPerSecond = rate(before.RequestsTotal, r.RequestsTotal)
	a.Traffic.BytesInPerSecond, a.Traffic.BytesOutPerSecond = rate(before.RequestBytes, r.RequestBytes), rate(before.ResponseBytes, r.ResponseBytes)
	a.Syncer.RoundsPerSecond = rate(before.SyncRounds, r.SyncRounds)
	if rounds := float64(r.SyncRounds - before.SyncRounds); rounds > 0 {
		each, files := float64(r.SyncBusyUs-before.SyncBusyUs)/1000/rounds, float64(r.SyncFiles-before.SyncFiles)/rounds
		a.Syncer.RoundMs, a.Syncer.FilesPerRound = &each, &files
	}
}

// millis is a time of microseconds in milliseconds, nil if there is none.
func millis(us int64) *float64 {
	if us < 0 {
		return nil
	}
	ms := float64(us) / 1000
	return &ms
}
