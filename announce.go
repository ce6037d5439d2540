package skein

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
)

// announcer makes this node known to the leader of the metadata quorum: a new node becomes a member so, and one that has
// another address than before, or that was removed while it runs, is known again. It works when it is kicked, until the
// leader has answered; there is no goroutine otherwise.
//
// A leader that does not want the node is believed: while the node is being opened it gives up, later it asks again now and
// then, for somebody may mend what is wrong.
type announcer struct {
	parts  *parts
	ctx    context.Context // ends with stop
	cancel context.CancelFunc
	work   sync.WaitGroup

	refused step // the leader does not want the node; refusal says why

	mu      sync.Mutex
	begun   bool // there is a quorum to ask about
	running bool
	again   bool // it was kicked since it began to ask
	stopped bool
	last    error // why the last attempt came to nothing
	final   error
}

const (
	announcePauseMin = 20 * time.Millisecond // after the first attempt that came to nothing; it doubles
	announcePauseMax = time.Second
	refusedPause     = 10 * time.Second // after a refusal that the next attempt will hardly change
	askMax           = 5 * time.Second  // for one answer
)

func (a *announcer) init(p *parts) {
	a.parts, a.refused = p, newStep()
	a.ctx, a.cancel = context.WithCancel(context.Background())
}

// begin says that parts.quorum is there. It was open before, and may have kicked already.
func (a *announcer) begin() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.begun = true
	a.look()
}

// kick has the node announced. It does not wait.
func (a *announcer) kick() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.again = true
	a.look()
}

// look begins to ask if there is something to ask. The caller holds mu.
func (a *announcer) look() {
	if a.begun && a.again && !a.running && !a.stopped {
		a.running = true
		a.work.Go(a.run)
	}
}

func (a *announcer) stop() {
	a.mu.Lock()
	a.stopped = true
	a.mu.Unlock()
	a.cancel()
	a.work.Wait()
}

func (a *announcer) run() {
	for failures := 0; a.wanted(); {
		err := a.announce()
		if err == nil {
			failures = 0
			continue
		}
		failures++
		a.failed(err, failures)
		pause := min(announcePauseMin<<min(failures-1, 10), announcePauseMax)
		if refusal(err) {
			pause = refusedPause
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-a.ctx.Done():
			timer.Stop()
		}
	}
}

// wanted says whether there is something to ask, and that it is being asked.
func (a *announcer) wanted() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.running = (a.again || a.last != nil) && !a.stopped
	a.again, a.last = false, nil
	return a.running
}

func (a *announcer) failed(err error, failures int) {
	a.mu.Lock()
	a.last = err
	if refusal(err) && a.final == nil {
		a.final = err
		a.refused.take()
	}
	a.mu.Unlock()
	if failures&(failures-1) == 0 { // the first, second, fourth ...
		a.parts.logger.Info("the metadata quorum does not know yet that this node is here", "node", a.parts.self(), "attempts", failures, "cause", err)
	}
}

// trouble is why the node is not known yet, nil if nobody has said.
func (a *announcer) trouble() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.last
}

// refusal is why the leader does not want the node.
func (a *announcer) refusal() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.final
}

// refusal says whether the same question will have the same answer.
func refusal(err error) bool {
	switch protocol.CodeOf(err) {
	case protocol.InconsistentClusterID, protocol.InvalidRequest, protocol.InvalidVoterKey:
		return true
	}
	return false
}

// announce tells the leader once, wherever it is.
func (a *announcer) announce() error {
	p := a.parts
	cluster := p.dir.ClusterID()
	request := protocol.NewJoinQuorumRequest()
	request.ClusterID, request.NodeID, request.DirectoryID, request.Address = &cluster, p.broker.NodeID, p.dir.ID(), p.cluster.ways.own
	if leader, _, ok := p.quorum.Leader(); ok && leader == p.self() {
		return a.announceHere(request)
	}
	var failed error
	for _, address := range a.addresses() {
		response, err := askQuorum(a.ctx, p.cluster.peers, address, request)
		if err != nil {
			failed = errors.Join(failed, err)
			continue
		}
		known := a.learn(response)
		if response.ErrorCode == protocol.NotController && known != "" && known != address {
			if response, err = askQuorum(a.ctx, p.cluster.peers, known, request); err != nil {
				failed = errors.Join(failed, err)
				continue
			}
			a.learn(response)
		}
		if response.ErrorCode == protocol.None {
			return nil
		}
		failed = answerOf(address, response)
		if response.ErrorCode != protocol.NotController {
			return failed
		}
	}
	return failed
}

// announceHere tells the leader that is in this process: the others learn from its log where it is.
func (a *announcer) announceHere(request protocol.Message) error {
	answers := make(chan error, 1)
	a.parts.quorum.Submit(request, 0, func(message protocol.Message, err error) {
		if r, ok := message.(*protocol.JoinQuorumResponse); ok && err == nil && r.ErrorCode != protocol.None {
			err = answerOf("this node", r)
		}
		answers <- err
	})
	select {
	case err := <-answers:
		return err
	case <-a.ctx.Done():
		return context.Cause(a.ctx)
	}
}

// addresses are where to ask: the leader, if it is known, then whoever may know it.
func (a *announcer) addresses() []string {
	p := a.parts
	var all []string
	add := func(address string) {
		if address != "" && address != p.cluster.ways.own {
			all = append(all, address)
		}
	}
	if leader, _, ok := p.quorum.Leader(); ok {
		address, _ := p.cluster.ways.controller(leader)
		add(address)
		return all
	}
	for _, m := range p.quorum.Members() {
		if m.ID != p.self() {
			address, ok := p.cluster.ways.controller(m.ID)
			if !ok {
				address = m.Address
			}
			add(address)
		}
	}
	for _, address := range p.others() {
		add(address)
	}
	return all
}

// learn notes where the members are, and returns where the leader is, as far as is known.
func (a *announcer) learn(response *protocol.JoinQuorumResponse) (leader string) {
	for _, m := range response.Members {
		a.parts.cluster.ways.told(metadata.NodeID(m.NodeID), m.Address)
		if m.NodeID == response.LeaderID {
			leader = m.Address
		}
	}
	return leader
}
