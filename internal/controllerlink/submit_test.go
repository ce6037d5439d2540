package controllerlink

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
)

// outcome is what became of a submitted request.
type outcome struct {
	done     bool
	response protocol.Message
	err      error
	after    time.Duration
	image    record.Offset // of the local image when done was called
}

func (c *cluster) submit(request protocol.Message, version int16) *outcome {
	o, begun := &outcome{}, time.Now()
	c.link.Submit(request, version, func(response protocol.Message, err error) {
		image := c.Image().Offset
		c.mu.Lock()
		defer c.mu.Unlock()
		if o.done {
			c.t.Errorf("done was called twice: %v, %v, then %v, %v", o.response, o.err, response, err)
		}
		*o = outcome{true, response, err, time.Since(begun), image}
	})
	return o
}

func createTopic(name string) protocol.Message {
	r := protocol.NewCreateTopicsRequest()
	topic := protocol.NewCreateTopicsRequestCreatableTopic()
	topic.Name = name
	r.Topics = append(r.Topics, topic)
	return r
}

func (c *cluster) settled(o *outcome) outcome {
	synctest.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	return *o
}

// created fails the test unless the topic was created once and the answer says so.
func (c *cluster) created(o *outcome, name string) {
	c.t.Helper()
	got := c.settled(o)
	r, ok := got.response.(*protocol.CreateTopicsResponse)
	if !ok || got.err != nil || len(r.Topics) != 1 || r.Topics[0].Name != name || r.Topics[0].ErrorCode != protocol.None {
		c.t.Errorf("%s: %+v", name, got)
	}
	c.times(name, 1)
}

// topicAt is where in the metadata log a topic was created.
func (c *cluster) topicAt(name string) record.Offset {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.topics[name].offset
}

func (c *cluster) times(name string, want int) {
	c.t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	if n := c.topics[name].times; n != want {
		c.t.Errorf("%s was created %d times, want %d", name, n, want)
	}
}

func (c *cluster) timedOut(o *outcome, after time.Duration, words ...string) {
	c.t.Helper()
	got := c.settled(o)
	if !got.done || protocol.CodeOf(got.err) != protocol.RequestTimedOut || got.after != after {
		c.t.Errorf("want REQUEST_TIMED_OUT after %v, have %+v", after, got)
		return
	}
	for _, word := range words {
		if !strings.Contains(got.err.Error(), word) {
			c.t.Errorf("the error has no %q: %v", word, got.err)
		}
	}
}

func (c *cluster) faulty(f func(node metadata.NodeID, message protocol.Message) fault) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fault = f
}

// once makes the next request of a key meet a fault.
func (c *cluster) once(key protocol.Key, what fault) {
	met := false
	c.faulty(func(_ metadata.NodeID, message protocol.Message) fault {
		if message.Key() != key || met {
			return works
		}
		met = true
		return what
	})
}

func TestHere(t *testing.T) {
	inCluster(t, nil, func(c *cluster) {
		c.lead(self)
		synctest.Wait()
		c.created(c.submit(createTopic("here"), 5), "here")
		if !strings.Contains(c.takeTrace(), "node 1: CreateTopics v5 here -> NONE") {
			t.Error("the controller of this process was not asked")
		}
		for node, n := range c.nodes {
			if n.Open() > 0 {
				t.Errorf("there is a connection to node %d", node)
			}
		}
	})
}

// The answer comes when the local image has what the controller had, with the hook or without.
func TestForwardedAndShown(t *testing.T) {
	for name, unhooked := range map[string]bool{"told of images": false, "looking for images": true} {
		t.Run(name, func(t *testing.T) {
			inCluster(t, nil, func(c *cluster) {
				synctest.Wait()
				c.set(func() { c.unhooked, c.lag = unhooked, 300*time.Millisecond })
				o := c.submit(createTopic("there"), 6)
				time.Sleep(299 * time.Millisecond)
				if c.settled(o).done {
					t.Error("the answer came before the image showed the topic")
				}
				c.times("there", 1)
				time.Sleep(time.Millisecond + pollPause)
				c.created(o, "there")
				if got := c.settled(o); got.image < c.topicAt("there") {
					t.Errorf("at the answer the image had offset %d, the topic has %d", got.image, c.topicAt("there"))
				}
				if !strings.Contains(c.takeTrace(), "node 2: CreateTopics v6 there -> NONE") {
					t.Error("it was not forwarded as it came")
				}
			})
		})
	}
}

// An answer for something that was done before waits for the image too: another broker may have done it a moment ago.
func TestErrorsAreShownToo(t *testing.T) {
	inCluster(t, nil, func(c *cluster) {
		synctest.Wait()
		c.set(func() {
			c.lag = time.Second
			c.topics["old"] = created{1, c.commit()}
		})
		o := c.submit(createTopic("old"), 7)
		time.Sleep(time.Second)
		if got := c.settled(o); got.err != nil || got.after < time.Second || got.response.(*protocol.CreateTopicsResponse).Topics[0].ErrorCode != protocol.TopicAlreadyExists {
			t.Errorf("%+v", got)
		}
	})
}

// This broker never catches up: the answer comes all the same, for the topic exists.
func TestNeverShown(t *testing.T) {
	inCluster(t, nil, func(c *cluster) {
		synctest.Wait()
		c.set(func() { c.lag = -1 })
		o := c.submit(createTopic("a"), 7)
		time.Sleep(showMax)
		c.created(o, "a")
		if got := c.settled(o).after; got != showMax {
			t.Errorf("it came after %v", got)
		}
	})
}

// The connection ends between the answer and the offset: the offset is asked for again, of another controller too.
func TestOffsetIsAskedAgain(t *testing.T) {
	for _, next := range []metadata.NodeID{2, 3, self} {
		t.Run(fmt.Sprint("then node ", next), func(t *testing.T) {
			inCluster(t, nil, func(c *cluster) {
				synctest.Wait()
				c.set(func() { c.lag = 100 * time.Millisecond })
				c.once(protocol.KeyApiVersions, lostFirst)
				o := c.submit(createTopic("a"), 7)
				if next != 2 {
					synctest.Wait()
					c.lead(next)
				}
				time.Sleep(time.Second)
				c.created(o, "a")
				if got := c.settled(o); got.after < 100*time.Millisecond && next != self || got.after > 300*time.Millisecond {
					t.Errorf("it came after %v", got.after)
				}
			})
		})
	}
}

func TestNobodyLeads(t *testing.T) {
	inCluster(t, func(c *Config) { c.RequestTimeout = 10 * time.Second }, func(c *cluster) {
		c.lead(metadata.NoNode)
		late := c.submit(createTopic("late"), 7)
		time.Sleep(5 * time.Second)
		o := c.submit(createTopic("a"), 7)
		time.Sleep(2 * time.Second)
		if c.settled(o).done {
			t.Fatal("it was answered by nobody")
		}
		c.set(func() { c.unhooked = true }) // the first attempt after the pause finds the leader
		c.lead(3)
		time.Sleep(pauseMax + pollPause)
		c.created(o, "a")
		c.created(late, "late")
		c.set(func() { c.unhooked = false })
		c.lead(metadata.NoNode)
		o = c.submit(createTopic("b"), 7)
		time.Sleep(3*time.Second + 3*time.Millisecond)
		c.lead(4) // and now it is asked at once
		c.created(o, "b")
		if got := c.settled(o).after; got != 3*time.Second+3*time.Millisecond {
			t.Errorf("it came after %v", got)
		}
		c.lead(metadata.NoNode)
		o = c.submit(createTopic("c"), 7)
		time.Sleep(10 * time.Second)
		c.timedOut(o, 10*time.Second, "CreateTopics", "no controller is known")
		c.times("c", 0)
	})
}

// The node that this one takes for the leader is none any more, or has not heard that it is.
func TestNotController(t *testing.T) {
	inCluster(t, nil, func(c *cluster) {
		synctest.Wait()
		c.set(func() { c.refuse[protocol.KeyCreateTopics] = protocol.NotController })
		o := c.submit(createTopic("a"), 7)
		time.Sleep(time.Second)
		if c.settled(o).done {
			t.Error("NOT_CONTROLLER was passed on")
		}
		c.set(func() { delete(c.refuse, protocol.KeyCreateTopics) })
		time.Sleep(pauseMax)
		c.created(o, "a")
		if n := strings.Count(c.takeTrace(), "CreateTopics"); n < 3 || n > 12 {
			t.Errorf("%d attempts in two seconds", n)
		}
	})
}

func TestLeaderCannotBeReached(t *testing.T) {
	inCluster(t, nil, func(c *cluster) {
		c.stop(2)
		o := c.submit(createTopic("a"), 7)
		time.Sleep(time.Second)
		if c.settled(o).done {
			t.Fatal("it was answered by nobody")
		}
		c.lead(3)
		c.created(o, "a")
		c.lead(9) // which has no address
		o = c.submit(createTopic("b"), 7)
		time.Sleep(time.Second)
		c.lead(4)
		c.created(o, "b")
	})
}

// The answer is lost: what may be repeated is, and what may not is not.
func TestLostAnswers(t *testing.T) {
	for name, what := range map[string]fault{"carried out": lostAfter, "not carried out": lostFirst} {
		t.Run(name, func(t *testing.T) {
			inCluster(t, nil, func(c *cluster) {
				synctest.Wait()
				c.once(protocol.KeyCreateTopics, what)
				o := c.submit(createTopic("a"), 7)
				c.timedOut(o, 0, "CreateTopics", "node 2", "nobody knows whether")
				time.Sleep(time.Minute)
				if what == lostAfter {
					c.times("a", 1)
				} else {
					c.times("a", 0)
				}
				c.once(protocol.KeyAllocateProducerIDs, what)
				var first int64
				var failure error
				c.link.AllocateProducerIDs(self, func(f int64, n int32, err error) { first, failure = f, err })
				time.Sleep(time.Second)
				synctest.Wait()
				want := int64(0)
				if what == lostAfter {
					want = 1000
				}
				if failure != nil || first != want {
					t.Errorf("producer ids from %d, want %d: %v", first, want, failure)
				}
			})
		})
	}
}

// The controller is cut off without a word: the request fails in time, and at once if another node is elected meanwhile and
// the old one does not answer soon.
func TestSilentController(t *testing.T) {
	inCluster(t, func(c *Config) { c.RequestTimeout = 10 * time.Second }, func(c *cluster) {
		synctest.Wait()
		c.once(protocol.KeyCreateTopics, silent)
		o := c.submit(createTopic("a"), 7)
		time.Sleep(10 * time.Second)
		c.timedOut(o, 10*time.Second, "CreateTopics", "may have carried it out")
		c.times("a", 1)
		c.once(protocol.KeyCreateTopics, unheard)
		o = c.submit(createTopic("b"), 7)
		time.Sleep(time.Second)
		c.lead(3)
		c.created(c.submit(createTopic("c"), 7), "c")
		time.Sleep(lingerMax)
		c.timedOut(o, time.Second+lingerMax, "nobody knows whether")
	})
}

// A node that has lost the election says that it did nothing, and is heard though another one leads already.
func TestOldLeaderStillSpeaks(t *testing.T) {
	inCluster(t, nil, func(c *cluster) {
		synctest.Wait()
		c.once(protocol.KeyCreateTopics, held)
		o := c.submit(createTopic("a"), 7)
		synctest.Wait()
		c.lead(3)
		time.Sleep(time.Second)
		c.release()
		time.Sleep(time.Second)
		c.created(o, "a")
	})
}

func TestProducerIDs(t *testing.T) {
	inCluster(t, nil, func(c *cluster) {
		time.Sleep(time.Second)
		type block struct {
			first int64
			count int32
			err   error
		}
		var got block
		allocate := func() block {
			got = block{}
			c.link.AllocateProducerIDs(self, func(first int64, count int32, err error) { got = block{first, count, err} })
			synctest.Wait()
			return got
		}
		for i := range int64(2) {
			if b := allocate(); b != (block{i * 1000, 1000, nil}) {
				t.Errorf("block %d: %+v", i, b)
			}
		}
		if trace := c.takeTrace(); !strings.Contains(trace, "AllocateProducerIds epoch=100 -> NONE") {
			t.Errorf("not with the broker's epoch:\n%s", trace)
		}
		c.set(func() { c.refuse[protocol.KeyAllocateProducerIDs] = protocol.StaleBrokerEpoch })
		if b := allocate(); protocol.CodeOf(b.err) != protocol.StaleBrokerEpoch {
			t.Errorf("refused: %+v", b)
		}
	})
}

func TestSubmitBounds(t *testing.T) {
	inCluster(t, nil, func(c *cluster) {
		c.lead(metadata.NoNode)
		var waiting []*outcome
		for range WaitingMax {
			waiting = append(waiting, c.submit(createTopic("x"), 7))
		}
		o := c.submit(createTopic("x"), 7)
		if got := c.settled(o); protocol.CodeOf(got.err) != protocol.ThrottlingQuotaExceeded {
			t.Errorf("%+v", got)
		}
		_ = c.link.Close()
		for _, o := range waiting {
			if got := c.settled(o); !got.done || protocol.CodeOf(got.err) != protocol.NotController {
				t.Fatalf("after Close: %+v", got)
			}
		}
		o = c.submit(createTopic("x"), 7)
		if got := c.settled(o); protocol.CodeOf(got.err) != protocol.NotController {
			t.Errorf("%+v", got)
		}
	})
}

// What the controller may have carried out is not called refused when the Link is closed.
func TestCloseWithRequestsUnderWay(t *testing.T) {
	inCluster(t, nil, func(c *cluster) {
		synctest.Wait()
		c.once(protocol.KeyCreateTopics, silent)
		o := c.submit(createTopic("a"), 7)
		synctest.Wait()
		_ = c.link.Close()
		c.timedOut(o, 0, "nobody knows whether")
	})
}

// Each response that a controller gives is looked at for NOT_CONTROLLER, wherever it stands.
func TestRefusals(t *testing.T) {
	reason := "node 3 is not the controller"
	for _, response := range []protocol.Message{
		&protocol.CreateTopicsResponse{Topics: []protocol.CreateTopicsResponseCreatableTopicResult{{ErrorCode: protocol.NotController, ErrorMessage: &reason}}},
		&protocol.DeleteTopicsResponse{Responses: []protocol.DeleteTopicsResponseDeletableTopicResult{{ErrorCode: protocol.NotController, ErrorMessage: &reason}}},
		&protocol.CreatePartitionsResponse{Results: []protocol.CreatePartitionsResponseTopicResult{{ErrorCode: protocol.NotController, ErrorMessage: &reason}}},
		&protocol.AlterConfigsResponse{Responses: []protocol.AlterConfigsResponseResourceResponse{{ErrorCode: protocol.NotController, ErrorMessage: &reason}}},
		&protocol.IncrementalAlterConfigsResponse{Responses: []protocol.IncrementalAlterConfigsResponseAlterConfigsResourceResponse{{ErrorCode: protocol.NotController, ErrorMessage: &reason}}},
		&protocol.ElectLeadersResponse{ErrorCode: protocol.NotController},
		&protocol.ElectLeadersResponse{ReplicaElectionResults: []protocol.ElectLeadersResponseReplicaElectionResult{
			{PartitionResult: []protocol.ElectLeadersResponsePartitionResult{{ErrorCode: protocol.NotController, ErrorMessage: &reason}}}}},
		&protocol.AlterPartitionReassignmentsResponse{ErrorCode: protocol.NotController, ErrorMessage: &reason},
		&protocol.ListPartitionReassignmentsResponse{ErrorCode: protocol.NotController, ErrorMessage: &reason},
		&protocol.UnregisterBrokerResponse{ErrorCode: protocol.NotController, ErrorMessage: &reason},
		&protocol.UpdateFeaturesResponse{ErrorCode: protocol.NotController, ErrorMessage: &reason},
		&protocol.AddRaftVoterResponse{ErrorCode: protocol.NotController, ErrorMessage: &reason},
		&protocol.RemoveRaftVoterResponse{ErrorCode: protocol.NotController, ErrorMessage: &reason},
		&protocol.DescribeQuorumResponse{ErrorCode: protocol.NotController, ErrorMessage: &reason},
		&protocol.AllocateProducerIDsResponse{ErrorCode: protocol.NotController},
		&protocol.AlterPartitionResponse{ErrorCode: protocol.NotController},
		&protocol.BrokerRegistrationResponse{ErrorCode: protocol.NotController},
		&protocol.BrokerHeartbeatResponse{ErrorCode: protocol.NotController},
	} {
		err := refusalOf(response)
		if protocol.CodeOf(err) != protocol.NotController || !strings.Contains(err.Error(), "is not the controller") {
			t.Errorf("%T: %v", response, err)
		}
		if err := refusalOf(protocol.NewResponse(response.Key())); err != nil {
			t.Errorf("%T without an error: %v", response, err)
		}
	}
}
