package member

import (
	"fmt"
	"time"

	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/record"
)

// lookController looks who is the controller, and stands for election if nobody is.
func (m *Machine) lookController(now time.Time, out *Effects) {
	m.look.controller = false
	m.ask(now, out, Request{Kind: Get, Path: ControllerPath, Watch: !m.armed[ControllerPath]}, func(now time.Time, a *Answer, out *Effects) {
		mine := a.Code == OK && a.Owner == m.session
		switch {
		case a.Code != OK && a.Code != NoNode:
		case mine && m.role != following:
		case a.Code == NoNode:
			m.resign("znode "+ControllerPath+" is gone", out)
			m.show(Follows{Leader: metadata.NoNode, Epoch: record.NoLeaderEpoch}, out)
			if !m.retreats(now) {
				m.stand(now, nil, out)
			}
		case mine: // from before it fenced itself, or the answer was lost
			m.stand(now, &a.Version, out)
		default:
			m.resign("znode "+ControllerPath+" is another's", out)
			m.follow(now, a, out)
		}
	})
}

// follow shows who is the controller. One with this node's own id was a former session of it: its process is dead, or it is this
// very one, and nobody need wait for the session's end.
func (m *Machine) follow(now time.Time, found *Answer, out *Effects) {
	c, err := parseController(found.Data)
	if err == nil && metadata.NodeID(c.BrokerID) == m.config.Self {
		m.show(Follows{Leader: metadata.NoNode, Epoch: record.NoLeaderEpoch}, out)
		m.stand(now, &found.Version, out)
		return
	}
	if err != nil {
		m.suffer(err, out)
		m.show(Follows{Leader: metadata.NoNode, Epoch: record.NoLeaderEpoch}, out)
		return
	}
	m.ask(now, out, Request{Kind: Get, Path: EpochPath}, func(_ time.Time, a *Answer, out *Effects) {
		if epoch, ok := m.parseEpoch(a, out); ok {
			m.show(Follows{Leader: metadata.NodeID(c.BrokerID), Epoch: epoch, Address: c.Address}, out)
		}
	})
}

func (m *Machine) parseEpoch(a *Answer, out *Effects) (record.LeaderEpoch, bool) {
	switch a.Code {
	case OK:
		epoch, err := ParseEpoch(a.Data)
		if err != nil {
			m.fail(err, out)
		}
		return epoch, err == nil
	case NoNode:
		m.fail(fmt.Errorf("znode %s is gone: somebody has removed the cluster's state from ZooKeeper", EpochPath), out)
	}
	return 0, false
}

func (m *Machine) show(f Follows, out *Effects) {
	if m.shown != f {
		m.shown = f
		out.add(&f)
	}
}

// stand tries to become the controller: the ephemeral znode and the next epoch are one operation. replaced is the version of a
// znode of this very session that is replaced.
func (m *Machine) stand(now time.Time, replaced *int32, out *Effects) {
	m.ask(now, out, Request{Kind: Get, Path: EpochPath}, func(now time.Time, a *Answer, out *Effects) {
		last, ok := m.parseEpoch(a, out)
		if !ok {
			return
		}
		epoch := last + 1
		node := controllerNode{Version: 1, BrokerID: int32(m.config.Self), Timestamp: Timestamp(now), Address: m.config.Broker.Controller}
		ops := []Op{{Kind: Check, Path: BrokerPath(m.config.Self), Version: AnyVersion}}
		if replaced != nil {
			ops = append(ops, Op{Kind: Delete, Path: ControllerPath, Version: *replaced})
		}
		ops = append(ops, Op{Kind: Create, Path: ControllerPath, Data: mustJSON(node), Ephemeral: true},
			Op{Kind: SetData, Path: EpochPath, Data: EpochNode(epoch), Version: a.Version})
		m.ask(now, out, Request{Kind: Multi, Ops: ops}, func(_ time.Time, a *Answer, out *Effects) {
			m.look.controller = true // who won, with a watch
			if a.Code == NoNode {
				m.look.broker = true
			}
			if a.Code == OK {
				m.begin(epoch, a.Versions[len(a.Versions)-1], out)
			}
		})
	})
}

// begin makes this member the controller. From now on no other can write; what they wrote is to be read first.
func (m *Machine) begin(epoch record.LeaderEpoch, version int32, out *Effects) {
	m.reign++
	m.role, m.epoch, m.epochVersion = begun, epoch, version
	m.headKnown, m.look.head, m.look.brokers = false, true, true
	m.show(Follows{Leader: metadata.NoNode, Epoch: record.NoLeaderEpoch}, out)
}

// lead begins to lead: everything is applied.
func (m *Machine) lead(out *Effects) {
	m.role = leading
	m.sweep = &sweeping{}
	m.want, m.confirmed = 0, 0
	m.shown = Follows{Leader: m.config.Self, Epoch: m.epoch, Address: m.config.Broker.Controller}
	out.add(&Leads{m.epoch})
}

// resign ends the controller's time, if this member is the controller.
func (m *Machine) resign(reason string, out *Effects) {
	if m.role == following {
		return
	}
	led := m.role == leading
	if m.abdicating != "" {
		m.standAt = m.now.Add(retreat)
	}
	m.role = following
	m.reign++
	m.queue, m.writing, m.store, m.sweep, m.abdicating = nil, nil, nil, nil, ""
	m.want, m.confirmed = 0, 0
	m.look.controller, m.look.head, m.look.brokers = true, true, false
	if led {
		m.shown = Follows{Leader: metadata.NoNode, Epoch: record.NoLeaderEpoch}
		out.add(&Resigned{reason})
	}
}

// guard is the operation that keeps a write from being a former controller's.
func (m *Machine) guard() Op { return Op{Kind: Check, Path: EpochPath, Version: m.epochVersion} }

// doubt looks whether this member is still the controller, when a write of its was refused.
func (m *Machine) doubt(now time.Time, out *Effects) {
	m.ask(now, out, Request{Kind: Get, Path: EpochPath}, func(_ time.Time, a *Answer, out *Effects) {
		if a.Code == NoNode || a.Code == OK && a.Version != m.epochVersion {
			m.resign("another node has become the controller", out)
		}
	})
}

// confirm asks whether this member still leads, for those whose answers rest on that alone. It is a write, though it changes
// nothing: a majority of the ensemble agrees upon it.
func (m *Machine) confirm(now time.Time, out *Effects) {
	number := m.want
	m.ask(now, out, Request{Kind: Multi, Ops: []Op{m.guard()}}, func(_ time.Time, a *Answer, out *Effects) {
		switch a.Code {
		case OK:
			m.confirms(number, out)
		case BadVersion, NoNode:
			m.resign("another node has become the controller", out)
		}
	})
}

func (m *Machine) confirms(number uint64, out *Effects) {
	if number > m.confirmed {
		m.confirmed = number
		out.add(&Confirmed{number})
	}
}
