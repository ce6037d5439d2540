package binlog

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Position is a place between two transactions, to go on from. It is kept as JSON.
type Position struct {
	// File and Offset are where the next transaction begins.
	File   string `json:"file,omitempty"`
	Offset uint64 `json:"offset,omitempty"`
	// GTID is what was committed up to here, as the server writes it; empty if that is not known.
	GTID string `json:"gtid,omitempty"`
	// Clock is the execute time that was reached, in milliseconds since 1970.
	Clock int64 `json:"clock,omitempty"`
	// Server names the server whose files these are, and Epoch the history that its positions are of.
	Server string `json:"server,omitempty"`
	Epoch  uint32 `json:"epoch,omitempty"`
}

func (p Position) String() string {
	switch {
	case p.File == "" && p.GTID == "":
		return "the oldest binlog file"
	case p.File == "":
		return "GTID " + p.GTID
	case p.GTID == "":
		return fmt.Sprintf("%s:%d", p.File, p.Offset)
	}
	return fmt.Sprintf("%s:%d (GTID %s)", p.File, p.Offset, p.GTID)
}

// firstOffset is where the events of a file begin.
const firstOffset = 4

// FileNumber is the number at the end of a file's name.
func FileNumber(name string) (uint32, error) {
	at := strings.LastIndexByte(name, '.')
	n, err := strconv.ParseUint(name[at+1:], 10, 32)
	if at < 0 || err != nil {
		return 0, fmt.Errorf("binlog file %q has no number at the end of its name", name)
	}
	return uint32(n), nil
}

// place follows where in its file an event is. The header has 32 bits for it, and a file of a large transaction has more.
type place struct {
	file   string
	number uint32
	// start and end are those of the event that was read last.
	start, end uint64
}

// rotate goes on in another file.
func (p *place) rotate(file string, offset uint64) error {
	n, err := FileNumber(file)
	if err != nil {
		return err
	}
	*p = place{file: file, number: n, start: offset, end: offset}
	return nil
}

// advance takes the end of an event, modulo 2^32, and its size.
func (p *place) advance(end, size uint32) {
	full := p.end&^math.MaxUint32 | uint64(end)
	if full < p.end {
		full += 1 << 32
	}
	p.end = full
	p.start = full - min(full, uint64(size))
}
