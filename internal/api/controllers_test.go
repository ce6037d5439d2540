package api_test

import (
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/skein-io/skein/skeintest"
)

// TestDescribeControllers asks each node of a cluster for brokers and for controllers: here they are the same three.
func TestDescribeControllers(t *testing.T) {
	node := skeintest.Start(t, skeintest.InMemory(), skeintest.Nodes(3))
	for id := 1; id <= 3; id++ {
		w := dial(t, node.Node(id))
		var told [2]map[int32]int32 // ports by node
		for i, kind := range []int8{1, 2} {
			request := kmsg.NewPtrDescribeClusterRequest()
			request.EndpointType = kind
			response := ask[*kmsg.DescribeClusterResponse](w, request, 1)
			for tries := 0; len(response.Brokers) < 3 && tries < 6000; tries++ { // a node may see itself unfenced before the others
				time.Sleep(10 * time.Millisecond)
				response = ask[*kmsg.DescribeClusterResponse](w, request, 1)
			}
			if response.ErrorCode != 0 || response.EndpointType != kind || response.ControllerID < 1 || response.ControllerID > 3 {
				t.Errorf("node %d: endpoint type %d: error %d, type %d, controller %d", id, kind, response.ErrorCode, response.EndpointType, response.ControllerID)
			}
			told[i] = map[int32]int32{}
			for _, b := range response.Brokers {
				told[i][b.NodeID] = b.Port
			}
			if len(told[i]) != 3 {
				t.Errorf("node %d: endpoint type %d: %v, want three", id, kind, told[i])
			}
		}
		for broker, port := range told[0] {
			if told[1][broker] != port {
				t.Errorf("node %d: broker %d has port %d, the controller %d", id, broker, port, told[1][broker])
			}
		}
	}
}
