//go:build race

package pipeline

// Under the race detector a bubble takes ten times as long, and a few rounds show it all there is to see.
const electedRounds = 6
