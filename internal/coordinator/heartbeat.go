package coordinator

import (
	"sync/atomic"

	"github.com/skein-io/skein/internal/group"
	"github.com/skein-io/skein/internal/protocol"
)

// Heartbeat handles Heartbeat. In a stable group the reply may be held for a while, to tell the member of a rebalance at
// once. The caller calls nudge when a later request arrives on the connection, or when the connection ends; then a held
// reply is given. nudge may be called at any time, from any goroutine, more than once.
func (c *Coordinator) Heartbeat(r group.HeartbeatRequest, done func(group.HeartbeatReply)) (nudge func()) {
	l, err := c.routeNamed(r.GroupID)
	if err != nil {
		if err.Code == protocol.CoordinatorLoadInProgress {
			err = nil // the session starts anew when the group is loaded, so all is well (F5)
		}
		done(group.HeartbeatReply{Err: err})
		return func() {}
	}
	e := &group.Heartbeat{Token: c.token(), HeartbeatRequest: r}
	var answered atomic.Bool
	l.send(e.Token, e, func(b group.Body, err error) {
		answered.Store(true)
		if err != nil {
			done(group.HeartbeatReply{Err: asError(err)})
			return
		}
		done(*b.(*group.HeartbeatReply))
	})
	return func() {
		if !answered.Swap(true) {
			l.inbox.put(item{event: &group.Nudge{Token: e.Token, GroupID: r.GroupID, MemberID: r.MemberID}}, true)
		}
	}
}

// GoesOnAside says whether a client with this software name (of ApiVersions) is known to go on with its work while a
// heartbeat of it is not answered. Of others that is found out.
func GoesOnAside(softwareName string) bool {
	switch softwareName {
	case "apache-kafka-java", "librdkafka", "confluent-kafka-python", "confluent-kafka-go", "confluent-kafka-dotnet", "kgo", "kafka-python", "skein-consumer":
		return true
	default:
		return false
	}
}

// WaitsBehind says whether a client with this software name is known to send nothing on a connection while a heartbeat
// there is not answered. sarama locks the connection (measured: a commit took 2.7 s).
func WaitsBehind(softwareName string) bool { return softwareName == "sarama" }
