// Package figure measures: one file for each figure of docs/benchmarks.md.
// Sides take turns, so that whatever else the machine does meets all of them;
// the brokers run at the same time, and the one that is not measured idles.
//
// It refuses to judge what it measures: package report does. Start reading at
// Bench, then at produce.go.
package figure
