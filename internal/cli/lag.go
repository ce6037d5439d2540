package cli

import (
	"time"

	"github.com/skein-io/skein/internal/group"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
)

// groupLag is how far one group is behind. What is not known is null.
type groupLag struct {
	Group        string `json:"group"`
	State        string `json:"state"`
	ProtocolType string `json:"protocolType"`
	// Exact says that the coordinator and the leaders answered themselves, the commits first. Otherwise it was asked with
	// Kafka's own requests: what lies between them is in no order, and times are not known.
	Exact         bool           `json:"exact"`
	CommitsReadAt *time.Time     `json:"commitsReadAt"`
	Lag           int64          `json:"lag"`   // the sum of those that are known
	LagMs         *int64         `json:"lagMs"` // the longest
	Partitions    []partitionLag `json:"partitions"`
}

// partitionLag is one partition of a group.
type partitionLag struct {
	Topic          string     `json:"topic"`
	Partition      int32      `json:"partition"`
	Committed      *int64     `json:"committedOffset"`
	CommittedEpoch *int32     `json:"committedLeaderEpoch"`
	Metadata       string     `json:"metadata"`
	CommittedAt    *time.Time `json:"committedAt"`
	ExpiresAt      *time.Time `json:"expiresAt"` // null: never while the group is as it is, or not known
	MemberID       *string    `json:"memberId"`
	EndsReadAt     *time.Time `json:"endsReadAt"`
	LogStart       *int64     `json:"logStartOffset"`
	LastStable     *int64     `json:"lastStableOffset"`
	HighWatermark  *int64     `json:"highWatermark"`
	LogEnd         *int64     `json:"logEndOffset"`
	NextAt         *time.Time `json:"nextTimestamp"` // of the first record that is not consumed
	LastAt         *time.Time `json:"lastTimestamp"` // of the last batch
	Lag            *int64     `json:"lag"`
	LagMs          *int64     `json:"lagMs"`
	Lost           int64      `json:"lost"`   // records that were gone before the group read them
	Beyond         int64      `json:"beyond"` // offsets from the end to the committed one
	Problem        string     `json:"problem,omitempty"`
}

// sum fills in what is known of the group as a whole.
func (g *groupLag) sum() {
	for i := range g.Partitions {
		p := &g.Partitions[i]
		if p.Lag != nil {
			g.Lag += *p.Lag
		}
		if p.LagMs != nil && (g.LagMs == nil || *p.LagMs > *g.LagMs) {
			g.LagMs = p.LagMs
		}
	}
}

// compare works out the lag of what was asked with Kafka's own requests.
func (p *partitionLag) compare() {
	if p.LogStart == nil || p.HighWatermark == nil {
		return
	}
	ends := group.Ends{LogStart: record.Offset(*p.LogStart), HighWatermark: record.Offset(*p.HighWatermark)}
	lag, known := group.LagWithout(ends)
	if p.Committed != nil {
		lag, known = group.LagOf(record.Offset(*p.Committed), ends), true
	}
	if known {
		p.Lag, p.Lost, p.Beyond = &lag.Records, lag.Lost, lag.Beyond
	}
}

// judge says what is wrong with a partition, if anything is.
func (p *partitionLag) judge() {
	switch {
	case p.Problem != "":
	case p.Committed == nil && p.Lag == nil:
		p.Problem = "nothing is committed"
	case p.Lost > 0:
		p.Problem = plural(p.Lost, "record") + " gone unread: the log begins at " + number(*p.LogStart)
	case p.Beyond > 0:
		p.Problem = "committed " + number(p.Beyond) + " beyond the end of the log"
	}
}

// partitionLagOf takes one partition of an answer.
func partitionLagOf(topic string, from *protocol.DescribeGroupLagResponsePartition) partitionLag {
	p := partitionLag{Topic: topic, Partition: from.PartitionIndex, Metadata: from.Metadata, MemberID: from.MemberID,
		Committed: known(from.CommittedOffset), CommittedAt: timeOf(from.CommitTimestampMs), ExpiresAt: timeOf(from.ExpiryTimestampMs),
		EndsReadAt: timeOf(from.EndsReadAtMs), LogStart: known(from.LogStartOffset), LastStable: known(from.LastStableOffset),
		HighWatermark: known(from.HighWatermark), LogEnd: known(from.LogEndOffset), NextAt: timeOf(from.NextTimestampMs),
		LastAt: timeOf(from.LastTimestampMs), Lag: known(from.Lag), LagMs: known(from.LagMs), Lost: from.Lost, Beyond: from.Beyond}
	p.CommittedEpoch = known(from.CommittedLeaderEpoch)
	if from.ErrorCode != protocol.None {
		p.Problem = describeCode(from.ErrorCode, from.ErrorMessage)
	}
	p.judge()
	return p
}

// known is a number of an answer in which less than 0 stands for nothing.
func known[T int32 | int64](n T) *T {
	if n < 0 {
		return nil
	}
	return &n
}

// timeOf is a time of an answer, in milliseconds since 1970; less than 0 stands for none.
func timeOf(ms int64) *time.Time {
	if ms < 0 {
		return nil
	}
	at := time.UnixMilli(ms).UTC()
	return &at
}
