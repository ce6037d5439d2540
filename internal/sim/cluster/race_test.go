//go:build race

package cluster

// Under the race detector a run takes ten times as long, and what happens in one goroutine gives it little to see: a few seeds,
// and no planted bugs. `make histories`, which is part of `make check`, has all of them without it.
const (
	seedsDefault = 3
	plantsBugs   = false
)
