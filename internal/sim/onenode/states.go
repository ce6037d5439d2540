package onenode

import "github.com/skein-io/skein/internal/group"

// States are what runs must get into now and then: a fault that never happens shows nothing.
var States = []string{
	"start failed", "process gave up", "ended within an operation", "disk full", "groups loaded", "groups gave up", "commit timed out",
	"acknowledged at a retry", "batches sent again", "offset out of range", "records deleted", "instance fenced", "late commit refused",
	group.RebalanceStarted.String(), group.GenerationStable.String(), group.GroupEmptied.String(), group.SessionExpired.String(),
	group.MemberRemoved.String(), group.MemberReplaced.String(),
}
