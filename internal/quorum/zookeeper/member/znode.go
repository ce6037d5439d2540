package member

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/record"
)

// The znodes, below the chroot. Those that Kafka has are as Kafka has them; what is skein's own lies in /skein.
const (
	BrokersPath    = "/brokers/ids"
	ControllerPath = "/controller"
	EpochPath      = "/controller_epoch"
	ClusterIDPath  = "/cluster/id"
	SkeinPath      = "/skein"
	LogPath        = "/skein/log"
	SnapshotsPath  = "/skein/snapshots"
	// HeadPath says how far the log goes. It changes in the same multi-operation as the log.
	HeadPath = "/skein/head"
)

// BrokerPath is the ephemeral znode of a broker.
func BrokerPath(id metadata.NodeID) string { return fmt.Sprintf("%s/%d", BrokersPath, id) }

// EntryPath is where an entry lies, or its first piece.
func EntryPath(offset record.Offset) string { return fmt.Sprintf("%s/%020d", LogPath, offset) }

// PiecePath is where a part of an entry lies that is too large for one znode. Each controller has names of its own, so what
// one has left behind is in nobody's way.
func PiecePath(offset record.Offset, epoch record.LeaderEpoch, piece int) string {
	return fmt.Sprintf("%s-%d-%d", EntryPath(offset), epoch, piece)
}

func snapshotPath(s SnapshotOf) string {
	return fmt.Sprintf("%s/%020d-%d-%d", SnapshotsPath, s.Offset, s.Epoch, s.Writer)
}

// SnapshotPart is where a part of a snapshot lies.
func SnapshotPart(s SnapshotOf, part int) string {
	return fmt.Sprintf("%s/%06d", snapshotPath(s), part)
}

// Broker is what /brokers/ids/N holds: Kafka's version 5, and the log directory.
type Broker struct {
	Version    int               `json:"version"`
	Host       string            `json:"host"`
	Port       int               `json:"port"`
	JMXPort    int               `json:"jmx_port"`
	Timestamp  string            `json:"timestamp"`
	Endpoints  []string          `json:"endpoints"`
	Protocols  map[string]string `json:"listener_security_protocol_map"`
	Features   map[string]string `json:"features"`
	Rack       string            `json:"rack,omitempty"`
	Directory  string            `json:"directory,omitempty"` // skein's own: of the process that has it locked
	Controller string            `json:"controller,omitempty"`
}

// ControllerNode is what /controller holds while nobody leads who could be reached: a migration has it.
func ControllerNode(now time.Time) []byte {
	return mustJSON(controllerNode{Version: 1, BrokerID: int32(metadata.NoNode), Timestamp: Timestamp(now)})
}

// EpochNode is what /controller_epoch holds.
func EpochNode(epoch record.LeaderEpoch) []byte { return strconv.AppendInt(nil, int64(epoch), 10) }

// controllerNode is what /controller holds: Kafka's version 1, and where the controller listens for the others.
type controllerNode struct {
	Version   int    `json:"version"`
	BrokerID  int32  `json:"brokerid"`
	Timestamp string `json:"timestamp"`
	Address   string `json:"address,omitempty"`
}

// Head is what HeadPath holds.
type Head struct {
	Version  int                `json:"version"`
	Offset   record.Offset      `json:"offset"` // of the last entry; -1 if there is none
	Epoch    record.LeaderEpoch `json:"epoch"`  // of the last entry
	Snapshot *SnapshotOf        `json:"snapshot,omitempty"`
	Migrated *Migrated          `json:"migrated,omitempty"` // the log goes on elsewhere; in version 2 and in no other
}

// Migrated is the mark of a log that was migrated to a quorum of the nodes' own: nothing is written to it any more.
type Migrated struct {
	Epoch     record.LeaderEpoch `json:"epoch"` // that the migration has taken; the quorum's are later
	Timestamp string             `json:"timestamp"`
	Voters    []Voter            `json:"voters"`
}

// Voter is one who votes in the quorum to which a log was migrated.
type Voter struct {
	ID        metadata.NodeID `json:"id"`
	Address   string          `json:"address"`   // of its controller listener
	Directory string          `json:"directory"` // id of its log directory
}

// String is the voter as controller.quorum.voters has it.
func (v Voter) String() string { return fmt.Sprintf("%d@%s", v.ID, v.Address) }

// MigratedError refuses a log that was migrated.
type MigratedError struct{ Migrated }

// Error says where the log is now.
func (e *MigratedError) Error() string {
	return fmt.Sprintf("the cluster was migrated: its metadata is not in ZooKeeper any more (znode %s), but in a quorum with controller.quorum.voters=%s; "+
		"take it into this node's data directory with skein quorum migrate --import, and start the node without zookeeper.connect", HeadPath, e.Names())
}

// Names are the voters as controller.quorum.voters has them.
func (m *Migrated) Names() string {
	var all []string
	for _, v := range m.Voters {
		all = append(all, v.String())
	}
	return strings.Join(all, ",")
}

// SnapshotOf is the snapshot that takes the place of the entries up to its offset.
type SnapshotOf struct {
	Offset record.Offset      `json:"offset"`
	Epoch  record.LeaderEpoch `json:"epoch"`
	Writer record.LeaderEpoch `json:"writer"` // the epoch of the controller that wrote it
	Parts  int                `json:"parts"`
}

// Versions of the head, and so of everything in /skein.
const (
	HeadVersion = 1
	// MigratedVersion says that the log was migrated. A node that does not know it is refused by the number.
	MigratedVersion = 2
)

// FirstHead is the head of a log without entries.
func FirstHead() []byte {
	return mustJSON(Head{Version: HeadVersion, Offset: -1, Epoch: record.NoLeaderEpoch})
}

func mustJSON(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // numbers and strings alone
	}
	return b
}

// ParseHead reads the head of a log that is in use. One that was migrated is a MigratedError.
func ParseHead(b []byte) (Head, error) {
	h, err := ParseAnyHead(b)
	if err == nil && h.Migrated != nil {
		err = &MigratedError{*h.Migrated}
	}
	return h, err
}

// MigratedHead is the head with the mark.
func MigratedHead(h Head, m Migrated) []byte {
	h.Version, h.Migrated = MigratedVersion, &m
	return mustJSON(h)
}

// ParseAnyHead reads the head of a log, migrated or not.
func ParseAnyHead(b []byte) (Head, error) {
	var h Head
	if err := json.Unmarshal(b, &h); err != nil {
		return h, damaged(HeadPath, b, err)
	}
	if h.Version != HeadVersion && h.Version != MigratedVersion {
		return h, fmt.Errorf("znode %s has version %d; this version of skein knows %d and %d", HeadPath, h.Version, HeadVersion, MigratedVersion)
	}
	if m := h.Migrated; (m != nil) != (h.Version == MigratedVersion) || m != nil && (m.Epoch <= h.Epoch || len(m.Voters) == 0) {
		return h, fmt.Errorf("znode %s cannot be: %.500q", HeadPath, b)
	}
	if s := h.Snapshot; h.Offset < -1 || s != nil && (s.Parts < 1 || s.Offset > h.Offset) {
		return h, fmt.Errorf("znode %s cannot be: %.200q", HeadPath, b)
	}
	return h, nil
}

// ParseEpoch reads /controller_epoch.
func ParseEpoch(b []byte) (record.LeaderEpoch, error) {
	n, err := strconv.ParseInt(string(b), 10, 32)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("znode %s holds %.40q; it must be a number, 0 or more", EpochPath, b)
	}
	return record.LeaderEpoch(n), nil
}

// ParseClusterID reads /cluster/id.
func ParseClusterID(b []byte) (string, error) {
	var c struct {
		ID string `json:"id"`
	}
	if err := json.Unmarshal(b, &c); err != nil {
		return "", damaged(ClusterIDPath, b, err)
	}
	if c.ID == "" {
		return "", fmt.Errorf("znode %s names no cluster id: %.100q", ClusterIDPath, b)
	}
	return c.ID, nil
}

// ClusterIDNode is what /cluster/id holds.
func ClusterIDNode(id string) []byte {
	return mustJSON(struct {
		Version string `json:"version"`
		ID      string `json:"id"`
	}{"1", id})
}

func parseController(b []byte) (controllerNode, error) {
	var c controllerNode
	if err := json.Unmarshal(b, &c); err != nil {
		return c, damaged(ControllerPath, b, err)
	}
	return c, nil
}

func damaged(path string, b []byte, cause error) error {
	return fmt.Errorf("znode %s holds no JSON (%w): %.100q; remove it or mend it by hand", path, cause, b)
}

// Timestamp is how Kafka writes a time into a znode.
func Timestamp(now time.Time) string { return strconv.FormatInt(now.UnixMilli(), 10) }

// BrokerIDs reads the names of the children of /brokers/ids. What is no number is not a broker.
func BrokerIDs(names []string) []metadata.NodeID {
	var ids []metadata.NodeID
	for _, name := range names {
		if n, err := strconv.ParseInt(name, 10, 32); err == nil && n >= 0 {
			ids = append(ids, metadata.NodeID(n))
		}
	}
	return ids
}

// offsetOf reads the offset that a name in the log or among the snapshots begins with.
func offsetOf(name string) (record.Offset, bool) {
	digits, _, _ := strings.Cut(name, "-")
	n, err := strconv.ParseInt(digits, 10, 64)
	return record.Offset(n), err == nil && len(digits) == 20
}
