package member

import (
	"fmt"
	"time"

	"github.com/skein-io/skein/internal/record"
)

// writing is the entry that is being written. There is one at a time; what is proposed meanwhile goes into the next.
type writing struct {
	offset   record.Offset
	sequence uint64
	records  []byte
	pieces   [][]byte
	written  int    // pieces after the first
	confirms uint64 // Confirm, as of when the entry itself was asked for
	unsure   bool   // it may be written: the head tells
	exists   int    // how often it was said to exist, though the head does not have it
}

// write takes the next step of an entry: its pieces first, then the entry with the head. Each is refused if another node has
// become the controller. The head's version refuses a repetition of what was written.
func (m *Machine) write(now time.Time, out *Effects) {
	if m.writing == nil {
		m.writing = m.entry()
	}
	w := m.writing
	switch {
	case w.unsure:
		m.settle(now, w, out)
		return
	case w.written < len(w.pieces)-1:
		piece := w.written + 1
		path := PiecePath(w.offset, m.epoch, piece)
		ops := []Op{m.guard(), {Kind: Create, Path: path, Data: encodePiece(w.pieces[piece])}}
		m.ask(now, out, Request{Kind: Multi, Ops: ops}, func(now time.Time, a *Answer, out *Effects) {
			switch a.Code {
			case OK, NodeExists: // the answer was lost
				w.written = piece
			case BadVersion, NoNode:
				m.doubt(now, out)
			}
		})
		return
	}
	head := m.head
	head.Offset, head.Epoch = w.offset, m.epoch
	w.confirms = m.want
	ops := []Op{m.guard(), {Kind: Create, Path: EntryPath(w.offset), Data: encodeEntry(m.epoch, len(w.pieces), w.pieces[0])},
		{Kind: SetData, Path: HeadPath, Data: mustJSON(head), Version: m.headVersion}}
	m.ask(now, out, Request{Kind: Multi, Ops: ops}, func(now time.Time, a *Answer, out *Effects) {
		switch a.Code {
		case OK:
			m.wrote(w, a.Versions[2], out)
		case Lost:
			w.unsure = true
		case BadVersion, NoNode:
			w.unsure = true
			m.doubt(now, out)
		case NodeExists:
			w.unsure = true
			if w.exists++; w.exists > 1 {
				m.fail(fmt.Errorf("znode %s exists, and %s does not know it: somebody has written into the metadata log", EntryPath(w.offset), HeadPath), out)
			}
		}
	})
}

// entry makes an entry of what is proposed: as much as goes into one znode, and one proposal at least.
func (m *Machine) entry() *writing {
	w := &writing{offset: m.applied + 1}
	for len(m.queue) > 0 {
		p := m.queue[0]
		if len(w.records) > 0 && len(w.records)+len(p.Records) > PartBytes {
			break
		}
		m.queue = m.queue[1:]
		w.records, w.sequence = append(w.records, p.Records...), p.Sequence
	}
	w.pieces = pieces(w.records)
	return w
}

// settle finds out whether an entry was written. In this member's epoch nobody else writes, so a head of this epoch is its own.
func (m *Machine) settle(now time.Time, w *writing, out *Effects) {
	m.ask(now, out, Request{Kind: Get, Path: HeadPath}, func(_ time.Time, a *Answer, out *Effects) {
		head, ok := m.parseHead(a, out)
		switch {
		case !ok:
		case head.Offset == w.offset && head.Epoch == m.epoch:
			m.head.Snapshot = head.Snapshot
			m.wrote(w, a.Version, out)
		case head.Offset == w.offset-1:
			m.head, m.headVersion, w.unsure = head, a.Version, false
		default:
			m.resign("another node has become the controller", out)
		}
	})
}

// wrote takes an entry for agreed upon.
func (m *Machine) wrote(w *writing, headVersion int32, out *Effects) {
	m.writing, m.headVersion, m.applied = nil, headVersion, w.offset
	m.head.Offset, m.head.Epoch = w.offset, m.epoch
	out.add(&Applied{Offset: w.offset, Epoch: m.epoch, Records: w.records, Sequence: w.sequence})
	m.confirms(w.confirms, out)
}
