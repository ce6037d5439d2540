package tour

import (
	"context"
	"encoding/json"
	"net"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/skein-io/skein/internal/disk"
	"github.com/skein-io/skein/internal/server/memnet"
	"github.com/skein-io/skein/internal/tour/text"
	"github.com/skein-io/skein/skeintest"
)

// inBubble starts a broker in memory whose clock a synctest bubble moves. The network of each client has its own delay,
// so that nothing happens at the same moment and a run is the same each time.
func inBubble(t *testing.T) *Broker {
	t.Helper()
	options := []skeintest.Option{skeintest.InMemory()}
	for name, value := range Properties() {
		options = append(options, skeintest.Set(name, value))
	}
	node := skeintest.Start(t, options...)
	return &Broker{Bootstrap: node.Bootstrap(), Dial: node.Dial, Record: node.Broker().DumpGroups, Session: Session, Heartbeat: Heartbeat,
		Lag: lag, Close: node.Stop}
}

// bubble starts what a scene needs.
func bubble(t *testing.T) func(Scene) (*Broker, error) {
	return func(s Scene) (*Broker, error) {
		if s.Cluster {
			return clusterInBubble(t), nil
		}
		return inBubble(t), nil
	}
}

// clusterInBubble starts three brokers in memory.
func clusterInBubble(t *testing.T) *Broker {
	t.Helper()
	network := &memnet.Network{}
	broker, err := openCluster(machines{dir: "data", dial: network.DialContext,
		listen: func(address string) (net.Listener, error) { return network.Listen("tcp", address) },
		disk: func(node int32) (disk.FS, error) {
			return disk.NewSimulated(disk.SimulatedOptions{Seed: uint64(node)}), nil
		}})
	if err != nil {
		t.Fatal(err)
	}
	broker.Lag = lag
	return broker
}

// lag of c1 is 1 ms, of c2 2 ms and so on.
func lag(client string) time.Duration {
	n, _ := strconv.Atoi(strings.TrimPrefix(client, "c"))
	return time.Duration(n) * time.Millisecond
}

// playInBubble plays one scene.
func playInBubble(t *testing.T, scene Scene, language string, view Viewer) Result {
	t.Helper()
	words, _ := text.Find(language)
	results, err := Run(context.Background(), []Scene{scene}, bubble(t), words, view)
	if err != nil {
		t.Fatal(err)
	}
	return results[0]
}

// TestCheck is `skein tour --check` on a clock that moves by itself: every fact of every scene holds.
func TestCheck(t *testing.T) {
	for _, scene := range Scenes() {
		t.Run(scene.Name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				result := playInBubble(t, scene, "en", Quiet{})
				if len(result.Facts) == 0 {
					t.Error("the scene has no facts")
				}
				if !result.OK {
					document, _ := json.MarshalIndent(result, "", "  ")
					t.Errorf("%s", document)
				}
			})
		})
	}
}
