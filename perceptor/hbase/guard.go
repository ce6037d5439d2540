package hbase

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/skein-io/skein/perceptor/change"
	"github.com/skein-io/skein/perceptor/hbase/client"
)

// Qualifiers in family update_info.
const (
	ExecuteTime  = "execute_time"
	BinlogOffset = "binlog_offset"
	Epoch        = "epoch"
	VersionName  = "version"
	Deleted      = "deleted"
)

var reserved = map[string]bool{ExecuteTime: true, BinlogOffset: true, Epoch: true, VersionName: true, Deleted: true, AdoptedTime: true, AdoptedOffset: true}

var (
	updateInfo        = []byte(UpdateInfo)
	columnExecuteTime = []byte(ExecuteTime)
	columnOffset      = []byte(BinlogOffset)
	columnEpoch       = []byte(Epoch)
	columnVersion     = []byte(VersionName)
	columnDeleted     = []byte(Deleted)
)

const guardCells = 5

// A version as update_info:version has it:
//
//	state:1 epoch:4 execute time:8 file:4 offset:8 row:4
//
// The state of a row that is there is 0; that of a tombstone is 255, so that no version of a row that is there is greater:
// what has to be put over a tombstone must take the flag away, and for that it must have looked (see Sink.decide).
const (
	stateLive    = 0
	stateDeleted = 0xff
	packedSize   = 1 + change.EpochSize + change.ExecuteTimeSize + change.PositionSize
)

func pack(v change.Version, deleted bool) []byte {
	return appendPacked(make([]byte, 0, packedSize), v, deleted)
}

func appendPacked(b []byte, v change.Version, deleted bool) []byte {
	state := byte(stateLive)
	if deleted {
		state = stateDeleted
	}
	return v.Position.Append(v.AppendExecuteTime(v.AppendEpoch(append(b, state))))
}

func unpack(b []byte) (v change.Version, deleted bool, err error) {
	if len(b) != packedSize || b[0] != stateLive && b[0] != stateDeleted {
		return v, false, fmt.Errorf("%s:%s is %x: not what this sink writes", UpdateInfo, VersionName, b)
	}
	const time, position = 1 + change.EpochSize, 1 + change.EpochSize + change.ExecuteTimeSize
	var errs [3]error
	v.Epoch, errs[0] = change.ParseEpoch(b[1:time])
	v.ExecuteTime, errs[1] = change.ParseExecuteTime(b[time:position])
	v.Position, errs[2] = change.ParsePosition(b[position:])
	return v, b[0] == stateDeleted, errors.Join(errs[:]...)
}

// appendGuard appends the cells that say which change the row is of, in the order of their qualifiers.
func appendGuard(cells []client.Cell, v change.Version, deleted bool) []client.Cell {
	return appendGuardOf(cells, pack(v, deleted))
}

// appendGuardOf is appendGuard of a version that is packed already.
func appendGuardOf(cells []client.Cell, packed []byte) []client.Cell {
	const time, position = 1 + change.EpochSize, 1 + change.EpochSize + change.ExecuteTimeSize
	cells = append(cells, client.Cell{Family: updateInfo, Qualifier: columnOffset, Value: packed[position:]})
	if packed[0] == stateDeleted {
		cells = append(cells, client.Cell{Family: updateInfo, Qualifier: columnDeleted, Value: []byte{1}})
	}
	return append(cells, client.Cell{Family: updateInfo, Qualifier: columnEpoch, Value: packed[1:time]},
		client.Cell{Family: updateInfo, Qualifier: columnExecuteTime, Value: packed[time:position]},
		client.Cell{Family: updateInfo, Qualifier: columnVersion, Value: packed})
}

// stored is what a row was found to be.
type stored struct {
	exists  bool
	version change.Version
	deleted bool
	packed  []byte // update_info:version
	at      uint64 // its timestamp, which is that of all cells that were written with it
	latest  uint64 // the latest timestamp of the cells that were read
}

// ErrForeign is the error of a change whose row has an execute time, but not all that this sink writes with it.
var ErrForeign = errors.New("the row's version was not written by this sink")

// readStored reads a row's version. If the execute time was read, too, it has to say the same.
func readStored(row *client.Row) (s stored, err error) {
	time, packed := row.Value(updateInfo, columnExecuteTime), row.Value(updateInfo, columnVersion)
	if packed == nil {
		if time != nil {
			return s, fmt.Errorf("%w: there is %s:%s, and no %[2]s:%[4]s; a table that others have written has to be adopted first (Sink.Adopt)", ErrForeign, UpdateInfo, ExecuteTime, VersionName)
		}
		return s, nil
	}
	s.exists, s.packed, s.at = true, packed.Value, packed.Timestamp
	if s.version, s.deleted, err = unpack(packed.Value); err != nil {
		return s, fmt.Errorf("%w: %w", ErrForeign, err)
	}
	if time != nil && !bytes.Equal(time.Value, s.version.AppendExecuteTime(nil)) {
		return s, fmt.Errorf("%w: %s:%s is %x, and %[2]s:%[5]s says otherwise: something else writes to the row", ErrForeign, UpdateInfo, ExecuteTime, time.Value, VersionName)
	}
	for i := range row.Cells {
		s.latest = max(s.latest, row.Cells[i].Timestamp)
	}
	return s, nil
}

// Conditions of the two ways to put. The server holds the row's lock while it compares and writes.

var absent = client.Absent(updateInfo, columnExecuteTime)

// newer holds if the row is there, is not deleted, and is older. The value given stands on the left of Compare.
func newer(packed []byte) client.Condition {
	return client.Condition{Family: updateInfo, Qualifier: columnVersion, Compare: client.Greater, Value: packed}
}

// unchanged holds if the row is as it was found.
func unchanged(packed []byte) *client.Condition {
	return &client.Condition{Family: updateInfo, Qualifier: columnVersion, Compare: client.Equal, Value: packed}
}
