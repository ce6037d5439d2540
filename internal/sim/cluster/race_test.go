//go:build race

package cluster

// seedsDefault is how many seeds `go test -race` runs. Everything happens in one goroutine, so the race detector has
// little to see, and takes ten times as long.
const seedsDefault = 3
