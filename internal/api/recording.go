package api

import (
	"time"

	"github.com/skein-io/skein/internal/config"
)

const (
	// RecordingKind is what RecordingHeader.Recording says.
	RecordingKind = "skein-groups"
	// RecordingVersion is that of the form that is written and read.
	RecordingVersion = 1
)

// RecordingHeader is the first line of a recording; its events follow, one a line (docs/formats/private-apis.md).
type RecordingHeader struct {
	Recording    string            `json:"recording"`
	Version      int               `json:"version"`
	Node         int32             `json:"node"`
	Partition    int32             `json:"partition"` // of __consumer_offsets
	Software     string            `json:"software"`
	Address      string            `json:"address"` // that the node gives to clients; "" is not known
	At           time.Time         `json:"at"`
	OmittedBytes int64             `json:"omittedBytes"`
	Settings     map[string]string `json:"settings"`
}

// NewRecordingHeader is the header for what a node recorded of a partition under these settings, but for Software,
// Address and OmittedBytes.
func NewRecordingHeader(node, partition int32, at time.Time, settings *config.Broker) *RecordingHeader {
	h := &RecordingHeader{Recording: RecordingKind, Version: RecordingVersion, Node: node, Partition: partition, At: at.UTC(), Settings: map[string]string{}}
	if settings == nil {
		return h
	}
	for _, name := range recordedSettings {
		if value, ok := settings.Value(name); ok {
			h.Settings[name] = value
		}
	}
	return h
}
