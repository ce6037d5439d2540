// Package report turns samples into verdicts: medians, the goals, a table for
// the terminal, and the result section of docs/benchmarks.md.
//
// It refuses to measure. Start reading at Goals.
package report
