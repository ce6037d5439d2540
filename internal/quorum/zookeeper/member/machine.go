package member

import (
	"fmt"
	"time"

	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/record"
)

// Config is who a member is.
type Config struct {
	Self      metadata.NodeID
	ClusterID string
	// Broker is what the node's own znode holds; Timestamp is set when it is written.
	Broker Broker
}

type role uint8

const (
	following role = iota
	begun          // it is the controller, and reads what those before it have written
	leading
)

// Machine is the member. One goroutine steps it.
type Machine struct {
	config Config
	now    time.Time // of the last step
	asked  uint64
	flight *flight // the request under way

	connected bool
	session   int64
	timeout   time.Duration
	heard     time.Time // when the last question was asked that the ensemble's leader has answered
	retryAt   time.Time // nothing is asked before
	trouble   error
	failed    bool

	look  looks
	armed map[string]bool // watches

	registered bool
	role       role
	reign      uint64 // numbers the times between two changes of role or session
	shown      Follows

	abdicating string    // why; empty: it does not
	standAt    time.Time // not before it stands for election; zero: it may

	epoch        record.LeaderEpoch // in which this member is the controller
	epochVersion int32              // of /controller_epoch since then
	head         Head
	headVersion  int32
	headKnown    bool
	applied      record.Offset
	reading      *reading
	missed       missed

	queue     []*Propose
	writing   *writing
	want      uint64 // the last Confirm
	confirmed uint64
	store     *storing
	sweep     *sweeping
}

// looks are what is to be looked at again.
type looks struct {
	cluster, broker, controller, head, brokers bool
}

// flight is a request under way, with what comes after the answer.
type flight struct {
	request Request
	sent    time.Time
	fired   bool // its watch has fired, or another on the path, and the answer is not here yet
	session int64
	reign   uint64
	then    func(now time.Time, a *Answer, out *Effects)
}

// New makes a member that is not connected, and has applied nothing.
func New(config Config) *Machine {
	return &Machine{config: config, armed: map[string]bool{}, applied: -1, shown: Follows{Leader: metadata.NoNode, Epoch: record.NoLeaderEpoch}}
}

// Leading says whether this member is the controller, with everything applied.
func (m *Machine) Leading() bool { return m.role == leading }

// HighWatermark is the offset after the last entry that this member knows to be agreed upon.
func (m *Machine) HighWatermark() record.Offset { return max(m.head.Offset, m.applied) + 1 }

// Step takes one event and appends what is to be done to out.
func (m *Machine) Step(now time.Time, event Event, out *Effects) {
	if m.failed {
		return
	}
	m.now = now
	m.fence(now, out)
	m.endRetreat(now)
	switch e := event.(type) {
	case *Connected:
		m.connect(e, out)
	case *Disconnected:
		m.connected = false
	case *Fired:
		m.fired(e.Path)
	case *Answer:
		m.answered(now, e, out)
	case *Propose:
		if m.role == leading {
			m.queue = append(m.queue, e)
		}
	case *Confirm:
		if m.role == leading {
			m.want = max(m.want, e.Number)
		}
	case *Store:
		if m.role == leading && m.store == nil {
			m.store = &storing{of: SnapshotOf{Offset: e.Offset, Epoch: e.Epoch, Writer: m.epoch, Parts: len(e.Parts)}, parts: e.Parts}
		}
	case *Abdicate:
		m.abdicates(e)
	case *Due:
	}
	m.next(now, out)
}

// Deadline is when Due is to be stepped; false if never.
func (m *Machine) Deadline() (at time.Time, ok bool) {
	earlier := func(t time.Time) {
		if !ok || t.Before(at) {
			at, ok = t, true
		}
	}
	if m.failed {
		return at, false
	}
	if m.role != following {
		earlier(m.heard.Add(m.timeout * 2 / 3))
	}
	if !m.standAt.IsZero() {
		earlier(m.standAt)
	}
	if sure := m.Sure(); sure.After(m.now) {
		earlier(sure) // it is over then: whoever rests on it is to know
	}
	if m.flight == nil && m.connected {
		if m.retryAt.After(m.now) {
			earlier(m.retryAt)
		} else {
			earlier(m.heard.Add(m.keepEvery())) // whatever else there is to ask was asked
		}
	}
	return at, ok
}

func (m *Machine) connect(e *Connected, out *Effects) {
	m.connected, m.timeout = true, e.Timeout
	if e.Session != m.session {
		m.resign("the session has expired", out)
		m.session, m.registered, m.heard = e.Session, false, time.Time{}
		m.reign++
		clear(m.armed)
		m.look.cluster = true
	}
	m.lookAll()
}

func (m *Machine) lookAll() {
	m.look = looks{cluster: m.look.cluster, broker: true, controller: true, head: m.role != leading, brokers: m.role != following}
}

func (m *Machine) fired(path string) {
	delete(m.armed, path)
	if f := m.flight; f != nil && f.request.Path == path {
		f.fired = true
	}
	switch path {
	case BrokerPath(m.config.Self):
		m.look.broker = true
	case ControllerPath:
		m.look.controller = true
	case HeadPath:
		m.look.head = m.role != leading
	case BrokersPath:
		m.look.brokers = m.role != following
	}
}

// ask sends a request. then gets the answer, unless the session or the role has changed.
func (m *Machine) ask(now time.Time, out *Effects, r Request, then func(time.Time, *Answer, *Effects)) {
	m.asked++
	r.ID = m.asked
	m.flight = &flight{request: r, sent: now, session: m.session, reign: m.reign, then: then}
	out.Request = &r
}

// Pauses before something is tried again.
const (
	lostPause    = 50 * time.Millisecond
	refusedPause = time.Second
)

func (m *Machine) answered(now time.Time, a *Answer, out *Effects) {
	f := m.flight
	if f == nil || f.request.ID != a.ID {
		return
	}
	m.flight = nil
	if f.session != m.session {
		m.lookAll()
		return
	}
	switch a.Code {
	case Lost:
		m.retryAt = now.Add(lostPause)
		m.lookAll()
	case NoAuth, Refused:
		m.retryAt = now.Add(refusedPause)
		m.lookAll()
		m.suffer(fmt.Errorf("ZooKeeper refuses a request about %s: %s", f.request.about(), a.Text), out)
	}
	if a.Code != Lost && (f.request.Kind == Sync || f.request.Kind == Multi) {
		m.heard = f.sent
	}
	if a.Code == OK && f.request.Watch && !f.fired {
		m.armed[f.request.Path] = true
	}
	if f.reign == m.reign {
		f.then(now, a, out)
	}
}

// about names what a request is about, for people.
func (r *Request) about() string {
	if r.Kind != Multi {
		return r.Path
	}
	return r.Ops[len(r.Ops)-1].Path
}

// suffer tells of something that does not work for now.
func (m *Machine) suffer(reason error, out *Effects) {
	if m.trouble == nil || m.trouble.Error() != reason.Error() {
		m.trouble = reason
		out.add(&Troubled{reason})
	}
}

// fail ends the member: what it knows, or what the ensemble holds, is not what it must be.
func (m *Machine) fail(reason error, out *Effects) {
	m.resign("this node fails", out)
	m.failed = true
	out.add(&Failed{reason})
}

// next asks the next question, if none is under way: what keeps the session comes first, then who this member is, then what
// others wait for, then what nobody waits for.
func (m *Machine) next(now time.Time, out *Effects) {
	for m.flight == nil && m.connected && !m.failed && !now.Before(m.retryAt) {
		switch {
		case !now.Before(m.heard.Add(m.keepEvery())):
			m.ask(now, out, Request{Kind: Sync, Path: HeadPath}, func(time.Time, *Answer, *Effects) {})
		case m.look.cluster:
			m.lookCluster(now, out)
		case m.look.broker:
			m.lookBroker(now, out)
		case m.look.controller && m.registered:
			m.lookController(now, out)
		case m.look.head && m.role != leading:
			m.lookHead(now, out)
		case m.role != leading && m.headKnown && m.applied < m.head.Offset:
			m.read(now, out)
		case m.role == begun && m.headKnown:
			m.lead(out)
		case m.role == leading && m.writing == nil && m.abdicating != "":
			m.abdicate(now, out)
		case m.role == leading && (m.writing != nil || len(m.queue) > 0):
			m.write(now, out)
		case m.role == leading && m.want > m.confirmed:
			m.confirm(now, out)
		case m.look.brokers && m.role != following:
			m.lookBrokers(now, out)
		case m.store != nil:
			m.storeNext(now, out)
		case m.sweep != nil:
			m.sweepNext(now, out)
		default:
			if m.trouble != nil && m.registered {
				m.trouble = nil
				out.add(&Troubled{})
			}
			return
		}
	}
}
