//go:build !race

package cluster

const (
	seedsDefault = 15   // how many seeds plain `go test` runs
	plantsBugs   = true // whether it runs TestPlantedBugs
)
