package member

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// lookCluster sees to it that a new session is on the cluster that this member knows, and that its log is still in use: an ensemble
// may have been set up anew, and the log migrated while this process stood still. Nothing is written before.
func (m *Machine) lookCluster(now time.Time, out *Effects) {
	m.ask(now, out, Request{Kind: Get, Path: ClusterIDPath}, func(now time.Time, a *Answer, out *Effects) {
		if a.Code != OK && a.Code != NoNode {
			return
		}
		if a.Code == NoNode {
			m.fail(fmt.Errorf("znode %s is gone: somebody has removed the cluster's state from ZooKeeper", ClusterIDPath), out)
			return
		}
		if id, err := ParseClusterID(a.Data); err != nil || id != m.config.ClusterID {
			m.fail(fmt.Errorf("ZooKeeper holds cluster %q, this node is of cluster %q", id, m.config.ClusterID), out)
			return
		}
		m.ask(now, out, Request{Kind: Get, Path: HeadPath}, func(_ time.Time, a *Answer, out *Effects) {
			if _, ok := m.parseHead(a, out); ok {
				m.look.cluster = false
			}
		})
	})
}

// lookBroker sees to it that the broker's znode is this session's.
func (m *Machine) lookBroker(now time.Time, out *Effects) {
	m.look.broker = false
	path := BrokerPath(m.config.Self)
	m.ask(now, out, Request{Kind: Get, Path: path, Watch: !m.armed[path]}, func(now time.Time, a *Answer, out *Effects) {
		switch {
		case a.Code == NoNode:
			m.registered = false
			m.createBroker(now, nil, out)
		case a.Code != OK:
		case a.Owner == m.session:
			m.registered = true
		default:
			m.registered = false
			m.replaceBroker(now, a, out)
		}
	})
}

// replaceBroker takes the place of a broker's former session. One with the same log directory is dead, or was this very
// process's: the directory is locked while a process uses it. Of any other nobody knows; its session has to end first.
func (m *Machine) replaceBroker(now time.Time, a *Answer, out *Effects) {
	var b Broker
	path := BrokerPath(m.config.Self)
	if err := json.Unmarshal(a.Data, &b); err != nil {
		m.suffer(damaged(path, a.Data, err), out)
		return
	}
	if b.Directory == "" || b.Directory != m.config.Broker.Directory {
		m.suffer(fmt.Errorf("znode %s belongs to another process, at %s:%d: each broker needs a node.id of its own; if that process is dead, its session ends soon", path, b.Host, b.Port), out)
		return
	}
	m.createBroker(now, &a.Version, out)
}

func (m *Machine) createBroker(now time.Time, replaced *int32, out *Effects) {
	b := m.config.Broker
	b.Version, b.JMXPort, b.Timestamp = 5, -1, Timestamp(now)
	path := BrokerPath(m.config.Self)
	var ops []Op
	if replaced != nil {
		ops = append(ops, Op{Kind: Delete, Path: path, Version: *replaced})
	}
	ops = append(ops, Op{Kind: Create, Path: path, Data: mustJSON(b), Ephemeral: true})
	m.ask(now, out, Request{Kind: Multi, Ops: ops}, func(_ time.Time, a *Answer, _ *Effects) {
		m.look.broker = true // whose it is now, and with a watch
	})
}

// lookBrokers looks who has a session.
func (m *Machine) lookBrokers(now time.Time, out *Effects) {
	m.look.brokers = false
	m.ask(now, out, Request{Kind: Children, Path: BrokersPath, Watch: !m.armed[BrokersPath]}, func(_ time.Time, a *Answer, out *Effects) {
		if a.Code == OK {
			ids := BrokerIDs(a.Children)
			slices.Sort(ids)
			out.add(&Brokers{ids})
		}
	})
}
