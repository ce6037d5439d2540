package quorum

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"

	"github.com/skein-io/skein/internal/disk"
	"github.com/skein-io/skein/internal/metadata"
)

// The file quorum-state holds what a voter must never forget: term and vote, and who the members are. It has two slots
// that are written in turn, so that one is whole whenever the other is torn.
//
//	slot 0: bytes 0 to 4095      slot 1: bytes 4096 to 8191
//
//	 0       4         6        8          16       24     32       40       44        45
//	+-------+---------+--------+----------+--------+------+--------+--------+---------+------------+---------+-------+-----+
//	| magic | version | length | sequence | term   | vote | commit | node   | cluster | cluster id | members | crc   | 0.. |
//	| SKQS  | u16     | u16    | u64      | u64    | u64  | u64    | id i32 | id u8   |            |         | u32   |     |
//	+-------+---------+--------+----------+--------+------+--------+--------+---------+------------+---------+-------+-----+
//
//	members in version 1: voters: u16 and u64 each
//	members in version 2: those the cluster began with, those there are now, see members.append |
//	                      index u64, term u64 of the snapshot that replaces or replaced the log
//
// All numbers are big-endian. length counts the bytes before the crc, which is CRC-32C of them. The slot with the
// greater sequence counts. vote and voters are raft ids: node ids plus one. Version 1 is written by a node that has
// always been alone, so that earlier versions of skein read it.
const (
	stateFileName   = "quorum-state"
	stateMagic      = "SKQS"
	stateVersion    = 2
	stateSlotBytes  = 4096
	stateHeaderSize = 45
	stateVotersMax  = 256
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// hardState is the content of one slot.
type hardState struct {
	sequence uint64
	term     uint64
	vote     uint64
	// commit is an index up to which every entry of the log is committed; it may be late, but never behind the last change
	// of the members that this node has acted on.
	commit    uint64
	node      metadata.NodeID
	clusterID string
	began     members // with whom the cluster began; the log changes it. None: the node joined, and its first snapshot says it
	members   members // as of the last change of them that was committed
	// The index and the term of the last snapshot that came from a leader to replace the log; 0 if none did.
	replacedIndex, replacedTerm uint64
}

// errMembers says that there is no room for the members.
var errMembers = errors.New("the members do not fit " + stateFileName)

func (s *hardState) encode() ([]byte, error) {
	if len(s.clusterID) > 255 || len(s.members) > membersMax || len(s.began) > membersMax {
		return nil, fmt.Errorf("%w: %d of them, and a cluster id of %d bytes", errMembers, len(s.members), len(s.clusterID))
	}
	version := uint16(stateVersion)
	if s.began.alone(s.node) && s.members.alone(s.node) && s.replacedIndex == 0 {
		version = 1
	}
	b := make([]byte, 0, stateSlotBytes)
	b = append(b, stateMagic...)
	b = binary.BigEndian.AppendUint16(b, version)
	b = binary.BigEndian.AppendUint16(b, 0) // length, below
	b = binary.BigEndian.AppendUint64(b, s.sequence)
	b = binary.BigEndian.AppendUint64(b, s.term)
	b = binary.BigEndian.AppendUint64(b, s.vote)
	b = binary.BigEndian.AppendUint64(b, s.commit)
	b = binary.BigEndian.AppendUint32(b, uint32(s.node))
	b = append(append(b, byte(len(s.clusterID))), s.clusterID...)
	if version == 1 {
		b = binary.BigEndian.AppendUint16(b, 1)
		b = binary.BigEndian.AppendUint64(b, raftID(s.node))
	} else {
		b = s.members.append(s.began.append(b))
		b = binary.BigEndian.AppendUint64(b, s.replacedIndex)
		b = binary.BigEndian.AppendUint64(b, s.replacedTerm)
	}
	if len(b)+4 > stateSlotBytes {
		return nil, fmt.Errorf("%w: %d of them, and the addresses of all take %d bytes; %d are there", errMembers, len(s.members), len(b), stateSlotBytes)
	}
	binary.BigEndian.PutUint16(b[6:], uint16(len(b)))
	b = binary.BigEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
	return append(b, make([]byte, stateSlotBytes-len(b))...), nil
}

// errNoSlot says that a slot was never written whole.
var errNoSlot = errors.New("the slot is empty or torn")

// decodeHardState reads one slot. A slot of a newer version is an error of its own: it is whole and means something.
func decodeHardState(b []byte) (*hardState, error) {
	if len(b) < stateHeaderSize || !bytes.HasPrefix(b, []byte(stateMagic)) {
		return nil, errNoSlot
	}
	size := int(binary.BigEndian.Uint16(b[6:]))
	if size < stateHeaderSize || size+4 > len(b) ||
		crc32.Checksum(b[:size], castagnoli) != binary.BigEndian.Uint32(b[size:]) {
		return nil, errNoSlot
	}
	version := binary.BigEndian.Uint16(b[4:])
	if version < 1 || version > stateVersion {
		return nil, fmt.Errorf("%s has version %d; this version of skein knows 1 to %d", stateFileName, version, stateVersion)
	}
	s := &hardState{
		sequence: binary.BigEndian.Uint64(b[8:]), term: binary.BigEndian.Uint64(b[16:]),
		vote: binary.BigEndian.Uint64(b[24:]), commit: binary.BigEndian.Uint64(b[32:]),
		node: metadata.NodeID(int32(binary.BigEndian.Uint32(b[40:]))),
	}
	rest := b[stateHeaderSize:size]
	n := int(b[stateHeaderSize-1])
	if len(rest) < n {
		return nil, errNoSlot
	}
	s.clusterID = string(rest[:n])
	if !s.decodeMembers(rest[n:], version) {
		return nil, errNoSlot
	}
	return s, nil
}

func (s *hardState) decodeMembers(b []byte, version uint16) (ok bool) {
	if version == 1 {
		if len(b) < 2 {
			return false
		}
		count := int(binary.BigEndian.Uint16(b))
		if b = b[2:]; len(b) != 8*count || count > stateVotersMax {
			return false
		}
		var voters []uint64
		for ; len(b) > 0; b = b[8:] {
			voters = append(voters, binary.BigEndian.Uint64(b))
		}
		s.began, ok = membersOf(voters, nil)
		s.members = s.began
		return ok
	}
	if s.began, b, ok = readMembers(b); !ok {
		return false
	}
	if s.members, b, ok = readMembers(b); !ok || len(b) != 16 {
		return false
	}
	s.replacedIndex, s.replacedTerm = binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:])
	return true
}

// stateFile is the open file. One goroutine uses it.
type stateFile struct {
	fs    disk.FS
	name  string
	file  disk.File
	state hardState // as it was read or written last

	unsynced bool // see faults
}

// openStateFile reads quorum-state; nil and no error if it was never written.
func openStateFile(tree disk.FS, folder string) (*stateFile, error) {
	name := folder + "/" + stateFileName
	file, err := tree.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	f := &stateFile{fs: tree, name: name, file: file}
	found, err := f.read()
	if err != nil || !found {
		return nil, errors.Join(err, file.Close())
	}
	return f, nil
}

// read takes the newer of the two slots; false if there is none.
func (f *stateFile) read() (bool, error) {
	found := false
	for i := range int64(2) {
		slot := make([]byte, stateSlotBytes)
		n, err := f.file.ReadAt(slot, i*stateSlotBytes)
		if err != nil && !errors.Is(err, io.EOF) {
			return false, fmt.Errorf("read %s: %w", f.name, err)
		}
		s, err := decodeHardState(slot[:n])
		if errors.Is(err, errNoSlot) {
			continue
		}
		if err != nil {
			return false, err
		}
		if !found || s.sequence > f.state.sequence {
			f.state, found = *s, true
		}
	}
	return found, nil
}

// createStateFile writes the first state, durably, name included. What stands under the name was never written whole.
func createStateFile(tree disk.FS, folder string, s hardState, unsynced bool) (*stateFile, error) {
	if err := tree.MkdirAll(folder); err != nil {
		return nil, err
	}
	name := folder + "/" + stateFileName
	if err := tree.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	file, err := tree.Create(name)
	if err != nil {
		return nil, err
	}
	f := &stateFile{fs: tree, name: name, file: file, unsynced: unsynced}
	err = f.write(s)
	if err == nil && !unsynced {
		err = errors.Join(tree.SyncDir(folder), tree.SyncDir("."))
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return f, nil
}

// renew makes durable what was found, name included, when it may be in the kernel's cache only. It is written again: a
// sync that failed in an earlier life has left its pages clean, and no later sync would write them.
func (f *stateFile) renew(folder string) error {
	if err := f.write(f.state); err != nil {
		return err
	}
	return errors.Join(f.fs.SyncDir(folder), f.fs.SyncDir("."))
}

// write makes a state durable. After an error nobody knows what the file holds; the node must stop.
func (f *stateFile) write(s hardState) error {
	s.sequence = f.state.sequence + 1
	slot, err := s.encode()
	if err != nil {
		return err
	}
	if _, err := f.file.WriteAt(slot, int64(s.sequence%2)*stateSlotBytes); err != nil {
		return fmt.Errorf("write %s: %w", f.name, err)
	}
	if !f.unsynced {
		if err := f.file.Sync(); err != nil {
			return fmt.Errorf("sync %s: %w", f.name, err)
		}
	}
	f.state = s
	return nil
}

func (f *stateFile) close() error { return f.file.Close() }
