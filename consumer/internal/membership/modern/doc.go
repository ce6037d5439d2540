// Package modern decides what a member of a group does next that speaks the consumer protocol (KIP-848): say with each
// ConsumerGroupHeartbeat what it wants and what it holds, take what the coordinator assigns, give up what it takes away.
// Kafka's coordinator calls such groups modern.
//
// Machine is a pure state machine with the events and effects of package membership, so that its driver and the
// application do not see which protocol is spoken. Time, random numbers and the member id are inputs. One request is open
// at most, and the coordinator has to take a member's requests in the order in which they were sent: what a heartbeat says
// of partitions is true only until the next. Auto chooses between Machine and the classic one.
//
// What Java's client does and this one does, too: the member id stays the same as long as the process lives; after an
// error a heartbeat says everything; a member that is fenced loses what it holds and joins with epoch 0.
package modern
