//go:build !race

package pipeline

// electedRounds is how often TestElected does something to one of the processes.
const electedRounds = 24
