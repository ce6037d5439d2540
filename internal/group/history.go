package group

// Rebalance is one entry of a group's memory: why it rebalanced.
type Rebalance struct {
	At         Instant
	Generation int32  // before it
	Member     string // who caused it, "" if nobody alone
	Reason     string
	Formed     Instant // when the join phase ended; 0 if it has not
	Stable     Instant // when the assignment was committed; 0 if it was not
	Members    int     // of the generation that was formed
}

// remember keeps the last historyMax rebalances.
func (g *group) remember(r Rebalance) {
	if len(g.history) == historyMax {
		g.history = append(g.history[:0], g.history[1:]...)
	}
	g.history = append(g.history, r)
}
