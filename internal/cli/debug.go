package cli

import (
	"time"

	"github.com/spf13/cobra"
)

func newDebug() *cobra.Command {
	return family("debug", "Record what the group coordinator decides on, and replay it", newDebugRecord(), newReplay())
}

// recordingHeader is the first line of a recording; its events follow, one a line (docs/formats/private-apis.md).
type recordingHeader struct {
	Recording    string            `json:"recording"` // recordingKind
	Version      int               `json:"version"`
	Node         int32             `json:"node"`
	Partition    int32             `json:"partition"` // of __consumer_offsets
	Software     string            `json:"software"`
	Address      string            `json:"address"` // that the node gives to clients
	At           time.Time         `json:"at"`
	OmittedBytes int64             `json:"omittedBytes"`
	Settings     map[string]string `json:"settings"`
}

const (
	recordingKind    = "skein-groups"
	recordingVersion = 1
)
