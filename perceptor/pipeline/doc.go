// Package pipeline runs what a pipeline's file says (package spec): a database's changes into topics, and from topics into
// HBase and MySQL, each part by itself.
//
// It decides nothing about changes: which one is newer is change.Judge's, what is written the sinks', what is acknowledged
// perceptor.Apply's. A part whose servers are away is tried again; one that needs somebody ends and says what to do.
//
// Start at Load and Run.
package pipeline
