package explain

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skein-io/skein/perceptor/change"
	"github.com/skein-io/skein/perceptor/envelope"
	"github.com/skein-io/skein/perceptor/sink"
)

// Config says which row of what. Topic, Table and Key have to be set.
type Config struct {
	// Brokers and Transport reach the cluster.
	Brokers   []string
	Transport []kgo.Opt
	Topic     string
	// Group is the sink's; empty if it is not known.
	Group string
	Read  envelope.ReadOptions
	// Table is the source's as it is now, and Key a row of it of which the columns of the key are told: see ParseKey.
	Table *change.Table
	Key   change.Row
	// Sink and Source may be nil. Source gives the row as it is now, nil if there is none.
	Sink   sink.Reader
	Source func(ctx context.Context) (change.Row, error)
	// Keep is how many changes are told from the beginning, and how many from the end. 20 if it is 0.
	Keep int
	// All reads all partitions, even if the key's records are in one.
	All bool
}

// Step is a change of the row in the topic.
type Step struct {
	Partition int32     `json:"partition"`
	Offset    int64     `json:"offset"`
	Time      time.Time `json:"time"` // the record's
	Op        string    `json:"op"`   // or tombstone
	// Version is nil for a tombstone, which compaction reads and no sink.
	Version     *change.Version `json:"-"`
	VersionText string          `json:"version,omitempty"`
	// ExecuteTime is the version's.
	ExecuteTime *time.Time `json:"executeTime,omitempty"`
	File        string     `json:"file,omitempty"`
	GTID        string     `json:"gtid,omitempty"`
	// Rule is what a sink does that has had all before it.
	Rule string `json:"rule,omitempty"`
	// Passed reports whether the group has passed it; nil if that is not known.
	Passed *bool `json:"passed"`
	// Note tells of a change of the key.
	Note string `json:"note,omitempty"`
}

// SinkRow is what the sink has.
type SinkRow struct {
	Exists  bool            `json:"exists"`
	Deleted bool            `json:"deleted"`
	Version *change.Version `json:"-"`
	// VersionText is the same, as text.
	VersionText string `json:"version,omitempty"`
	// Of is the place of the change that the version is of: PARTITION:OFFSET.
	Of string `json:"of,omitempty"`
	// Invalid says why the version is none.
	Invalid string   `json:"invalid,omitempty"`
	Columns []Column `json:"columns"`
}

// Column is a column of the sink, with what it would have of the source's row.
type Column struct {
	Name string  `json:"name"`
	Sink *string `json:"sink"`
	// Source is what the sink would have; nil for NULL.
	Source *string `json:"source"`
	Same   bool    `json:"same"`
}

// Story is what Run has found.
type Story struct {
	Table string `json:"table"`
	Key   string `json:"key"`
	Topic string `json:"topic"`
	Group string `json:"group,omitempty"`
	// Partitions are those that were read, Read how many records they had, and Changes how many of them were of the row.
	Partitions []int32 `json:"partitions"`
	Read       int64   `json:"recordsRead"`
	Changes    int64   `json:"changes"`
	// First are the first changes, Last the last ones, and Between how many there were that are not told.
	First   []Step `json:"first"`
	Between int64  `json:"between"`
	Last    []Step `json:"last"`
	// By counts what the rule says of all of them.
	By map[string]int64 `json:"by"`
	// Committed are the group's offsets.
	Committed map[int32]int64 `json:"committed,omitempty"`
	Sink      *SinkRow        `json:"sink"`
	// SourceExists is nil if the source was not asked.
	SourceExists *bool  `json:"sourceExists"`
	Verdict      string `json:"verdict"`
}

const keepDefault = 20

// Run tells the story. The sink is read first and the topic then, so that what the sink has is in the topic unless that has
// forgotten it.
func Run(ctx context.Context, c Config) (*Story, error) {
	c.Keep = cmp.Or(c.Keep, keepDefault)
	if c.Topic == "" || c.Table == nil || len(c.Key) != len(c.Table.Columns) || c.Keep < 0 {
		return nil, errors.New("explain: topic, table and key have to be told")
	}
	t := &telling{c: &c, story: &Story{
		Table: c.Table.String(), Key: c.Table.KeyText(c.Key), Topic: c.Topic, Group: c.Group, By: map[string]int64{}, First: []Step{}, Last: []Step{},
	}}
	if err := t.lookAtSink(ctx); err != nil {
		return nil, err
	}
	if err := t.read(ctx); err != nil {
		return nil, fmt.Errorf("explain: topic %s: %w", c.Topic, err)
	}
	if err := t.lookAtSource(ctx); err != nil {
		return nil, err
	}
	t.conclude()
	return t.story, nil
}

// telling is Run at work.
type telling struct {
	c     *Config
	story *Story
	facts facts
	have  sink.Stored
}

func (t *telling) lookAtSink(ctx context.Context) error {
	if t.c.Sink == nil {
		return nil
	}
	key, err := t.c.Sink.Key(ctx, t.c.Table, t.c.Key)
	if err != nil {
		return fmt.Errorf("explain: the row's key in the sink: %w", err)
	}
	found, err := t.c.Sink.Look(ctx, t.c.Table, [][]byte{key})
	if err != nil {
		return fmt.Errorf("explain: the sink: %w", err)
	}
	t.have = found[0]
	row := &SinkRow{Exists: t.have.Key != nil && !t.have.Deleted, Deleted: t.have.Deleted, Columns: []Column{}}
	if t.have.Versioned {
		v := t.have.Version
		row.Version, row.VersionText = &v, v.String()
	}
	if t.have.Invalid != nil {
		row.Invalid = t.have.Invalid.Error()
	}
	t.story.Sink = row
	return nil
}

func (t *telling) lookAtSource(ctx context.Context) error {
	var row change.Row
	if t.c.Source != nil {
		var err error
		if row, err = t.c.Source(ctx); err != nil {
			return fmt.Errorf("explain: the source: %w", err)
		}
		exists := row != nil
		t.story.SourceExists = &exists
	}
	if t.story.Sink == nil || len(t.have.Columns) == 0 && row == nil {
		return nil
	}
	var want sink.Stored
	if row != nil {
		var err error
		if want, err = t.c.Sink.Expect(ctx, t.c.Table, row); err != nil {
			return fmt.Errorf("explain: the source's row in the sink: %w", err)
		}
	}
	t.compare(&want, row != nil)
	return nil
}

// compare puts the columns of both sides beside each other.
func (t *telling) compare(want *sink.Stored, exists bool) {
	for n := range max(len(want.Columns), len(t.have.Columns)) {
		var c Column
		var have, expected *sink.StoredColumn
		if n < len(t.have.Columns) {
			have = &t.have.Columns[n]
			c.Name, c.Sink = have.Name, have.Shown()
		}
		if n < len(want.Columns) {
			expected = &want.Columns[n]
			c.Name, c.Source = expected.Name, expected.Shown()
		}
		c.Same = have != nil && expected != nil && have.Null == expected.Null && string(have.Value) == string(expected.Value)
		if exists && t.story.Sink.Exists && !c.Same {
			t.facts.different++
		}
		t.story.Sink.Columns = append(t.story.Sink.Columns, c)
	}
}
