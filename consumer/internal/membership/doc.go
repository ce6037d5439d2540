// Package membership decides what a member of a consumer group does next: find the coordinator, join, compute the
// assignment if it leads the group, sync, heartbeat, give partitions up, leave.
//
// It is a pure state machine. Its driver feeds it events (an answer came, the application called Poll, time has
// passed) and carries out the effects in order; time and random numbers are inputs, so a seed replays a history. One
// request of join, sync or leave and one heartbeat are open at most; an answer carries the attempt of its request, and
// one that is not waited for any more changes nothing.
//
// Machine speaks Kafka's classic protocol (KIP-345, KIP-394, KIP-429, KIP-800, KIP-814). Package modern has the machine of
// the consumer protocol (KIP-848), with the same events and effects as far as the application is concerned.
package membership
