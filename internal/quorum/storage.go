package quorum

import (
	"fmt"
	"slices"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
)

// storage is what raft sees of the metadata log: the entries behind the last snapshot, in memory, each of them durable.
// How many there can be is bounded by when snapshots are taken. One goroutine uses it.
type storage struct {
	log     *entryLog
	state   raftpb.HardState
	conf    raftpb.ConfState // at the snapshot
	index   uint64           // of the last entry in the snapshot, 0 without one
	term    uint64           // of that entry
	entries []*raftpb.Entry  // from index+1 on, without a gap
	bytes   int64            // of the entries' data

	// begun says that entry 1 is applied. From then on nobody is sent it: the members that the cluster began with are not
	// in the log, so a node that has nothing must begin with a snapshot.
	begun bool
	send  func() (*raftpb.Snapshot, error) // makes a snapshot for another node
}

var _ raft.Storage = (*storage)(nil)

// load reads the entries behind the snapshot. replaced says that the snapshot came from a leader, and the log before it may
// still be there.
func (s *storage) load(replaced bool) error {
	if first := indexOf(s.log.log.StartOffset()); first > s.index+1 {
		return fmt.Errorf("%s begins with entry %d, and no snapshot holds what was before it; "+
			"take the folder from a backup or from another voter", logFolder, first)
	}
	if err := s.match(replaced); err != nil {
		return err
	}
	entries, err := s.log.readFrom(s.index + 1)
	if err != nil {
		return err
	}
	term := s.term
	for i, e := range entries {
		if want := s.index + 1 + uint64(i); e.GetIndex() != want || e.GetTerm() < term {
			return fmt.Errorf("%s has entry %d of epoch %d where entry %d of epoch %d or later belongs; "+
				"take the folder from a backup or from another voter", logFolder, e.GetIndex(), e.GetTerm(), want, term)
		}
		term = e.GetTerm()
	}
	s.keep(entries)
	return nil
}

// match sees to it that the log goes on where the snapshot ends. One that ends before it, or has another entry there, is
// what a leader's snapshot has replaced in a node that ended before the log's own turn came; or it is damaged.
func (s *storage) match(replaced bool) error {
	if s.index == 0 || indexOf(s.log.log.StartOffset()) > s.index {
		return nil
	}
	reason := fmt.Sprintf("it ends with entry %d", s.log.end())
	if s.log.end() >= s.index {
		entries, err := s.log.readPart(offsetOf(s.index))
		if err != nil {
			return err
		}
		i := slices.IndexFunc(entries, func(e *raftpb.Entry) bool { return e.GetIndex() == s.index })
		if i >= 0 && entries[i].GetTerm() == s.term {
			return nil
		}
		reason = "it has another entry there"
	}
	if replaced {
		return s.log.reset(s.index)
	}
	return fmt.Errorf("%s does not go with its snapshot, which ends with entry %d of epoch %d: %s; "+
		"take the folder from a backup or from another voter", logFolder, s.index, s.term, reason)
}

func (s *storage) keep(entries []*raftpb.Entry) {
	s.entries = append(s.entries, entries...)
	for _, e := range entries {
		s.bytes += int64(len(e.GetData()))
	}
}

func (s *storage) last() uint64 { return s.index + uint64(len(s.entries)) }

// between are the entries from one index to another, as far as they are there.
func (s *storage) between(first, last uint64) []*raftpb.Entry {
	first, last = max(first, s.index+1), min(last, s.last())
	if first > last {
		return nil
	}
	return s.entries[first-s.index-1 : last-s.index]
}

// lastTerm is the term of the last entry, 0 if there never was one.
func (s *storage) lastTerm() uint64 {
	if len(s.entries) > 0 {
		return s.entries[len(s.entries)-1].GetTerm()
	}
	return s.term
}

// append makes entries durable. Entries of a former leader that they replace are cut off first.
func (s *storage) append(entries []*raftpb.Entry, now int64) error {
	if first := entries[0].GetIndex(); first <= s.last() {
		if err := s.cut(first); err != nil {
			return err
		}
	}
	if first := entries[0].GetIndex(); first != s.last()+1 {
		panic(fmt.Sprintf("quorum: entry %d does not follow entry %d", first, s.last()))
	}
	if err := s.log.append(entries, now); err != nil {
		return err
	}
	s.keep(entries)
	return nil
}

// cut removes the entries from an index on. The log cuts only between batches. Entries that can be cut have a batch of
// their own each, see entryLog.apart; a log in which something else would go is damaged.
func (s *storage) cut(index uint64) error {
	if index <= s.index {
		panic(fmt.Sprintf("quorum: entry %d is to be cut, but the snapshot holds entries up to %d", index, s.index))
	}
	if err := s.log.truncate(index); err != nil {
		return err
	}
	if end := s.log.end(); end != index-1 {
		return fmt.Errorf("%s was cut before entry %d, and ends with entry %d", logFolder, index, end)
	}
	kept := s.entries[:index-s.index-1]
	s.entries, s.bytes = nil, 0
	s.keep(kept)
	return nil
}

// reset lets a snapshot that is durable replace the whole log.
func (s *storage) reset(c *checkpoint) error {
	if c.index <= s.index {
		panic(fmt.Sprintf("quorum: the snapshot at entry %d replaces that at entry %d", c.index, s.index))
	}
	s.index, s.term, s.conf = c.index, c.term, c.members.confState()
	s.entries, s.bytes, s.begun = nil, 0, true
	return s.log.reset(c.index)
}

// compact forgets the entries up to an index, which a snapshot holds durably.
func (s *storage) compact(index uint64, m members, now int64) error {
	if index <= s.index || index > s.last() {
		panic(fmt.Sprintf("quorum: snapshot at entry %d of a log from %d to %d", index, s.index, s.last()))
	}
	s.term = s.entries[index-s.index-1].GetTerm()
	rest := s.entries[index-s.index:]
	s.index, s.entries, s.bytes = index, nil, 0
	s.conf = m.confState()
	s.keep(rest)
	return s.log.compact(index, now)
}

// InitialState implements raft.Storage.
func (s *storage) InitialState() (*raftpb.HardState, *raftpb.ConfState, error) {
	return &s.state, &s.conf, nil
}

// Entries implements raft.Storage.
func (s *storage) Entries(lo, hi, maxSize uint64) ([]*raftpb.Entry, error) {
	switch {
	case lo <= s.index:
		return nil, raft.ErrCompacted
	case hi > s.last()+1:
		return nil, raft.ErrUnavailable
	}
	all := s.entries[lo-s.index-1 : hi-s.index-1]
	n, size := 0, uint64(0)
	for n < len(all) {
		size += uint64(len(all[n].GetData())) + entryBytesExtra
		if n > 0 && size > maxSize {
			break
		}
		n++
	}
	return all[:n:n], nil
}

// Term implements raft.Storage.
func (s *storage) Term(i uint64) (uint64, error) {
	switch {
	case i == s.index:
		return s.term, nil
	case i < s.index:
		return 0, raft.ErrCompacted
	case i > s.last():
		return 0, raft.ErrUnavailable
	}
	return s.entries[i-s.index-1].GetTerm(), nil
}

// LastIndex implements raft.Storage.
func (s *storage) LastIndex() (uint64, error) { return s.last(), nil }

// FirstIndex implements raft.Storage.
func (s *storage) FirstIndex() (uint64, error) {
	if s.index == 0 && s.begun {
		return 2, nil
	}
	return s.index + 1, nil
}

// Snapshot implements raft.Storage: somebody is behind the first entry.
func (s *storage) Snapshot() (*raftpb.Snapshot, error) { return s.send() }
