//go:build !race

package onenode

// seedsDefault is how many seeds plain `go test` runs.
const seedsDefault = 15
