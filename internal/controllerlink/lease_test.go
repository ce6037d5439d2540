package controllerlink

import (
	"slices"
	"testing"
	"time"

	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
)

// TestLease: with a session of 9 s and a heartbeat each 2 s. What counts is when a heartbeat that was answered had been sent.
func TestLease(t *testing.T) {
	var told []string
	var begun time.Time
	note := func(held bool) {
		what := " over"
		if held {
			what = " held"
		}
		told = append(told, time.Since(begun).Round(100*time.Millisecond).String()+what)
	}
	inCluster(t, func(c *Config) { begun, c.OnLease = time.Now(), note }, func(c *cluster) {
		wants := func(want bool) {
			t.Helper()
			if got := c.link.Leased(time.Now()); got != want {
				t.Errorf("%v: leased %v", time.Since(begun), got)
			}
		}
		time.Sleep(5 * time.Second) // heartbeats at 0 s, 2 s and 4 s
		wants(true)
		c.lead(metadata.NoNode)
		time.Sleep(5*time.Second - time.Millisecond)
		wants(true)
		time.Sleep(2 * time.Millisecond)
		wants(false)
		if c.link.Leased(begun.Add(9*time.Second)) != true {
			t.Error("what was true has changed")
		}
		c.lead(3)
		time.Sleep(time.Millisecond)
		wants(true)

		// A heartbeat is sent at 12 s and answered at 15 s.
		c.set(func() {
			c.fault = func(_ metadata.NodeID, m protocol.Message) fault {
				if _, ok := m.(*protocol.BrokerHeartbeatRequest); ok {
					return held
				}
				return works
			}
		})
		time.Sleep(5 * time.Second)
		c.set(func() { c.fault = func(metadata.NodeID, protocol.Message) fault { return unheard } })
		c.release()
		time.Sleep(time.Millisecond)
		wants(true)
		time.Sleep(time.Until(begun.Add(18*time.Second - 50*time.Millisecond)))
		wants(true)
		time.Sleep(100 * time.Millisecond)
		wants(false)
	})
	if want := []string{"0s over", "0s held", "10s over", "10s held", "18s over"}; !slices.Equal(told, want) {
		t.Errorf("told %q, want %q", told, want)
	}
}
