package controllerlink

import (
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
)

// AlterPartition asks the controller to change the in-sync replicas of a partition. done is called once, from any
// goroutine, perhaps before AlterPartition returns; it must not wait. Of the changes of one partition that have not been
// sent, the newest counts: those before it get OPERATION_NOT_ATTEMPTED.
//
// One request is under way at a time and takes with it all that waits. An error of the request as a whole is tried again
// until RequestTimeout is over; then every change of it gets REQUEST_TIMED_OUT, which says nothing about whether it was
// made: the image will. Any other error is the controller's for that partition, such as INVALID_UPDATE_VERSION,
// FENCED_LEADER_EPOCH, INELIGIBLE_REPLICA, NEW_LEADER_ELECTED.
func (l *Link) AlterPartition(c PartitionChange, done func(PartitionState, error)) {
	l.partitions.add(&change{PartitionChange: c, done: done, deadline: l.config.now().Add(l.config.RequestTimeout)})
}

// change is a PartitionChange that has no answer yet.
type change struct {
	PartitionChange
	done     func(PartitionState, error)
	deadline time.Time
	replaced bool // by a newer one, and answered
}

// partitions is the queue of changes of in-sync replicas. A partition has at most one change in it and one under way, so
// it is bounded by the partitions that this broker leads.
type partitions struct {
	link   *Link
	way    *way
	worker *worker

	mu       sync.Mutex
	queue    []*change // oldest first, so that deadlines grow
	replaced int       // changes in queue that are
	waiting  map[partitionKey]*change
	asked    bool
	next     time.Time // no request before it
	failures int       // in a row
	cause    error     // of the last one
	closed   bool
}

func (q *partitions) init(l *Link) {
	*q = partitions{link: l, worker: newWorker(l, q.turn), waiting: map[partitionKey]*change{}}
	q.way = l.way(l.config.RequestTimeout, nil)
}

func (q *partitions) add(c *change) {
	q.mu.Lock()
	if q.closed {
		q.mu.Unlock()
		c.done(PartitionState{}, errClosing)
		return
	}
	replaced := q.waiting[c.key()]
	q.waiting[c.key()] = c
	q.queue = append(q.queue, c)
	if replaced != nil {
		replaced.replaced = true
		if q.replaced++; q.replaced > len(q.queue)/2 {
			q.compact()
		}
	}
	q.mu.Unlock()
	if replaced != nil && !q.link.config.faults.forgetsReplaced {
		replaced.done(PartitionState{}, replacedBy(c))
	}
	q.worker.look()
}

// compact takes out what was replaced. Called with mu held.
func (q *partitions) compact() {
	q.queue = slices.DeleteFunc(q.queue, func(c *change) bool { return c.replaced })
	q.replaced = 0
}

func replacedBy(c *change) *protocol.Error {
	return protocol.Fail(protocol.OperationNotAttempted, "a newer change of the in-sync replicas, from partition epoch %d, has taken the place of this one", c.Epoch)
}

// press makes the next request due now.
func (q *partitions) press() {
	q.mu.Lock()
	q.next = time.Time{}
	q.mu.Unlock()
	q.worker.look()
}

// turn sends what is due.
func (q *partitions) turn() time.Duration {
	for {
		late := q.expire(q.link.config.now())
		for _, c := range late {
			c.done(PartitionState{}, q.late())
		}
		batch, wait := q.due(q.link.config.now())
		if len(batch) == 0 {
			return wait
		}
		q.send(batch)
	}
}

// expire takes the changes out whose time is over.
func (q *partitions) expire(now time.Time) []*change {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.compact()
	n := 0
	for n < len(q.queue) && !q.queue[n].deadline.After(now) {
		delete(q.waiting, q.queue[n].key())
		n++
	}
	late := slices.Clone(q.queue[:n])
	q.queue = slices.Delete(q.queue, 0, n)
	return late
}

func (q *partitions) late() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	cause := q.cause
	if cause == nil {
		cause = errUnregistered
	}
	return protocol.Fail(protocol.RequestTimedOut, "the controller has not changed the in-sync replicas within %v: %w", q.link.config.RequestTimeout, cause)
}

// due takes the changes that are to be sent now, or says how long there is nothing to do.
func (q *partitions) due(now time.Time) ([]*change, time.Duration) {
	registered := q.link.State().Epoch != metadata.NoBrokerEpoch
	q.mu.Lock()
	defer q.mu.Unlock()
	q.compact()
	if q.asked || len(q.queue) == 0 || !registered {
		return nil, q.rest(now)
	}
	if now.Before(q.next) {
		return nil, min(q.next.Sub(now), q.rest(now))
	}
	batch := slices.Clone(q.queue[:min(len(q.queue), ChangesMax)])
	q.queue = slices.Delete(q.queue, 0, len(batch))
	for _, c := range batch {
		delete(q.waiting, c.key())
	}
	q.asked = true
	return batch, 0
}

// rest is the time until a change is late. Called with mu held.
func (q *partitions) rest(now time.Time) time.Duration {
	if len(q.queue) == 0 {
		return restMax
	}
	return max(0, q.queue[0].deadline.Sub(now))
}

func (q *partitions) send(batch []*change) {
	request := encode(q.link.config.NodeID, q.link.State().Epoch, batch)
	q.way.ask(request, highest, func(a answer) { q.answered(batch, a) }, nil)
}

// answered gives each partition its answer, or puts all back for another attempt.
func (q *partitions) answered(batch []*change, a answer) {
	err := a.err
	if err == nil {
		if code, _ := wholeError(a.response); code != protocol.None {
			err = protocol.Fail(code, "the controller refuses AlterPartition")
		}
	}
	if err != nil {
		q.failed(batch, err, a)
		return
	}
	q.mu.Lock()
	q.asked, q.failures, q.cause = false, 0, nil
	q.mu.Unlock()
	q.worker.look()
	states := map[partitionKey]*protocol.AlterPartitionResponsePartitionData{}
	response := a.response.(*protocol.AlterPartitionResponse)
	for _, topic := range response.Topics {
		for i := range topic.Partitions {
			states[partitionKey{topic.TopicID, topic.Partitions[i].PartitionIndex}] = &topic.Partitions[i]
		}
	}
	for _, c := range batch {
		switch p := states[c.key()]; {
		case p == nil:
			c.done(PartitionState{}, protocol.Fail(protocol.UnknownServerError, "the controller has not answered for partition %d of topic %v", c.Partition, c.TopicID))
		case p.ErrorCode != protocol.None:
			c.done(PartitionState{}, protocol.Fail(p.ErrorCode, "the controller does not change the in-sync replicas of partition %d of topic %v at leader epoch %d, partition epoch %d",
				c.Partition, c.TopicID, c.LeaderEpoch, c.Epoch))
		default:
			c.done(stateOf(p), nil)
		}
	}
}

// failed puts the changes back that have no newer one, in front, for another attempt. A registration that is not valid any
// more is the session's to renew.
func (q *partitions) failed(batch []*change, cause error, a answer) {
	if code := protocol.CodeOf(cause); code == protocol.StaleBrokerEpoch || code == protocol.BrokerIDNotRegistered {
		q.link.session.press()
	}
	q.mu.Lock()
	if q.closed {
		q.mu.Unlock()
		for _, c := range batch {
			c.done(PartitionState{}, errGone)
		}
		return
	}
	var kept, dropped []*change
	var newer []*change // of dropped
	for _, c := range batch {
		if n := q.waiting[c.key()]; n != nil {
			dropped, newer = append(dropped, c), append(newer, n)
		} else {
			kept = append(kept, c)
			q.waiting[c.key()] = c
		}
	}
	q.queue = append(kept, q.queue...)
	q.failures++
	q.asked, q.cause = false, cause
	q.next = q.link.config.now().Add(q.link.pause(q.failures, a.asked))
	if q.failures == 1 {
		q.link.config.Logger.Warn("changes of in-sync replicas have not reached the controller; they are tried again", "partitions", len(batch), "cause", cause)
	}
	q.mu.Unlock()
	q.worker.look()
	for i, c := range dropped {
		err := replacedBy(newer[i])
		if a.unknown() {
			err = protocol.Fail(protocol.RequestTimedOut, "the change may have been made, and a newer one, from partition epoch %d, is tried next: %w", newer[i].Epoch, cause)
		}
		c.done(PartitionState{}, err)
	}
}

var (
	errUnregistered = errors.New("this broker is not registered")
	errGone         = protocol.Fail(protocol.NotController, "this node is shutting down")
)

// failAll ends what waits when the Link is closed.
func (q *partitions) failAll() {
	q.mu.Lock()
	q.closed = true
	q.compact()
	all := q.queue
	q.queue, q.waiting = nil, map[partitionKey]*change{}
	q.mu.Unlock()
	for _, c := range all {
		c.done(PartitionState{}, errGone)
	}
}
