package member

import (
	"time"

	"github.com/skein-io/skein/internal/record"
)

// storing is a snapshot that is being written: its folder, its parts, and then the head that names it.
type storing struct {
	of     SnapshotOf
	parts  [][]byte
	folder bool // it is there
	next   int
	unsure bool // the head may name it
}

func (m *Machine) storeNext(now time.Time, out *Effects) {
	s := m.store
	create := func(op Op, done func()) {
		m.ask(now, out, Request{Kind: Multi, Ops: []Op{m.guard(), op}}, func(now time.Time, a *Answer, out *Effects) {
			switch a.Code {
			case OK, NodeExists: // the answer was lost
				done()
			case BadVersion, NoNode:
				m.doubt(now, out)
			}
		})
	}
	switch {
	case !s.folder:
		create(Op{Kind: Create, Path: snapshotPath(s.of)}, func() { s.folder = true })
	case s.next < len(s.parts):
		create(Op{Kind: Create, Path: SnapshotPart(s.of, s.next), Data: s.parts[s.next]}, func() { s.next++ })
	case s.unsure:
		m.settleSnapshot(now, s, out)
	default:
		head := m.head
		head.Snapshot = &s.of
		ops := []Op{m.guard(), {Kind: SetData, Path: HeadPath, Data: mustJSON(head), Version: m.headVersion}}
		m.ask(now, out, Request{Kind: Multi, Ops: ops}, func(now time.Time, a *Answer, out *Effects) {
			switch a.Code {
			case OK:
				m.stored(s, a.Versions[1], out)
			case Lost:
				s.unsure = true
			case BadVersion, NoNode:
				s.unsure = true
				m.doubt(now, out)
			}
		})
	}
}

// settleSnapshot finds out whether the head names a snapshot.
func (m *Machine) settleSnapshot(now time.Time, s *storing, out *Effects) {
	m.ask(now, out, Request{Kind: Get, Path: HeadPath}, func(_ time.Time, a *Answer, out *Effects) {
		head, ok := m.parseHead(a, out)
		switch {
		case !ok:
		case head.Epoch > m.epoch:
			m.resign("another node has become the controller", out)
		case head.Snapshot != nil && *head.Snapshot == s.of:
			m.stored(s, a.Version, out)
		default:
			m.headVersion, s.unsure = a.Version, false
		}
	})
}

func (m *Machine) stored(s *storing, headVersion int32, out *Effects) {
	m.store, m.headVersion, m.head.Snapshot = nil, headVersion, &s.of
	m.sweep = &sweeping{}
	out.add(&Stored{s.of.Offset})
}

// sweeping removes what no head names any more: entries that the snapshot holds, pieces that a former controller has left
// behind, former snapshots. What it cannot remove now the next sweep will.
type sweeping struct {
	looked  int      // 1: at the log, 2: at the snapshots as well
	folders []string // to be looked into
	paths   []string // to be removed
}

// outdated says whether an entry is in the snapshot, or a piece of one belongs to nobody: this member writes pieces for the
// next entry only.
func (m *Machine) outdated(offset record.Offset, piece bool) bool {
	if s := m.head.Snapshot; s != nil && offset <= s.Offset {
		return true
	}
	return piece && offset > m.head.Offset && (m.writing == nil || m.writing.offset != offset)
}

// sweepMax is how many znodes are removed at a time.
const sweepMax = 100

func (m *Machine) sweepNext(now time.Time, out *Effects) {
	s := m.sweep
	children := func(path string, each func(name string), done func()) {
		m.ask(now, out, Request{Kind: Children, Path: path}, func(_ time.Time, a *Answer, _ *Effects) {
			for _, name := range a.Children {
				each(name)
			}
			done()
		})
	}
	switch {
	case s.looked == 0:
		children(LogPath, func(name string) {
			if offset, ok := offsetOf(name); ok && m.outdated(offset, len(name) > 20) {
				s.paths = append(s.paths, LogPath+"/"+name)
			}
		}, func() { s.looked = 1 })
	case s.looked == 1:
		children(SnapshotsPath, func(name string) {
			path := SnapshotsPath + "/" + name
			current := m.head.Snapshot != nil && snapshotPath(*m.head.Snapshot) == path
			if m.store != nil {
				current = current || snapshotPath(m.store.of) == path
			}
			if !current {
				s.folders = append(s.folders, path)
			}
		}, func() { s.looked = 2 })
	case len(s.folders) > 0:
		path := s.folders[0]
		children(path, func(name string) { s.paths = append(s.paths, path+"/"+name) }, func() {
			s.folders, s.paths = s.folders[1:], append(s.paths, path)
		})
	case len(s.paths) > 0:
		ops := []Op{m.guard()}
		for _, path := range s.paths[:min(sweepMax, len(s.paths))] {
			ops = append(ops, Op{Kind: Delete, Path: path, Version: AnyVersion})
		}
		m.ask(now, out, Request{Kind: Multi, Ops: ops}, func(now time.Time, a *Answer, out *Effects) {
			switch a.Code {
			case OK:
				s.paths = s.paths[len(ops)-1:]
			case BadVersion:
				m.doubt(now, out)
			default:
				m.sweep = nil
			}
		})
	default:
		m.sweep = nil
	}
}
