package controllerlink

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
)

// history is what a seed does to a Link and what came of it: requests and changes at random times, while leaders come and
// go, connections are cut, answers are lost or held back, brokers are forgotten and the image lags. At the end all is well
// again for a while.
type history struct {
	c       *cluster
	random  *rand.Rand
	topics  map[string]*outcome
	changes []*altered
	wrong   []string
}

const (
	historySteps   = 150
	historyTimeout = 5 * time.Second
)

// play runs a seed and returns what is wrong with its history.
func play(t *testing.T, seed uint64, planted faults) []string {
	var wrong []string
	set := func(c *Config) { c.RequestTimeout, c.faults = historyTimeout, planted }
	inCluster(t, set, func(c *cluster) {
		h := &history{c: c, random: rand.New(rand.NewPCG(seed, 8)), topics: map[string]*outcome{}}
		c.mu.Lock()
		c.lag = time.Duration(h.random.IntN(100)) * time.Millisecond
		c.unhooked = h.random.IntN(4) == 0
		c.mu.Unlock()
		c.faulty(h.fault)
		for range historySteps {
			h.step()
		}
		h.heal()
		h.check()
		wrong = h.wrong
	})
	return wrong
}

func (h *history) fault(_ metadata.NodeID, message protocol.Message) fault {
	switch h.random.IntN(30) {
	case 0:
		return lostFirst
	case 1:
		return lostAfter
	case 2:
		return unheard
	case 3:
		return silent
	case 4:
		if message.Key() != protocol.KeyApiVersions {
			return held
		}
	}
	return works
}

func (h *history) chance(perCent int) bool {
	h.c.mu.Lock()
	defer h.c.mu.Unlock()
	return h.random.IntN(100) < perCent
}

func (h *history) number(n int) int {
	h.c.mu.Lock()
	defer h.c.mu.Unlock()
	return h.random.IntN(n)
}

func (h *history) step() {
	c := h.c
	if h.chance(40) {
		name := fmt.Sprint("t", len(h.topics))
		h.topics[name] = c.submit(createTopic(name), 7)
	}
	if h.chance(30) {
		h.alter(int32(h.number(5)))
	}
	switch h.number(40) {
	case 0, 1:
		c.lead(metadata.NodeID(h.number(4)) + 1) // this broker's node too
	case 2:
		c.lead(metadata.NoNode)
	case 3:
		c.network.CutAll()
	case 4:
		node := metadata.NodeID(h.number(3)) + 2
		c.stop(node)
		time.Sleep(time.Duration(h.number(500)) * time.Millisecond)
		c.start(node)
	case 5:
		c.mu.Lock()
		delete(c.brokers, int32(self))
		c.mu.Unlock()
	}
	if h.chance(20) {
		c.release()
	}
	time.Sleep(time.Duration(h.number(200)) * time.Millisecond)
}

// alter changes a partition from the epoch that the broker knows.
func (h *history) alter(partition int32) {
	c := h.c
	key := partitionKey{protocol.UUID{1}, partition}
	c.mu.Lock()
	if c.isrs[key] == nil {
		c.isrs[key] = &PartitionState{Leader: self, LeaderEpoch: 3, Epoch: 5}
	}
	epoch := c.isrs[key].Epoch
	c.mu.Unlock()
	h.changes = append(h.changes, c.alterISR(1, partition, epoch, self, metadata.NodeID(h.number(5))))
}

// heal ends all faults and waits until everything must have happened.
func (h *history) heal() {
	c := h.c
	c.faulty(nil)
	c.release()
	c.lead(3)
	time.Sleep(historyTimeout + showMax)
	synctest.Wait()
}

func (h *history) fail(format string, args ...any) {
	h.wrong = append(h.wrong, fmt.Sprintf(format, args...))
}

func (h *history) check() {
	c := h.c
	for name, o := range h.topics {
		got := c.settled(o)
		c.mu.Lock()
		topic := c.topics[name]
		c.mu.Unlock()
		h.checkTopic(name, got, topic)
	}
	for i, o := range h.changes {
		switch got := c.alterSettled(o); {
		case !got.done:
			h.fail("change %d has no answer", i)
		case got.after > historyTimeout+c.link.config.SessionTimeout:
			h.fail("change %d has its answer after %v", i, got.after)
		case got.err == nil && !slices.Contains(got.state.ISR, self):
			h.fail("change %d has an answer that is not its own: %+v", i, got.state)
		case got.err != nil && !slices.Contains([]protocol.Code{protocol.OperationNotAttempted, protocol.InvalidUpdateVersion, protocol.RequestTimedOut}, protocol.CodeOf(got.err)):
			h.fail("change %d: %v", i, got.err)
		}
	}
	state := c.link.State()
	c.mu.Lock()
	defer c.mu.Unlock()
	if b := c.brokers[int32(self)]; b == nil || b.fenced || state != (State{Epoch: metadata.BrokerEpoch(b.epoch)}) {
		h.fail("all is well; the broker is %+v, and thinks it is %+v", b, state)
	}
}

func (h *history) checkTopic(name string, got outcome, topic created) {
	if topic.times > 1 {
		h.fail("%s was sent %d times", name, topic.times)
	}
	switch {
	case !got.done:
		h.fail("%s has no answer", name)
	case got.after > historyTimeout+showMax:
		h.fail("%s has its answer after %v", name, got.after)
	case got.err != nil:
		if protocol.CodeOf(got.err) != protocol.RequestTimedOut {
			h.fail("%s: %v", name, got.err)
		}
	case got.response.(*protocol.CreateTopicsResponse).Topics[0].ErrorCode != protocol.None:
		h.fail("%s: %v", name, got.response.(*protocol.CreateTopicsResponse).Topics[0].ErrorCode)
	case topic.times != 1:
		h.fail("%s is said to be created, and was %d times", name, topic.times)
	case got.image < topic.offset && got.after < showMax/2:
		h.fail("%s was answered with the image at %d, before it was at %d", name, got.image, topic.offset)
	}
}

func TestRandomHistories(t *testing.T) {
	for seed := range uint64(40) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			for _, w := range play(t, seed, faults{}) {
				t.Error(w)
			}
		})
	}
}

// Each planted bug is noticed within a few seeds.
func TestPlantedBugs(t *testing.T) {
	for name, planted := range map[string]faults{
		"sends again what may have been carried out": {resendsUnknown: true},
		"answers before the image shows it":          {answersUnshown: true},
		"keeps a stale broker epoch":                 {keepsStaleEpoch: true},
		"forgets a change that was replaced":         {forgetsReplaced: true},
	} {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(20) {
				if wrong := play(t, seed, planted); len(wrong) > 0 {
					t.Logf("seed %d: %s", seed, wrong[0])
					return
				}
			}
			t.Error("20 seeds have not noticed it")
		})
	}
}
