package api

import (
	"container/list"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
)

// Fetch sessions (KIP-227): a consumer that asks for the same partitions again and again names them once, and is
// answered with what changed. The epoch of a request says which of three things it wants.
const (
	sessionEpochInitial = 0  // begin a session
	sessionEpochFinal   = -1 // no session, or the end of one
	sessionIDNone       = 0
)

// sessionIdleMin is how long a session must have been unused before another may take its slot.
const sessionIdleMin = 2 * time.Minute

// sessionWeightMax bounds what all sessions hold together, in partitions: their number alone is no bound, for a client
// may add partitions, which need not exist, with each request. It is about 150 MB.
const sessionWeightMax = 500_000

// weight is how many partitions of usual names a partition counts for.
func (k *fetchKey) weight() int64 { return 1 + int64(len(k.topic))/256 }

// fetchKey names a partition as the request did: by id from version 13 on, by name before.
type fetchKey struct {
	topic     string
	topicID   protocol.UUID
	partition int32
}

// fetchPartition is what a client asks of one partition, and what it was last told.
type fetchPartition struct {
	fetchKey
	fetchOffset      record.Offset
	logStart         record.Offset // the follower's; -1 from a consumer
	currentEpoch     record.LeaderEpoch
	lastFetchedEpoch record.LeaderEpoch
	bytesMax         int32

	toldHighWatermark record.Offset
	toldLogStart      record.Offset
}

// fetchSession is one client's set of partitions, in the order in which they are served. mu is held by the one
// request that is using it.
type fetchSession struct {
	mu         sync.Mutex
	id         int32
	epoch      int32 // that the next request must carry
	byID       bool  // named by topic id
	weight     int64
	total      *atomic.Int64 // of the cache; nil once the session has ended
	order      *list.List
	partitions map[fetchKey]*list.Element // of *fetchPartition
}

// fetchSessions is the cache of sessions. Its methods may be called concurrently.
type fetchSessions struct {
	mu       sync.Mutex
	slots    int
	runtime  Runtime
	sessions map[int32]*list.Element // of *sessionSlot
	used     *list.List              // least recently used in front
	weight   atomic.Int64            // of all sessions
}

type sessionSlot struct {
	session *fetchSession
	used    time.Time
}

func newFetchSessions(slots int, r Runtime) *fetchSessions {
	return &fetchSessions{slots: slots, runtime: r, sessions: map[int32]*list.Element{}, used: list.New()}
}

// create makes a session for the partitions, or returns nil when every slot is in use or there are too many partitions:
// the client then simply sends whole requests. A follower takes a slot that is in use, for it asks for many partitions.
func (s *fetchSessions) create(partitions []*fetchPartition, byID, follower bool) *fetchSession {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.runtime.Clock()
	if s.weight.Load()+weightOf(partitions) > sessionWeightMax {
		return nil
	}
	if len(s.sessions) >= s.slots {
		front := s.used.Front()
		if front == nil || !follower && now.Sub(front.Value.(*sessionSlot).used) < sessionIdleMin {
			return nil
		}
		s.drop(front)
	}
	id := s.runtime.sessionID()
	for s.sessions[id] != nil {
		id = s.runtime.sessionID()
	}
	session := &fetchSession{id: id, epoch: 1, byID: byID, total: &s.weight, order: list.New(), partitions: make(map[fetchKey]*list.Element, len(partitions))}
	for _, p := range partitions {
		session.put(p)
	}
	s.sessions[id] = s.used.PushBack(&sessionSlot{session: session, used: now})
	return session
}

// find returns a session and marks it as used.
func (s *fetchSessions) find(id int32) *fetchSession {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, ok := s.sessions[id]
	if !ok {
		return nil
	}
	slot := e.Value.(*sessionSlot)
	slot.used = s.runtime.Clock()
	s.used.MoveToBack(e)
	return slot.session
}

// end closes a session; one that is not there is no error.
func (s *fetchSessions) end(id int32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e, ok := s.sessions[id]; ok {
		s.drop(e)
	}
}

// drop ends a session. A request that is using it may go on, and adds nothing to the cache's weight any more.
func (s *fetchSessions) drop(e *list.Element) {
	session := e.Value.(*sessionSlot).session
	delete(s.sessions, session.id)
	s.used.Remove(e)
	session.mu.Lock()
	defer session.mu.Unlock()
	session.total.Add(-session.weight)
	session.total = nil
}

func weightOf(partitions []*fetchPartition) (weight int64) {
	for _, p := range partitions {
		weight += p.weight()
	}
	return weight
}

// weigh adds to the session's weight, and to the cache's while the session is in it.
func (s *fetchSession) weigh(n int64) {
	s.weight += n
	if s.total != nil {
		s.total.Add(n)
	}
}

// hasRoom says whether partitions may be added. The caller holds mu.
func (s *fetchSession) hasRoom(partitions []*fetchPartition) bool {
	return s.total != nil && s.total.Load()+weightOf(partitions) <= sessionWeightMax
}

func (s *fetchSession) put(p *fetchPartition) {
	p.toldHighWatermark, p.toldLogStart = -1, -1
	if e, ok := s.partitions[p.fetchKey]; ok {
		old := e.Value.(*fetchPartition)
		if p.currentEpoch == old.currentEpoch { // what was told in another epoch does not count in this one
			p.toldHighWatermark, p.toldLogStart = old.toldHighWatermark, old.toldLogStart
		}
		e.Value = p
		return
	}
	s.partitions[p.fetchKey] = s.order.PushBack(p)
	s.weigh(p.weight())
}

func (s *fetchSession) forget(key fetchKey) {
	if e, ok := s.partitions[key]; ok {
		s.order.Remove(e)
		delete(s.partitions, key)
		s.weigh(-key.weight())
	}
}

// served moves a partition that gave records behind the others, so that one busy partition does not starve them.
func (s *fetchSession) served(key fetchKey) {
	if e, ok := s.partitions[key]; ok {
		s.order.MoveToBack(e)
	}
}

// advance checks the epoch of an incremental request and sets the one that must follow. The caller holds mu.
func (s *fetchSession) advance(epoch int32, byID bool) error {
	if byID != s.byID {
		return protocol.Fail(protocol.FetchSessionTopicIDError,
			"fetch session %d was begun with topic %s; begin a new one", s.id, map[bool]string{true: "ids", false: "names"}[s.byID])
	}
	if epoch != s.epoch {
		return protocol.Fail(protocol.InvalidFetchSessionEpoch, "fetch session %d is at epoch %d; the request says %d", s.id, s.epoch, epoch)
	}
	if s.epoch == math.MaxInt32 {
		s.epoch = 1
	} else {
		s.epoch++
	}
	return nil
}

// list returns the partitions in the order in which they are to be served.
func (s *fetchSession) list() []*fetchPartition {
	out := make([]*fetchPartition, 0, s.order.Len())
	for e := s.order.Front(); e != nil; e = e.Next() {
		out = append(out, e.Value.(*fetchPartition))
	}
	return out
}
