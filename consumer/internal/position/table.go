// Package position keeps the partitions that a consumer reads: where each stands, what has to be asked before it can be
// read, what may be fetched, what was fetched and is not delivered yet, and what may be committed.
//
// It is a pure value: its driver sends the requests, and brings the answers back with the Stamp that the request had.
// A Stamp is new with each assignment, seek and revocation, so an answer that was asked for under other circumstances
// changes nothing: nothing that was fetched before a revocation or a seek is delivered after it.
package position

import (
	"slices"
	"time"

	"github.com/skein-io/skein/consumer/assign"
)

// TopicPartition names a partition.
type TopicPartition = assign.TopicPartition

// Unknown is an offset that is not known, or of which there is none.
const Unknown int64 = -1

// Stamp tells under which circumstances a request was sent.
type Stamp uint64

// Stage is what has to happen before a partition can be fetched.
type Stage int8

// The stages of a partition.
const (
	NeedsCommitted  Stage = iota // its committed offset has to be asked for
	NeedsReset                   // it has no position, or one that is not in the log: Reset says where it goes
	NeedsValidation              // its leader changed: the log may have been truncated (KIP-320)
	Ready                        // it can be fetched
)

// Place is an offset with the leader epoch of the record in front of it, -1 if that is not known.
type Place struct {
	Offset      int64
	LeaderEpoch int32
}

// Nowhere is no place.
var Nowhere = Place{Offset: Unknown, LeaderEpoch: -1}

// Part is one partition. Its fields are for reading.
type Part struct {
	Name  TopicPartition
	Stamp Stamp
	Stage Stage

	Position  Place // of the next record that is delivered
	Processed Place // what may be committed: the position at the last Poll
	Committed Place // the last that is known to be committed

	HighWatermark    int64
	LastStableOffset int64
	LogStart         int64

	Reset    Reset // where a partition in NeedsReset goes
	Why      string
	Paused   bool
	Released bool // has to be given up: nothing of it is delivered

	Leader      int32 // node id, -1 unknown
	LeaderEpoch int32 // of the leader, -1 unknown
	replica     int32 // the node to read from instead (KIP-392), -1 none
	replicaTill time.Time

	asking   bool // a request about it is open
	fetching bool // a Fetch of it is open
	retryAt  time.Time
	failures int
	failure  string // the last
	resets   int    // by the policy, since a Fetch was answered well

	queue  []*Fetched
	queued int   // bytes
	ahead  Place // where the next Fetch begins: behind the queue
}

// Reset is where a partition without a position goes.
type Reset struct {
	Kind Kind
	// Timestamp in milliseconds since 1970, for AtTimestamp.
	Timestamp int64
	// Ago, for AtTimestamp, counts back from the moment at which it is asked for, if it is not 0.
	Ago time.Duration
	// Asked: the application asked for it, so it is no event to be told of.
	Asked bool
}

// Kind of a Reset.
type Kind int8

// The kinds of a Reset.
const (
	ToNone      Kind = iota // it is an error
	ToEarliest              // the log start offset
	ToLatest                // the high watermark, or the last stable offset
	AtTimestamp             // the first record that is not older
)

// Config says how much is fetched ahead.
type Config struct {
	// Default is the policy for a partition without a committed offset, or with a position that is not in the log.
	Default Reset
	// Grouped: committed offsets exist and are asked for.
	Grouped bool
	// QueuedMax is how many bytes of one partition may wait for the application before it is fetched again.
	QueuedMax int
	// RetryBackoff and RetryBackoffMax bound the pause after a failure; it doubles.
	RetryBackoff, RetryBackoffMax time.Duration
}

// Table holds the partitions. Not safe for concurrent use.
type Table struct {
	cfg    Config
	parts  map[TopicPartition]*Part
	order  []*Part // in the order in which they are delivered; the first is at the front
	stamps Stamp
	plans  []Plan // of the last call of Plan, to be used again
}

// New returns an empty table.
func New(cfg Config) *Table { return &Table{cfg: cfg, parts: map[TopicPartition]*Part{}} }

// Get returns the partition, or nil.
func (t *Table) Get(name TopicPartition) *Part { return t.parts[name] }

// Len is the number of partitions.
func (t *Table) Len() int { return len(t.parts) }

// All lists the partitions, sorted by name.
func (t *Table) All() []*Part {
	all := slices.Clone(t.order)
	slices.SortFunc(all, func(a, b *Part) int { return a.Name.Compare(b.Name) })
	return all
}

func (t *Table) stamp() Stamp {
	t.stamps++
	return t.stamps
}

// Add takes partitions in that are not there yet. They begin at their committed offset, or where the policy says.
func (t *Table) Add(names ...TopicPartition) {
	for _, name := range names {
		if t.parts[name] != nil {
			continue
		}
		p := &Part{
			Name: name, Stamp: t.stamp(), Position: Nowhere, Processed: Nowhere, Committed: Nowhere, ahead: Nowhere,
			HighWatermark: Unknown, LastStableOffset: Unknown, LogStart: Unknown, Leader: -1, LeaderEpoch: -1, replica: -1,
		}
		if !t.cfg.Grouped {
			p.reset(t.cfg.Default, "it has no position yet")
		}
		t.parts[name] = p
		t.order = append(t.order, p)
	}
}

// Release stops the delivery of partitions that have to be given up, and drops what was fetched of them. What is
// processed of them can still be committed. Of a partition that is not there it says nothing.
func (t *Table) Release(names ...TopicPartition) {
	for _, name := range names {
		if p := t.parts[name]; p != nil {
			p.Released = true
			t.drop(p)
		}
	}
}

// Remove takes partitions out.
func (t *Table) Remove(names ...TopicPartition) {
	for _, name := range names {
		if p := t.parts[name]; p != nil {
			t.drop(p)
			delete(t.parts, name)
		}
	}
	t.order = slices.DeleteFunc(t.order, func(p *Part) bool { return t.parts[p.Name] != p })
}

// drop forgets what was fetched, and makes open answers void.
func (t *Table) drop(p *Part) {
	p.Stamp = t.stamp()
	p.queue, p.queued = nil, 0 // a cursor of it may just be read by the driver, so none is closed
	p.ahead = p.Position
	p.asking, p.fetching = false, false
	p.retryAt, p.failures = time.Time{}, 0
}

// Pause stops the delivery and the fetching of a partition, until Resume. What was fetched stays.
func (t *Table) Pause(name TopicPartition, on bool) bool {
	p := t.parts[name]
	if p == nil {
		return false
	}
	p.Paused = on
	return true
}

// Seek moves the position. What was fetched is dropped. The place counts as processed: a commit writes it.
func (t *Table) Seek(name TopicPartition, to Place) bool {
	p := t.parts[name]
	if p == nil {
		return false
	}
	t.place(p, to)
	p.Processed = to
	return true
}

// SeekTo moves the position to where reset says, which has to be asked for first.
func (t *Table) SeekTo(name TopicPartition, to Reset) bool {
	p := t.parts[name]
	if p == nil {
		return false
	}
	p.Position = Nowhere
	t.drop(p)
	to.Asked = true
	p.reset(to, "the application asked for it")
	return true
}

func (t *Table) place(p *Part, to Place) {
	p.Position = to
	t.drop(p)
	p.Stage = Ready
	if to.LeaderEpoch >= 0 && p.LeaderEpoch > to.LeaderEpoch {
		p.Stage = NeedsValidation
	}
}

func (p *Part) reset(r Reset, why string) {
	p.Stage, p.Reset, p.Why = NeedsReset, r, why
}

// Processed marks everything that was delivered as processed: the application has come back for more.
func (t *Table) Processed() {
	for _, p := range t.order {
		if p.Position.Offset >= 0 {
			p.Processed = p.Position
		}
	}
}

// Commit is one offset to be committed.
type Commit struct {
	Name TopicPartition
	Place
}

// Committable lists what is processed and not known to be committed, sorted; of the given partitions only, if any are
// given.
func (t *Table) Committable(names ...TopicPartition) []Commit {
	var all []Commit
	add := func(p *Part) {
		if p != nil && p.Processed.Offset >= 0 && p.Processed.Offset != p.Committed.Offset {
			all = append(all, Commit{Name: p.Name, Place: p.Processed})
		}
	}
	if names == nil {
		for _, p := range t.order {
			add(p)
		}
	}
	for _, name := range names {
		add(t.parts[name])
	}
	slices.SortFunc(all, func(a, b Commit) int { return a.Name.Compare(b.Name) })
	return all
}

// ProcessedAll lists what is processed, committed or not, sorted.
func (t *Table) ProcessedAll() []Commit {
	var all []Commit
	for _, p := range t.All() {
		if p.Processed.Offset >= 0 {
			all = append(all, Commit{Name: p.Name, Place: p.Processed})
		}
	}
	return all
}

// WasCommitted notes what the coordinator has written.
func (t *Table) WasCommitted(commits ...Commit) {
	for _, c := range commits {
		if p := t.parts[c.Name]; p != nil {
			p.Committed = c.Place
		}
	}
}

// doubtedAfter is after how many failures in a row a leader epoch is doubted.
const doubtedAfter = 5

// Leads notes the leader of a partition and its epoch. A position that was read under an older epoch has to be
// validated before it is read on. A lower epoch than the one that is known is old news, unless nobody answers well for that one:
// then it was never there, or is lost.
func (t *Table) Leads(name TopicPartition, node, epoch int32) {
	p := t.parts[name]
	if p == nil || epoch >= 0 && epoch < p.LeaderEpoch && p.failures < doubtedAfter {
		return
	}
	if node != p.Leader || epoch != p.LeaderEpoch {
		p.replica = -1
		p.retryAt = time.Time{}
	}
	newer := epoch > p.LeaderEpoch && p.LeaderEpoch >= 0
	p.Leader, p.LeaderEpoch = node, epoch
	if newer && p.Stage == Ready && p.ahead.LeaderEpoch >= 0 && p.ahead.LeaderEpoch < epoch {
		p.Stage = NeedsValidation
		p.Stamp = t.stamp() // what the old leader still answers does not count
		p.asking, p.fetching = false, false
	}
}

func byName(a, b *Part) int { return a.Name.Compare(b.Name) }
