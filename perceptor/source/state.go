package source

import (
	"github.com/skein-io/skein/perceptor/binlog"
	"github.com/skein-io/skein/perceptor/snapshot"
)

// State is where a source goes on: a place in the binlog, and how far its snapshots are. It is kept as JSON; what was kept as a
// binlog.Position is a State without snapshots.
type State struct {
	binlog.Position
	Snapshot *snapshot.Progress `json:"snapshot,omitempty"`
}
