//go:build race

package consumer

// simSeedsDefault is how many seeds run when nothing is said: the race detector makes each ten times as long. It also has
// goroutines take turns at random, so that no seed makes the same history twice.
const simSeedsDefault = 40
