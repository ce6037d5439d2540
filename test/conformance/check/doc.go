// Package check holds the lines of the group coordinator's checklist that a
// client can see, and asks them of any broker with bare requests.
//
// A row is a function that asks on a probe: it makes groups and topics with
// names of its own, and says what it expects. Rows run side by side, since
// most of them wait for a timer of the broker. Every wait has a bound.
//
// The package starts no broker and knows none: what differs from one to the
// other it reads from ApiVersions and DescribeConfigs. Start at Suite and Rows.
package check
