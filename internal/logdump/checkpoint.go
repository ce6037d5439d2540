package logdump

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
)

// The small text files.
//
//	leader-epoch-checkpoint    partition.metadata                   meta.properties
//	0          version         version: 0                           cluster.id=...
//	2          count           topic_id: AAAAAAAAAAAAAAAAAAAAAA     node.id=1
//	0 0        epoch, start                                         ...
//	5 1200

// epochStart is a line of leader-epoch-checkpoint: the first offset of an epoch.
type epochStart struct {
	epoch record.LeaderEpoch
	start record.Offset
}

// parseEpochs returns the entries as far as they can be read.
func parseEpochs(b []byte) ([]epochStart, error) {
	lines := strings.Split(strings.TrimSuffix(string(b), "\n"), "\n")
	if lines[0] != "0" || len(lines) < 2 {
		return nil, fmt.Errorf("the first line of the leader epochs is %.20q; it must be version 0", lines[0])
	}
	var entries []epochStart
	for i, line := range lines[2:] {
		epoch, start, ok := strings.Cut(line, " ")
		e, err1 := strconv.ParseInt(epoch, 10, 32)
		o, err2 := strconv.ParseInt(start, 10, 64)
		if !ok || err1 != nil || err2 != nil || e < 0 || o < 0 {
			return entries, fmt.Errorf("line %d of the leader epochs is %.40q; it must be an epoch and an offset", i+3, line)
		}
		if n := len(entries); n > 0 && (int64(entries[n-1].epoch) >= e || int64(entries[n-1].start) >= o) {
			return entries, fmt.Errorf("line %d of the leader epochs, %q, is not above the line before", i+3, line)
		}
		entries = append(entries, epochStart{record.LeaderEpoch(e), record.Offset(o)})
	}
	if count, err := strconv.Atoi(lines[1]); err != nil || count != len(entries) {
		return entries, fmt.Errorf("the leader epochs state %.20q entries and have %d", lines[1], len(entries))
	}
	return entries, nil
}

func epochRows(b []byte) ([]row, error) {
	entries, err := parseEpochs(b)
	var rows []row
	for _, e := range entries {
		r := row{kind: "epoch"}
		r.add("leaderEpoch", int32(e.epoch))
		r.add("startOffset", int64(e.start))
		rows = append(rows, r)
	}
	return rows, err
}

// parseTopicID reads partition.metadata.
func parseTopicID(b []byte) (protocol.UUID, error) {
	for line := range strings.Lines(string(b)) {
		if id, ok := strings.CutPrefix(strings.TrimSpace(line), "topic_id:"); ok {
			return protocol.ParseUUID(strings.TrimSpace(id))
		}
	}
	return protocol.UUID{}, fmt.Errorf("no line with topic_id")
}

// propertyRows shows each line of a file of names and values.
func propertyRows(b []byte) []row {
	r := row{kind: "properties"}
	for line := range strings.Lines(string(b)) {
		line = strings.TrimSpace(line)
		at := strings.IndexAny(line, "=:")
		if at < 1 || strings.HasPrefix(line, "#") {
			continue
		}
		r.add(strings.TrimSpace(line[:at]), strings.TrimSpace(line[at+1:]))
	}
	return []row{r}
}
