// Package check judges histories: what clients sent, read and committed, when, and what they were told. It finds lost,
// doubled, reordered and resurrected records, offset commits that went back, and groups with two owners. A history
// may come from a simulation or from real processes; it is a list of operations, or a file of JSON lines.
//
// A checker reports only what must never happen, whatever was concurrent and whatever had an unknown outcome; it needs
// no search, and its time grows with the history nearly linearly. It drives nothing and knows no broker.
//
// Start with Operation, then All. The classes of errors are those of Jepsen's Kafka workload.
package check
