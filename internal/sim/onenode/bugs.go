package onenode

import (
	"slices"

	"github.com/skein-io/skein/internal/sim/broker"
	"github.com/skein-io/skein/internal/sim/scene"
)

// Bug is a fault that is planted on purpose.
type Bug = scene.Bug

// Bugs are all that one node can show.
var Bugs = slices.Concat([]Bug{broker.AckBeforeSync, broker.DirectoryNotSynced, broker.SyncErrorIgnored, broker.WindowOfOne, broker.ProducersForgotten,
	broker.RetryOffsetWrong, broker.ReadAboveWatermark, broker.SnapshotNotLoaded}, broker.GroupBugs)
