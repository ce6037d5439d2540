package quorum

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"slices"

	"github.com/skein-io/skein/internal/disk"
	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/record"
)

// Seed is what a quorum begins with whose metadata log goes on from another's: the image that the other log makes, with its
// offset and epoch, and who votes. All voters are given the same.
//
// As a file:
//
//	"SKMG" | version u16 = 1 | epoch u64 | members, see members.append | length u64 | snapshot, length bytes | crc u32 | seal
//
// All numbers are big-endian; crc is CRC-32C of what is before it. The snapshot is a file of its own, see checkpoint.go. The
// seal is "SEAL" and the crc once more: it is written when the other log is over for good, and a file without it is no Seed yet.
type Seed struct {
	// Epoch is above that of every controller that the other log had. The quorum's first leader has a later one.
	Epoch record.LeaderEpoch
	// Voters have addresses and the ids of their log directories.
	Voters []Member
	Image  *metadata.Image
}

const (
	seedMagic   = "SKMG"
	seedVersion = 1
	seedSeal    = "SEAL"
)

// SealBytes is how many bytes the seal has.
const SealBytes = 8

// errSeed says that a file is no whole Seed.
var errSeed = errors.New("the migration's file is damaged")

// ErrUnsealed says that the log that a Seed goes on from may still be in use.
var ErrUnsealed = errors.New("the migration that writes this file has not ended: run skein quorum migrate again with the same --out")

func (s *Seed) checkpoint() checkpoint {
	return checkpoint{index: indexOf(s.Image.Offset), term: uint64(s.Image.Epoch), clusterID: s.Image.ClusterID(), members: sortedMembers(s.Voters)}
}

// Check says what keeps a quorum from beginning with this.
func (s *Seed) Check() error {
	voters := sortedMembers(s.Voters)
	if len(voters) == 0 {
		return errors.New("there is no voter")
	}
	for i, v := range voters {
		switch {
		case v.ID < 0 || i > 0 && voters[i-1].ID == v.ID:
			return fmt.Errorf("voter %d: each voter has an id of its own, 0 or more", v.ID)
		case v.Address == "" || len(v.Address) > addressBytesMax:
			return fmt.Errorf("voter %d at %q: an address has 1 to %d bytes", v.ID, v.Address, addressBytesMax)
		case v.Directory.IsZero() || !v.Voter:
			return fmt.Errorf("voter %d: the id of its log directory is not known", v.ID)
		}
	}
	if s.Image.Offset < 0 || s.Image.Epoch < 0 || s.Epoch <= s.Image.Epoch {
		return fmt.Errorf("the metadata log ends with offset %d of epoch %d, and epoch %d follows: that cannot be", s.Image.Offset, s.Image.Epoch, s.Epoch)
	}
	state := s.state(voters[0].ID)
	_, err := state.encode()
	return err
}

// Encode is the file without its seal, and the seal.
func (s *Seed) Encode() (file, seal []byte, err error) {
	if err := s.Check(); err != nil {
		return nil, nil, err
	}
	file = binary.BigEndian.AppendUint16([]byte(seedMagic), seedVersion)
	file = binary.BigEndian.AppendUint64(file, uint64(s.Epoch))
	file = sortedMembers(s.Voters).append(file)
	at := len(file)
	file = binary.BigEndian.AppendUint64(file, 0)
	if err := encodeCheckpoint(s.checkpoint(), s.Image, func(b []byte) error { file = append(file, b...); return nil }); err != nil {
		return nil, nil, err
	}
	binary.BigEndian.PutUint64(file[at:], uint64(len(file)-at-8))
	crc := binary.BigEndian.AppendUint32(nil, crc32.Checksum(file, castagnoli))
	return append(file, crc...), append([]byte(seedSeal), crc...), nil
}

// DecodeSeed reads a whole file, which ErrUnsealed may go with. The Seed shares no memory with b.
func DecodeSeed(b []byte) (*Seed, error) {
	if len(b) < 14 || !bytes.HasPrefix(b, []byte(seedMagic)) {
		return nil, fmt.Errorf("%w: it does not begin with %s; it is what skein quorum migrate --out writes", errSeed, seedMagic)
	}
	if version := binary.BigEndian.Uint16(b[4:]); version != seedVersion {
		return nil, fmt.Errorf("the migration's file has version %d; this version of skein knows %d", version, seedVersion)
	}
	epoch := binary.BigEndian.Uint64(b[6:])
	voters, rest, ok := readMembers(b[14:])
	if !ok || epoch > 1<<31-1 || len(rest) < 8 || binary.BigEndian.Uint64(rest) > uint64(len(rest)) {
		return nil, fmt.Errorf("%w: it has no voters, or ends too early", errSeed)
	}
	size := int(binary.BigEndian.Uint64(rest))
	if rest = rest[8:]; len(rest) < size+4 {
		return nil, fmt.Errorf("%w: it ends too early", errSeed)
	}
	body, crc, seal := b[:len(b)-len(rest)+size], rest[size:size+4], rest[size+4:]
	if crc32.Checksum(body, castagnoli) != binary.BigEndian.Uint32(crc) {
		return nil, fmt.Errorf("%w: its checksum is another", errSeed)
	}
	c, image, err := decodeCheckpoint(rest[:size])
	if err != nil {
		return nil, err
	}
	s := &Seed{Epoch: record.LeaderEpoch(epoch), Voters: voters, Image: image}
	if err := s.Check(); err != nil {
		return nil, fmt.Errorf("%w: %w", errSeed, err)
	}
	if !slices.Equal(nodeIDs(c.members), nodeIDs(voters)) {
		return nil, fmt.Errorf("%w: it has the voters %v, and its snapshot %v", errSeed, nodeIDs(voters), nodeIDs(c.members))
	}
	switch {
	case len(seal) < SealBytes:
		return s, ErrUnsealed
	case len(seal) > SealBytes || !bytes.Equal(seal, append([]byte(seedSeal), crc...)):
		return nil, fmt.Errorf("%w: it does not end with its seal", errSeed)
	}
	return s, nil
}

// Votes says whether a node is one of the voters.
func (s *Seed) Votes(node metadata.NodeID) bool {
	_, ok := sortedMembers(s.Voters).find(node)
	return ok
}

// state is what a voter must not forget from the beginning: the epoch, in which it has given its vote to nobody, and that the log
// goes on after the snapshot. Any other node is one that joins, and can begin no quorum.
func (s *Seed) state(node metadata.NodeID) hardState {
	c := s.checkpoint()
	state := hardState{node: node, clusterID: c.clusterID}
	if s.Votes(node) {
		state.term, state.commit, state.members = uint64(s.Epoch), c.index, c.members
		state.replacedIndex, state.replacedTerm = c.index, c.term
	}
	return state
}

// Plant begins a node's metadata log with a Seed: for a voter the snapshot first, then quorum-state; for any other node quorum-state
// alone, by which it joins, whatever its configuration says. All is durable when it returns nil; after an error, or when it was cut off,
// it can be done again. The caller has locked the data directory, and knows that no metadata log was ever in use there.
func (s *Seed) Plant(tree disk.FS, node metadata.NodeID) error {
	if err := tree.MkdirAll(logFolder); err != nil {
		return err
	}
	if s.Votes(node) {
		if _, err := writeCheckpoint(tree, logFolder, s.checkpoint(), s.Image, false); err != nil {
			return err
		}
	}
	f, err := createStateFile(tree, logFolder, s.state(node), false)
	if err != nil {
		return err
	}
	return f.close()
}

// Growth is how far a Seed has come in a data directory.
type Growth uint8

// What can be found in a data directory.
const (
	Bare    Growth = iota // no metadata log
	Begun                 // a part of what Plant writes, and nothing else
	Planted               // all of what Plant writes, and nothing else
	Grown                 // a metadata log that began with this Seed, or goes on after it
	Foreign               // another metadata log
)

// Growth looks at a node's data directory, and changes nothing.
func (s *Seed) Growth(tree disk.FS, node metadata.NodeID) (Growth, error) {
	entries, err := tree.List(logFolder)
	if errors.Is(err, fs.ErrNotExist) {
		return Bare, nil
	}
	if err != nil {
		return Foreign, err
	}
	c, votes, only, written := s.checkpoint(), s.Votes(node), true, false
	for _, e := range entries {
		switch e.Name {
		case c.fileName(), c.fileName() + partSuffix:
			only = only && votes
		case stateFileName:
			written = true
		default:
			only = false
		}
	}
	if !written {
		return map[bool]Growth{true: Begun, false: Foreign}[only], nil
	}
	f, err := openStateFile(tree, logFolder)
	if err != nil {
		return Foreign, err
	}
	if f == nil {
		return map[bool]Growth{true: Begun, false: Foreign}[only], nil
	}
	if err := f.close(); err != nil {
		return Foreign, err
	}
	state, planted := &f.state, s.state(node)
	switch {
	case state.node != node || state.clusterID != c.clusterID || len(state.began) > 0 || state.term < planted.term:
		return Foreign, nil
	case only && state.sequence == 1 && state.replacedIndex == planted.replacedIndex && slices.Equal(state.members, planted.members):
		return Planted, nil
	case state.commit >= planted.commit:
		return Grown, nil
	}
	return Foreign, nil
}
