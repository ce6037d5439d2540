// Package sim runs a whole system in one goroutine, from one seed, in virtual time. A World is a heap of events; Rand
// gives each consumer its own stream of random numbers; Node is a machine with a clock of its own that can crash and
// pause; Network carries frames between nodes and can be cut; Trace tells whether two runs were the same.
//
// It knows nothing of skein: the code under test is driven by events and never waits. It starts no goroutine, reads no
// clock and takes no lock, so nothing here may be called concurrently. The simulated disk is in internal/disk.
//
// Start with World and its example.
package sim
