package verify

import (
	"time"

	"github.com/skein-io/skein/perceptor/change"
)

// Kind is how a row of the sink differs.
type Kind string

const (
	// Missing: the source has the row, and the sink has not, or has it as deleted.
	Missing Kind = "missing"
	// Extra: the sink has a row that the source has not.
	Extra Kind = "extra"
	// Different: columns differ.
	Different Kind = "different"
	// BadVersion: the data are right and the version is none that the sink has written, or is of no change of the source.
	BadVersion Kind = "version"
)

// Column is a column that differs. Nil is NULL, or no cell.
type Column struct {
	Name   string  `json:"name"`
	Source *string `json:"source"`
	Sink   *string `json:"sink"`
}

// Difference is a row that differs, and stays so.
type Difference struct {
	// Key are the values of the key's columns, joined with commas.
	Key     string   `json:"key"`
	Kind    Kind     `json:"kind"`
	Columns []Column `json:"columns,omitempty"`
	// Version is the sink's; nil if it has none.
	Version *change.Version `json:"-"`
	// VersionText is the same, as text.
	VersionText string `json:"version,omitempty"`
	// Deleted: the sink has the row as deleted.
	Deleted bool `json:"deleted,omitempty"`
	// Reason says what is wrong with the version.
	Reason string `json:"reason,omitempty"`
	// Repair says what became of it: "repaired", or why it was not. Empty if nothing was to be repaired.
	Repair string `json:"repair,omitempty"`
}

// Report is what Run has found.
type Report struct {
	Table string `json:"table"`
	// Method is "checksums of key ranges" or "checksums of buckets".
	Method string `json:"method"`
	// Rows are those of the source that were compared, Sink those of the sink, deleted ones left out.
	Rows int64 `json:"rows"`
	Sink int64 `json:"sinkRows"`
	// Tombstones of deleted rows, as far as they were seen.
	Tombstones int64 `json:"tombstones"`
	// Parts is how many ranges or buckets were compared, and PartsDiffer how many of them differed at first sight.
	Parts       int `json:"parts"`
	PartsDiffer int `json:"partsDiffer"`
	// Looked is how many rows were looked at one by one.
	Looked int64 `json:"lookedAt"`

	Missing    int64 `json:"missing"`
	Extra      int64 `json:"extra"`
	Different  int64 `json:"different"`
	BadVersion int64 `json:"badVersion"`
	// InFlight are rows that differed, and whose change may still be on its way.
	InFlight int64 `json:"inFlight"`
	// Repaired, and Kept: the sink's guard found that what is stored is newer.
	Repaired int64 `json:"repaired"`
	Kept     int64 `json:"kept"`
	// Differences are the first of them, and InFlightKeys the first keys of rows on their way.
	Differences  []Difference `json:"differences"`
	InFlightKeys []string     `json:"inFlightKeys,omitempty"`
	// Position is the binlog's of the first view, and Took how long it took.
	Position string        `json:"position"`
	Took     time.Duration `json:"-"`

	// HeldMax is how many keys were in memory at once at most.
	HeldMax int `json:"-"`
}

// Differing is how many rows differ, those that were repaired included.
func (r *Report) Differing() int64 { return r.Missing + r.Extra + r.Different + r.BadVersion }

// Open is how many rows differ still.
func (r *Report) Open() int64 { return r.Differing() - r.Repaired - r.Kept }

func (r *Report) add(d Difference, keep int) {
	switch d.Kind {
	case Missing:
		r.Missing++
	case Extra:
		r.Extra++
	case Different:
		r.Different++
	case BadVersion:
		r.BadVersion++
	}
	if len(r.Differences) < keep {
		r.Differences = append(r.Differences, d)
	}
}
