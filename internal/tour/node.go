package tour

import (
	"os"
	"strconv"
	"time"

	"github.com/skein-io/skein"
)

// Properties are those of the brokers that the tour starts: sessions may be short, so that nobody waits long, and
// heartbeats are answered at once, as Kafka does, so that each lane shows when its member learns of a rebalance.
func Properties() map[string]string {
	ms := func(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }
	return map[string]string{
		"group.initial.rebalance.delay.ms": ms(initialDelay),
		"group.min.session.timeout.ms":     ms(sessionMin),
		"group.heartbeat.hold.enable":      "false",
	}
}

// The session timeout and heartbeat interval of consumers whose sessions end in a scene.
const (
	Session   = 2 * time.Second
	Heartbeat = 400 * time.Millisecond
)

// Open starts what a scene needs.
func Open(s Scene) (*Broker, error) {
	if s.Cluster {
		return OpenCluster()
	}
	return OpenNode()
}

// OpenNode starts a broker on a free port of 127.0.0.1, with its data in a directory that Close removes.
func OpenNode() (*Broker, error) {
	dir, err := os.MkdirTemp("", "skein-tour-")
	if err != nil {
		return nil, err
	}
	node, err := skein.Open(skein.Config{DataDir: dir, Listen: "127.0.0.1:0", Properties: Properties()})
	if err != nil {
		_ = os.RemoveAll(dir)
		return nil, err
	}
	return &Broker{Bootstrap: node.Bootstrap(), Dial: dialTCP, Record: node.DumpGroups, Session: Session, Heartbeat: Heartbeat, Close: func() {
		_ = node.Close()
		_ = os.RemoveAll(dir)
	}}, nil
}

// Remote is a broker that runs already, and need not be skein. Its least session timeout is Kafka's default.
func Remote(bootstrap string) *Broker {
	return &Broker{Bootstrap: bootstrap, Dial: dialTCP, Session: 6 * time.Second, Heartbeat: time.Second, Keeps: true, Close: func() {}}
}
