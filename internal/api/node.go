package api

import (
	"log/slog"
	"time"

	"github.com/skein-io/skein/internal/config"
	"github.com/skein-io/skein/internal/coordinator"
	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/partition"
	"github.com/skein-io/skein/internal/protocol"
)

// Parts is what the APIs stand on.
type Parts struct {
	Self       metadata.NodeID
	Config     func() *config.Broker  // the present one
	Image      func() *metadata.Image // the present one
	Partitions *partition.Host
	Controller Controller
	Quorum     Quorum
	Heard      func(node metadata.NodeID, address string) // is told where nodes of the quorum say they are; nil: nobody is
	Serves     <-chan struct{}                            // closed when clients are answered; the other nodes always are. Nil is always
	Groups     *coordinator.Coordinator
	Brokers    *BrokerStates // nil knows nothing
	Inside     Inside
	LogDir     string // as DescribeLogDirs names it
	Now        func() time.Time
	Logger     *slog.Logger
	Runtime    Runtime // the zero value is the real one
}

// Node answers requests. Its methods may be called concurrently.
type Node struct {
	Parts
	Reasons  *Reasons
	sessions *fetchSessions
	rows     map[protocol.Key]*Row
	versions []protocol.ApiVersionsResponseApiVersion // that everybody is told
	private  []protocol.ApiVersionsResponseApiVersion // that skein's own programs are told too
	between  []protocol.ApiVersionsResponseApiVersion // that the other nodes of the cluster are told too

	began       time.Time // by the monotonic clock
	producerIDs producerIDs
	held        heldFetches
	beats       beats
}

// NewNode makes a Node of its parts.
func NewNode(parts Parts) *Node {
	parts.Runtime = parts.Runtime.completed()
	n := &Node{
		Parts:    parts,
		Reasons:  NewReasons(),
		sessions: newFetchSessions(parts.Config().FetchSessionSlots, parts.Runtime),
		rows:     map[protocol.Key]*Row{},
		began:    time.Now(),
	}
	rows := Table()
	for i := range rows {
		n.rows[rows[i].Key] = &rows[i]
		version := protocol.ApiVersionsResponseApiVersion{ApiKey: int16(rows[i].Key), MinVersion: rows[i].Min, MaxVersion: rows[i].Max}
		switch {
		case rows[i].NodesOnly:
			n.between = append(n.between, version)
		case rows[i].Key < privateKeys:
			n.versions = append(n.versions, version)
		default:
			n.private = append(n.private, version)
		}
	}
	return n
}

// privateKeys is the first key of requests that only skein's own programs send.
const privateKeys protocol.Key = 0x4000

// Ready is closed when requests of a client may be looked at; nil is now. It implements server.SlowHandler. A client that came
// while the node starts waits for it: were its connection closed instead, some would take that for a broker that does not
// want them, and tell the application.
func (n *Node) Ready(client *Client, key protocol.Key) <-chan struct{} {
	if client.node() || key == protocol.KeyApiVersions {
		return nil
	}
	return n.Serves
}

// Row says how the requests of a key are to be treated; ok is false for a key or version that this client is not
// answered.
func (n *Node) Row(client *Client, key protocol.Key, version int16) (stage Stage, ok bool) {
	row := n.rows[key]
	if row == nil || version < row.Lowest || version > row.Max || key >= privateKeys && !client.own() || row.NodesOnly && !client.node() {
		return Barrier, false
	}
	return row.Stage, true
}

// Start begins a call, in the ordered stage of its connection.
func (n *Node) Start(c *Call) { n.rows[c.Key].Start(n, c) }

// hosted finds a partition that this node leads, or says why not: by the topic's id if byID, else by its name.
func (n *Node) hosted(byID bool, name string, id protocol.UUID, index int32) (*partition.Partition, error) {
	var p *partition.Partition
	if byID {
		p = n.Partitions.FindByID(id, index)
	} else {
		p = n.Partitions.Find(name, index)
	}
	if p != nil {
		return p, nil
	}
	topic := n.topic(byID, name, id)
	switch {
	case topic == nil && byID:
		return nil, protocol.Fail(protocol.UnknownTopicID, "no topic has the id %s", id)
	case topic == nil:
		return nil, protocol.Fail(protocol.UnknownTopicOrPartition, "there is no topic %q", name)
	case topic.Partition(index) == nil:
		return nil, protocol.Fail(protocol.UnknownTopicOrPartition, "topic %s has %d partitions, no partition %d", topic.Name, topic.Len(), index)
	}
	return nil, protocol.Fail(protocol.NotLeaderOrFollower, "node %d does not lead %s-%d", n.Self, topic.Name, index)
}

// topic finds a topic in the image, nil if there is none: by its id if byID, else by its name.
func (n *Node) topic(byID bool, name string, id protocol.UUID) *metadata.Topic {
	if byID {
		return n.Image().TopicByID(id)
	}
	return n.Image().Topic(name)
}

// internalTopic says whether only the brokers write a topic.
func (n *Node) internalTopic(name string) bool { return metadata.InternalTopic(name) }

// Rights as a bit field, as responses give them on request (KIP-430). There is no authorizer yet, so everybody has
// every right that the kind of resource knows. Bits are the numbers of Kafka's AclOperation.
const (
	topicRights   = 1<<3 | 1<<4 | 1<<5 | 1<<6 | 1<<7 | 1<<8 | 1<<10 | 1<<11
	groupRights   = 1<<3 | 1<<6 | 1<<8 | 1<<10 | 1<<11
	clusterRights = 1<<5 | 1<<7 | 1<<8 | 1<<9 | 1<<10 | 1<<11 | 1<<12
	rightsOmitted = -1 << 31
)

func rights(asked bool, all int32) int32 {
	if asked {
		return all
	}
	return rightsOmitted
}
