package cli

import (
	"strings"
	"time"

	"github.com/skein-io/skein/internal/group"
	"github.com/skein-io/skein/internal/protocol"
)

// groupWhy is what group why prints. Times are UTC; one that is not known is null.
type groupWhy struct {
	Group            string          `json:"group"`
	State            string          `json:"state"`
	Generation       int32           `json:"generation"`
	Members          int32           `json:"members"`
	Coordinator      describedBroker `json:"coordinator"`
	At               *time.Time      `json:"at"` // the coordinator's time
	WaitedFor        []waitedFor     `json:"waitedFor"`
	WaitedForOmitted int32           `json:"waitedForOmitted"`
	LastSync         *memberAt       `json:"lastSync"` // of this generation
	Since            *diaryEntry     `json:"since"`    // what is not written yet
	Entries          []diaryEntry    `json:"entries"`  // the newest first
	Unreadable       int             `json:"unreadableEntries"`
	Offsets          []offsetLife    `json:"offsets"`
}

// waitedFor is a member whose request is missing now.
type waitedFor struct {
	diaryMember
	Request string    `json:"request"` // JoinGroup or SyncGroup
	Since   time.Time `json:"since"`
	WaitMs  int64     `json:"waitMs"`
}

type memberAt struct {
	MemberID string    `json:"memberId"`
	At       time.Time `json:"at"`
}

type diaryMember struct {
	MemberID   string `json:"memberId"`
	InstanceID string `json:"instanceId,omitempty"`
	ClientID   string `json:"clientId,omitempty"`
	Host       string `json:"host,omitempty"`
}

// diaryEntry is one entry of a diary.
type diaryEntry struct {
	Number            int64            `json:"number"`
	Generation        int32            `json:"generation"`
	Members           int32            `json:"members"`
	Leader            string           `json:"leader"`
	Protocol          string           `json:"protocol"`
	Started           *time.Time       `json:"started"` // null: there was no rebalance
	Formed            *time.Time       `json:"formed"`
	Written           *time.Time       `json:"written"`
	DurationMs        *int64           `json:"durationMs"`
	JoinPhases        int32            `json:"joinPhases"`
	Initial           bool             `json:"initial"`
	LastJoin          *memberAt        `json:"lastJoin"`
	Cause             *diaryHappening  `json:"cause"`
	Happenings        []diaryHappening `json:"happenings"`
	HappeningsOmitted int32            `json:"happeningsOmitted"`
	Waits             []diaryWait      `json:"waits"`
	Partitions        *diaryPartitions `json:"partitions"` // null: it could not be told
	Moves             []diaryMove      `json:"moves"`
	MovesOmitted      int32            `json:"movesOmitted"`
	Expired           []diaryExpired   `json:"expired"` // committed offsets
	ExpiredOmitted    int32            `json:"expiredOmitted"`
}

type diaryHappening struct {
	diaryMember
	At     time.Time `json:"at"`
	Kind   string    `json:"kind"`
	Detail string    `json:"detail,omitempty"`
	Reason string    `json:"reason,omitempty"` // the client's
	Times  int32     `json:"times"`
	// Generation is that of the requests, where they were of an old one.
	Generation int32 `json:"generation,omitempty"`

	kind group.Happening
}

// diaryExpired is the committed offsets of a topic that expired.
type diaryExpired struct {
	At          time.Time `json:"at"` // of the last
	Topic       string    `json:"topic"`
	Partitions  int32     `json:"partitions"`
	RetentionMs int64     `json:"retentionMs"`
	Asked       bool      `json:"asked"` // the commit came with the retention; else it is offsets.retention.minutes
}

type diaryWait struct {
	diaryMember
	Request string `json:"request"`
	Came    bool   `json:"came"`
	WaitMs  int64  `json:"waitMs"`
}

type diaryPartitions struct {
	Assigned int32 `json:"assigned"`
	Moved    int32 `json:"moved"`
	New      int32 `json:"new"`
	Freed    int32 `json:"freed"`
}

type diaryMove struct {
	MemberID string `json:"memberId"`
	ClientID string `json:"clientId"`
	Gained   int32  `json:"gained"`
	Lost     int32  `json:"lost"`
}

// offsetLife is a committed offset, with when it is removed if nothing changes; null is not as long as the group is as
// it is.
type offsetLife struct {
	Topic     string     `json:"topic"`
	Partition int32      `json:"partition"`
	Committed int64      `json:"committedOffset"`
	At        *time.Time `json:"committedAt"`
	Expires   *time.Time `json:"expires"`
}

func newGroupWhyDocument(name string, broker describedBroker, r *protocol.DescribeGroupDiaryResponse) *groupWhy {
	d := &groupWhy{Group: name, State: r.State, Generation: r.Generation, Members: r.Members, Coordinator: broker, At: timeOf(r.NowMs),
		WaitedFor: []waitedFor{}, WaitedForOmitted: r.WaitedForOmitted, LastSync: newMemberAt(r.LastSyncer, r.LastSyncMs), Entries: []diaryEntry{}, Offsets: []offsetLife{}}
	for _, w := range r.WaitedFor {
		d.WaitedFor = append(d.WaitedFor, waitedFor{diaryMember{w.MemberID, w.InstanceID, w.ClientID, plainHost(w.ClientHost)}, requestName(w.Sync),
			time.UnixMilli(w.SinceMs).UTC(), r.NowMs - w.SinceMs})
	}
	for _, b := range r.Entries {
		if e := readDiaryEntry(b); e != nil {
			d.Entries = append(d.Entries, *e)
		} else {
			d.Unreadable++
		}
	}
	if r.Since != nil {
		d.Since = readDiaryEntry(r.Since)
	}
	for _, t := range r.Offsets {
		for _, p := range t.Partitions {
			d.Offsets = append(d.Offsets, offsetLife{t.Topic, p.Partition, p.CommittedOffset, timeOf(p.CommittedMs), timeOf(p.ExpiresMs)})
		}
	}
	return d
}

// readDiaryEntry reads one; nil if it is of a version that this program does not know.
func readDiaryEntry(b []byte) *diaryEntry {
	e, err := group.ReadDiaryEntry(b)
	if err != nil {
		return nil
	}
	d := &diaryEntry{Number: e.Number, Generation: e.Generation, Members: e.Members, Leader: e.Leader, Protocol: e.Protocol,
		Started: timeOf(e.StartedMs), Formed: timeOf(e.FormedMs), Written: timeOf(e.EndedMs), JoinPhases: e.JoinPhases, Initial: e.Initial,
		LastJoin: newMemberAt(e.LastJoiner, e.LastJoinMs), Happenings: []diaryHappening{}, HappeningsOmitted: e.HappeningsOmitted, Waits: []diaryWait{}, Moves: []diaryMove{},
		MovesOmitted: e.MovesOmitted, Expired: []diaryExpired{}, ExpiredOmitted: e.ExpiredOffsetsOmitted}
	if e.StartedMs >= 0 && e.EndedMs >= 0 {
		took := e.EndedMs - e.StartedMs
		d.DurationMs = &took
	}
	if e.Cause != nil {
		cause := newDiaryHappening(e.Cause)
		d.Cause = &cause
	}
	for i := range e.Happenings {
		d.Happenings = append(d.Happenings, newDiaryHappening(&e.Happenings[i]))
	}
	for _, w := range e.Waits {
		d.Waits = append(d.Waits, diaryWait{diaryMember{w.MemberID, "", w.ClientID, plainHost(w.ClientHost)}, requestName(w.Sync), w.Came, w.WaitMs})
	}
	if e.PartitionsAssigned >= 0 {
		d.Partitions = &diaryPartitions{e.PartitionsAssigned, e.PartitionsMoved, e.PartitionsNew, e.PartitionsFreed}
	}
	for _, m := range e.Moves {
		d.Moves = append(d.Moves, diaryMove{m.MemberID, m.ClientID, m.Gained, m.Lost})
	}
	for _, o := range e.ExpiredOffsets {
		d.Expired = append(d.Expired, diaryExpired{time.UnixMilli(o.TimestampMs).UTC(), o.Topic, o.Partitions, o.RetentionMs, o.Asked})
	}
	return d
}

func newDiaryHappening(h *protocol.GroupDiaryValueHappening) diaryHappening {
	d := diaryHappening{diaryMember{h.MemberID, h.InstanceID, h.ClientID, plainHost(h.ClientHost)}, time.UnixMilli(h.TimestampMs).UTC(),
		group.Happening(h.Kind).String(), h.Detail, h.Reason, h.Times, h.Generation, group.Happening(h.Kind)}
	if d.Kind == "" {
		d.Kind = "kind " + number(h.Kind)
	}
	return d
}

func newMemberAt(id string, ms int64) *memberAt {
	if id == "" {
		return nil
	}
	return &memberAt{id, time.UnixMilli(ms).UTC()}
}

func requestName(sync bool) string {
	if sync {
		return protocol.KeySyncGroup.String()
	}
	return protocol.KeyJoinGroup.String()
}

// plainHost is an address without the slash that Java prints in front of it.
func plainHost(host string) string { return strings.TrimPrefix(host, "/") }
