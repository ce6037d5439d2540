// Package faults tests the binary itself against what happens to processes: kill -9 under load, a second process on the same
// folder, a folder of another node, a full disk, too few file descriptors, foreign bytes, signals, and a disk whose syncs fail.
//
// It holds tests only, for Linux. They build the binary, run it on loopback with its data in a temporary folder, and give what the
// clients saw to package check. SKEIN_KILLS=n kills n times in TestKillLoop. Start with broker_test.go.
package faults
