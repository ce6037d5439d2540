package quorum

import (
	"encoding/binary"
	"errors"
	"fmt"

	"go.etcd.io/raft/v3/raftpb"

	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/record"
)

// An entry of the metadata log is one record of a v2 batch. Its offset is the raft index less one, the batch's leader
// epoch the raft term; it has no key, and its value is
//
//	entry:    kind uint8 | term uvarint | data
//	  kind 0  nothing, or a proposal          1, 2  a change of the voters, as raft encodes it
//	proposal: version uint8 = 1 | sequence uvarint | records, see metadata.AppendRecords
//
// The term stands in the entry too because a batch's checksum does not cover its leader epoch. sequence is the
// controller's number of the proposal; with the term it says whose it is.

const (
	proposalVersion   = 1
	proposalHeaderMax = 1 + binary.MaxVarintLen64 // bytes of a proposal before its records
)

func offsetOf(index uint64) record.Offset { return record.Offset(index) - 1 }

func indexOf(offset record.Offset) uint64 { return uint64(offset + 1) }

func appendProposal(dst []byte, sequence uint64, records []metadata.Record) []byte {
	dst = append(dst, proposalVersion)
	dst = binary.AppendUvarint(dst, sequence)
	return metadata.AppendRecords(dst, records...)
}

func decodeProposal(b []byte) (sequence uint64, records []metadata.Record, err error) {
	if len(b) == 0 {
		return 0, nil, errors.New("entry of the metadata log has no version")
	}
	if b[0] != proposalVersion {
		return 0, nil, fmt.Errorf("entry of the metadata log has version %d; this version of skein knows %d", b[0], proposalVersion)
	}
	sequence, n := binary.Uvarint(b[1:])
	if n <= 0 {
		return 0, nil, errors.New("entry of the metadata log has no sequence")
	}
	records, err = metadata.DecodeRecords(b[1+n:])
	return sequence, records, err
}

// encodeEntries makes batches of entries: one for each, or one for each run of entries of one term. The entries follow
// one another. now is the records' timestamp, milliseconds since 1970; it is there for people who read the log and decides
// nothing.
func encodeEntries(entries []*raftpb.Entry, now int64, apart bool) ([]byte, error) {
	var out, value []byte
	builder := record.NewBuilder()
	for i := 0; i < len(entries); {
		term := entries[i].GetTerm()
		builder.Reset()
		builder.SetBaseOffset(offsetOf(entries[i].GetIndex()))
		builder.SetLeaderEpoch(record.LeaderEpoch(term))
		for first := i; i < len(entries) && entries[i].GetTerm() == term && (i == first || !apart); i++ {
			value = binary.AppendUvarint(append(value[:0], byte(entries[i].GetType())), term)
			value = append(value, entries[i].GetData()...)
			if err := builder.Add(now, nil, value); err != nil {
				return nil, err
			}
		}
		var err error
		if out, err = builder.AppendTo(out); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// decodeEntries reads whole batches of the metadata log. The entries share no memory with b. Every batch's CRC is
// checked: what was written long ago may have rotted since.
func decodeEntries(b []byte) ([]*raftpb.Entry, error) {
	var entries []*raftpb.Entry
	for len(b) > 0 {
		batch, rest, err := record.Split(b)
		if err != nil {
			return nil, err
		}
		if err := batch.Check(); err != nil {
			return nil, err
		}
		if entries, err = decodeBatch(entries, batch); err != nil {
			return nil, err
		}
		b = rest
	}
	return entries, nil
}

func decodeBatch(entries []*raftpb.Entry, batch record.Batch) ([]*raftpb.Entry, error) {
	reader := batch.Records(record.Limits{BatchBytesMax: len(batch), DecompressedBytesMax: 2 * EntryBytesMax})
	defer reader.Close()
	for reader.Next() {
		r := reader.Record()
		e, err := decodeEntry(r.Value, batch.LeaderEpoch())
		if err != nil {
			return nil, fmt.Errorf("offset %d: %w", r.Offset, err)
		}
		e.Index = new(indexOf(r.Offset))
		entries = append(entries, e)
	}
	return entries, reader.Err()
}

// decodeEntry reads the value of a record, of which it keeps nothing.
func decodeEntry(value []byte, epoch record.LeaderEpoch) (*raftpb.Entry, error) {
	if len(value) == 0 || value[0] > byte(raftpb.EntryConfChangeV2) {
		return nil, errors.New("the record is no entry of the metadata log")
	}
	term, n := binary.Uvarint(value[1:])
	if n <= 0 || epoch < 0 || term != uint64(epoch) {
		return nil, fmt.Errorf("the entry is of epoch %d, its batch of epoch %d", term, epoch)
	}
	e := &raftpb.Entry{Term: new(term), Type: raftpb.EntryType(value[0]).Enum()}
	if data := value[1+n:]; len(data) > 0 {
		e.Data = append([]byte(nil), data...)
	}
	return e, nil
}
