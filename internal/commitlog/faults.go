package commitlog

// faults are bugs that a test plants, to show that its checkers see them. A nil *faults, which is what every Dir has
// outside such a test, has none.
type faults struct {
	noSync          bool // acknowledge without a sync
	noSyncDir       bool // sync files but not their names
	cutBelowMark    bool // take damage below the mark for a torn tail
	markAfterCut    bool // truncate first, lower the mark afterwards
	windowOfOne     bool // remember one batch of a producer
	noSnapshot      bool // forget the producers at a restart
	compactAboveHW  bool // compact up to the log's end
	readToEnd       bool // serve reads beyond their bound
	markUnsynced    bool // move the mark to what was appended, not to what was synced
	keepTornTail    bool // accept a batch with a wrong CRC in recovery
	swapBeforeSync  bool // swap a compacted segment in before it is synced
	noRecoverySync  bool // count what recovery found as durable at once
	unmarkedDelete  bool // rename the folders of deleted logs before the mark says so
	cleanAfterError bool // leave the note of a clean end after an error
}

func (f *faults) skipSync() bool        { return f != nil && f.noSync }
func (f *faults) skipSyncDir() bool     { return f != nil && f.noSyncDir }
func (f *faults) cutsBelowMark() bool   { return f != nil && f.cutBelowMark }
func (f *faults) lowersLate() bool      { return f != nil && f.markAfterCut }
func (f *faults) narrowWindow() bool    { return f != nil && f.windowOfOne }
func (f *faults) forgetsSnapshot() bool { return f != nil && f.noSnapshot }
func (f *faults) compactsAll() bool     { return f != nil && f.compactAboveHW }
func (f *faults) ignoresBound() bool    { return f != nil && f.readToEnd }
func (f *faults) marksEarly() bool      { return f != nil && f.markUnsynced }
func (f *faults) keepsTail() bool       { return f != nil && f.keepTornTail }
func (f *faults) swapsEarly() bool      { return f != nil && f.swapBeforeSync }
func (f *faults) trustsRecovery() bool  { return f != nil && f.noRecoverySync }
func (f *faults) deletesUnmarked() bool { return f != nil && f.unmarkedDelete }
func (f *faults) notesClean() bool      { return f != nil && f.cleanAfterError }
