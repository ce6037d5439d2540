// Package skein is an event-streaming node that speaks Kafka's wire protocol, to be embedded in a Go program.
package skein
