package change

import (
	"cmp"
	"encoding/binary"
	"fmt"
)

// Position is a place in a server's binlog. Positions of one server's history can be compared; see Version.Epoch.
type Position struct {
	// File is the number at the end of the binlog file's name: 7 of mysql-bin.000007. It is compared as a number, so
	// mysql-bin.1000000 follows mysql-bin.999999.
	File uint32
	// Row counts the rows within the event, from 0.
	Row uint32
	// Offset is where the event of the rows begins in the file, in bytes.
	Offset uint64
}

// Compare orders positions: negative if p is before q.
func (p Position) Compare(q Position) int {
	return cmp.Or(cmp.Compare(p.File, q.File), cmp.Compare(p.Offset, q.Offset), cmp.Compare(p.Row, q.Row))
}

func (p Position) String() string { return fmt.Sprintf("%d:%d:%d", p.File, p.Offset, p.Row) }

// Version says when a change was made, so that any two changes of a row can be ordered.
type Version struct {
	// Epoch counts the server histories: it is raised when the source goes on at another server, or at one whose binlog
	// began anew. Times and positions of two epochs say nothing about each other.
	Epoch uint32
	// ExecuteTime is in milliseconds since 1970, not negative. Within an epoch the source lets it only grow in binlog
	// order, see Clock.
	ExecuteTime int64
	Position    Position
}

// Compare orders versions: epoch, then time, then position. Zero means that it is the same change.
func (v Version) Compare(w Version) int {
	return cmp.Or(cmp.Compare(v.Epoch, w.Epoch), cmp.Compare(v.ExecuteTime, w.ExecuteTime), v.Position.Compare(w.Position))
}

func (v Version) String() string {
	return fmt.Sprintf("epoch %d, time %d, position %s", v.Epoch, v.ExecuteTime, v.Position)
}

// Sizes of the encoded parts of a Version, in bytes.
const (
	EpochSize       = 4
	ExecuteTimeSize = 8
	PositionSize    = 16
)

// The parts are encoded with a fixed width and big-endian, so that a server that compares bytes, as HBase does, orders
// them as Compare does.

// AppendEpoch appends the epoch's 4 bytes.
func (v Version) AppendEpoch(dst []byte) []byte { return binary.BigEndian.AppendUint32(dst, v.Epoch) }

// AppendExecuteTime appends the time's 8 bytes: what HBase's Bytes.toBytes(long) makes of it. The order of bytes is that
// of numbers as long as the time is not negative, which Check sees to.
func (v Version) AppendExecuteTime(dst []byte) []byte {
	return binary.BigEndian.AppendUint64(dst, uint64(v.ExecuteTime))
}

// Append appends the position's 16 bytes: file, offset, row.
func (p Position) Append(dst []byte) []byte {
	dst = binary.BigEndian.AppendUint32(dst, p.File)
	dst = binary.BigEndian.AppendUint64(dst, p.Offset)
	return binary.BigEndian.AppendUint32(dst, p.Row)
}

// Check refuses a version that cannot be encoded in order.
func (v Version) Check() error {
	if v.ExecuteTime < 0 {
		return fmt.Errorf("the execute time is %d: a time before 1970 cannot be ordered", v.ExecuteTime)
	}
	return nil
}

// ParseEpoch reads what AppendEpoch has written.
func ParseEpoch(b []byte) (uint32, error) {
	if len(b) != EpochSize {
		return 0, fmt.Errorf("an epoch of %d bytes, not %d", len(b), EpochSize)
	}
	return binary.BigEndian.Uint32(b), nil
}

// ParseExecuteTime reads what AppendExecuteTime has written.
func ParseExecuteTime(b []byte) (int64, error) {
	if len(b) != ExecuteTimeSize {
		return 0, fmt.Errorf("an execute time of %d bytes, not %d", len(b), ExecuteTimeSize)
	}
	at := int64(binary.BigEndian.Uint64(b))
	if at < 0 {
		return 0, fmt.Errorf("the execute time is %d: before 1970", at)
	}
	return at, nil
}

// ParsePosition reads what Position.Append has written.
func ParsePosition(b []byte) (Position, error) {
	if len(b) != PositionSize {
		return Position{}, fmt.Errorf("a binlog position of %d bytes, not %d", len(b), PositionSize)
	}
	return Position{File: binary.BigEndian.Uint32(b), Offset: binary.BigEndian.Uint64(b[4:]), Row: binary.BigEndian.Uint32(b[12:])}, nil
}

// Clock makes execute times out of the times that events carry. An event's time is when its statement began: an UPDATE
// that waited for a lock is committed later, with an older time, than the one it waited for; and a server's clock may be
// set back. So the time of a change is the largest of all times up to its place in the binlog. The zero Clock is at 1970.
type Clock struct{ last int64 }

// ClockAt is a Clock that goes on at a time that was reached before.
func ClockAt(last int64) Clock { return Clock{last: last} }

// Next returns the execute time of the event that follows in the binlog and carries this time, in milliseconds.
func (c *Clock) Next(eventTime int64) int64 {
	c.last = max(c.last, eventTime)
	return c.last
}

// Last is the largest time up to now.
func (c *Clock) Last() int64 { return c.last }
