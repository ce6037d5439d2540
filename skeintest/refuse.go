package skeintest

import (
	"slices"
	"sync"

	"github.com/skein-io/skein/internal/api"
	"github.com/skein-io/skein/internal/protocol"
)

// Refuse lets the node answer clients' next requests of an API with an error, instead of doing what they ask: as many as
// times says, or, if that is not positive, all until Refusal.End. Both numbers are Kafka's own, such as
// kmsg.Produce.Int16() and kerr.NotLeaderForPartition.Code; every place of the answer that has room for an error gets
// it. Requests of other nodes are not refused. Nothing of a refused request is carried out, so an error after which clients
// do not know whether it was (such as REQUEST_TIMED_OUT) means here that it was not.
//
// A produce without acknowledgements has no answer: its connection is closed. A fetch that goes on with a fetch session
// names no partitions; it is told that the session is gone, and the one that follows counts. Several refusals of an API
// are used up one after the other. The test fails if the node does not offer the API to clients.
func (n *Node) Refuse(apiKey, errorCode int16, times int) *Refusal {
	n.t.Helper()
	key := protocol.Key(apiKey)
	if answersWith[key] == nil {
		n.t.Fatalf("skeintest: clients cannot send requests with the key %d (%s)", apiKey, key)
	}
	r := &Refusal{all: &n.faults.refusals, key: key, code: protocol.Code(errorCode), left: times, forever: times <= 0}
	r.all.mu.Lock()
	defer r.all.mu.Unlock()
	r.all.list = append(r.all.list, r)
	return r
}

// Refusal is a Refuse that may still be at work. Its methods may be called concurrently.
type Refusal struct {
	all     *refusals
	key     protocol.Key
	code    protocol.Code
	left    int
	forever bool
	count   int
}

// End takes the refusal back. What is asked from now on is done.
func (r *Refusal) End() {
	r.all.mu.Lock()
	defer r.all.mu.Unlock()
	r.remove()
}

// Count is how many requests were refused.
func (r *Refusal) Count() int {
	r.all.mu.Lock()
	defer r.all.mu.Unlock()
	return r.count
}

// remove is called with mu held.
func (r *Refusal) remove() {
	r.all.list = slices.DeleteFunc(r.all.list, func(other *Refusal) bool { return other == r })
}

// refusals are those of one node that are not used up, the oldest first.
type refusals struct {
	mu   sync.Mutex
	list []*Refusal
}

// answer answers a request that is to be refused, and says whether it was (skein.Config.Answer).
func (a *refusals) answer(c *api.Call) bool {
	if c.Client.SoftwareName == api.NodeSoftwareName {
		return false
	}
	fetch, isFetch := c.Request.(*protocol.FetchRequest)
	inSession := isFetch && fetch.SessionEpoch > 0
	code, refused := a.take(c.Key, inSession)
	if !refused {
		return false
	}
	if inSession {
		response := protocol.NewFetchResponse()
		response.ErrorCode = protocol.FetchSessionIDNotFound
		c.Reply(response)
		return true
	}
	if produce, ok := c.Request.(*protocol.ProduceRequest); ok && produce.Acks == 0 {
		c.Close("the test refuses it")
		return true
	}
	c.Reply(answersWith[c.Key](c.Request, code))
	return true
}

// take says whether a request is to be refused, and counts it unless another one has to come first.
func (a *refusals) take(key protocol.Key, another bool) (protocol.Code, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	i := slices.IndexFunc(a.list, func(r *Refusal) bool { return r.key == key })
	if i < 0 {
		return protocol.None, false
	}
	r := a.list[i]
	if another {
		return r.code, true
	}
	r.count++
	if r.left--; r.left == 0 && !r.forever {
		r.remove()
	}
	return r.code, true
}
