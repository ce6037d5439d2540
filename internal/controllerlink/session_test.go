package controllerlink

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
)

// expect compares what has happened since the last time, line by line.
func (c *cluster) expect(want ...string) {
	c.t.Helper()
	if trace := c.takeTrace(); trace != strings.Join(want, "\n") {
		c.t.Errorf("want\n%s\nhave\n%s", strings.Join(want, "\n"), trace)
	}
}

func TestLifeOfABroker(t *testing.T) {
	inCluster(t, nil, func(c *cluster) {
		c.expect(
			"0s node 2: BrokerRegistration cluster=cluster-a rack=north listeners=1 dirs=1 previous=-1 -> NONE",
			"0s state: {Epoch:100 Fenced:true}",
			"0s node 2: BrokerHeartbeat epoch=100 offset=100 -> NONE fenced=false should shutdown=false",
			"0s state: {Epoch:100 Fenced:false}",
		)
		time.Sleep(4 * time.Second)
		c.expect(
			"2s node 2: BrokerHeartbeat epoch=100 offset=100 -> NONE fenced=false should shutdown=false",
			"4s node 2: BrokerHeartbeat epoch=100 offset=100 -> NONE fenced=false should shutdown=false",
		)
		time.Sleep(time.Second)
		c.network.CutAll() // a heartbeat at once
		c.expect("5s node 2: BrokerHeartbeat epoch=100 offset=100 -> NONE fenced=false should shutdown=false")
		time.Sleep(time.Second)
		c.lead(3)
		c.expect("6s node 3: BrokerHeartbeat epoch=100 offset=101 -> NONE fenced=false should shutdown=false")
		if n := c.nodes[2].Open(); n != 0 {
			t.Errorf("%d connections to the node that led before are open", n)
		}
		time.Sleep(500 * time.Millisecond)
		c.lead(self)
		c.expect("6.5s node 1: BrokerHeartbeat epoch=100 offset=102 -> NONE fenced=false should shutdown=false")
		c.mu.Lock()
		c.brokers[1].fenced = true // as when a session has ended
		c.commit()
		c.mu.Unlock()
		time.Sleep(2 * time.Second)
		c.expect("8.5s node 1: BrokerHeartbeat epoch=100 offset=103 -> NONE fenced=false should shutdown=false")
		if s := c.link.State(); s != (State{100, false}) {
			t.Errorf("the state is %+v", s)
		}
	})
}

// A log directory that is offline is told at once, and with each heartbeat.
func TestOfflineDirectory(t *testing.T) {
	inCluster(t, nil, func(c *cluster) {
		time.Sleep(500 * time.Millisecond)
		c.takeTrace()
		c.link.Offline(protocol.UUID{15: 7})
		time.Sleep(2 * time.Second)
		c.expect(
			"500ms node 2: BrokerHeartbeat epoch=100 offset=100 offline=1 -> NONE fenced=false should shutdown=false",
			"2.5s node 2: BrokerHeartbeat epoch=100 offset=100 offline=1 -> NONE fenced=false should shutdown=false",
		)
	})
}

// The epoch of a process that ended cleanly goes into the first registration, that of the registration which was lost into the
// next.
func TestPreviousBrokerEpoch(t *testing.T) {
	inCluster(t, func(c *Config) { c.Register.PreviousBrokerEpoch = 42 }, func(c *cluster) {
		if trace := c.takeTrace(); !strings.Contains(trace, "BrokerRegistration cluster=cluster-a rack=north listeners=1 dirs=1 previous=42 -> NONE") {
			t.Error(trace)
		}
		c.set(func() { delete(c.brokers, 1) })
		time.Sleep(3 * time.Second)
		if trace := c.takeTrace(); !strings.Contains(trace, "BrokerRegistration cluster=cluster-a rack=north listeners=1 dirs=1 previous=100 -> NONE") {
			t.Error(trace)
		}
	})
}

// The broker is unfenced as soon as it has caught up with its own registration, not at the next beat.
func TestCatchingUp(t *testing.T) {
	for shown, unhooked := range map[string]bool{"335ms": false, "340ms": true} { // told of images, and looking for them
		t.Run(shown, func(t *testing.T) {
			inCluster(t, func(c *Config) { c.Local.(*cluster).lag, c.Local.(*cluster).unhooked = 335*time.Millisecond, unhooked }, func(c *cluster) {
				time.Sleep(500 * time.Millisecond)
				c.expect(
					"0s node 2: BrokerRegistration cluster=cluster-a rack=north listeners=1 dirs=1 previous=-1 -> NONE",
					"0s state: {Epoch:100 Fenced:true}",
					"0s node 2: BrokerHeartbeat epoch=100 offset=99 -> NONE fenced=true should shutdown=false",
					"100ms node 2: BrokerHeartbeat epoch=100 offset=99 -> NONE fenced=true should shutdown=false",
					"200ms node 2: BrokerHeartbeat epoch=100 offset=99 -> NONE fenced=true should shutdown=false",
					"300ms node 2: BrokerHeartbeat epoch=100 offset=99 -> NONE fenced=true should shutdown=false",
					shown+" node 2: BrokerHeartbeat epoch=100 offset=100 -> NONE fenced=false should shutdown=false",
					shown+" state: {Epoch:100 Fenced:false}",
				)
			})
		})
	}
}

func TestRegistrationIsRenewed(t *testing.T) {
	inCluster(t, nil, func(c *cluster) {
		time.Sleep(time.Second)
		c.takeTrace()
		c.set(func() { delete(c.brokers, 1) })
		time.Sleep(time.Second)
		c.expect(
			"2s node 2: BrokerHeartbeat epoch=100 offset=100 -> BROKER_ID_NOT_REGISTERED fenced=true should shutdown=false",
			"2s state: {Epoch:-1 Fenced:true}",
			"2s node 2: BrokerRegistration cluster=cluster-a rack=north listeners=1 dirs=1 previous=100 -> NONE",
			"2s state: {Epoch:101 Fenced:true}",
			"2s node 2: BrokerHeartbeat epoch=101 offset=101 -> NONE fenced=false should shutdown=false",
			"2s state: {Epoch:101 Fenced:false}",
		)
		c.set(func() {
			c.brokers[1].epoch, c.brokers[1].offset = 102, c.offset+1
			c.commit()
		})
		time.Sleep(2 * time.Second)
		c.expect(
			"4s node 2: BrokerHeartbeat epoch=101 offset=102 -> STALE_BROKER_EPOCH fenced=true should shutdown=false",
			"4s state: {Epoch:-1 Fenced:true}",
			"4s node 2: BrokerRegistration cluster=cluster-a rack=north listeners=1 dirs=1 previous=101 -> NONE",
			"4s state: {Epoch:102 Fenced:true}",
			"4s node 2: BrokerHeartbeat epoch=102 offset=102 -> NONE fenced=false should shutdown=false",
			"4s state: {Epoch:102 Fenced:false}",
		)
	})
}

// A controller that takes the registration and refuses each heartbeat is not asked without end.
func TestRegistrationThatDoesNotHold(t *testing.T) {
	inCluster(t, nil, func(c *cluster) {
		c.set(func() { c.refuse[protocol.KeyBrokerHeartbeat] = protocol.StaleBrokerEpoch })
		time.Sleep(10 * time.Second)
		if n := strings.Count(c.takeTrace(), "BrokerRegistration"); n < 5 || n > 40 {
			t.Errorf("%d registrations in 10 s", n)
		}
	})
}

func TestRegistrationThatIsRefused(t *testing.T) {
	for code, words := range map[protocol.Code][]string{
		protocol.DuplicateBrokerRegistration: {"another process is registered as broker 1", "waits until the session of that one ends", "9s", "node.id"},
		protocol.InconsistentClusterID:       {"does not take this broker's registration", "INCONSISTENT_CLUSTER_ID"},
		protocol.NotController:               {"cannot be reached", "NOT_CONTROLLER"},
	} {
		t.Run(code.String(), func(t *testing.T) {
			inCluster(t, func(c *Config) { c.Local.(*cluster).refuse[protocol.KeyBrokerRegistration] = code }, func(c *cluster) {
				time.Sleep(10 * time.Second)
				if n := strings.Count(c.takeTrace(), "-> "+code.String()); n < 5 || n > 40 {
					t.Errorf("%d registrations in 10 s", n)
				}
				log := c.out.String()
				if n := strings.Count(log, words[0]); n != 1 {
					t.Errorf("it is in the log %d times:\n%s", n, log)
				}
				for _, word := range words {
					if !strings.Contains(log, word) {
						t.Errorf("the log has no %q:\n%s", word, log)
					}
				}
				c.set(func() { delete(c.refuse, protocol.KeyBrokerRegistration) })
				time.Sleep(time.Second)
				synctest.Wait()
				if s := c.link.State(); s.Fenced || s.Epoch != 100 {
					t.Errorf("the state is %+v", s)
				}
			})
		})
	}
}

// A controller that is silent, gone or not elected: the broker goes on trying and is back as soon as there is one.
func TestControllerIsAway(t *testing.T) {
	inCluster(t, nil, func(c *cluster) {
		time.Sleep(3 * time.Second)
		c.faulty(func(metadata.NodeID, protocol.Message) fault { return unheard })
		time.Sleep(4 * time.Second) // the heartbeat of second 4 is given up at 8.5 s
		c.takeTrace()
		c.faulty(nil)
		time.Sleep(1600 * time.Millisecond)
		c.expect("8.5s node 2: BrokerHeartbeat epoch=100 offset=100 -> NONE fenced=false should shutdown=false")
		c.stop(2)
		time.Sleep(10 * time.Second)
		c.expect()
		c.start(2)
		time.Sleep(1100 * time.Millisecond) // the longest pause of a connection, and that of a heartbeat
		if trace := c.takeTrace(); strings.Count(trace, "BrokerHeartbeat") != 1 {
			t.Errorf("after it is back:\n%s", trace)
		}
		c.lead(metadata.NoNode)
		time.Sleep(10 * time.Second)
		c.expect()
		c.lead(4)
		if trace := c.takeTrace(); !strings.Contains(trace, "node 4: BrokerHeartbeat") {
			t.Errorf("after an election:\n%s", trace)
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		if log := c.out.String(); !strings.Contains(log, "the controller cannot be reached") || strings.Contains(log, "broker=") {
			t.Errorf("who has several brokers in a process says by itself which one a line is of:\n%s", log) // skein dev
		}
	})
}

// Without LeaderChanged the broker finds the new leader with the next beat, even while the old one owes an answer.
func TestLeaderIsFound(t *testing.T) {
	inCluster(t, nil, func(c *cluster) {
		time.Sleep(3 * time.Second)
		c.set(func() { c.unhooked = true })
		c.faulty(func(node metadata.NodeID, _ protocol.Message) fault {
			if node == 2 {
				return unheard
			}
			return works
		})
		time.Sleep(1500 * time.Millisecond)
		c.takeTrace()
		c.lead(3)
		time.Sleep(2 * time.Second)
		if trace := c.takeTrace(); !strings.Contains(trace, "node 3: BrokerHeartbeat") {
			t.Errorf("trace:\n%s", trace)
		}
	})
}

func TestLeave(t *testing.T) {
	inCluster(t, nil, func(c *cluster) {
		time.Sleep(time.Second)
		c.takeTrace()
		c.set(func() { c.leads = 3 })
		if err := c.link.Leave(context.Background()); err != nil {
			t.Fatal(err)
		}
		c.expect(
			"1s node 2: BrokerHeartbeat epoch=100 offset=100 want shutdown -> NONE fenced=false should shutdown=false",
			"1.1s node 2: BrokerHeartbeat epoch=100 offset=100 want shutdown -> NONE fenced=false should shutdown=false",
			"1.2s node 2: BrokerHeartbeat epoch=100 offset=100 want shutdown -> NONE fenced=true should shutdown=true",
			"1.2s state: {Epoch:100 Fenced:true}",
		)
		time.Sleep(10 * time.Second)
		c.lead(3)
		c.expect() // nothing would make it a member again
		if err := c.link.Leave(context.Background()); err != nil {
			t.Errorf("again: %v", err)
		}
	})
}

func TestLeaveTakesTooLong(t *testing.T) {
	inCluster(t, nil, func(c *cluster) {
		time.Sleep(time.Second)
		c.set(func() { c.leads = 1000 })
		ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
		defer cancel()
		if err := c.link.Leave(ctx); protocol.CodeOf(err) != protocol.RequestTimedOut {
			t.Errorf("Leave: %v", err)
		}
	})
}

func TestLeaveUnregistered(t *testing.T) {
	inCluster(t, func(c *Config) {
		c.Local.(*cluster).refuse[protocol.KeyBrokerRegistration] = protocol.InvalidRegistration
	}, func(c *cluster) {
		time.Sleep(1500 * time.Millisecond)
		if err := c.link.Leave(context.Background()); err != nil {
			t.Errorf("Leave: %v", err)
		}
		c.takeTrace()
		time.Sleep(10 * time.Second)
		c.expect()
	})
}

// The registration is forgotten while the broker leaves: there is nothing to wait for.
func TestLeaveForgotten(t *testing.T) {
	inCluster(t, nil, func(c *cluster) {
		time.Sleep(time.Second)
		c.set(func() { delete(c.brokers, 1) })
		if err := c.link.Leave(context.Background()); err != nil {
			t.Errorf("Leave: %v", err)
		}
	})
}

func TestConfig(t *testing.T) {
	other := registration()
	other.BrokerID = 7
	local := &cluster{}
	address := func(metadata.NodeID) (string, bool) { return "", false }
	for name, c := range map[string]Config{
		"no quorum":       {NodeID: self, Address: address, Register: registration()},
		"no addresses":    {NodeID: self, Local: local, Register: registration()},
		"no registration": {NodeID: self, Local: local, Address: address},
		"another broker":  {NodeID: self, Local: local, Address: address, Register: other},
	} {
		if _, err := Open(c); err == nil {
			t.Errorf("%s: it opens", name)
		}
	}
}
