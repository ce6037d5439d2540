package onenode

import (
	"slices"

	"github.com/skein-io/skein/internal/sim/broker"
	"github.com/skein-io/skein/internal/sim/scene"
)

// Bug is a fault that is planted on purpose.
type Bug = scene.Bug

// The bugs, after those of other systems.
const (
	AckBeforeSync      Bug = "records are acknowledged before they are synced"
	DirectoryNotSynced Bug = "files are synced, their names are not"
	SyncErrorIgnored   Bug = "a failed sync is taken for a good one"
	WindowOfOne        Bug = "only the last batch of a producer is recognised"
	ProducersForgotten Bug = "producers are forgotten at a restart"
	ReadAboveWatermark Bug = "records above the high watermark are served"
	SnapshotNotLoaded  Bug = "the snapshot of the metadata is not found"
)

// Bugs are all of them.
var Bugs = slices.Concat([]Bug{AckBeforeSync, DirectoryNotSynced, SyncErrorIgnored, WindowOfOne, ProducersForgotten, ReadAboveWatermark,
	SnapshotNotLoaded}, broker.GroupBugs)
