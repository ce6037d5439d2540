package group

import (
	"bytes"
	"time"
)

// Protocol is one assignor that a member offers, with the member's subscription in its form.
type Protocol struct {
	Name     string
	Metadata []byte
}

// member is one member of a group, or one that was only given an id (then only id is set).
type member struct {
	id               string
	instance         string // group.instance.id; "" is dynamic
	clientID         string
	clientHost       string
	rebalanceTimeout time.Duration
	sessionTimeout   time.Duration
	protocols        []Protocol // without duplicate names
	assignment       []byte

	join        Token   // parked JoinGroup; change it with group.park only, which counts
	asked       Instant // when its last JoinGroup came
	sync        Token   // parked SyncGroup
	beat        beat
	isNew       bool // has not seen a generation yet: its parked JoinGroup does not keep it alive (J20)
	pendingSync bool // has not sent SyncGroup in this generation; change it with group.expectSync only, which counts

	next, previous *member
}

func (m *member) static() bool { return m.instance != "" }

// heard says whether the member counts as alive because a request of it is parked here (J20).
func (m *member) heard() bool { return !m.isNew && (m.join != 0 || m.sync != 0) }

// metadata is the subscription in the form of a protocol; nil if it is not offered.
func (m *member) metadata(protocol string) []byte {
	for i := range m.protocols {
		if m.protocols[i].Name == protocol {
			return m.protocols[i].Metadata
		}
	}
	return nil
}

// offers says whether the member's protocols are these, in this order, to the byte (J15).
func (m *member) offers(protocols []Protocol) bool {
	if len(protocols) != len(m.protocols) {
		return false
	}
	for i := range protocols {
		if protocols[i].Name != m.protocols[i].Name || !bytes.Equal(protocols[i].Metadata, m.protocols[i].Metadata) {
			return false
		}
	}
	return true
}

// distinct drops protocols whose name came before, as Kafka's collection does. Usually it returns what it was given.
func distinct(protocols []Protocol) []Protocol {
	seen := make(map[string]struct{}, len(protocols))
	for i := range protocols {
		seen[protocols[i].Name] = struct{}{}
	}
	if len(seen) == len(protocols) {
		return protocols
	}
	kept := make([]Protocol, 0, len(seen))
	for i := range protocols {
		if _, first := seen[protocols[i].Name]; first {
			delete(seen, protocols[i].Name)
			kept = append(kept, protocols[i])
		}
	}
	return kept
}

// memberSet holds members by id and in the order in which they came. The zero value is empty.
type memberSet struct {
	byID        map[string]*member
	first, last *member
}

func (s *memberSet) len() int { return len(s.byID) }

func (s *memberSet) get(id string) *member { return s.byID[id] }

func (s *memberSet) add(m *member) {
	if s.byID == nil {
		s.byID = make(map[string]*member)
	}
	s.byID[m.id] = m
	m.previous, m.next = s.last, nil
	if s.last != nil {
		s.last.next = m
	} else {
		s.first = m
	}
	s.last = m
}

func (s *memberSet) remove(m *member) {
	delete(s.byID, m.id)
	if m.previous != nil {
		m.previous.next = m.next
	} else {
		s.first = m.next
	}
	if m.next != nil {
		m.next.previous = m.previous
	} else {
		s.last = m.previous
	}
	m.next, m.previous = nil, nil
}

// replace puts a member in the place of another, which keeps its neighbours' order.
func (s *memberSet) replace(old, with *member) {
	delete(s.byID, old.id)
	s.byID[with.id] = with
	with.previous, with.next = old.previous, old.next
	if with.previous != nil {
		with.previous.next = with
	} else {
		s.first = with
	}
	if with.next != nil {
		with.next.previous = with
	} else {
		s.last = with
	}
	old.next, old.previous = nil, nil
}
