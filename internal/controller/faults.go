package controller

// faults are planted bugs. Tests set them to see that their checker catches each; nobody else can.
type faults struct {
	electsOutsideISR       bool // any live replica leads, and the election counts as clean
	takesStaleBrokerEpoch  bool // AlterPartition of a former registration changes the ISR
	takesFencedIntoISR     bool
	takesStalePartition    bool // AlterPartition does not need the present partition epoch
	losesELR               bool // whoever leaves the ISR by being fenced is not eligible any more
	completesEarly         bool // a reassignment ends before the replicas that it adds are in sync
	trustsNewDirectory     bool // a broker with an empty disk keeps its place in ISR and ELR
	fencesBeforePartitions bool // the proposals of a failover that is split come in the wrong order
}
