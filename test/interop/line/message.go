// Package line is the protocol between the interop orchestrator and the client
// programs: one JSON object a line, commands on stdin and events on stdout.
//
// A client program is started with the broker's address as its only argument,
// in a cluster the addresses of all nodes with commas between (see Addresses).
// It runs one command at a time and ends every command with one of the events
// done, fail and unsupported. While a command runs it takes two more words on
// stdin: "stop" ends the command politely, "commit" asks a group member for N
// synchronous commits. At the end of stdin the program ends.
//
//	-> {"id":1,"cmd":"produce","topic":"t","codec":"lz4","start":0,"count":3,"keys":2,"tag":"x"}
//	<- {"id":1,"e":"ack","i":0,"p":4,"o":17}
//	<- {"id":1,"e":"done"}
//
// The package holds both ends for Go: Serve for a client program, Client for
// the orchestrator. It refuses to judge what a client says; that is the
// business of the scenarios. Start reading at Request and Event.
package line

import (
	"encoding/json"
	"strings"
)

// Addresses takes the argument of a client program apart.
func Addresses(argument string) []string { return strings.Split(argument, ",") }

// Request is a command to a client program. Fields a command does not name are
// left out.
type Request struct {
	ID  int    `json:"id"`
	Cmd string `json:"cmd"`

	Topic      string  `json:"topic,omitempty"`
	Partition  int32   `json:"partition"`
	Partitions []int32 `json:"partitions,omitempty"`
	Group      string  `json:"group,omitempty"`

	// produce: records Start to Start+Count-1 of Tag, see Key and Value.
	Codec      string `json:"codec,omitempty"`
	Idempotent bool   `json:"idempotent"`
	Start      int    `json:"start"`
	Count      int    `json:"count"`
	Keys       int    `json:"keys,omitempty"`
	Tag        string `json:"tag,omitempty"`
	Size       int    `json:"size,omitempty"`
	// Rate is records a second; 0 means as fast as it goes.
	Rate int `json:"rate,omitempty"`

	// consume: from Offset, or from Timestamp (milliseconds) when ByTime is set.
	Offset    int64 `json:"offset"`
	ByTime    bool  `json:"bytime,omitempty"`
	Timestamp int64 `json:"timestamp,omitempty"`

	// group: a member. Commit is "sync", "async" or "none", every Every records, or
	// "auto" where the library has that: then it decides when.
	// Max ends the member after so many records, 0 means never. RateMax bounds
	// the records taken a second.
	Commit      string `json:"commit,omitempty"`
	Every       int    `json:"every,omitempty"`
	Max         int    `json:"max,omitempty"`
	RateMax     int    `json:"ratemax,omitempty"`
	SessionMs   int    `json:"session_ms,omitempty"`
	HeartbeatMs int    `json:"heartbeat_ms,omitempty"`
	// Assignor is "range" or "cooperative-sticky". Left out it is range where
	// the program can choose, else what the library does by itself.
	Assignor string `json:"assignor,omitempty"`
	// Protocol is group.protocol; left out it is classic. With "consumer" the broker decides about assignor, session and
	// heartbeats.
	Protocol string `json:"protocol,omitempty"`
	// N is how many commits the word "commit" asks for.
	N int `json:"n,omitempty"`

	// Administration.
	Configs map[string]string `json:"configs,omitempty"`
	Delete  []string          `json:"delete,omitempty"`
	Append  map[string]string `json:"append,omitempty"`
	Offsets map[string]int64  `json:"offsets,omitempty"`
}

// Kinds of Event.
const (
	Done        = "done"
	Failed      = "fail"
	Unsupported = "unsupported"
	Ack         = "ack"       // produce: record I is at partition P, offset O (-1: not told)
	Rec         = "rec"       // consume, group: one record
	Assigned    = "assigned"  // group: Ps were given to the member; cooperative-sticky: in addition
	Revoked     = "revoked"   // group: Ps are taken from the member
	Lost        = "lost"      // group: the member lost its session
	Committed   = "committed" // group: one commit, Ms long
	Trouble     = "trouble"   // something worth a line in the report that did not end the command
)

// Event is what a client program says.
type Event struct {
	ID    int             `json:"id"`
	E     string          `json:"e"`
	I     int             `json:"i,omitempty"`
	P     int32           `json:"p"`
	O     int64           `json:"o"`
	T     int64           `json:"t,omitempty"`
	K     string          `json:"k,omitempty"`
	V     string          `json:"v,omitempty"`
	H     [][2]string     `json:"h,omitempty"`
	Ps    []int32         `json:"ps,omitempty"`
	Ms    float64         `json:"ms,omitempty"`
	Error string          `json:"error,omitempty"`
	Data  json.RawMessage `json:"data,omitempty"`
}
