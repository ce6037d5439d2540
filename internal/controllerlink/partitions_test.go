package controllerlink

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
)

// altered is what became of a change.
type altered struct {
	done  bool
	state PartitionState
	err   error
	after time.Duration
}

func (c *cluster) alterISR(topic byte, partition int32, epoch metadata.PartitionEpoch, isr ...metadata.NodeID) *altered {
	change := PartitionChange{TopicID: protocol.UUID{topic}, Partition: partition, LeaderEpoch: 3, Epoch: epoch}
	for _, n := range isr {
		change.ISR = append(change.ISR, InSync{n, metadata.BrokerEpoch(n) * 10})
	}
	o, begun := &altered{}, time.Now()
	c.link.AlterPartition(change, func(state PartitionState, err error) {
		c.mu.Lock()
		defer c.mu.Unlock()
		if o.done {
			c.t.Errorf("done was called twice: %v, then %v", o.err, err)
		}
		*o = altered{true, state, err, time.Since(begun)}
	})
	return o
}

func (c *cluster) alterSettled(o *altered) altered {
	synctest.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	return *o
}

func (c *cluster) isISR(o *altered, epoch metadata.PartitionEpoch, isr ...metadata.NodeID) {
	c.t.Helper()
	got := c.alterSettled(o)
	if !got.done || got.err != nil || got.state.Epoch != epoch || !slices.Equal(got.state.ISR, isr) || got.state.Leader != self || got.state.LeaderEpoch != 3 {
		c.t.Errorf("want partition epoch %d and ISR %v, have %+v", epoch, isr, got)
	}
}

func (c *cluster) notAltered(o *altered, code protocol.Code, words ...string) {
	c.t.Helper()
	got := c.alterSettled(o)
	if !got.done || protocol.CodeOf(got.err) != code {
		c.t.Errorf("want %v, have %+v", code, got)
		return
	}
	for _, word := range words {
		if !strings.Contains(got.err.Error(), word) {
			c.t.Errorf("the error has no %q: %v", word, got.err)
		}
	}
}

// partitionsAt makes partitions 0 to n-1 of topic 1, at partition epoch 5.
func (c *cluster) partitionsAt(n int32) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for p := range n {
		c.isrs[partitionKey{protocol.UUID{1}, p}] = &PartitionState{Leader: self, LeaderEpoch: 3, Epoch: 5}
	}
}

func TestOneRequestTakesAllThatWaits(t *testing.T) {
	inCluster(t, nil, func(c *cluster) {
		time.Sleep(time.Second)
		c.partitionsAt(3)
		c.takeTrace()
		c.once(protocol.KeyAlterPartition, unheard) // so that the rest waits
		first := c.alterISR(1, 0, 5, 1, 2)
		synctest.Wait()
		second, third, stale, unknown := c.alterISR(1, 1, 5, 1, 3), c.alterISR(1, 2, 5, 1), c.alterISR(2, 0, 9, 1), c.alterISR(1, 0, 4, 1)
		synctest.Wait()
		c.expect()
		c.network.CutAll()
		time.Sleep(100 * time.Millisecond) // the pause of the connection, on which nothing was answered
		trace := c.takeTrace()
		if strings.Count(trace, "AlterPartition") != 1 ||
			!strings.Contains(trace, "AlterPartition v3 epoch=100 1-1@5[{1 10} {3 30}] 1-2@5[{1 10}] 1-0@4[{1 10}] 2-0@9[{1 10}] -> NONE") {
			t.Errorf("trace:\n%s", trace)
		}
		c.isISR(second, 6, 1, 3)
		c.isISR(third, 6, 1)
		c.notAltered(stale, protocol.UnknownTopicID, "partition 0", "partition epoch 9")
		c.notAltered(unknown, protocol.InvalidUpdateVersion, "partition epoch 4")
		c.notAltered(first, protocol.RequestTimedOut, "may have been made", "partition epoch 4")
	})
}

func TestNewestChangeWins(t *testing.T) {
	inCluster(t, nil, func(c *cluster) {
		time.Sleep(time.Second)
		c.partitionsAt(2)
		c.lead(metadata.NoNode)
		c.takeTrace()
		var older []*altered
		for i := range 10 {
			older = append(older, c.alterISR(1, 0, 5, 1, metadata.NodeID(i+10)))
		}
		newest, other := c.alterISR(1, 0, 5, 1, 4), c.alterISR(1, 1, 5, 1)
		for _, o := range older {
			c.notAltered(o, protocol.OperationNotAttempted, "newer change")
		}
		c.lead(2)
		c.isISR(newest, 6, 1, 4)
		c.isISR(other, 6, 1)
		if trace := c.takeTrace(); strings.Count(trace, "AlterPartition") != 1 {
			t.Errorf("trace:\n%s", trace)
		}
	})
}

// Errors of the whole: the registration is renewed where that helps, and the changes arrive with it.
func TestWholeRequestFails(t *testing.T) {
	inCluster(t, nil, func(c *cluster) {
		time.Sleep(time.Second)
		c.partitionsAt(4)
		c.set(func() {
			c.brokers[1].epoch, c.brokers[1].offset = 150, c.offset+1
			c.commit()
		})
		o := c.alterISR(1, 0, 5, 1)
		time.Sleep(200 * time.Millisecond)
		c.isISR(o, 6, 1)
		if s := c.link.State(); s.Epoch != 150 {
			t.Errorf("the state is %+v", s)
		}
		for i, code := range []protocol.Code{protocol.NotController, protocol.UnknownServerError} {
			c.set(func() { c.refuse[protocol.KeyAlterPartition] = code })
			o := c.alterISR(1, int32(i+1), 5, 1)
			time.Sleep(3 * time.Second)
			if c.alterSettled(o).done {
				t.Errorf("%v: %+v", code, c.alterSettled(o))
			}
			c.set(func() { delete(c.refuse, protocol.KeyAlterPartition) })
			time.Sleep(time.Second)
			c.isISR(o, 6, 1)
		}
		if n := strings.Count(c.takeTrace(), "AlterPartition"); n > 30 {
			t.Errorf("%d requests", n)
		}
		c.once(protocol.KeyAlterPartition, lostAfter) // it was made, and the second attempt says so
		o = c.alterISR(1, 3, 5, 1)
		time.Sleep(time.Second)
		c.notAltered(o, protocol.InvalidUpdateVersion)
	})
}

func TestChangesAreLate(t *testing.T) {
	inCluster(t, func(c *Config) { c.RequestTimeout = 5 * time.Second }, func(c *cluster) {
		time.Sleep(time.Second)
		c.partitionsAt(3)
		c.lead(metadata.NoNode)
		first := c.alterISR(1, 0, 5, 1)
		time.Sleep(2 * time.Second)
		second, replaced := c.alterISR(1, 1, 5, 1), c.alterISR(1, 2, 5, 1)
		time.Sleep(2 * time.Second)
		newer := c.alterISR(1, 2, 5, 1, 2)
		time.Sleep(time.Second)
		c.notAltered(first, protocol.RequestTimedOut, "within 5s", "no controller is known")
		c.notAltered(replaced, protocol.OperationNotAttempted)
		if got := c.alterSettled(first).after; got != 5*time.Second {
			t.Errorf("it came after %v", got)
		}
		time.Sleep(2 * time.Second)
		c.notAltered(second, protocol.RequestTimedOut)
		c.lead(3)
		c.isISR(newer, 6, 1, 2)
	})
}

func TestUnregisteredBrokerChangesNothing(t *testing.T) {
	inCluster(t, func(c *Config) {
		c.Local.(*cluster).refuse[protocol.KeyBrokerRegistration] = protocol.DuplicateBrokerRegistration
	}, func(c *cluster) {
		c.partitionsAt(1)
		o := c.alterISR(1, 0, 5, 1)
		time.Sleep(3 * time.Second)
		if trace := c.takeTrace(); strings.Contains(trace, "AlterPartition") {
			t.Errorf("trace:\n%s", trace)
		}
		c.set(func() { delete(c.refuse, protocol.KeyBrokerRegistration) })
		time.Sleep(time.Second)
		c.isISR(o, 6, 1)
	})
}

func TestCloseFailsChanges(t *testing.T) {
	inCluster(t, nil, func(c *cluster) {
		time.Sleep(time.Second)
		c.partitionsAt(2)
		c.once(protocol.KeyAlterPartition, silent)
		sent := c.alterISR(1, 0, 5, 1)
		synctest.Wait()
		waits := c.alterISR(1, 1, 5, 1)
		_ = c.link.Close()
		c.notAltered(sent, protocol.NotController, "shutting down")
		c.notAltered(waits, protocol.NotController, "shutting down")
		c.notAltered(c.alterISR(1, 1, 5, 1), protocol.NotController)
	})
}

// Before version 3 an ISR has no broker epochs.
func TestBothFormsOfTheISR(t *testing.T) {
	changes := []*change{
		{PartitionChange: PartitionChange{TopicID: protocol.UUID{1}, Partition: 4, LeaderEpoch: 2, Epoch: 7, ISR: []InSync{{1, 10}, {2, metadata.NoBrokerEpoch}}, Recovering: true}},
		{PartitionChange: PartitionChange{TopicID: protocol.UUID{2}, Partition: 0, ISR: []InSync{{1, 10}}}},
		{PartitionChange: PartitionChange{TopicID: protocol.UUID{1}, Partition: 5, ISR: []InSync{{1, 10}}}},
	}
	for version := int16(2); version <= 3; version++ {
		b := protocol.AppendMessage(nil, encode(self, 10, changes), version)
		got := protocol.NewAlterPartitionRequest()
		if err := got.Decode(protocol.NewReader(b, protocol.Limits{}), version); err != nil {
			t.Fatal(err)
		}
		if got.BrokerID != 1 || got.BrokerEpoch != 10 || len(got.Topics) != 2 || len(got.Topics[0].Partitions) != 2 || got.Topics[1].TopicID != (protocol.UUID{2}) {
			t.Fatalf("v%d: %+v", version, got)
		}
		p := got.Topics[0].Partitions[0]
		if p.PartitionIndex != 4 || p.LeaderEpoch != 2 || p.PartitionEpoch != 7 || p.LeaderRecoveryState != 1 {
			t.Errorf("v%d: %+v", version, p)
		}
		if version == 2 && !slices.Equal(p.NewIsr, []int32{1, 2}) ||
			version == 3 && !slices.Equal(p.NewIsrWithEpochs, []protocol.AlterPartitionRequestBrokerState{{BrokerID: 1, BrokerEpoch: 10}, {BrokerID: 2, BrokerEpoch: -1}}) {
			t.Errorf("v%d: %+v", version, p)
		}
	}
}

func TestErrorsAreFound(t *testing.T) {
	if !isNotSent(errNobody) || !isNotSent(errClosing) || isNotSent(errors.New("other")) {
		t.Error("what was never sent is not told from the rest")
	}
}
