package pipeline

import (
	"time"

	"github.com/skein-io/skein/perceptor"
	"github.com/skein-io/skein/perceptor/binlog"
	"github.com/skein-io/skein/perceptor/change"
)

// State is how a part is doing.
type State string

const (
	// Running: it works, or has nothing to do.
	Running State = "running"
	// Standby: another process runs the source. This one does when that one ends, or is not heard of.
	Standby State = "standby"
	// Waiting: something is away that will be back, or is not there yet. Report.Problem says what.
	Waiting State = "waiting"
	// Failed: it has ended and needs somebody. Report.Problem says what to do.
	Failed State = "failed"
	// Ended: it is done, as a source that reads a snapshot only.
	Ended State = "ended"
)

// Report is what a running part tells of itself. It is a record of the topic PREFIX.status, in JSON, under the key
// PIPELINE/PART/INSTANCE.
type Report struct {
	Pipeline string `json:"pipeline"`
	// Part is "source" or "sink NAME", Instance the process: HOST.PID.
	Part     string `json:"part"`
	Instance string `json:"instance"`
	// At is when it was told, by the clock of the process, and EveryMs how often it is.
	At      time.Time `json:"at"`
	EveryMs int64     `json:"every_ms"`
	Started time.Time `json:"started"`
	State   State     `json:"state"`
	// Problem is why it does not go on, and Since since when.
	Problem string     `json:"problem,omitempty"`
	Since   *time.Time `json:"since,omitempty"`
	// PerSecond are changes, between the last two reports.
	PerSecond float64       `json:"per_second"`
	Source    *SourceReport `json:"source,omitempty"`
	Sink      *SinkReport   `json:"sink,omitempty"`
}

// SourceReport is a source's, since the process began.
type SourceReport struct {
	// Position is where the binlog has been read to.
	Position binlog.Position `json:"position"`
	// Changes were read, Records acknowledged by the brokers, and Again were not written because they had been before a crash.
	Changes uint64 `json:"changes"`
	Records uint64 `json:"records"`
	Again   uint64 `json:"again"`
	// SnapshotRows were read of tables.
	SnapshotRows uint64 `json:"snapshot_rows"`
	// Failovers is how often the source went on in a new epoch.
	Failovers uint64        `json:"failovers"`
	Snapshot  *SnapshotSums `json:"snapshot,omitempty"`
	// Untold are the last statements that took rows of which nothing tells, at most 16, the newest last, and UntoldCount how many there were.
	Untold      []UntoldRows `json:"untold,omitempty"`
	UntoldCount uint64       `json:"untold_count"`
}

// SnapshotSums say how far the tables' snapshots are, whoever read them.
type SnapshotSums struct {
	Tables int    `json:"tables"`
	Done   int    `json:"done"`
	Rows   uint64 `json:"rows"`
	// Reading is the table that is being read.
	Reading string `json:"reading,omitempty"`
}

// SinkReport is a sink's, since the process began.
type SinkReport struct {
	// Unread records could not be read.
	Unread uint64 `json:"unread"`
	// Fenced counts how often a change was refused because another process has its partition by now; that one writes it.
	Fenced uint64               `json:"fenced,omitempty"`
	Tables map[string]TableSums `json:"tables"`
	// Refused is the last change that could not be written.
	Refused *Refusal `json:"refused,omitempty"`
}

// Refusal is a change that could not be written.
type Refusal struct {
	At     time.Time `json:"at"`
	Table  string    `json:"table"`
	Reason string    `json:"reason"`
}

// TableSums are what became of the changes of a table.
type TableSums struct {
	Put       uint64 `json:"put"`
	Duplicate uint64 `json:"duplicate"`
	Stale     uint64 `json:"stale"`
	ClockBack uint64 `json:"clock_back"`
	Folded    uint64 `json:"folded"`
	Refused   uint64 `json:"refused"`
	// Truncates were not applied, and Truncated were. One comes from each partition of its topic.
	Truncates uint64 `json:"truncates"`
	Truncated uint64 `json:"truncated"`
	// Newest is the latest execute time of a change that was put, in milliseconds since 1970.
	Newest int64 `json:"newest"`
}

func sums(all map[string]perceptor.TableCounts) map[string]TableSums {
	tables := make(map[string]TableSums, len(all))
	for name, t := range all {
		tables[name] = TableSums{Put: t.Put(), Duplicate: t.Of(change.Duplicate), Stale: t.Of(change.Stale), ClockBack: t.Of(change.ClockBack),
			Folded: t.Of(change.Folded), Refused: t.Refused, Truncates: t.Truncates, Truncated: t.Truncated, Newest: t.Newest}
	}
	return tables
}

// Done is how many changes the part is through with.
func (r *Report) Done() (n uint64) {
	if r.Source != nil {
		n = r.Source.Changes + r.Source.SnapshotRows
	}
	if r.Sink != nil {
		for _, t := range r.Sink.Tables {
			n += t.Put + t.Duplicate + t.Stale + t.ClockBack + t.Folded + t.Refused
		}
	}
	return n
}

// add puts the sums of another process beside these.
func (t TableSums) add(o TableSums) TableSums {
	return TableSums{t.Put + o.Put, t.Duplicate + o.Duplicate, t.Stale + o.Stale, t.ClockBack + o.ClockBack, t.Folded + o.Folded,
		t.Refused + o.Refused, t.Truncates + o.Truncates, t.Truncated + o.Truncated, max(t.Newest, o.Newest)}
}
