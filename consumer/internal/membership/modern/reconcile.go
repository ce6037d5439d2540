package modern

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/skein-io/skein/consumer/internal/backoff"
	"github.com/skein-io/skein/consumer/internal/membership"
)

// reconcile goes from what the member holds to what it is assigned: what is too much is given up first, then it has what
// is new and says so. The coordinator assigns a partition only when its last owner has given it up, so what is new is this
// member's at once. Partitions whose topic has no name yet wait for metadata.
//
// While a heartbeat says what the member holds, it must not come to hold more: the coordinator would take what is missing
// there for given up.
func (m *Machine) reconcile(now time.Time, out *membership.Effects) {
	if m.epoch == joining || !m.renewed || m.ticket != 0 || m.claims {
		return
	}
	next := m.resolve()
	if gone := without(m.owned, next); len(gone) > 0 {
		m.revoke(now, gone, "they are not assigned to it any more", out)
		return
	}
	added := without(next, m.owned)
	m.owned = next
	m.renewed, m.ack = false, true
	if len(added) == 0 && !m.tell {
		return
	}
	m.tell = false
	*out = append(*out,
		note(now, fmt.Sprintf("has %d partitions in epoch %d, %d of them new", len(next), m.epoch, len(added))),
		membership.Grant{Added: partitions(added), All: partitions(next), Generation: m.epoch})
}

// resolve gives the target its names, and notes what has none.
func (m *Machine) resolve() []holding {
	var next []holding
	var name string
	var named bool
	m.unnamed = nil
	for i, p := range m.target {
		if i == 0 || m.target[i-1].ID != p.ID { // it is sorted by id
			if name, named = m.nameOf(p.ID); !named {
				m.unnamed = append(m.unnamed, p.ID)
			}
		}
		if named {
			next = append(next, holding{membership.TopicPartition{Topic: name, Partition: p.Partition}, p.ID})
		}
	}
	slices.SortFunc(next, byName)
	return slices.CompactFunc(next, func(a, b holding) bool { return a.TopicPartition == b.TopicPartition })
}

// nameOf is the name in the metadata, or the one that the topic had when the member got it: of a topic that was deleted the
// metadata tells nothing any more.
func (m *Machine) nameOf(id membership.TopicID) (name string, ok bool) {
	if name, ok = m.names[id]; ok {
		return name, true
	}
	for _, h := range m.owned {
		if h.id == id {
			return h.Topic, true
		}
	}
	return "", false
}

// nameTopics asks for metadata until every topic of the target has a name.
func (m *Machine) nameTopics(now time.Time, out *membership.Effects) {
	if len(m.unnamed) == 0 || now.Before(m.nameAt) {
		return
	}
	m.nameAt = now.Add(backoff.Pause(m.cfg.RetryBackoff, m.cfg.RetryBackoffMax, m.nameFailures))
	m.nameFailures++
	*out = append(*out, membership.NameTopics{IDs: slices.Clone(m.unnamed)})
}

// revoke asks the application to give partitions up. Heartbeats claim them until it has.
func (m *Machine) revoke(now time.Time, gone []holding, reason string, out *membership.Effects) {
	m.attempts++
	m.ticket, m.giving = m.attempts, gone
	m.owned = without(m.owned, gone)
	*out = append(*out,
		note(now, fmt.Sprintf("has to give up %d partitions: %s", len(gone), reason)),
		membership.Revoke{Ticket: m.ticket, Partitions: partitions(gone), Reason: reason})
}

func (m *Machine) released(ticket uint64) {
	if ticket == 0 || ticket != m.ticket {
		return
	}
	m.ticket, m.giving = 0, nil
	m.renewed, m.tell = true, true
}

// lose drops what the member holds, and its place in the group: it has to join with epoch 0.
func (m *Machine) lose(now time.Time, reason string, out *membership.Effects) {
	lost := partitions(m.owned, m.giving)
	m.forget()
	if len(lost) > 0 {
		*out = append(*out, note(now, "lost its partitions: "+reason), membership.Lose{Partitions: lost, Reason: reason})
	}
}

func (m *Machine) forget() {
	m.owned, m.giving, m.ticket = nil, nil, 0
	m.epoch, m.target, m.unnamed = joining, nil, nil
	m.renewed, m.tell = false, false
	m.full, m.ack, m.soon, m.claims = true, false, false, false
	m.open = request{}
}

func byName(a, b holding) int {
	return cmp.Or(a.TopicPartition.Compare(b.TopicPartition), bytes.Compare(a.id[:], b.id[:]))
}

// without returns what of a is not in b; both are sorted by name.
func without(a, b []holding) []holding {
	var rest []holding
	for _, h := range a {
		if _, in := slices.BinarySearchFunc(b, h, byName); !in {
			rest = append(rest, h)
		}
	}
	return rest
}

// partitions lists the names, sorted.
func partitions(lists ...[]holding) []membership.TopicPartition {
	var names []membership.TopicPartition
	for _, list := range lists {
		for _, h := range list {
			names = append(names, h.TopicPartition)
		}
	}
	slices.SortFunc(names, membership.TopicPartition.Compare)
	return names
}

// keys lists what a heartbeat says of them, never nil.
func keys(lists ...[]holding) []membership.TopicIDPartition {
	all := []membership.TopicIDPartition{}
	for _, list := range lists {
		for _, h := range list {
			all = append(all, h.key())
		}
	}
	return sortedKeys(all)
}

func sortedKeys(all []membership.TopicIDPartition) []membership.TopicIDPartition {
	s := slices.Clone(all)
	slices.SortFunc(s, membership.TopicIDPartition.Compare)
	return slices.Compact(s)
}
