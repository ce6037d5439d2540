package member

import (
	"fmt"
	"time"

	"github.com/skein-io/skein/internal/record"
)

// reading is an entry or a snapshot of which not all is here yet.
type reading struct {
	snapshot *SnapshotOf // nil: it is an entry
	parts    [][]byte

	offset  record.Offset
	epoch   record.LeaderEpoch
	pieces  int
	records []byte
}

// lookHead looks how far the log goes. One that leads knows that.
func (m *Machine) lookHead(now time.Time, out *Effects) {
	m.look.head = false
	watch := m.role == following && !m.armed[HeadPath]
	m.ask(now, out, Request{Kind: Get, Path: HeadPath, Watch: watch}, func(_ time.Time, a *Answer, out *Effects) {
		if head, ok := m.parseHead(a, out); ok {
			m.head, m.headVersion, m.headKnown = head, a.Version, true
		}
	})
}

func (m *Machine) parseHead(a *Answer, out *Effects) (Head, bool) {
	switch a.Code {
	case OK:
		head, err := ParseHead(a.Data)
		if err == nil && head.Offset < m.applied {
			err = fmt.Errorf("the metadata log in ZooKeeper ends with offset %d, and this node has seen offset %d: the ensemble has lost what it acknowledged, "+
				"or was set back to an older state", head.Offset, m.applied)
		}
		if err != nil {
			m.fail(err, out)
		}
		return head, err == nil
	case NoNode:
		m.fail(fmt.Errorf("znode %s is gone: somebody has removed the cluster's state from ZooKeeper", HeadPath), out)
	}
	return Head{}, false
}

// read reads what comes next: the snapshot, if it is ahead, or an entry.
func (m *Machine) read(now time.Time, out *Effects) {
	if s := m.head.Snapshot; m.reading == nil && s != nil && s.Offset > m.applied {
		m.reading = &reading{snapshot: s}
	}
	if m.reading == nil {
		m.reading = &reading{offset: m.applied + 1}
	}
	r := m.reading
	path := EntryPath(r.offset)
	switch {
	case r.snapshot != nil:
		path = SnapshotPart(*r.snapshot, len(r.parts))
	case len(r.parts) > 0:
		path = PiecePath(r.offset, r.epoch, len(r.parts))
	}
	m.ask(now, out, Request{Kind: Get, Path: path}, func(_ time.Time, a *Answer, out *Effects) {
		switch a.Code {
		case OK:
			if err := m.readPart(a.Data, out); err != nil {
				m.fail(fmt.Errorf("znode %s is damaged: %w", path, err), out)
			}
		case NoNode:
			m.missing(path, out)
		default:
			m.reading = nil
		}
	})
}

// missed is what was not there when it was read, and the snapshot that the head named then.
type missed struct {
	path     string
	snapshot SnapshotOf
}

// missing is about what should be there. It was removed if a later snapshot has taken its place; the head says so then.
func (m *Machine) missing(path string, out *Effects) {
	now := missed{path: path}
	if m.head.Snapshot != nil {
		now.snapshot = *m.head.Snapshot
	}
	m.reading, m.look.head = nil, true
	if m.missed == now {
		m.fail(fmt.Errorf("znode %s is missing, which belongs to the metadata log: somebody has removed a part of the cluster's state", path), out)
	}
	m.missed = now
}

// readPart takes what one znode holds.
func (m *Machine) readPart(data []byte, out *Effects) error {
	r := m.reading
	if r.snapshot != nil {
		if _, err := PartRecords(data); err != nil {
			return err
		}
		if r.parts = append(r.parts, data); len(r.parts) == r.snapshot.Parts {
			m.reading, m.applied, m.missed = nil, r.snapshot.Offset, missed{}
			out.add(&Installed{Offset: r.snapshot.Offset, Epoch: r.snapshot.Epoch, Parts: r.parts})
		}
		return nil
	}
	var err error
	records := data
	if len(r.parts) == 0 {
		r.epoch, r.pieces, records, err = DecodeEntry(data)
	} else {
		records, err = PartRecords(data)
	}
	if err != nil {
		return err
	}
	r.parts, r.records = append(r.parts, records), append(r.records, records...)
	if len(r.parts) == r.pieces {
		m.reading, m.applied, m.missed = nil, r.offset, missed{}
		out.add(&Applied{Offset: r.offset, Epoch: r.epoch, Records: r.records})
	}
	return nil
}
