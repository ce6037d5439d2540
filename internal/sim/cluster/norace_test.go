//go:build !race

package cluster

// seedsDefault is how many seeds plain `go test` runs.
const seedsDefault = 15
