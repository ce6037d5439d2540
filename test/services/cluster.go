package services

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Cluster is several brokers that are one Kafka cluster. Each has a folder of its own, is a voter of the metadata quorum,
// and can be ended and started again by itself.
type Cluster struct {
	// Nodes are the brokers with the ids 1, 2 and so on.
	Nodes []Broker
	// Controllers is host:port of every controller listener, with commas between, for --bootstrap-controller.
	Controllers string
}

// NewSkeinCluster prepares n brokers of the skein binary; nothing runs before Start.
func NewSkeinCluster(binary string, o Options, n int) (*Cluster, error) {
	return newCluster(o, n, func(o Options, controller string) (Broker, error) {
		s, err := NewSkein(binary, o)
		if err != nil {
			return nil, err
		}
		s.properties["listeners"] = "PLAINTEXT://" + s.addr + ",CONTROLLER://" + controller
		s.properties["controller.listener.names"] = "CONTROLLER"
		return s, nil
	})
}

// NewKafkaCluster prepares n nodes of Apache Kafka, each broker and controller; nothing runs before Start.
func NewKafkaCluster(o Options, n int, jvm JVM) (*Cluster, error) {
	return newCluster(o, n, func(o Options, controller string) (Broker, error) {
		k, err := NewKafka(o, jvm)
		if err != nil {
			return nil, err
		}
		k.controller = controller
		for _, topic := range []string{"offsets.topic", "transaction.state.log", "share.coordinator.state.topic"} {
			k.properties[topic+".replication.factor"] = strconv.Itoa(min(n, 3))
		}
		return k, nil
	})
}

// newCluster makes the nodes with what they have in common: the voters, and replication for all topics.
func newCluster(o Options, n int, node func(o Options, controller string) (Broker, error)) (*Cluster, error) {
	controllers := make([]string, n)
	voters := make([]string, n)
	for i := range n {
		port, err := FreePort()
		if err != nil {
			return nil, err
		}
		controllers[i] = net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
		voters[i] = fmt.Sprintf("%d@%s", i+1, controllers[i])
	}
	c := &Cluster{Controllers: strings.Join(controllers, ",")}
	for i := range n {
		own := o
		own.Dir, own.Port = filepath.Join(o.Dir, "node-"+strconv.Itoa(i+1)), 0
		own.Properties = maps.Clone(o.Properties)
		if own.Properties == nil {
			own.Properties = map[string]string{}
		}
		own.Properties["node.id"] = strconv.Itoa(i + 1)
		own.Properties["controller.quorum.voters"] = strings.Join(voters, ",")
		own.Properties["default.replication.factor"] = strconv.Itoa(min(n, 3))
		own.Properties["min.insync.replicas"] = strconv.Itoa(min(n, 2))
		one, err := node(own, controllers[i])
		if err != nil {
			return nil, err
		}
		c.Nodes = append(c.Nodes, one)
	}
	return c, nil
}

// Name is "skein" or "kafka".
func (c *Cluster) Name() string { return c.Nodes[0].Name() }

// Addr is host:port of every node, with commas between, as clients take it.
func (c *Cluster) Addr() string {
	var all []string
	for _, node := range c.Nodes {
		all = append(all, node.Addr())
	}
	return strings.Join(all, ",")
}

// Start starts all nodes that do not run, together: none is ready before most of them are there. It returns when each node
// tells clients of all.
func (c *Cluster) Start(ctx context.Context) error {
	err := c.each(func(node Broker) error {
		if node.PID() != 0 {
			return nil
		}
		return node.Start(ctx)
	})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	return c.each(func(node Broker) error {
		for {
			n, err := known(ctx, node.Addr())
			if err == nil && n == len(c.Nodes) {
				return nil
			}
			select {
			case <-ctx.Done():
				return fmt.Errorf("it knows %d of %d nodes (%w)", n, len(c.Nodes), errors.Join(err, ctx.Err()))
			case <-time.After(5 * time.Millisecond):
			}
		}
	})
}

// Stop sends SIGTERM to all nodes at once. It reports bad exits.
func (c *Cluster) Stop() error { return c.each(Broker.Stop) }

// Kill sends SIGKILL to all nodes and waits until they are gone.
func (c *Cluster) Kill() error { return c.each(Broker.Kill) }

func (c *Cluster) each(do func(Broker) error) error {
	failed := make([]error, len(c.Nodes))
	var wait sync.WaitGroup
	for i, node := range c.Nodes {
		wait.Go(func() {
			if err := do(node); err != nil {
				failed[i] = fmt.Errorf("node %d: %w", i+1, err)
			}
		})
	}
	wait.Wait()
	return errors.Join(failed...)
}
