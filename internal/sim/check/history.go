package check

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/skein-io/skein/internal/record"
)

// Kind is what a client did.
type Kind string

// The kinds of operations, and the fields of Operation that they use beyond the first block.
const (
	Send          Kind = "send"           // Records, Producer, Idempotent. The records of one partition are one batch
	Poll          Kind = "poll"           // Records, Watermarks
	Assign        Kind = "assign"         // Positions: from here on the process reads these, from there
	Seek          Kind = "seek"           // Positions: where it goes on
	Subscribe     Kind = "subscribe"      // from here on a group decides what the process reads
	ListOffsets   Kind = "list-offsets"   // Watermarks; NoOffset for the end that was not asked for
	DeleteRecords Kind = "delete-records" // Positions: the records before them may go
	Commit        Kind = "commit"         // Group, Member..., Offsets
	FetchOffset   Kind = "fetch-offset"   // Group, Offsets; NoOffset if there is none
	DeleteOffset  Kind = "delete-offset"  // Group, Offsets (only the partitions count); an expiry may be written as info
	Join          Kind = "join"           // Group, Member, Instance, Generation
	Sync          Kind = "sync"           // the same, and Owned
	Heartbeat     Kind = "heartbeat"      // Group, Member, Instance, Generation
	DeleteGroup   Kind = "delete-group"   // Group; also written where a group was forgotten: generations begin anew
	Crash         Kind = "crash"          // the process forgets its positions
)

// Outcome is what the client knows of an operation.
type Outcome string

// Fail is definite: it never happened and never will. Info is everything else that is not OK, see OutcomeOf.
const (
	OK   Outcome = "ok"
	Fail Outcome = "fail"
	Info Outcome = "info"
)

// NoOffset stands where there is none.
const NoOffset record.Offset = -1

// Never is the Completed of an operation that no answer came to.
const Never int64 = -1

// Operation is one thing that one process did. A process is one client: what it does in sequence has one name, and
// after a restart it has another name or a Crash between.
type Operation struct {
	Process   string  `json:"process"`
	Kind      Kind    `json:"kind"`
	Invoked   int64   `json:"invoked"`   // nanoseconds on a clock that all processes share
	Completed int64   `json:"completed"` // the same, or Never
	Outcome   Outcome `json:"outcome"`
	Error     string  `json:"error,omitempty"`

	Records    []Record    `json:"records,omitempty"`
	Positions  []Position  `json:"positions,omitempty"`
	Watermarks []Watermark `json:"watermarks,omitempty"`
	Producer   *Producer   `json:"producer,omitempty"`   // of a single produce request, for Retries
	Idempotent bool        `json:"idempotent,omitempty"` // a value must not be there twice, and order is that of Invoked

	Group      string      `json:"group,omitempty"`
	Member     string      `json:"member,omitempty"`
	Instance   string      `json:"instance,omitempty"`   // group.instance.id, if static
	Generation int32       `json:"generation,omitempty"` // of commits outside a generation: 0 or less
	Owned      []Partition `json:"owned,omitempty"`
	Offsets    []Committed `json:"offsets,omitempty"`
}

// Partition names a partition.
type Partition struct {
	Topic string `json:"topic"`
	Index int32  `json:"partition"`
}

// String is Kafka's name of the folder, such as orders-3.
func (p Partition) String() string { return fmt.Sprintf("%s-%d", p.Topic, p.Index) }

// Record is one record that was sent or read. Value is unique to its send in the whole history.
type Record struct {
	Partition
	Offset record.Offset `json:"offset"` // NoOffset if the sender was not told
	Key    string        `json:"key,omitempty"`
	Value  string        `json:"value"`
}

// Position is an offset of a partition.
type Position struct {
	Partition
	Offset record.Offset `json:"offset"`
}

// Watermark is what an answer said about a partition; NoOffset where it said nothing.
type Watermark struct {
	Partition
	LogStart record.Offset `json:"logStart"`
	High     record.Offset `json:"high"`
}

// Committed is a committed offset with all that belongs to it.
type Committed struct {
	Partition
	Offset      record.Offset      `json:"offset"`
	LeaderEpoch record.LeaderEpoch `json:"leaderEpoch"`
	Metadata    string             `json:"metadata,omitempty"`
}

// Producer is what makes a batch recognisable to the broker.
type Producer struct {
	ID       int64 `json:"id"`
	Epoch    int16 `json:"epoch"`
	Sequence int32 `json:"sequence"` // of the first record
}

// lineBytesMax bounds one line of a history.
const lineBytesMax = 64 << 20

// Write writes a history as JSON lines.
func Write(w io.Writer, history []Operation) error {
	b := bufio.NewWriter(w)
	e := json.NewEncoder(b)
	for i := range history {
		if err := e.Encode(&history[i]); err != nil {
			return fmt.Errorf("operation %d: %w", i, err)
		}
	}
	return b.Flush()
}

// Read reads a history of JSON lines. The last line may be torn, as a process that was killed leaves it; then the
// operations before it come with io.ErrUnexpectedEOF.
func Read(r io.Reader) ([]Operation, error) { return readLines(r, lineBytesMax) }

func readLines(r io.Reader, bytesMax int) ([]Operation, error) {
	var history []Operation
	lines := bufio.NewReader(r)
	for {
		line, err := readLine(lines, bytesMax)
		torn := errors.Is(err, io.EOF) && len(line) > 0
		if err != nil && !torn {
			if errors.Is(err, io.EOF) {
				err = nil
			}
			return history, err
		}
		var o Operation
		if err := json.Unmarshal(line, &o); err != nil {
			if torn {
				return history, io.ErrUnexpectedEOF
			}
			return history, fmt.Errorf("line %d: %w", len(history)+1, err)
		}
		history = append(history, o)
	}
}

func readLine(r *bufio.Reader, bytesMax int) ([]byte, error) {
	var line []byte
	for {
		part, err := r.ReadSlice('\n')
		line = append(line, part...)
		if len(line) > bytesMax {
			return nil, fmt.Errorf("a line of a history is over %d bytes", bytesMax)
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, err
		}
	}
}
