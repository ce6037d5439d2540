package commitlog

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/skein-io/skein/internal/disk"
	"github.com/skein-io/skein/internal/protocol"
)

// meta.properties says whose a log directory is, in Kafka's version 1:
//
//	#
//	cluster.id=YnJva2VyLWNsdXN0ZXItMQ
//	directory.id=Y3J1Y2lhbC1kaXItaWQtMQ
//	node.id=1
//	version=1
const (
	metaName     = "meta.properties"
	metaVersion  = 1
	metaBytesMax = 1 << 20
)

type metaProperties struct {
	clusterID   string
	directoryID protocol.UUID
	nodeID      int32
}

func (m metaProperties) encode() []byte {
	return fmt.Appendf(nil, "#\ncluster.id=%s\ndirectory.id=%s\nnode.id=%d\nversion=%d\n", m.clusterID, m.directoryID, m.nodeID, metaVersion)
}

// decodeMeta reads what encode or Kafka wrote.
func decodeMeta(b []byte) (metaProperties, error) {
	m := metaProperties{nodeID: -1}
	version := ""
	for line := range strings.Lines(string(b)) {
		key, value, ok := strings.Cut(strings.TrimSpace(line), "=")
		if !ok || strings.HasPrefix(key, "#") {
			continue
		}
		var err error
		switch strings.TrimSpace(key) {
		case "cluster.id":
			m.clusterID = strings.TrimSpace(value)
		case "directory.id":
			m.directoryID, err = protocol.ParseUUID(strings.TrimSpace(value))
		case "node.id", "broker.id":
			var id int64
			id, err = strconv.ParseInt(strings.TrimSpace(value), 10, 32)
			m.nodeID = int32(id)
		case "version":
			version = strings.TrimSpace(value)
		}
		if err != nil {
			return m, fmt.Errorf("%s is damaged: %q: %w; put the file of this directory back, or move the directory away", metaName, strings.TrimSpace(line), err)
		}
	}
	return m, m.check(version)
}

func (m metaProperties) check(version string) error {
	n, err := strconv.Atoi(version)
	switch {
	case err != nil:
		return fmt.Errorf("%s is damaged: no version; put the file of this directory back, or move the directory away", metaName)
	case n > metaVersion:
		return fmt.Errorf("%s has version %d; this skein reads version %d: start the newer one, or give it another data directory", metaName, n, metaVersion)
	case m.nodeID < 0 || m.clusterID == "":
		return fmt.Errorf("%s is damaged: no node.id or no cluster.id; put the file of this directory back, or move the directory away", metaName)
	}
	return nil
}

// Owner is whose a log directory is, as its meta.properties says.
type Owner struct {
	ClusterID string
	NodeID    int32
	Directory protocol.UUID // the directory's own id; zero where Kafka before 3.7 wrote the file
}

// ReadOwner reads whose a log directory is; fs.ErrNotExist if it is nobody's yet.
func ReadOwner(fs disk.FS) (Owner, error) {
	b, err := ReadFile(fs, metaName, metaBytesMax)
	if err != nil {
		return Owner{}, err
	}
	m, err := decodeMeta(b)
	return Owner{ClusterID: m.clusterID, NodeID: m.nodeID, Directory: m.directoryID}, err
}

// claimMeta compares the directory's owner with this node, or makes this node its owner if it has none. A directory
// that has partitions but no meta.properties belongs to nobody knows whom, and is refused.
func claimMeta(fs disk.FS, self metaProperties) (metaProperties, error) {
	b, err := ReadFile(fs, metaName, metaBytesMax)
	if missing(err) {
		return self, createMeta(fs, self)
	}
	if err != nil {
		return self, err
	}
	found, err := decodeMeta(b)
	if err != nil {
		return self, err
	}
	if found.nodeID != self.nodeID {
		return self, fmt.Errorf("%s says node.id=%d, this node is %d: the directory is another node's; set node.id=%d or give another data directory",
			metaName, found.nodeID, self.nodeID, found.nodeID)
	}
	if self.clusterID != "" && found.clusterID != self.clusterID {
		return self, fmt.Errorf("%s says cluster.id=%s, this cluster is %s: the directory is another cluster's; give another data directory",
			metaName, found.clusterID, self.clusterID)
	}
	if found.directoryID.IsZero() { // Kafka before 3.7
		found.directoryID = self.directoryID
		return found, ReplaceFile(fs, ".", metaName, found.encode())
	}
	return found, nil
}

func createMeta(fs disk.FS, self metaProperties) error {
	entries, err := fs.List(".")
	if err != nil {
		return err
	}
	for _, e := range entries {
		if _, suffix, ok := strings.Cut(e.Name, "-"); e.Dir && ok && suffix != "" && e.Name != markFile {
			return fmt.Errorf("%s is missing, but there is a folder %s: put the file back, or give another data directory", metaName, e.Name)
		}
	}
	if self.clusterID == "" {
		return fmt.Errorf("%s is missing and no cluster id is given", metaName)
	}
	return ReplaceFile(fs, ".", metaName, self.encode())
}
