package record

import (
	"encoding/binary"
	"fmt"
)

// ControlType says what a record of a control batch marks.
type ControlType int16

// Kafka's control records. Abort and Commit end a transaction (KIP-98); the others belong to the metadata log.
const (
	ControlAbort          ControlType = 0
	ControlCommit         ControlType = 1
	ControlLeaderChange   ControlType = 2
	ControlSnapshotHeader ControlType = 3
	ControlSnapshotFooter ControlType = 4
	ControlKRaftVersion   ControlType = 5
	ControlKRaftVoters    ControlType = 6
)

var controlNames = [...]string{"ABORT", "COMMIT", "LEADER_CHANGE", "SNAPSHOT_HEADER", "SNAPSHOT_FOOTER", "KRAFT_VERSION", "KRAFT_VOTERS"}

// String is Kafka's name of the type, or UNKNOWN with its number: a reader passes over those.
func (t ControlType) String() string {
	if t < 0 || int(t) >= len(controlNames) {
		return fmt.Sprintf("UNKNOWN(%d)", int16(t))
	}
	return controlNames[t]
}

// A control record's key, and the value of ABORT and COMMIT. Later versions add fields behind.
//
//	key:   +---------+-------+    value: +---------+-------------------+
//	       | version | type  |           | version | coordinator epoch |
//	       | int16   | int16 |           | int16   | int32             |
//	       +---------+-------+           +---------+-------------------+

// ParseControl reads the key of a control record. A version that is not known is read as version 0, as in Kafka.
func ParseControl(key []byte) (t ControlType, version int16, err error) {
	if len(key) < 4 {
		return 0, 0, fmt.Errorf("the key of a control record has %d bytes; at least 4 are needed", len(key))
	}
	version = int16(binary.BigEndian.Uint16(key))
	if version < 0 {
		return 0, 0, fmt.Errorf("the key of a control record has version %d", version)
	}
	return ControlType(binary.BigEndian.Uint16(key[2:])), version, nil
}

// ControlKey is the key of a control record, in version 0.
func ControlKey(t ControlType) []byte { return binary.BigEndian.AppendUint16([]byte{0, 0}, uint16(t)) }

// ParseEndMarker reads the value of an ABORT or COMMIT record: the epoch of the transaction coordinator that wrote it.
func ParseEndMarker(value []byte) (coordinatorEpoch int32, version int16, err error) {
	if len(value) < 6 {
		return 0, 0, fmt.Errorf("the value of an end transaction marker has %d bytes; at least 6 are needed", len(value))
	}
	return int32(binary.BigEndian.Uint32(value[2:])), int16(binary.BigEndian.Uint16(value)), nil
}

// EndMarker is the value of an ABORT or COMMIT record, in version 0.
func EndMarker(coordinatorEpoch int32) []byte {
	return binary.BigEndian.AppendUint32([]byte{0, 0}, uint32(coordinatorEpoch))
}
